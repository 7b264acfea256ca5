"""The benchmark: how it times, what it records, that its peers compute what we do, its page."""

import json
from contextlib import ExitStack
from dataclasses import fields

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.likelihood.passes import responsibilities
from bayesgmm.likelihood.target import Target, unconstrain
from benchmarks import clustering, em, gradient, limit, measure, page
from benchmarks.measure import Row, Seconds, interleaved
from benchmarks.peers import PeerDensity, clusterings, mclust, scikit_learn, stan_mixture
from benchmarks.simulate import mixture_rows, posterior_of


@pytest.fixture
def at_once(monkeypatch):
    """One call is a repetition, and nothing is waited for."""
    monkeypatch.setattr(measure, "PAUSE", 0.0)
    monkeypatch.setattr(measure, "SHORTEST", 0.0)


def test_sides_take_turns_and_every_repetition_is_kept(at_once):
    calls = []
    sides = {name: lambda name=name: calls.append(name) for name in ("theirs", "ours", "limit")}
    seconds = interleaved(sides, repetitions=7)
    assert calls == 8 * ["theirs", "ours", "limit"]
    assert list(seconds) == ["theirs", "ours", "limit"]
    assert {len(kept) for kept in seconds.values()} == {7}


def test_short_calls_are_repeated_until_they_can_be_timed(monkeypatch):
    monkeypatch.setattr(measure, "PAUSE", 0.0)
    calls = []
    [took] = interleaved({"ours": lambda: calls.append(1)}, repetitions=1)["ours"]
    assert len(calls) > 100
    assert took < measure.SHORTEST / 100


def test_a_side_may_time_itself(at_once):
    answers = iter([9.0, 3.0, 4.0])
    seconds = interleaved({"theirs": lambda: Seconds(next(answers))}, repetitions=2)
    assert seconds == {"theirs": [3.0, 4.0]}


@pytest.mark.parametrize(
    ("target", "figure", "met"),
    [
        ("≥ 20", 20.0, True),
        ("≥ 20", 19.9, False),
        ("≤ 1.3", 1.3, True),
        ("≤ 1.3", 1.31, False),
        ("< 1.01", 1.01, False),
        ("< 1.01", 1.009, True),
        ("1.0 ± 0.05", 1.04, True),
        ("1.0 ± 0.05", 0.94, False),
        ("", 3.0, None),
    ],
)
def test_a_figure_meets_its_target_or_misses_it(target, figure, met):
    assert Row("row", "what", target, value=figure).met is met


def test_the_figure_is_the_ratio_of_the_medians():
    row = Row("row", "what", "≥ 4", seconds={"theirs": [9.0, 8.0, 100.0], "ours": [2.0, 1.0, 3.0]})
    assert row.figure == 4.5
    assert row.met


def test_a_skipped_row_has_neither_figure_nor_verdict():
    row = Row("row", "what", "≥ 4", seconds={"theirs": [], "ours": [1.0]}, skipped="not installed")
    assert row.figure is None
    assert row.met is None


def test_a_row_without_anything_to_report_is_an_error():
    with pytest.raises(ValueError, match="two sides"):
        Row("row", "what", seconds={"ours": [1.0]})
    with pytest.raises(ValueError, match="target"):
        Row("row", "what", "20 times", value=1.0)


@pytest.mark.parametrize("d", [1, 2, 5, 10])
def test_the_quadratic_features_are_one_the_features_and_their_products(d):
    x = [f"x{i}" for i in range(d)]
    assert limit.n_quadratic(d) == len({"1", *x, *(a + b for a in x for b in x if a <= b)})


def test_the_limit_does_every_row():
    for n in (1, limit.BLOCK, 3 * limit.BLOCK + 5):
        assert limit.products_and_exponentials(n, 2, 3) == n


def tiny(n=60, d=2, k=3):
    x, start = mixture_rows(n, d, k)
    prior = bg.GaussianMixture(k, prior=bg.FraleyRaftery()).resolved_prior(x)
    return x, start, prior, Target.of("full", k, x, np.ones(n), prior)


def test_simulated_rows_are_of_the_mixture():
    x, mixture = mixture_rows(50_000, 2, 3)
    assert x.shape == (50_000, 2)
    np.testing.assert_allclose(x.mean(axis=0), mixture.weights @ mixture.means, atol=0.05)
    scatter = mixture.covariances + mixture.means[:, :, None] * mixture.means[:, None, :]
    np.testing.assert_allclose(
        x.T @ x / len(x), np.einsum("k,kij->ij", mixture.weights, scatter), atol=0.1
    )


