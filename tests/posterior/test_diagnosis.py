"""The verdict: a planted mode is called, slow chains are, and labels play no part in either."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import SHARED, STRUCTURES, log_likelihood
from trees import draws_about, jittered, responsibilities, scrambled, tree_of

import bayesgmm as bg
from bayesgmm.draws.read import Reading
from bayesgmm.posterior import label_free as label_free_module
from bayesgmm.posterior.advice import (
    AMBIGUOUS,
    CONVERGED,
    DIFFERENT_MODES,
    ESS_PER_CHAIN,
    NOT_CONVERGED,
    PUT_BACK,
    RHAT_LIMIT,
    STABLE,
    TOO_FEW,
    poor,
)
from bayesgmm.posterior.agreement import _effective, _noise_limit, mixing
from bayesgmm.posterior.label_free import functionals

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


def diagnosed(draws, x, n_chains=4, **options):
    return bg.diagnose(tree_of(draws, x, n_chains=n_chains, **options), progress=False)


def walked(n_draws, memory, width, seed=0):
    """Rows, four chains that walk about a mixture with so much memory, and its centre."""
    x, _, centre = draws_about("full", seed=seed)
    rng = np.random.default_rng([seed, 1])
    at = rng.normal(size=(4, n_draws))
    for t in range(1, n_draws):
        at[:, t] = memory * at[:, t - 1] + np.sqrt(1 - memory**2) * at[:, t]
    draws = [replace(centre, means=centre.means * (1 + width * a)) for a in at.ravel()]
    return x, [jittered(p, rng, 0.02) for p in draws], centre


@every_structure
def test_chains_that_agree_have_converged(covariance):
    x, draws, centre = draws_about(covariance, n_draws=4000, width=0.1)
    found = diagnosed(draws, x, mode=centre)
    assert (found.verdict, found.labels) == (CONVERGED, STABLE)
    assert found.converged
    assert found.enough
    assert (found.chains["group"] == 0).all()
    assert (found.chains["moved"] == 0).all()


@every_structure
@pytest.mark.parametrize("chains", [{1}, {2, 3}])
def test_swapped_chains_have_converged_and_their_labels_are_put_back(covariance, chains):
    x, draws, centre = draws_about(covariance, n_draws=4000, width=0.1)
    found = diagnosed(swapped(draws, 4, chains), x, mode=centre)
    assert (found.verdict, found.labels) == (CONVERGED, PUT_BACK)
    assert sorted(found.chains["moved"]) == [0.0] * (4 - len(chains)) + [1.0] * len(chains)


@pytest.mark.parametrize("seed", range(6))
def test_labels_play_no_part_in_the_verdict(seed):
    """Short or long, one chain or many, with a mode and without, overlapping or not."""
    rng = np.random.default_rng(seed)
    n_chains, n_draws = [(1, 80), (2, 40), (4, 12), (4, 100), (8, 30), (3, 50)][seed]
    width = [0.05, 0.1, 0.2, 0.3, 0.5, 0.8][seed]
    x, draws, centre = draws_about(n_draws=n_chains * n_draws, width=width, seed=seed,
                                   covariance=STRUCTURES[seed % 4])  # fmt: skip
    mixed, _ = scrambled(draws, rng)
    for mode in (centre, None):
        straight, found = (diagnosed(d, x, n_chains, mode=mode) for d in (draws, mixed))
        assert found.verdict == straight.verdict != DIFFERENT_MODES
        assert found.functionals.equals(straight.functionals)
        assert found.labels != STABLE


@pytest.mark.parametrize("memory", [0.5, 0.98, 0.995])
def test_slow_chains_are_never_called_converged_whatever_their_labels_do(memory):
    x, draws, centre = walked(500, memory, 0.1)
    for sample in (draws, swapped(draws, 4, {1})):
        found = diagnosed(sample, x, mode=centre)
        sizes = found.functionals[["ess_bulk", "ess_tail"]].min(axis=None)
        if found.functionals["r_hat"].max() >= 1.01 or sizes < 400:
            assert found.verdict in (NOT_CONVERGED, DIFFERENT_MODES)
            assert not found.enough
        else:
            assert found.converged
    assert found.converged == (memory < 0.9)


@pytest.mark.filterwarnings("ignore:Labels are ambiguous")
def test_real_runs_that_mix_slowly_are_called_so(galaxies):
    """Their labels move, which is harmless; that their chains hardly mix is not."""
    for seed in (1, 3):
        post = bg.sample(bg.GaussianMixture(4), galaxies, random_seed=seed, progress=False)
        found = bg.diagnose(post, progress=False)
        assert found.functionals[["ess_bulk", "ess_tail"]].min(axis=None) < 400
        assert found.verdict == NOT_CONVERGED
        with pytest.warns(UserWarning, match="Verdict: not converged"):
            bg.summary(post, progress=False)


@every_structure
def test_a_planted_mode_is_called_and_its_chains_named(covariance):
    x, draws, centre = two_modes(covariance)
    mixed, _ = scrambled(draws, np.random.default_rng(2))
    for sample in (draws, mixed, swapped(draws, 4, {0, 2})):
        found = diagnosed(sample, x, mode=centre)
        assert found.verdict == DIFFERENT_MODES
        assert list(found.chains["group"]) == [0, 0, 1, 1]
        assert "chains 0, 1 at a mean log likelihood" in found.advice
        assert not found.enough


def test_one_chain_that_changes_its_mode_half_way_is_called():
    x, draws, centre = two_modes()
    assert diagnosed(draws, x, n_chains=1, mode=centre).verdict == DIFFERENT_MODES
    assert "One chain" in diagnosed(draws[:200], x, n_chains=1, mode=centre).advice


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
    xr.testing.assert_identical(functionals(Reading.of(mixed)), functionals(Reading.of(straight)))
    assert bg.density(mixed).identical(bg.density(straight))


@every_structure
def test_label_free_quantities_are_those_of_the_draws(covariance):
    x, draws, _ = draws_about(covariance, n_draws=6)
    weight = np.random.default_rng(0).uniform(0.5, 3, len(x))
    tree = tree_of(draws, x, weight=weight)
    lp = np.random.default_rng(1).normal(size=(2, 3))
    tree["sample_stats"] = xr.Dataset({"lp": (("chain", "draw"), lp)})
    values = functionals(Reading.of(tree))
    for s, p in enumerate(draws):
        one = values.isel(chain=s // 3, draw=s % 3)
        r = responsibilities(x, p)
        assert float(one["log_likelihood"]) == pytest.approx(log_likelihood(x, p, weight))
        entropy = -(r * np.log(np.maximum(r, 1e-300))).sum(axis=1)
        assert float(one["entropy"]) == pytest.approx(np.average(entropy, weights=weight))
        np.testing.assert_array_equal(one["sorted_weights"], np.sort(p.weights)[::-1])
        size = np.linalg.slogdet(p.covariances)[1]
        extreme = [size.max()] if covariance in SHARED else [size.max(), size.min()]
        np.testing.assert_allclose(one["log_determinant"], extreme, rtol=1e-9)
        # Every point is a row.
        by_row = np.array([log_likelihood(row[None], p) for row in x])
        distance = np.abs(one["log_density"].values[:, None] - by_row)
        assert distance.min(axis=1).max() < 1e-9
        point = distance.argmin(axis=1)
        pairs = np.einsum("ik,ik->i", r[point[[0, 2, 4, 6, 8]]], r[point[[10, 12, 14, 16, 18]]])
        np.testing.assert_allclose(one["together"], pairs, rtol=1e-9)
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
    tables = [functionals(Reading.of(tree)) for tree in trees]
    for other in tables[1:]:
        for name in ("log_likelihood", "entropy", "log_density", "together"):
            np.testing.assert_allclose(tables[0][name], other[name], rtol=1e-10)


def test_divergences_energies_and_competing_modes_are_evidence():
    x, draws, centre = draws_about("full", n_draws=4000, width=0.1)
    tree = tree_of(draws, x, n_chains=4, mode=centre)
    rng = np.random.default_rng(0)
    energy = rng.normal(size=(4, 1000))
    energy[2] = np.cumsum(energy[2])  # a random walk: its E-BFMI is near 0
    diverging = np.zeros((4, 1000), dtype=bool)
    diverging[1, :3] = True
    dims = ("chain", "draw")
    tree["sample_stats"] = xr.Dataset({"energy": (dims, energy), "diverging": (dims, diverging)})
    catalogue = {"mode_log_posterior": [-5.0, -14.0, -16.0], "mode_count": [7, 2, 1]}
    tree["map"] = tree["map"].to_dataset().assign({n: ("mode", v) for n, v in catalogue.items()})
    found = bg.diagnose(tree, progress=False)
    assert found.verdict == NOT_CONVERGED
    assert found.functionals["r_hat"].max() < 1.01
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
    found = diagnosed(draws, x, mode=centre)
    assert found.enough
    assert found.advice == "The chains agree."


def test_slow_chains_that_differ_by_chance_are_not_taken_for_modes():
    """A walk of 50 draws' memory between two mixtures, in chains of 200 draws."""
    x, draws, centre = walked(200, 0.98, 0.2, seed=3)
    found = diagnosed(draws, x, mode=centre)
    assert found.functionals["r_hat"].max() > 1.1
    assert found.verdict == NOT_CONVERGED
    assert (found.chains["group"] == 0).all()


