"""Ctrl-C: what was drawn is kept, rectangular, and the tree says so."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from interrupted import stop_at

import bayesgmm as bg
from bayesgmm.draws import write
from bayesgmm.sampling import nuts

no_windows = pytest.mark.skipif(sys.platform == "win32", reason="SIGINT ends the process there")
SHORT = {"draws": 20, "tune": 20, "chains": 3, "random_seed": 1, "progress": False}


def ragged(lengths, n_draws=10, n_warmup=5):
    """The tree of a run: NaN where a chain has not come so far."""
    n_chains = len(lengths)
    filled = np.arange(n_draws) < np.asarray(lengths)[:, None]
    number = 100.0 * np.arange(n_chains)[:, None] + np.arange(n_draws)
    values = np.where(filled, number, np.nan)
    axes = {"chain": np.arange(n_chains), "draw": np.arange(n_draws)}
    warm = xr.Dataset({"y": (("chain", "draw"), np.zeros((n_chains, n_warmup)))})
    drawn = xr.Dataset({"y": (("chain", "draw"), values)}, coords=axes)
    return xr.DataTree.from_dict(
        {
            "posterior": drawn,
            "sample_stats": drawn.rename(y="lp"),
            "warmup_posterior": warm,
            "observed_data": xr.Dataset({"x": ("obs", np.zeros(4))}),
            "run": xr.Dataset({"wall_time": 1.0}),
        }
    )


@pytest.mark.parametrize(
    ("lengths", "chains", "length"),
    [
        ([10, 10, 10, 10], [0, 1, 2, 3], 10),
        ([10, 7, 10, 9], [0, 1, 2, 3], 7),  # trimmed to the shortest
        ([10, 0, 10, 10], [0, 2, 3], 10),  # an empty chain is dropped
        ([10, 1, 10, 0], [0, 2], 10),  # rather one chain less than nine draws
        ([0, 0, 3, 0], [2], 3),
        ([6, 6, 6, 6], [0, 1, 2, 3], 6),
    ],
)
def test_ragged_chains_become_the_largest_rectangle(lengths, chains, length):
    kept = write.kept(ragged(lengths))
    expected = 100.0 * np.array(chains)[:, None] + np.arange(length)
    for group, name in (("posterior", "y"), ("sample_stats", "lp")):
        np.testing.assert_array_equal(kept[group][name], expected)
        np.testing.assert_array_equal(kept[group]["chain"], chains)
    assert kept["warmup_posterior"]["y"].shape == (len(chains), 5)
    assert kept["observed_data"]["x"].shape == (4,)
    assert "run" not in kept


def test_no_rectangle_holds_more_draws():
    """Against every choice of chains and length."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        lengths = rng.integers(0, 12, size=rng.integers(1, 6))
        chains, length = write._longest_rectangle(lengths)
        assert (lengths[chains] >= length).all()
        most = max((lengths >= m).sum() * m for m in range(13))
        assert len(chains) * length == most


def test_nothing_drawn_is_an_interrupt(monkeypatch):
    stop_at(monkeypatch, [0, -3, -20])
    with pytest.raises(KeyboardInterrupt, match="before the first draw"):
        bg.sample(bg.GaussianMixture(2), np.arange(30.0), **SHORT)


@pytest.mark.parametrize("collapsed", [False, True])
def test_an_interrupted_search_for_the_mode_is_an_interrupt(monkeypatch, collapsed):
    """So is one of the two searches where the first finds collapsed modes only."""
    searches = []

    def interrupted(mixture, rows, **settings):
        mode = bg.fit_map(mixture, rows, n_starts=1, **settings)
        searches.append(mixture)
        if collapsed and len(searches) == 1:
            return replace(mode, collapsed=True)
        return replace(mode, interrupted=True)

    monkeypatch.setattr(nuts, "fit_map", interrupted)
    x = np.random.default_rng(0).normal(size=(30, 2))
    with pytest.raises(KeyboardInterrupt, match="search for the mode"):
        bg.sample(bg.GaussianMixture(2), x, random_seed=1, progress=False)
    assert len(searches) == 1 + collapsed


