"""Relabelling: scrambled labels come back, and no permutation costs less."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import STRUCTURES

import bayesgmm as bg
from bayesgmm.posterior import draws as draws_module

from .trees import assert_same_draws, divergence, draws_about, responsibilities, scrambled, tree_of

every_structure = pytest.mark.parametrize("covariance", STRUCTURES)


def relabelled(tree):
    return bg.relabel(tree, progress=False)


@every_structure
def test_scrambled_labels_come_back(covariance):
    x, draws, centre = draws_about(covariance)
    straight = relabelled(tree_of(draws, x, mode=centre))
    for seed in range(5):
        mixed, _ = scrambled(draws, np.random.default_rng(seed))
        back = relabelled(tree_of(mixed, x, mode=centre))
        assert_same_draws(back, straight, rtol=0)
        cost = back["clustering"].attrs["cost"]
        assert cost == pytest.approx(straight["clustering"].attrs["cost"], abs=1e-6)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.sampled_from(STRUCTURES), st.integers(1, 4))
def test_scrambled_labels_come_back_whatever_the_mixture(seed, covariance, k):
    x, draws, centre = draws_about(covariance, k=k, n_draws=8, width=0.05, seed=seed)
    straight = relabelled(tree_of(draws, x, mode=centre))
    mixed, _ = scrambled(draws, np.random.default_rng(seed))
    assert_same_draws(relabelled(tree_of(mixed, x, mode=centre)), straight, rtol=0)


@every_structure
def test_scrambled_labels_come_back_without_a_map_but_for_their_order(covariance):
    x, draws, _ = draws_about(covariance)
    straight = relabelled(tree_of(draws, x))
    for seed in range(5):
        mixed, _ = scrambled(draws, np.random.default_rng(seed))
        back = relabelled(tree_of(mixed, x))
        weights = straight["posterior"]["weights"].values
        matches = [
            list(order)
            for order in permutations(range(3))
            if np.array_equal(back["posterior"]["weights"].values, weights[..., list(order)])
        ]
        assert len(matches) == 1
        same = back["posterior"]["means"].values
        np.testing.assert_array_equal(
            same, straight["posterior"]["means"].values[..., matches[0], :]
        )


@every_structure
def test_permutation_leads_from_the_labels_as_drawn(covariance):
    """permutation[chain, draw, c] is the component, as drawn, that became c; it can be undone."""
    x, draws, _ = draws_about(covariance)
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    raw = tree_of(mixed, x)
    out = relabelled(raw)
    order = out["clustering"]["permutation"].values
    assert order.dtype.kind == "i"
    assert out["clustering"]["permutation"].dims == ("chain", "draw", "component")
    np.testing.assert_array_equal(
        np.sort(order, axis=2), np.broadcast_to(np.arange(3), order.shape)
    )
    assert len(np.unique(order.reshape(-1, 3), axis=0)) > 1
    back = np.argsort(order, axis=2)
    for name, variable in out["posterior"].to_dataset().data_vars.items():
        drawn = raw["posterior"][name].values
        if "component" not in variable.dims:
            np.testing.assert_array_equal(variable.values, drawn)
            continue
        for index in np.ndindex(order.shape[:2]):
            np.testing.assert_array_equal(variable.values[index], drawn[index][order[index]])
            np.testing.assert_array_equal(variable.values[index][back[index]], drawn[index])


def test_relabelling_again_changes_nothing():
    x, draws, centre = draws_about("full")
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    once = relabelled(tree_of(mixed, x, mode=centre))
    twice = relabelled(once)
    assert_same_draws(twice, once, rtol=0)
    for name in ("permutation", "mean_probability"):
        np.testing.assert_allclose(twice["clustering"][name], once["clustering"][name], rtol=1e-12)


def test_permutation_still_leads_from_the_draws_after_two_relabellings():
    x, draws, _ = draws_about("diag")
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    raw = tree_of(mixed, x)
    once = relabelled(raw)
    # As if the labels had been put in another order by hand in between.
    once["posterior"] = (
        once["posterior"]
        .to_dataset()
        .isel(component=[2, 0, 1])
        .assign_coords(component=np.arange(3))
    )
    once["clustering"] = (
        once["clustering"]
        .to_dataset()
        .isel(component=[2, 0, 1])
        .assign_coords(component=np.arange(3))
    )
    twice = relabelled(once)
    order = twice["clustering"]["permutation"].values
    for index in np.ndindex(order.shape[:2]):
        np.testing.assert_array_equal(
            twice["posterior"]["means"].values[index],
            raw["posterior"]["means"].values[index][order[index]],
        )


def test_the_tree_given_is_left_as_it_was():
    x, draws, _ = draws_about("full")
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    raw = tree_of(mixed, x)
    before = raw.copy(deep=True)
    relabelled(raw)
    assert raw.identical(before)


@every_structure
def test_cost_is_the_divergence_of_the_labels_returned(covariance):
    x, draws, centre = draws_about(covariance, width=0.4)
    out = relabelled(tree_of(draws, x, mode=centre))
    tables = [responsibilities(x, p) for p in draws]
    order = out["clustering"]["permutation"].values.reshape(-1, 3)
    assert out["clustering"].attrs["cost"] == pytest.approx(divergence(tables, order), rel=1e-9)
    mean = np.mean([t[:, o] for t, o in zip(tables, order, strict=True)], axis=0)
    np.testing.assert_allclose(out["clustering"]["mean_probability"].values, mean, rtol=1e-9)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("k", "n_draws"), [(2, 8), (3, 4)])
def test_no_other_permutation_costs_less(k, n_draws, seed):
    """Exhaustive: the first draw's labels are free, all (K!)^(S − 1) choices for the rest tried."""
    x, draws, centre = draws_about("full", k=k, n_obs=10, n_draws=n_draws, width=0.3, seed=seed)
    mixed, _ = scrambled(draws, np.random.default_rng(seed))
    out = relabelled(tree_of(mixed, x, n_chains=1, mode=centre))
    tables = [responsibilities(x, p) for p in mixed]
    every = list(permutations(range(k)))
    choices = product(every, repeat=n_draws - 1)
    lowest = min(divergence(tables, [every[0], *choice]) for choice in choices)
    assert out["clustering"].attrs["cost"] == pytest.approx(lowest, rel=1e-9)


