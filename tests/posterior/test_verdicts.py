"""The verdict: a planted mode is called, labels that only moved are never called anything else."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import STRUCTURES, log_likelihood

import bayesgmm as bg
from bayesgmm.posterior.functionals import label_free
from bayesgmm.posterior.verdicts import _effective, _noise_limit

from .trees import draws_about, jittered, responsibilities, scrambled, tree_of

CONVERGED, LABELS, MODES = "converged", "only labels moved", "chains sit in different modes"
every_structure = pytest.mark.parametrize("covariance", STRUCTURES)


def two_modes(covariance="full", n_draws=100, seed=0):
    """Rows, and four chains of which the last two lie about another mixture."""
    x, draws, centre = draws_about(covariance, n_draws=4 * n_draws, width=0.1, seed=seed)
    rng = np.random.default_rng([seed, 1])
    other = replace(centre, means=centre.means + rng.normal(size=centre.means.shape))
    half = [jittered(other, rng, 0.1) for _ in range(2 * n_draws)]
    return x, draws[: 2 * n_draws] + half, centre


def swapped(draws, n_chains, chains):
    """The draws with components in another order in some chains."""
    size = len(draws) // n_chains
    return [
        p.permuted([1, 0, 2] if s // size in chains else [0, 1, 2]) for s, p in enumerate(draws)
    ]


def verdict(draws, x, n_chains=4, **options):
    return bg.diagnose(tree_of(draws, x, n_chains=n_chains, **options), progress=False)


@every_structure
def test_chains_that_agree_have_converged(covariance):
    x, draws, centre = draws_about(covariance, n_draws=400, width=0.1)
    found = verdict(draws, x, mode=centre)
    assert found.verdict == CONVERGED
    assert found.converged
    assert (found.chains["group"] == 0).all()
    assert (found.chains["moved"] == 0).all()


@every_structure
@pytest.mark.parametrize("chains", [{1}, {2, 3}])
def test_swapped_chains_are_only_labels(covariance, chains):
    x, draws, centre = draws_about(covariance, n_draws=400, width=0.1)
    found = verdict(swapped(draws, 4, chains), x, mode=centre)
    assert found.verdict == LABELS
    assert sorted(found.chains["moved"]) == [0.0] * (4 - len(chains)) + [1.0] * len(chains)


@pytest.mark.parametrize("seed", range(6))
def test_labels_that_only_moved_are_never_anything_else(seed):
    """Short or long, one chain or many, with a mode and without, overlapping or not."""
    rng = np.random.default_rng(seed)
    n_chains, n_draws = [(1, 80), (2, 40), (4, 12), (4, 100), (8, 30), (3, 50)][seed]
    width = [0.05, 0.1, 0.2, 0.3, 0.5, 0.8][seed]
    x, draws, centre = draws_about(n_draws=n_chains * n_draws, width=width, seed=seed,
                                   covariance=STRUCTURES[seed % 4])  # fmt: skip
    mixed, _ = scrambled(draws, rng)
    for mode in (centre, None):
        assert verdict(mixed, x, n_chains, mode=mode).verdict == LABELS


@every_structure
def test_a_planted_mode_is_called_and_its_chains_named(covariance):
    x, draws, centre = two_modes(covariance)
    mixed, _ = scrambled(draws, np.random.default_rng(2))
    for sample in (draws, mixed, swapped(draws, 4, {0, 2})):
        found = verdict(sample, x, mode=centre)
        assert found.verdict == MODES
        assert list(found.chains["group"]) == [0, 0, 1, 1]
        assert "chains 0, 1 at a mean log likelihood" in found.advice
        assert not found.enough


def test_one_chain_that_changes_its_mode_half_way_is_called():
    x, draws, centre = two_modes()
    assert verdict(draws, x, n_chains=1, mode=centre).verdict == MODES
    assert "One chain" in verdict(draws[:200], x, n_chains=1, mode=centre).advice


def test_the_verdict_is_the_same_after_relabelling():
    x, draws, centre = draws_about("full", n_draws=200, width=0.1)
    for sample in (draws, swapped(draws, 4, {1})):
        raw = tree_of(sample, x, n_chains=4, mode=centre)
        one, two = (bg.diagnose(t, progress=False) for t in (raw, bg.relabel(raw, progress=False)))
        assert str(one) == str(two)
        assert one.functionals.equals(two.functionals)
        assert one.parameters.equals(two.parameters)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.sampled_from(STRUCTURES), st.integers(1, 4))
def test_permutations_change_no_label_free_quantity_at_all(seed, covariance, k):
    x, draws, _ = draws_about(covariance, k=k, n_draws=8, seed=seed)
    mixed, _ = scrambled(draws, np.random.default_rng(seed))
    straight, mixed = tree_of(draws, x), tree_of(mixed, x)
    xr.testing.assert_identical(label_free(mixed), label_free(straight))
    assert bg.density(mixed).identical(bg.density(straight))


@every_structure
def test_label_free_quantities_are_those_of_the_draws(covariance):
    x, draws, _ = draws_about(covariance, n_draws=6)
    weight = np.random.default_rng(0).uniform(0.5, 3, len(x))
    tree = tree_of(draws, x, weight=weight)
    lp = np.random.default_rng(1).normal(size=(2, 3))
    tree["sample_stats"] = xr.Dataset({"lp": (("chain", "draw"), lp)})
    values = label_free(tree)
    for s, p in enumerate(draws):
        one = values.isel(chain=s // 3, draw=s % 3)
        r = responsibilities(x, p)
        assert float(one["log_likelihood"]) == pytest.approx(log_likelihood(x, p, weight))
        entropy = -(r * np.log(np.maximum(r, 1e-300))).sum(axis=1)
        assert float(one["entropy"]) == pytest.approx(np.average(entropy, weights=weight))
        np.testing.assert_array_equal(one["sorted_weights"], np.sort(p.weights)[::-1])
        # Every point is a row.
        by_row = np.array([log_likelihood(row[None], p) for row in x])
        distance = np.abs(one["log_density"].values[:, None] - by_row).min(axis=1)
        assert distance.max() < 1e-9
    np.testing.assert_array_equal(values["log_posterior"], lp)


def test_the_order_of_rows_and_copies_of_rows_change_nothing():
    x, draws, centre = two_modes(n_draws=25)
    count = np.random.default_rng(0).integers(1, 4, len(x))
    order = np.random.default_rng(1).permutation(len(x))
    trees = [
        tree_of(draws, x, weight=count.astype(float), mode=centre),
        tree_of(draws, x[order], weight=count[order].astype(float), mode=centre),
        tree_of(draws, np.repeat(x, count, axis=0), mode=centre),
    ]
    tables = [label_free(tree) for tree in trees]
    for other in tables[1:]:
        for name in ("log_likelihood", "entropy", "log_density"):
            np.testing.assert_allclose(tables[0][name], other[name], rtol=1e-10)


def test_divergences_energies_and_competing_modes_are_evidence():
    x, draws, centre = draws_about("full", n_draws=400, width=0.1)
    tree = tree_of(draws, x, n_chains=4, mode=centre)
    rng = np.random.default_rng(0)
    energy = rng.normal(size=(4, 100))
    energy[2] = np.cumsum(energy[2])  # a random walk: its E-BFMI is near 0
    diverging = np.zeros((4, 100), dtype=bool)
    diverging[1, :3] = True
    dims = ("chain", "draw")
    tree["sample_stats"] = xr.Dataset({"energy": (dims, energy), "diverging": (dims, diverging)})
    catalogue = {"mode_log_posterior": [-5.0, -14.0, -16.0], "mode_count": [7, 2, 1]}
    tree["map"] = tree["map"].to_dataset().assign({n: ("mode", v) for n, v in catalogue.items()})
    found = bg.diagnose(tree, progress=False)
    assert found.verdict == CONVERGED
    assert not found.enough
    assert list(found.chains["divergences"]) == [0, 3, 0, 0]
    assert found.chains["e_bfmi"].idxmin() == 2
    assert found.chains["e_bfmi"][2] < 0.3 < found.chains["e_bfmi"][0]
    assert list(found.modes["below_best"]) == [0, 9]
    assert list(found.modes["starts"]) == [7, 2]
    for words in ("3 transitions diverged", "E-BFMI", "2 modes within 10 nats"):
        assert words in found.advice


def test_enough_draws_are_said_to_be_enough():
    x, draws, centre = draws_about("spherical", d=1, k=2, n_draws=8000, width=0.05, n_obs=5)
    found = verdict(draws, x, mode=centre)
    assert found.enough
    assert "draw more" not in found.advice
    few = verdict(draws[:200], x, mode=centre)
    assert few.verdict == CONVERGED
    assert not few.enough


def test_slow_chains_that_differ_by_chance_are_neither():
    """A walk of 50 draws' memory between two mixtures, in chains of 100 draws."""
    x, _, centre = draws_about("full")
    rng = np.random.default_rng(3)
    at = rng.normal(size=(4, 100)) / 5
    for t in range(1, 100):
        at[:, t] += 0.98 * at[:, t - 1]
    draws = [replace(centre, means=centre.means * (1 + 0.2 * a)) for a in at.ravel()]
    found = verdict(draws, x, mode=centre)
    assert found.functionals["r_hat"].max() > 1.1
    assert found.verdict == "too few draws to tell"
    assert not found.enough


