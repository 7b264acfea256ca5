"""Labels move among exchangeable components only: what is said, what is recorded, what is seen."""

import json
from itertools import product

import numpy as np
import pytest
import xarray as xr
from oracles import STRUCTURES
from trees import assert_same_draws, divergence, draws_about, responsibilities, scrambled, tree_of

import bayesgmm as bg
from bayesgmm.draws.exchangeable import said
from bayesgmm.draws.read import Reading
from bayesgmm.labels.relabelling import METHODS
from bayesgmm.mixture.parameters import MixtureParameters
from bayesgmm.posterior.label_free import functionals

every_structure = pytest.mark.parametrize("covariance", STRUCTURES)
every_method = pytest.mark.parametrize("method", METHODS)


def relabelled(tree, method="stephens", **options):
    return bg.relabel(tree, method, progress=False, **options)


def recorded(tree, groups):
    """The tree as ``sample`` marks it."""
    tree.attrs["exchangeable"] = json.dumps(groups)
    return tree


def with_fixed(draws, c, mean):
    """Draws of which component c has its mean held fixed."""
    held = [p.means.copy() for p in draws]
    for means in held:
        means[c] = mean
    return [
        MixtureParameters(p.covariance, p.weights, m, p.factor)
        for p, m in zip(draws, held, strict=True)
    ]


def groups_of(tree):
    return Reading.of(tree).groups


def groups_said(tree, exchangeable):
    return said(exchangeable, Reading.of(tree).components.tolist())


def permutations_of(tree):
    return tree["clustering"]["permutation"].values.reshape(
        -1, tree["posterior"].sizes["component"]
    )


@every_method
@every_structure
def test_labels_come_back_within_groups_and_no_other_moves(covariance, method):
    x, draws, centre = draws_about(covariance, k=4, n_draws=40, width=0.1)
    rng = np.random.default_rng(1)
    mixed = [p.permuted([0, *(1 + rng.permutation(2)), 3]) for p in draws]
    back = relabelled(recorded(tree_of(mixed, x, mode=centre), [0, 1, 1, 3]), method)
    assert (permutations_of(back)[:, [0, 3]] == [0, 3]).all()
    assert len(np.unique(permutations_of(back), axis=0)) == 2
    assert_same_draws(back, tree_of(draws, x), rtol=0)


@every_method
def test_labels_that_a_prior_names_never_move_however_much_the_rows_would_have_them(method):
    x, draws, centre = draws_about("full", n_draws=40)
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    tree = recorded(tree_of(mixed, x, mode=centre), [0, 1, 2])
    out = relabelled(tree, method)
    assert_same_draws(out, tree, rtol=0)
    assert np.isposinf(out["clustering"]["margin"]).all()
    assert out["clustering"].attrs["ambiguous"] == 0
    probability = np.mean([responsibilities(x, p) for p in mixed], axis=0)
    np.testing.assert_allclose(bg.predict_proba(out).values, probability, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_no_permutation_within_groups_costs_less(seed):
    """Exhaustive over the draws' own orders of components 0 and 2."""
    x, draws, _ = draws_about("full", n_obs=10, n_draws=6, width=0.3, seed=seed)
    mixed, _ = scrambled(draws, np.random.default_rng(seed))
    out = relabelled(recorded(tree_of(mixed, x, n_chains=1), [0, 1, 0]))
    tables = [responsibilities(x, p) for p in mixed]
    choices = product(([0, 1, 2], [2, 1, 0]), repeat=6)
    lowest = min(divergence(tables, choice) for choice in choices)
    assert out["clustering"].attrs["cost"] == pytest.approx(lowest, rel=1e-9)


@every_structure
def test_a_fixed_part_of_a_component_is_seen_in_draws_from_elsewhere(covariance):
    x, draws, _ = draws_about(covariance, n_draws=40, width=0.4)
    held = tree_of(with_fixed(draws, 1, [0.5, -1.0]), x)
    assert groups_of(held).tolist() == [0, 1, 0]
    assert (permutations_of(relabelled(held))[:, 1] == 1).all()
    assert groups_of(tree_of(draws, x)).tolist() == [0, 0, 0]
    assert groups_of(tree_of(draws[:1], x, n_chains=1)).tolist() == [0, 0, 0]


def test_components_fixed_alike_may_swap():
    x, draws, _ = draws_about("diag", n_draws=40)
    alike = with_fixed(with_fixed(draws, 0, [1.0, 1.0]), 2, [1.0, 1.0])
    assert groups_of(tree_of(alike, x)).tolist() == [1, 0, 1]
    apart = with_fixed(alike, 2, [1.0, 1.5])
    assert len(set(groups_of(tree_of(apart, x)))) == 3


def test_what_is_said_comes_before_what_is_recorded_and_seen():
    x, draws, _ = draws_about("full", n_draws=40)
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    tree = recorded(tree_of(mixed, x), [0, 1, 1])
    for wanted, expected in ((True, [0, 0, 0]), (False, [0, 1, 2]), ([[0, 2]], [0, 1, 0])):
        assert groups_said(tree, wanted).tolist() == expected
    alike = relabelled(tree, exchangeable=True)
    assert_same_draws(alike, relabelled(tree_of(mixed, x)), rtol=0)
    # What was said is remembered …
    assert_same_draws(relabelled(alike), alike, rtol=0)
    # … until something else is.
    assert_same_draws(relabelled(alike, exchangeable=False), tree_of(mixed, x), rtol=0)


def test_components_are_said_by_their_names():
    x, draws, _ = draws_about("full", n_draws=10)
    tree = tree_of(draws, x)
    named = tree["posterior"].to_dataset().assign_coords(component=["a", "b", "c"])
    tree["posterior"] = xr.DataTree(named)
    assert groups_said(tree, [["b", "c"]]).tolist() == [0, 1, 1]
    assert groups_said(tree, []).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("exchangeable", "error", "words"),
    [
        ("all", TypeError, "True, False, or a list of groups"),
        (1, TypeError, "True, False, or a list of groups"),
        ([0, 1], TypeError, "such as [[0, 2]]"),
        (["ab"], TypeError, "such as [[0, 2]]"),
        ([[0, 3]], ValueError, "no component 3, but 0, 1, 2"),
        ([[0, 1], [1, 2]], ValueError, "Component 1 is in it twice"),
    ],
)
def test_what_is_no_group_of_components_is_refused_in_words(exchangeable, error, words):
    x, draws, _ = draws_about("full", n_draws=10)
    with pytest.raises(error) as caught:
        relabelled(tree_of(draws, x), exchangeable=exchangeable)
    assert str(caught.value).startswith("exchangeable must be")
    assert words in str(caught.value)