def test_wrong_labels_cost_more():
    """The divergence that the other tests trust sees a swap in a single draw."""
    x, draws, _ = draws_about("full", width=0.1)
    tables = [responsibilities(x, p) for p in draws]
    identity = np.tile(np.arange(3), (len(draws), 1))
    swapped = identity.copy()
    swapped[0] = [1, 0, 2]
    assert divergence(tables, swapped) > divergence(tables, identity) + 1


def test_components_come_in_the_order_of_the_map():
    x, draws, centre = draws_about("full", width=0.1)
    for order in permutations(range(3)):
        out = relabelled(tree_of(draws, x, mode=centre.permuted(order)))
        means = out["posterior"]["means"].mean(("chain", "draw")).values
        assert np.abs(means - centre.means[list(order)]).max() < 0.5


def test_without_a_map_most_labels_stay_as_drawn():
    """A prior of the user's own may have told the labels apart; three draws have switched."""
    x, draws, _ = draws_about("full", width=0.1)
    for order in permutations(range(3)):
        named = [p.permuted(order) for p in draws]
        mixed = [p.permuted([1, 2, 0]) for p in named[:3]] + named[3:]
        assert_same_draws(relabelled(tree_of(mixed, x)), tree_of(named, x), rtol=0)


@every_structure
def test_rows_in_blocks_give_what_one_block_gives(covariance, monkeypatch):
    x, draws, centre = draws_about(covariance, width=0.3)
    mixed, _ = scrambled(draws, np.random.default_rng(2))
    tree = tree_of(mixed, x, mode=centre)
    whole = relabelled(tree)
    monkeypatch.setattr(draws_module, "BLOCK_BYTES", 8 * len(draws) * 3 * 7)
    assert len(draws_module.Draws.of(tree).blocks(30)) == 5
    parts = relabelled(tree)
    assert_same_draws(parts, whole, rtol=0)
    np.testing.assert_allclose(
        parts["clustering"]["mean_probability"], whole["clustering"]["mean_probability"], rtol=1e-12
    )
    assert parts["clustering"].attrs["cost"] == pytest.approx(whole["clustering"].attrs["cost"])


def test_weight_two_is_the_row_twice():
    x, draws, centre = draws_about("full", width=0.5)
    mixed, _ = scrambled(draws, np.random.default_rng(2))
    weight = np.random.default_rng(0).integers(0, 4, size=len(x))
    weighted = relabelled(tree_of(mixed, x, weight=weight.astype(float), mode=centre))
    standing = relabelled(tree_of(mixed, np.repeat(x, weight, axis=0), mode=centre))
    assert_same_draws(weighted, standing, rtol=0)
    costs = [t["clustering"].attrs["cost"] for t in (weighted, standing)]
    assert costs[0] == pytest.approx(costs[1], rel=1e-9)
    plain = relabelled(tree_of(mixed, x, mode=centre))["clustering"].attrs["cost"]
    assert costs[0] != pytest.approx(plain, rel=1e-3)


def test_one_component_has_one_labelling():
    x, draws, centre = draws_about("full", k=1)
    out = relabelled(tree_of(draws, x, mode=centre))
    assert (out["clustering"]["permutation"] == 0).all()
    assert out["clustering"].attrs["cost"] == pytest.approx(0, abs=1e-9)


def test_a_component_that_holds_no_rows_and_rows_far_from_all():
    """Probabilities that underflow to nothing must not become infinite costs."""
    x, draws, _ = draws_about("full")
    far = np.concatenate([x, [[1e6, -1e6]]])
    lone = [p.permuted([0, 1, 2]) for p in draws]
    for p in lone:
        p.means[2] = [1e7, 1e7]
    mixed, _ = scrambled(lone, np.random.default_rng(4))
    out = relabelled(tree_of(mixed, far))
    assert np.isfinite(out["clustering"].attrs["cost"])
    which = out["posterior"]["means"].values[..., 0] == 1e7
    assert (which == which[0, 0]).all()


def test_rows_may_be_handed_in():
    x, draws, centre = draws_about("full")
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    tree = tree_of(mixed, x, mode=centre)
    expected = relabelled(tree)
    bare = tree.drop_nodes(["observed_data", "constant_data"])
    assert_same_draws(bg.relabel(bare, x=x, progress=False), expected, rtol=0)
    with pytest.raises(ValueError, match="post has no rows"):
        relabelled(bare)


def test_unknown_methods_and_strange_trees_are_refused_in_words():
    x, draws, _ = draws_about("full")
    tree = tree_of(draws, x)
    with pytest.raises(ValueError, match="method must be 'stephens'; got 'ecr'"):
        bg.relabel(tree, method="ecr")
    with pytest.raises(ValueError, match="post has no group 'posterior'"):
        relabelled(tree.drop_nodes(["posterior"]))
    tree["posterior"] = tree["posterior"].to_dataset().drop_vars("weights")
    with pytest.raises(ValueError, match="post lacks weights"):
        relabelled(tree)