def test_one_component_has_no_labels():
    x, draws, centre = draws_about("full", k=1, n_draws=100)
    assert verdict(draws, x, mode=centre).verdict == CONVERGED


def test_text_and_page():
    x, draws, centre = two_modes(n_draws=25)
    found = verdict(draws, x, mode=centre)
    assert str(found) == f"Verdict: {MODES}. {found.advice}"
    html = found._repr_html_()
    assert f"Verdict: {MODES}." in html
    assert html.count("<details>") == 3  # no catalogue of modes
    with pytest.raises(AttributeError):
        found.verdict = CONVERGED


def test_too_few_draws_are_an_error():
    x, draws, _ = draws_about("full", n_draws=14)
    with pytest.raises(ValueError, match=r"7 draws per chain.*8 at least"):
        bg.diagnose(tree_of(draws, x), progress=False)


def test_noise_exceeds_the_limit_rarely_and_the_limit_is_not_idle():
    """The negative control: at a fixed limit noise would be called, the more the slower chains."""
    from arviz_stats.base import array_stats

    rng = np.random.default_rng(0)
    noise = rng.normal(size=(200, 4, 100))
    slow = np.empty_like(noise)  # a walk of 20 draws' memory
    slow[..., 0] = noise[..., 0]
    for t in range(1, 100):
        slow[..., t] = 0.9 * slow[..., t - 1] + np.sqrt(1 - 0.9**2) * noise[..., t]
    for table, limit, often in ((noise, 1.01, 0.05), (slow, 1.1, 0.5)):
        r_hat = array_stats.rhat(table, chain_axis=1, draw_axis=2)
        assert (r_hat > _noise_limit(_effective(table))).mean() < 0.01
        assert (r_hat > limit).mean() > often
    apart = noise + 4 * (np.arange(4) > 1)[:, None]
    assert (
        array_stats.rhat(apart, chain_axis=1, draw_axis=2) > _noise_limit(_effective(apart))
    ).all()


