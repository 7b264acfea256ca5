"""Information criteria against fits one by one; leave-one-out that labels cannot change."""

import numpy as np
import pandas as pd
import pytest
from arviz_stats.base import array_stats
from oracles import STRUCTURES
from scipy.special import logsumexp
from trees import draws_about, scrambled, tree_of

import bayesgmm as bg
from bayesgmm.choice import criteria

quiet = pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(size=(40, 2)), rng.normal(size=(30, 2)) + np.array([6, 3])])


@pytest.fixture(scope="module")
def table(rows):
    return bg.compare_k(rows, range(1, 4), n_starts=3, random_seed=1, progress=False)


def test_every_number_is_that_of_its_fit(rows, table):
    assert len(table) == 3 * len(STRUCTURES)
    assert set(table["covariance"]) == set(STRUCTURES)
    for row in table.itertuples():
        mixture = bg.GaussianMixture(row.n_components, row.covariance)
        fit = bg.fit_ml(mixture, rows, n_starts=3, random_seed=1, progress=False)
        for name in ("log_likelihood", "bic", "icl", "aic", "n_parameters", "converged", "status"):
            assert getattr(row, name) == getattr(fit, name)


def test_the_best_are_marked_and_bic_comes_first(table):
    assert list(table["bic"]) == sorted(table["bic"])
    for criterion in ("bic", "icl", "aic"):
        marked = table["best"].str.split(", ").apply(lambda names, c=criterion: c in names)
        assert marked.sum() == 1
        assert table.loc[marked, criterion].item() == table[criterion].min()
    assert table["n_components"][0] == 2


def test_icl_is_never_below_bic_and_equal_for_one_component(table):
    assert (table["icl"] >= table["bic"]).all()
    one = table[table["n_components"] == 1]
    np.testing.assert_array_equal(one["icl"], one["bic"])


def test_a_fit_does_not_depend_on_the_others(rows, table):
    alone = bg.compare_k(rows, 2, "tied", n_starts=3, random_seed=1, progress=False)
    row = table[(table["n_components"] == 2) & (table["covariance"] == "tied")]
    np.testing.assert_array_equal(alone["bic"], row["bic"])
    assert alone["best"].item() == "bic, icl, aic"


def test_weight_two_is_the_row_twice(rows):
    count = np.random.default_rng(1).integers(1, 3, len(rows))
    options = {"n_components": 2, "n_starts": 3, "random_seed": 1, "progress": False}
    weighted = bg.compare_k(rows, sample_weight=count, **options)
    standing = bg.compare_k(np.repeat(rows, count, axis=0), **options)
    for name in ("bic", "icl", "aic"):
        np.testing.assert_allclose(weighted[name], standing[name], rtol=1e-6)


def test_a_fit_that_collapsed_has_no_criteria():
    """Nearly every row is a component of its own: nothing but the floor holds the likelihood."""
    x = np.random.default_rng(0).normal(size=(6, 1))
    table = bg.compare_k(x, (1, 5), "full", n_starts=3, random_seed=1, progress=False)
    collapsed = table[table["n_components"] == 5]
    assert collapsed[["log_likelihood", "bic", "icl", "aic"]].isna().all(axis=None)
    assert "collapsed" in collapsed["status"].item()
    assert table["best"][0] == "bic, icl, aic"
    assert table["n_components"][0] == 1


def test_an_interrupt_keeps_what_was_fitted(rows, monkeypatch):

    fits, fit_ml = [], criteria.fit_ml

    def interrupted(*args, **options):
        if len(fits) == 2:
            raise KeyboardInterrupt
        fits.append(fit_ml(*args, **options))
        return fits[-1]

    monkeypatch.setattr(criteria, "fit_ml", interrupted)
    options = {"n_starts": 1, "random_seed": 1, "progress": False}
    with pytest.warns(UserWarning, match=f"2 of {len(STRUCTURES)} fits"):
        table = bg.compare_k(rows, 2, **options)
    assert len(table) == 2
    with pytest.raises(KeyboardInterrupt):  # with nothing to keep
        bg.compare_k(rows, 2, **options)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"n_components": []}, ValueError, "n_components is empty"),
        ({"n_components": 2.5}, TypeError, "n_components must hold integers; got 2.5"),
        ({"n_components": [1, "2"]}, TypeError, "n_components must hold integers; got '2'"),
        ({"n_components": 0}, ValueError, "n_components must be an integer of at least 1"),
        ({"n_components": 80}, ValueError, "70 distinct rows"),
        ({"covariance": "round"}, ValueError, "covariance must be one of"),
        ({"covariance": [3]}, TypeError, "covariance must hold strings; got 3"),
    ],
)
def test_arguments_that_are_unfit_are_named(rows, arguments, error, words):
    with pytest.raises(error, match=words):
        bg.compare_k(rows, **arguments, progress=False)


