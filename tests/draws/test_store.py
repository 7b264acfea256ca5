"""A run on disk: the same draws, none lost, and it goes on as the same chain."""

import errno
import os
import warnings
from functools import cache

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
import xarray as xr
from declared import rows
from interrupted import stop_at

import bayesgmm as bg
from bayesgmm.draws.store import Store
from bayesgmm.runtime import files
from bayesgmm.sampling import record, resumption
from bayesgmm.sampling.segments import Segment

SETTINGS = {"draws": 60, "tune": 40, "chains": 3, "random_seed": 1, "progress": False}


@cache
def start():
    return bg.fit_map(bg.GaussianMixture(2), rows(), n_starts=2, random_seed=1, progress=False)


def sampled(**options):
    return bg.sample(bg.GaussianMixture(2), rows(), start=start(), **(SETTINGS | options))


@pytest.fixture(scope="module")
def whole():
    """A run that wrote nothing."""
    return sampled(save_warmup=True)


@pytest.fixture
def interrupted(tmp_path, monkeypatch):
    """A run in which one chain was done, one under way, and one still tuned."""
    path = tmp_path / "run.zarr"
    with monkeypatch.context() as patch:
        stop_at(patch, [60, 25, -10])
        with pytest.warns(UserWarning, match=r"bg\.resume.* goes on"):
            sampled(save_warmup=True, store=path)
    return path


def without_time(tree):
    tree = tree.copy()
    del tree.attrs["wall_time"]
    return tree