def sampled(rows, mode, seed, chains=2):
    return bg.sample(
        mode.declaration, rows, start=mode, draws=250, tune=250, chains=chains, cores=1,
        random_seed=seed, progress=False,
    )  # fmt: skip


def joined(one, two):
    """The chains of two runs as one run."""
    groups = {
        name: xr.concat(
            [one[name].to_dataset(), two[name].to_dataset().assign_coords(chain=[2, 3])],
            "chain", data_vars="all", join="exact",
        )
        for name in ("posterior", "sample_stats")
    }  # fmt: skip
    rest = {name: one[name].to_dataset() for name in ("observed_data", "constant_data", "map")}
    return xr.DataTree.from_dict(groups | rest)


def planted_run(seed):
    """Four clusters at the corners of a square: two chains part them one way, two the other."""
    rng = np.random.default_rng(seed)
    corner = np.repeat([[-5.0, -5.0], [-5.0, 5.0], [5.0, -5.0], [5.0, 5.0]], 40, axis=0)
    x = corner + rng.normal(size=(160, 2))
    best = bg.fit_map(bg.GaussianMixture(2), x, n_starts=20, random_seed=seed, progress=False)
    other = max(best.modes, key=lambda mode: _turned(mode.parameters.means, best.means))
    worse = replace(best, parameters=other.parameters)
    return joined(sampled(x, best, seed), sampled(x, worse, seed + 1))


def _turned(means, best):
    """Sine of the angle between the lines through two pairs of means."""
    a, b = (m[1] - m[0] for m in (means, best))
    return abs(a[0] * b[1] - a[1] * b[0]) / np.sqrt(a @ a * (b @ b))


def moved_run(seed):
    """A run whose labels were shuffled: by the chain, by the draw, or in one draw only."""
    rng = np.random.default_rng(seed)
    shift = [5.0, 3.0, 2.0][seed % 3]
    x = rng.normal(size=(150, 2)) + shift * rng.integers(0, 2, size=150)[:, None]
    mode = bg.fit_map(bg.GaussianMixture(2), x, n_starts=5, random_seed=seed, progress=False)
    tree = sampled(x, mode, seed, chains=4)
    order = np.tile(np.arange(2), (4, 250, 1))
    which = [np.s_[:2], rng.random((4, 250)) < 0.5, np.s_[1, 100]][seed % 3]
    order[which] = order[which][..., ::-1]
    order = xr.DataArray(order, dims=("chain", "draw", "component"))
    tree["posterior"] = tree["posterior"].to_dataset().drop_vars("component").isel(component=order)
    tree["posterior"] = tree["posterior"].to_dataset().assign_coords(component=[0, 1])
    return tree


@pytest.mark.parametrize("n_runs", [pytest.param(2), pytest.param(100, marks=pytest.mark.slow)])
def test_sampled_runs_are_called_what_they_are(n_runs):
    planted = [bg.diagnose(planted_run(s), progress=False).verdict for s in range(n_runs)]
    assert planted.count(MODES) >= 0.95 * n_runs
    moved = [bg.diagnose(moved_run(s), progress=False).verdict for s in range(n_runs)]
    assert moved.count(LABELS) == n_runs