def test_a_swap_of_components_that_the_prior_tells_apart_is_a_mode():
    """Swapped chains are only labels where labels mean nothing."""
    x, draws, _ = draws_about("full", n_draws=200, width=0.1)
    swapped = draws[:100] + [p.permuted([2, 1, 0]) for p in draws[100:]]
    tree = tree_of(swapped, x, n_chains=2)
    found = bg.diagnose(tree, progress=False)
    assert found.verdict != "chains sit in different modes"
    assert found.labels == "labels moved and were put back"
    found = bg.diagnose(recorded(tree, [0, 1, 2]), progress=False)
    assert found.verdict == "chains sit in different modes"
    assert list(found.chains["group"]) == [0, 1]


def test_groups_have_the_moments_of_the_mixture_of_their_members():
    x, draws, _ = draws_about("full", n_draws=10)
    values = functionals(Reading.of(recorded(tree_of(draws, x), [0, 1, 0])), progress=False)
    assert list(values["group"].values) == ["0 + 2", "1"]
    p, share = draws[3], draws[3].weights[[0, 2]] / draws[3].weights[[0, 2]].sum()
    at = {"chain": 0, "draw": 3, "group": 0}
    mean = share @ p.means[[0, 2]]
    second = share @ (p.covariances[[0, 2]].diagonal(axis1=1, axis2=2) + p.means[[0, 2]] ** 2)
    np.testing.assert_allclose(values["group_weight"].isel(at), p.weights[[0, 2]].sum())
    np.testing.assert_allclose(values["group_mean"].isel(at), mean)
    np.testing.assert_allclose(values["group_sd"].isel(at), np.sqrt(second - mean**2))
    assert "group_weight" not in functionals(Reading.of(tree_of(draws, x)), progress=False)


@pytest.mark.parametrize(("groups", "expected"), [([0, 1, 2], [1, 0, 2]), ([0, 0, 0], [0, 1, 2])])
def test_a_mode_is_matched_with_the_posterior_within_groups(groups, expected):
    """A mode in another order is put right where labels mean nothing, and left where they do."""
    x, draws, centre = draws_about("full", n_draws=20, width=0.1)
    tree = recorded(tree_of(draws, x, mode=centre), groups)
    mode = object.__new__(bg.PointEstimate)
    object.__setattr__(mode, "parameters", centre.permuted([1, 0, 2]))
    table = bg.compare(tree, mode, random_seed=1, progress=False).parameters
    np.testing.assert_allclose(table["map"].to_numpy()[:3], centre.weights[expected])


def test_unequal_concentrations_keep_the_labels_that_they_name(tmp_path):
    x = np.random.default_rng(0).normal(size=30)
    prior = bg.NormalInverseWishart(concentration=[4, 2, 2], df=10, scale=8, mean_concentration=1)
    mixture = bg.GaussianMixture(3, prior=prior)
    post = bg.sample(mixture, x, draws=100, tune=100, random_seed=1, progress=False)
    post = bg.load(bg.save(post, tmp_path / "post.nc"))
    for method in METHODS:
        orders = permutations_of(relabelled(post, method))
        assert (orders[:, 0] == 0).all()
        assert len(np.unique(orders, axis=0)) == 2