def test_a_run_that_is_written_is_the_run_that_is_not(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(record, "EVERY", 0.01)
    path = tmp_path / "new" / "run.zarr"
    post = sampled(save_warmup=True, store=path)
    xr.testing.assert_identical(without_time(post), without_time(whole))
    xr.testing.assert_identical(bg.load(path), post)
    xr.testing.assert_identical(bg.resume(path), post)
    assert [p.name for p in path.parent.iterdir()] == ["run.zarr"]


def test_what_is_written_before_the_end_is_what_was_drawn_by_then(whole, interrupted):
    tree = xr.open_datatree(interrupted, engine="zarr", consolidated=False)
    lp = tree["sample_stats"]["lp"].values
    np.testing.assert_array_equal(np.isfinite(lp).sum(axis=1), [60, 25, 0])
    for group in ("posterior", "sample_stats"):
        for chain, n in ((0, 60), (1, 25)):
            written = tree[group].to_dataset().isel(chain=chain, draw=slice(n))
            assert written.identical(whole[group].to_dataset().isel(chain=chain, draw=slice(n)))
    post = bg.load(interrupted)
    assert dict(post["posterior"].sizes)["draw"] == 60
    np.testing.assert_array_equal(post["posterior"]["chain"], [0])
    assert post.attrs["interrupted"] == 1


def test_a_resumed_run_keeps_every_draw_and_draws_the_rest(whole, interrupted):
    seconds = bg.load(interrupted).attrs["wall_time"]
    post = bg.resume(interrupted, progress=False)
    assert post["posterior"].sizes == whole["posterior"].sizes
    for group in ("posterior", "sample_stats"):
        for chain, n in ((0, 60), (1, 25)):
            kept = post[group].to_dataset().isel(chain=chain, draw=slice(n))
            assert kept.identical(whole[group].to_dataset().isel(chain=chain, draw=slice(n)))
    for name in ("observed_data", "constant_data", "map"):
        assert post[name].identical(whole[name])
    for values in post["posterior"].data_vars.values():
        assert np.isfinite(values).all()
        assert len(np.unique(values.values[1:].reshape(2 * 60, -1), axis=0)) > 100
    warm = post["warmup_posterior"]["means"].values
    np.testing.assert_array_equal(warm[:2], whole["warmup_posterior"]["means"].values[:2])
    assert np.isfinite(warm[2]).all()
    assert post.attrs["interrupted"] == 0
    assert post.attrs["wall_time"] > seconds
    xr.testing.assert_identical(bg.load(interrupted), post)


def test_a_run_that_was_killed_after_its_last_draw_is_whole(whole, tmp_path, monkeypatch):
    path = tmp_path / "run.zarr"
    with monkeypatch.context() as patch:
        patch.setattr(Store, "write_attrs", lambda store, attrs: None)
        sampled(save_warmup=True, store=path)
    for post in (bg.load(path), bg.resume(path)):
        assert post.attrs["wall_time"] > 0
        xr.testing.assert_identical(without_time(post), without_time(whole))


def test_a_chain_goes_on_from_its_last_draw_and_one_that_had_none_begins_anew(
    interrupted, monkeypatch
):
    begun = {}

    def noted(self):
        begun[self.chains[0]] = self
        return begin(self)

    begin = Segment.begin
    monkeypatch.setattr(Segment, "begin", noted)
    post = bg.resume(interrupted, progress=False)
    assert set(begun) == {1, 2}
    assert (begun[1].settings["draws"], begun[1].settings["tune"]) == (35, 40)
    assert (begun[2].settings["draws"], begun[2].settings["tune"]) == (60, 40)
    assert begun[1].settings["seed"] != begun[2].settings["seed"]
    # The start, whitened, as the last draw's parameters.
    run = resumption._mixture_run(post, None)
    start = begun[1].compiled.initial_point_func(7)
    drawn = run.variables({"y": start[None]})
    for name, values in drawn.items():
        np.testing.assert_allclose(values[0], post["posterior"][name].values[1, 24], rtol=1e-9)
    assert (
        begun[2].compiled.initial_point_func(7) != begun[2].compiled.initial_point_func(8)
    ).all()


def test_a_run_may_be_cut_short_any_number_of_times(whole, interrupted, monkeypatch):
    before = [60, 25, 0]
    for draws in ([7], [40], [11]):
        with monkeypatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stop_at(patch, draws)
            bg.resume(interrupted, cores=1, progress=False)
        tree = xr.open_datatree(interrupted, engine="zarr", consolidated=False)
        now = np.isfinite(tree["sample_stats"]["lp"].values).sum(axis=1)
        assert (now >= before).all()
        assert now.sum() > sum(before)
        before = now
    post = bg.resume(interrupted, progress=False)
    assert post.attrs["interrupted"] == 0
    means = post["posterior"]["means"].values
    np.testing.assert_array_equal(means[1, :25], whole["posterior"]["means"].values[1, :25])


def test_a_model_is_for_runs_of_models(interrupted):
    with pytest.raises(ValueError, match="model must be left out"):
        bg.resume(interrupted, model=3)


def model_of(mean):
    with pm.Model() as model:
        weights = pm.Dirichlet("weights", [2.0, 2.0])
        means = pm.Normal("means", mean, 1, shape=(2, 1))
        variances = pm.InverseGamma("variances", 3, 2, shape=2)
        x = np.linspace(-1, 1, 40)[:, None]
        bg.MarginalMixture("x", weights, means, sigma=pt.sqrt(variances), observed=x)
    return model


def test_a_run_of_a_model_goes_on_with_that_model_alone(tmp_path, monkeypatch):
    path = tmp_path / "run.zarr"
    settings = {"draws": 30, "tune": 30, "chains": 2, "cores": 1, "random_seed": 1}
    with monkeypatch.context() as patch, warnings.catch_warnings(action="ignore"):
        stop_at(patch, [20, 5])
        before = bg.sample(model_of(0.0), store=path, progress=False, **settings)
    with pytest.raises(ValueError, match="its log density at a stored draw is"):
        bg.resume(path, model_of(30.0), progress=False)
    post = bg.resume(path, model_of(0.0), progress=False)
    assert post["posterior"].sizes["draw"] == 30
    for name, values in before["posterior"].data_vars.items():
        kept = post["posterior"][name].isel(chain=[0], draw=slice(20))
        np.testing.assert_array_equal(kept.values, values.values[:1, :20])


def test_what_is_no_run_is_not_gone_on_with(whole, tmp_path):
    saved, empty = tmp_path / "saved.zarr", tmp_path / "empty.zarr"
    bg.save(whole, saved)
    empty.mkdir()
    for path, words in ((saved, "holds no run to go on with"), (empty, "no run can be read")):
        with pytest.raises(ValueError, match=words):
            bg.resume(path)


def test_a_store_that_holds_a_run_is_not_overwritten(interrupted):
    with pytest.raises(ValueError, match=r"store .*run\.zarr' holds a run.*bg\.resume"):
        sampled(store=interrupted)


def test_a_store_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no run at .*none\.zarr"):
        bg.resume(tmp_path / "none.zarr")


def test_a_store_that_cannot_be_written_to_is_refused_before_anything_is_computed(
    tmp_path, monkeypatch
):
    (tmp_path / "file").touch()
    monkeypatch.setattr("bayesgmm.sampling.nuts.training_data", None)
    with pytest.raises(OSError, match=r"cannot write to .*run\.zarr"):
        sampled(store=tmp_path / "file" / "run.zarr")


def test_two_processes_do_not_write_to_one_store(interrupted):
    lock = interrupted.with_name(".run.zarr.lock")
    with files.claimed(interrupted, lock):
        with pytest.raises(OSError, match="is being written to"):
            bg.resume(interrupted)
        with pytest.raises(OSError, match="is being written to"):
            sampled(store=interrupted)


def test_rows_of_a_file_that_has_changed_are_refused(tmp_path, monkeypatch):
    table, path = tmp_path / "rows.csv", tmp_path / "run.zarr"
    np.savetxt(table, rows(), delimiter=",", header="a,b,c", comments="")
    stop_at(monkeypatch, [60, 25, 3])
    with pytest.warns(UserWarning, match="interrupted"):
        bg.sample(bg.GaussianMixture(2), table, store=path, start=start(), **SETTINGS)
    monkeypatch.undo()
    text = table.read_text()
    table.write_text(text.replace("1", "2", 1))
    with pytest.raises(ValueError, match=r"rows\.csv has changed since the run began"):
        bg.resume(path)
    table.unlink()  # the store holds the rows
    assert bg.resume(path, progress=False).attrs["interrupted"] == 0


def test_a_full_disk_is_told_and_takes_no_draw(whole, tmp_path, monkeypatch):
    """Writing fails for a while: draws are in memory, and written when there is room again."""
    monkeypatch.setattr(record, "EVERY", 0.01)
    path, sync, calls = tmp_path / "run.zarr", os.fsync, []

    def full(descriptor):
        if (path / "zarr.json").exists():
            calls.append(descriptor)
            if len(calls) < 2:
                raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(record, "PATIENCE", 0)
    with pytest.warns(UserWarning, match="No space left.*kept in memory") as caught:
        post = sampled(save_warmup=True, store=path)
    assert len(caught) == 1
    xr.testing.assert_identical(without_time(post), without_time(whole))
    xr.testing.assert_identical(bg.load(path), post)


def test_every_file_of_a_store_is_written_whole_and_synced(tmp_path, monkeypatch):
    written = set()

    def noted(path, content, part):
        assert part.parent == tmp_path
        written.add(path)
        return write(path, content, part)

    write = files.write
    monkeypatch.setattr(files, "write", noted)
    path = tmp_path / "run.zarr"
    sampled(store=path, draws=5, tune=5)
    part = tmp_path / "run.zarr.part"
    there = {p for p in path.rglob("*") if p.is_file()}
    assert there == {path / p.relative_to(part if part in p.parents else path) for p in written}