def test_one_component_has_no_labels():
    x, draws, centre = draws_about("full", k=1, n_draws=4000)
    found = diagnosed(draws, x, mode=centre)
    assert (found.verdict, found.labels) == (CONVERGED, STABLE)
    assert "log_determinant[smallest]" not in found.functionals.index


def test_text_and_page():
    x, draws, centre = two_modes(n_draws=25)
    found = diagnosed(draws, x, mode=centre)
    verdict, labels = str(found).splitlines()
    assert verdict == f"Verdict: chains sit in different modes. {found.advice}"
    assert labels == f"{found.labels.capitalize()}: {found.labels_advice}"
    html = found._repr_html_()
    assert "Verdict: chains sit in different modes." in html
    assert f"{found.labels.capitalize()}." in html
    assert html.count("<details>") == 3  # no catalogue of modes
    with pytest.raises(AttributeError):
        found.verdict = CONVERGED


@pytest.mark.parametrize("per_chain", [1, 4, 7, 8, 50])
def test_few_draws_are_too_few_to_tell(per_chain):
    x, draws, centre = draws_about("full", n_draws=4 * per_chain, width=0.1)
    found = diagnosed(draws, x, mode=centre)
    assert (found.verdict, found.labels) == (TOO_FEW, STABLE)
    assert not found.enough
    assert f"{per_chain} draws per chain" in found.advice
    assert found.functionals.empty == (per_chain < 8)
    assert "Verdict: too few" in found._repr_html_()