@no_windows
def test_ctrl_c_in_the_search_for_the_mode_ends_the_call(monkeypatch):
    def for_ever(mixture, rows, **settings):
        return bg.fit_map(mixture, rows, tol=1e-300, max_iter=10**9, **settings)

    monkeypatch.setattr(nuts, "fit_map", for_ever)
    x = np.random.default_rng(0).normal(size=(300, 2))
    timer = threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt, match="search for the mode"):
        bg.sample(bg.GaussianMixture(3), x, random_seed=1, progress=False)
    timer.join()


def test_the_best_point_of_an_interrupted_search_can_be_sampled(monkeypatch):
    x = np.random.default_rng(0).normal(size=(30, 2))
    mixture = bg.GaussianMixture(2)
    start = replace(bg.fit_map(mixture, x, n_starts=1, progress=False), interrupted=True)
    post = bg.sample(mixture, x, start=start, draws=5, tune=5, chains=1, progress=False)
    assert post["posterior"].sizes["draw"] == 5


@pytest.mark.filterwarnings("ignore:Verdict")
@pytest.mark.filterwarnings("ignore:Labels are ambiguous")
@pytest.mark.filterwarnings("ignore:Verdict|Labels are ambiguous")
def test_an_interrupted_run_is_a_tree_like_any_other(monkeypatch):
    """Coordinates of the kept chains, attributes, and all that is computed from a tree."""
    x = np.random.default_rng(0).normal(size=(30, 2))
    whole = bg.sample(bg.GaussianMixture(2), x, **SHORT)
    stop_at(monkeypatch, [12, -4, 20])
    with pytest.warns(UserWarning, match="kept 2 of 3 chains with 12 of 20 draws"):
        post = bg.sample(bg.GaussianMixture(2), x, **SHORT)
    assert post["posterior"]["means"].shape == (2, 12, 2, 2)
    for group in ("posterior", "sample_stats"):
        expected = whole[group].to_dataset().isel(chain=[0, 2], draw=slice(12))
        assert post[group].to_dataset().identical(expected)
    assert post.attrs["interrupted"] == 1
    assert post.attrs["n_chains_requested"] == 3
    assert {"weights[0]", "weights[1]"} <= set(bg.summary(post).index)


PROGRAM = """
import json, sys, warnings
import numpy as np
import bayesgmm as bg

rng = np.random.default_rng(0)
x = rng.normal(size=(20_000, 4))
x[:10_000] += 4
mixture = bg.GaussianMixture(3)
start = bg.fit_map(mixture, x, n_starts=1, max_iter=20, random_seed=1, progress=False)
print("started", flush=True)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    post = bg.sample(
        mixture, x, start=start, draws=100_000, tune=10, chains=2, random_seed=1, progress=False
    )
bg.save(post, sys.argv[1])
print(json.dumps([str(w.message) for w in caught]), flush=True)
"""


@pytest.mark.slow
@no_windows
def test_ctrl_c_keeps_what_was_drawn(tmp_path):
    """A job of hours, interrupted after some seconds."""
    path = tmp_path / "posterior.nc"
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "started\n"
        time.sleep(20)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "Sampling was interrupted" in out
    post = bg.load(path)
    n_draws = post["posterior"].sizes["draw"]
    assert 0 < n_draws < 100_000
    assert post.attrs["interrupted"] == 1
    for group in ("posterior", "sample_stats"):
        for values in post[group].data_vars.values():
            assert values.sizes["draw"] == n_draws
            assert np.isfinite(values.astype(float)).all()
    with warnings.catch_warnings(action="ignore"):  # what so few draws deserve
        table = bg.summary(post.isel(draw=slice(0, 4)))
    assert table.index.str.startswith("means").sum() == 3 * 4