def test_simulated_draws_lie_about_the_mixture_in_any_order():
    x, mixture = mixture_rows(5000, 3, 3)
    post = posterior_of(x, mixture, 400)
    relabelled = bg.relabel(post, progress=False)
    assert len(np.unique(relabelled["clustering"]["permutation"].values.reshape(-1, 3), axis=0)) > 1
    for name in ("weights", "means", "covariances"):
        mean = relabelled["posterior"][name].mean(("chain", "draw"))
        np.testing.assert_allclose(mean, getattr(mixture, name), atol=0.05)


SMALL = ((8, 30), (8, 300), (8, 30), (8, 40))
"""Draws and rows of the benchmarks of clusterings."""


def test_clusterings_are_measured_without_r(at_once, monkeypatch):
    monkeypatch.setattr(clusterings, "versions", list)
    rows = {row.name: row for row in clustering.rows("quick", *SMALL)}
    missing = {name for name, row in rows.items() if row.skipped}
    assert missing == {"relabel_stephens", "partition_vi", "partition_vi_loss"}
    for name in rows.keys() - missing:
        assert rows[name].figure > 0


@pytest.mark.skipif(not clusterings.versions(), reason=clusterings.MISSING)
def test_clusterings_of_r_are_no_better(at_once):
    rows = {row.name: row for row in clustering.rows("quick", *SMALL)}
    assert not any(row.skipped for row in rows.values())
    nats = rows["relabel_stephens"].extra["nats"]
    assert nats["bayesgmm"] == pytest.approx(nats["label.switching"], rel=0.1)
    bits = rows["partition_vi_loss"].extra["bits"]
    assert bits["bayesgmm"] <= bits["salso"] + 1e-9


def test_an_iteration_of_scikit_learn_is_ours():
    x, start, *_ = tiny(500)
    em.same(em.em_iteration(x, start)[1], scikit_learn.em_iteration(x, start)())


@pytest.mark.skipif(not mclust.versions(), reason=mclust.MISSING)
def test_an_iteration_of_mclust_is_ours():
    x, start, *_ = tiny(500)
    z = responsibilities(x, start.log_weights, start.means, start.factor)
    with mclust.worker() as r:
        iteration, parameters = mclust.em_iteration(r, x, z)
        em.same(em.em_iteration(x, start)[1], parameters())
        assert isinstance(iteration(), Seconds)


def test_another_iteration_would_be_noticed():
    x, start, *_ = tiny(500)
    weights, means, covariances = scikit_learn.em_iteration(x, start)()
    with pytest.raises(AssertionError):
        em.same(em.em_iteration(x, start)[1], (weights, means, covariances + 1e-6))


def test_density_of_numpyro_is_ours():
    pytest.importorskip("numpyro")
    x, start, prior, target = tiny()
    with ExitStack() as processes:
        density = gradient.peer_density("NumPyro", x, prior, processes)
        gradient.check(density, target, start)


@pytest.mark.slow
@pytest.mark.skipif(not stan_mixture.PYTHON.exists(), reason=stan_mixture.MISSING)
def test_density_of_stan_is_ours():
    x, start, prior, target = tiny()
    with ExitStack() as processes:
        density = gradient.peer_density("Stan", x, prior, processes)
        gradient.check(density, target, start)
        assert density.at(start)() > 0


@pytest.mark.parametrize(("stretch", "slope"), [(1 + 1e-4, 0.0), (1.0, 1e-3)])
def test_another_density_would_be_noticed(stretch, slope):
    _, start, _, target = tiny()

    def in_our_coordinates(parameters):
        value, gradient = target(unconstrain(parameters))
        return value * stretch + 17.0, gradient + slope

    density = PeerDensity(lambda parameters: None, in_our_coordinates)
    with pytest.raises(AssertionError):
        gradient.check(density, target, start)


def test_the_readme_is_of_the_committed_results():
    readme = page.README.read_text("utf-8")
    results = json.loads(page.RESULTS.read_text("utf-8"))
    assert page.replaced(readme, page.section(results)) == readme
    assert page.FIGURE.stat().st_size > 10_000


def test_the_committed_figures_follow_from_their_repetitions():
    rows = json.loads(page.RESULTS.read_text("utf-8"))["rows"]
    names = {field.name for field in fields(Row)}
    for entry in rows.values():
        row = Row(**{name: entry[name] for name in names})
        assert (row.figure, row.met) == (entry["figure"], entry["met"])