def test_chains_that_never_move_have_not_converged():
    x, draws, centre = draws_about("full", n_draws=4)
    assert diagnosed(draws[:1] * 800, x, mode=centre).verdict == NOT_CONVERGED
    stuck = [p for p in draws for _ in range(200)]
    assert diagnosed(stuck, x, mode=centre).verdict == DIFFERENT_MODES


def test_chains_that_each_stand_still_have_no_r_hat_and_no_warning():
    still = np.repeat([[0.0], [1.0]], 8, axis=1)
    table = mixing(xr.Dataset({"mean": (("chain", "draw"), still)}))
    assert not table["r_hat"].item() < RHAT_LIMIT


def mixing_of(r_hat=1.0, ess_bulk=1000.0, ess_tail=1000.0):
    columns = {"ess_bulk": ess_bulk, "ess_tail": ess_tail, "r_hat": r_hat}
    return pd.DataFrame(
        [dict.fromkeys(columns, 1000.0) | {"r_hat": 1.0}, columns], index=["a", "b"]
    )


def test_the_limits_are_strict_and_what_cannot_be_had_misses_them():
    assert poor(mixing_of(), 4) == []
    assert poor(mixing_of(ess_bulk=4.0 * ESS_PER_CHAIN), 4) == []
    for r_hat in (RHAT_LIMIT, 1.3, np.nan):
        (clause,) = poor(mixing_of(r_hat=r_hat), 4)
        assert clause.startswith(f"R-hat reaches {r_hat:.3f} (b)")
    for name in ("ess_bulk", "ess_tail"):
        for size in (399.0, np.nan):
            (clause,) = poor(mixing_of(**{name: size}), 4)
            assert f"falls to {size:.0f} (b)" in clause


def test_labels_that_stay_ambiguous_are_said_to_be_beside_the_verdict():
    """Two components that are one, in draws of which any number would be the same."""
    x, draws, centre = draws_about("full", k=2, n_draws=4000, width=0.1)
    one = centre.means.mean(axis=0)
    rng = np.random.default_rng(0)
    alike = replace(
        centre,
        weights=np.full(2, 0.5),
        means=np.array([one, one]),
        factor=np.array([centre.factor[0]] * 2),
    )
    found = diagnosed([jittered(alike, rng, 0.1) for _ in draws], x, mode=centre)
    assert (found.verdict, found.labels) == (CONVERGED, AMBIGUOUS)
    assert found.enough
    assert "could as well have their components in another order" in found.labels_advice


def test_many_rows_are_judged_by_some_of_them(monkeypatch):
    x, draws, centre = two_modes(n_draws=50)
    monkeypatch.setattr(label_free_module, "N_ROWS", 12)
    order = np.random.default_rng(0).permutation(len(x))
    one, two = (diagnosed(draws, rows, mode=centre) for rows in (x, x[order]))
    assert one.verdict == two.verdict == DIFFERENT_MODES
    pd.testing.assert_frame_equal(one.functionals, two.functionals)
    weighted = Reading.of(tree_of(draws, x, weight=np.full(len(x), 2.0)))
    few = label_free_module.with_few_rows(weighted)
    chosen = few.rows
    assert len(chosen) == 12
    assert len(np.unique(chosen, axis=0)) == 12
    assert {tuple(row) for row in chosen} <= {tuple(row) for row in x}
    assert few.sample_weight.sum() == 2 * len(x)
    by_all, by_few = map(functionals, (Reading.of(tree_of(draws, x)), few))
    xr.testing.assert_identical(by_all["log_determinant"], by_few["log_determinant"])


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
    assert planted.count(DIFFERENT_MODES) >= 0.95 * n_runs
    moved = [bg.diagnose(moved_run(s), progress=False) for s in range(n_runs)]
    assert not any(found.verdict == DIFFERENT_MODES for found in moved)
    assert not any(found.labels == STABLE for found in moved)