def test_any_table_of_data_will_do(rows, table):
    frame = pd.DataFrame(rows, columns=["a", "b"])
    options = {"n_starts": 3, "random_seed": 1, "progress": False}
    pd.testing.assert_frame_equal(bg.compare_k(frame, range(1, 4), **options), table)


@quiet
@pytest.mark.parametrize("covariance", STRUCTURES)
def test_labels_change_nothing_in_leave_one_out(covariance):
    """The trap: ArviZ's own ``loo`` moves when two of four chains swap their labels."""
    x, draws, centre = draws_about(covariance, n_draws=200, width=0.1)
    swapped = [p.permuted([2, 0, 1]) if s >= 100 else p for s, p in enumerate(draws)]
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    trees = [tree_of(d, x, n_chains=4, mode=centre) for d in (draws, swapped, mixed)]
    trees.append(bg.relabel(trees[2], progress=False))
    first, *others = (bg.loo(tree, progress=False) for tree in trees)
    for other in others:
        assert (other.elpd, other.se, other.p) == (first.elpd, first.se, first.p)
        np.testing.assert_array_equal(other.elpd_i, first.elpd_i)
        np.testing.assert_array_equal(other.pareto_k, first.pareto_k)


@quiet
def test_arviz_alone_is_changed_by_labels():
    """The negative control of the test above."""
    import arviz as az

    x, draws, _ = draws_about("full", n_draws=800, width=0.05)
    swapped = [p.permuted([2, 0, 1]) if s >= 400 else p for s, p in enumerate(draws)]
    trees = [bg.log_likelihood(tree_of(d, x, n_chains=4)) for d in (draws, swapped)]
    one, other = (az.loo(tree, pointwise=True) for tree in trees)
    assert np.abs(one.pareto_k - other.pareto_k).max() > 0.01


@quiet
def test_it_is_arviz_loo_with_the_efficiency_of_the_likelihood():
    import arviz as az

    x, draws, _ = draws_about("full", n_draws=400, width=0.1)
    tree = bg.log_likelihood(tree_of(draws, x, n_chains=4))
    table = tree["log_likelihood"]["x"].values
    reff = [
        array_stats.ess(np.exp(table[..., n]), chain_axis=0, draw_axis=1, method="mean") / 400
        for n in range(len(x))
    ]
    expected = az.loo(tree, reff=np.mean(reff), pointwise=True)
    actual = bg.loo(tree, progress=False)
    assert actual.elpd == pytest.approx(expected.elpd, rel=1e-12)
    assert actual.p == pytest.approx(expected.p, rel=1e-9)
    np.testing.assert_allclose(actual.pareto_k, expected.pareto_k, rtol=1e-9)


@quiet
def test_it_is_near_exact_importance_sampling():
    """With many draws close together: log of the harmonic mean, by definition."""
    x, draws, _ = draws_about("diag", n_draws=2000, width=0.03)
    tree = tree_of(draws, x, n_chains=4)
    table = bg.log_likelihood(tree)["log_likelihood"]["x"].values.reshape(2000, -1)
    exact = np.log(2000) - logsumexp(-table, axis=0)
    np.testing.assert_allclose(bg.loo(tree, progress=False).elpd_i, exact, atol=2e-3)


@quiet
def test_a_row_of_weight_two_is_left_out_twice_alone():
    x, draws, _ = draws_about("full", n_draws=100, width=0.1)
    count = np.random.default_rng(0).integers(0, 4, len(x))
    weighted = bg.loo(tree_of(draws, x, weight=count.astype(float)), progress=False)
    standing = bg.loo(tree_of(draws, np.repeat(x, count, axis=0)), progress=False)
    assert weighted.n_data_points == count.sum()
    assert weighted.elpd == pytest.approx(standing.elpd, rel=1e-12)
    np.testing.assert_allclose(weighted.pareto_k, standing.pareto_k, rtol=1e-9)
    with pytest.raises(ValueError, match=r"sample_weight .* is 0\.5 in row 0"):
        bg.loo(tree_of(draws, x, weight=np.full(len(x), 0.5)), progress=False)


@quiet
def test_arviz_compares_what_it_returns():
    import arviz as az

    x, draws, _ = draws_about("full", n_draws=100, width=0.1)
    far = [p.permuted([0, 1, 2]).affine(np.ones(2), np.full(2, 3.0)) for p in draws]
    results = {n: bg.loo(tree_of(d, x), progress=False) for n, d in (("near", draws), ("far", far))}
    assert az.compare(results).index[0] == "near"
