"""Rows under the posterior, against loops over draws with SciPy's densities."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from declared import log_density
from oracles import STRUCTURES, covariances
from trees import draws_about, responsibilities, scrambled, tree_of

import bayesgmm as bg
from bayesgmm.draws.read import Reading
from bayesgmm.likelihood import rows as rows_module
from bayesgmm.likelihood.rows import row_blocks

every_structure = pytest.mark.parametrize("covariance", STRUCTURES)


def relabelled(tree):
    return bg.relabel(tree, progress=False)


def densities(x, draws):
    """(S, n) log densities of the rows under every draw."""
    return np.array([log_density(x, p.weights, p.means, covariances(p)) for p in draws])


@every_structure
def test_probabilities_are_mean_responsibilities(covariance):
    x, draws, centre = draws_about(covariance, width=0.1)
    post = relabelled(tree_of(draws, x, mode=centre))
    np.testing.assert_array_equal(post["clustering"]["permutation"][..., 0], 0)
    new = np.random.default_rng(3).normal(size=(7, 2))
    for rows, actual in ((x, bg.predict_proba(post)), (new, bg.predict_proba(post, new))):
        expected = np.mean([responsibilities(rows, p) for p in draws], axis=0)
        assert actual.dims == ("obs", "component")
        np.testing.assert_allclose(actual, expected, rtol=1e-9)
        np.testing.assert_allclose(actual.sum("component"), 1, rtol=1e-12)


@every_structure
def test_density_is_the_mean_of_densities(covariance):
    x, draws, _ = draws_about(covariance)
    tree = tree_of(draws, x)
    new = np.random.default_rng(3).normal(size=(7, 2))
    for rows, actual in ((x, bg.density(tree)), (new, bg.density(tree, new))):
        expected = np.exp(densities(rows, draws)).mean(axis=0)
        assert actual.dims == ("obs",)
        np.testing.assert_allclose(actual, expected, rtol=1e-9)


def test_density_integrates_to_one():
    x, draws, _ = draws_about("full", d=1)
    grid = np.linspace(-40, 40, 20_001)
    values = bg.density(tree_of(draws, x), grid[:, None]).values
    assert np.trapezoid(values, grid) == pytest.approx(1, abs=1e-6)


@every_structure
def test_log_likelihood_is_row_wise_and_marginal(covariance):
    x, draws, _ = draws_about(covariance)
    tree = tree_of(draws, x)
    out = bg.log_likelihood(tree)
    table = out["log_likelihood"]["x"]
    assert table.dims == ("chain", "draw", "obs")
    np.testing.assert_allclose(table.values.reshape(20, 30), densities(x, draws), rtol=1e-9)
    assert "log_likelihood" not in tree.children


@every_structure
def test_covariances_are_dense_whatever_the_structure(covariance):
    x, draws, _ = draws_about(covariance)
    dense = bg.covariances(tree_of(draws, x))
    assert dense.dims == ("chain", "draw", "component", "feature", "feature_bis")
    expected = np.array([covariances(p) for p in draws]).reshape(dense.shape)
    np.testing.assert_allclose(dense, expected, rtol=1e-12)
    assert list(dense["feature"].values) == list(dense["feature_bis"].values) == ["f0", "f1"]


@every_structure
def test_assignments_are_drawn_with_the_responsibilities(covariance):
    """Frequencies over many copies of one draw, against its responsibilities."""
    x, [one], _ = draws_about(covariance, n_draws=1, n_obs=10)
    n_copies = 4000
    labels = bg.assignments(tree_of([one] * n_copies, x), random_seed=1)
    assert labels.shape == (n_copies, 10)
    p = responsibilities(x, one)
    frequency = (labels[:, :, None] == np.arange(3)).mean(axis=0)
    error = np.sqrt(p * (1 - p) / n_copies)
    assert np.all(np.abs(frequency - p) < 4.5 * error + 1 / n_copies)
    # Rows are assigned independently of one another.
    same = (labels[:, :1] == labels).mean(axis=0)
    expected = (p[:1] * p).sum(axis=1)
    error = np.sqrt(expected * (1 - expected) / n_copies)
    assert np.all(np.abs(same - expected)[1:] < 4.5 * error[1:] + 1 / n_copies)


def test_the_same_seed_gives_the_same_assignments():
    x, draws, _ = draws_about("full", width=0.5)
    tree = tree_of(draws, x)
    one, same, other = (bg.assignments(tree, random_seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@every_structure
def test_label_free_numbers_do_not_see_labels(covariance):
    x, draws, _ = draws_about(covariance)
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    straight, mixed = tree_of(draws, x), tree_of(mixed, x)
    np.testing.assert_allclose(bg.density(mixed), bg.density(straight), rtol=1e-12)
    a, b = (bg.log_likelihood(t)["log_likelihood"]["x"] for t in (straight, mixed))
    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(bg.density(relabelled(mixed)), bg.density(straight), rtol=1e-12)


@every_structure
def test_rows_in_blocks_give_what_one_block_gives(covariance, monkeypatch):
    x, draws, centre = draws_about(covariance)
    post = relabelled(tree_of(draws, x, mode=centre))
    functions = [
        bg.predict_proba,
        bg.density,
        lambda t: bg.assignments(t, random_seed=1),
        lambda t: bg.log_likelihood(t)["log_likelihood"]["x"],
    ]
    whole = [np.asarray(f(post)) for f in functions]
    monkeypatch.setattr(rows_module, "BLOCK_BYTES", 8 * len(draws) * 3 * 7)
    assert len(row_blocks(Reading.of(post).parameters, 30)) == 5
    for one, f in zip(whole, functions, strict=True):
        np.testing.assert_array_equal(np.asarray(f(post)), one)


def test_a_block_is_one_row_at_least(monkeypatch):
    x, draws, _ = draws_about("full")
    expected = bg.density(tree_of(draws, x))
    monkeypatch.setattr(rows_module, "BLOCK_BYTES", 1)
    np.testing.assert_allclose(bg.density(tree_of(draws, x)), expected, rtol=1e-12)


def test_labels_of_a_raw_posterior_are_not_read():
    x, draws, _ = draws_about("full")
    with pytest.raises(ValueError, match=r"has not been relabelled.*bg\.relabel"):
        bg.predict_proba(tree_of(draws, x))


def test_new_rows_are_matched_by_name():
    x, draws, centre = draws_about("full")
    post = relabelled(tree_of(draws, x, mode=centre))
    new = np.random.default_rng(3).normal(size=(5, 2))
    frame = pd.DataFrame({"other": 1.0, "f1": new[:, 1], "f0": new[:, 0]})
    for function in (bg.predict_proba, bg.density):
        np.testing.assert_array_equal(function(post, frame), function(post, new))
        assert (np.asarray(function(post, new)) != np.asarray(function(post, new[:, ::-1]))).any()
        with pytest.raises(ValueError, match="f1"):
            function(post, frame.drop(columns="f1"))
        with pytest.raises(ValueError, match="2"):
            function(post, new[:, :1])


def test_row_weights_count_in_the_log_likelihood_only():
    x, draws, centre = draws_about("full")
    weight = np.random.default_rng(0).integers(0, 4, size=len(x))
    weighted = relabelled(tree_of(draws, x, weight=weight.astype(float), mode=centre))
    standing = relabelled(tree_of(draws, np.repeat(x, weight, axis=0), mode=centre))
    table = bg.log_likelihood(weighted)["log_likelihood"]["x"].sum("obs")
    twice = bg.log_likelihood(standing)["log_likelihood"]["x"].sum("obs")
    np.testing.assert_allclose(table, twice, rtol=1e-10)
    np.testing.assert_array_equal(
        np.repeat(bg.predict_proba(weighted).values, weight, axis=0), bg.predict_proba(standing)
    )
    by_row = np.repeat(bg.density(weighted).values, weight)
    np.testing.assert_array_equal(by_row, bg.density(standing))


def test_obs_of_the_posterior_stay_with_its_rows():
    x, draws, centre = draws_about("full")
    post = relabelled(tree_of(draws, x, mode=centre))
    post["observed_data"] = post["observed_data"].to_dataset().assign_coords(obs=np.arange(30) * 2)
    for result in (bg.predict_proba(post), bg.density(post)):
        np.testing.assert_array_equal(result["obs"], np.arange(30) * 2)
    assert "obs" not in bg.density(post, x[:3]).coords


def test_a_far_row_has_a_density_and_probabilities():
    x, draws, centre = draws_about("full")
    post = relabelled(tree_of(draws, x, mode=centre))
    far = np.array([[1e8, -1e8]])
    assert bg.density(post, far).item() == 0
    assert bg.predict_proba(post, far).sum().item() == pytest.approx(1)


@every_structure
def test_intervals_are_quantiles_over_the_draws(covariance):
    x, draws, centre = draws_about(covariance, width=0.1)
    post = relabelled(tree_of(draws, x, mode=centre))
    new = np.random.default_rng(3).normal(size=(7, 2))
    of = {
        bg.predict_proba: lambda rows: np.array([responsibilities(rows, p) for p in draws]),
        bg.density: lambda rows: np.exp(densities(rows, draws)),
    }
    for function, values in of.items():
        for rows, given in ((x, None), (new, new)):
            for prob in (0.9, 0.5):
                actual = function(post, given, ci_prob=prob)
                tails = [(1 - prob) / 2, (1 + prob) / 2]
                expected = np.quantile(values(rows), tails, axis=0)
                np.testing.assert_array_equal(actual["mean"], function(post, given))
                assert actual["mean"].dims == function(post, given).dims
                np.testing.assert_allclose(actual["lower"], expected[0], rtol=1e-9)
                np.testing.assert_allclose(actual["upper"], expected[1], rtol=1e-9)


def test_intervals_in_blocks_are_those_of_one_block(monkeypatch):
    x, draws, centre = draws_about("full")
    post = relabelled(tree_of(draws, x, mode=centre))
    whole = [f(post, ci_prob=0.8) for f in (bg.predict_proba, bg.density)]
    monkeypatch.setattr(rows_module, "BLOCK_BYTES", 8 * len(draws) * 3 * 7)
    for one, f in zip(whole, (bg.predict_proba, bg.density), strict=True):
        xr.testing.assert_identical(f(post, ci_prob=0.8), one)


@pytest.mark.parametrize("prob", [0, 1, 90, -0.1])
def test_a_probability_that_is_none_is_an_error(prob):
    x, draws, centre = draws_about("full")
    post = relabelled(tree_of(draws, x, mode=centre))
    for function in (bg.predict_proba, bg.density):
        with pytest.raises(ValueError, match="ci_prob must be a number between 0 and 1"):
            function(post, ci_prob=prob)


@every_structure
def test_replicas_have_the_moments_of_the_draws(covariance):
    x, [one, other], _ = draws_about(covariance, n_draws=2, n_obs=20_000, width=0.4)
    tree = tree_of([one, other], x)
    out = bg.posterior_predictive(tree, random_seed=1)
    replicas = out["posterior_predictive"]["x"]
    assert replicas.dims == ("chain", "draw", "obs", "feature")
    assert "posterior_predictive" not in tree.children
    for chain, p in enumerate((one, other)):
        sample = replicas[chain, 0].values
        mean = p.weights @ p.means
        centred = p.means - mean
        within = np.tensordot(p.weights, covariances(p), 1)
        spread = within + (p.weights[:, None] * centred).T @ centred
        error = np.sqrt(np.diag(spread) / len(x))
        assert np.all(np.abs(sample.mean(axis=0) - mean) < 4.5 * error)
        np.testing.assert_allclose(np.cov(sample.T), spread, rtol=0.1, atol=0.05 * spread.max())
        # And the shape: each component's share of rows nearest to it.
        share = responsibilities(sample, p).mean(axis=0)
        assert np.all(np.abs(share - p.weights) < 4.5 * np.sqrt(p.weights / len(x)))


@every_structure
def test_replicas_do_not_see_labels_and_come_again(covariance):
    x, draws, _ = draws_about(covariance)
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    one, same, other = (
        bg.posterior_predictive(tree_of(d, x), random_seed=seed)["posterior_predictive"]["x"]
        for d, seed in ((draws, 1), (mixed, 1), (draws, 2))
    )
    xr.testing.assert_identical(one, same)
    assert (one != other).all()


def test_neither_rows_of_a_replica_nor_replicas_depend_on_one_another():
    """Four times the same draw: no correlation between replicas, nor between neighbouring rows."""
    x, [one], _ = draws_about("full", n_draws=1, n_obs=4000)
    out = bg.posterior_predictive(tree_of([one] * 4, x), random_seed=1)
    first = out["posterior_predictive"]["x"].values[..., 0].reshape(4, 4000)
    close_to_zero = 4.5 / np.sqrt(4000)
    assert np.abs(np.corrcoef(first) - np.eye(4)).max() < close_to_zero
    for replica in first:
        assert np.abs(np.corrcoef(replica[1:], replica[:-1])[0, 1]) < close_to_zero


def test_arviz_checks_show_the_data_and_the_replicas():
    import arviz as az

    x, draws, _ = draws_about("full", n_draws=200)
    out = bg.posterior_predictive(tree_of(draws, x), random_seed=1)
    replicas = out["posterior_predictive"]["x"]
    shown = az.plot_ppc_tstat(out, t_stat="mean", backend="matplotlib").viz
    assert shown["observed_tstat"]["x"].item().get_offsets()[0, 0] == pytest.approx(x.mean())
    means = replicas.mean(("obs", "feature")).values
    curve = shown["dist"]["x"].item().get_xdata()
    np.testing.assert_allclose([curve.min(), curve.max()], [means.min(), means.max()], atol=0.01)
    shown = az.plot_ppc_dist(out, num_samples=5, backend="matplotlib").viz
    lines = [*shown["predictive_dist"]["x"].values, shown["observed_dist"]["x"].item()]
    some = [replicas.sel(chain=c, draw=s).values for c, s in shown["predictive_dist"].sample.values]
    for line, values in zip(lines, [*some, x], strict=True):
        ends = line.get_xdata()[[0, -1]]
        np.testing.assert_allclose(ends, [values.min(), values.max()], atol=0.05)


def test_log_likelihood_is_the_same_to_the_last_bit_whatever_the_labels():
    x, draws, _ = draws_about("full", k=4)
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    a, b = (bg.log_likelihood(tree_of(d, x))["log_likelihood"]["x"] for d in (draws, mixed))
    np.testing.assert_array_equal(a, b)
