"""Relabelling: scrambled labels come back, and no permutation costs less."""

from itertools import permutations, product

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import STRUCTURES
from trees import assert_same_draws, divergence, draws_about, responsibilities, scrambled, tree_of

import bayesgmm as bg
from bayesgmm.draws.read import Reading
from bayesgmm.labels.relabelling import METHODS
from bayesgmm.likelihood import rows as rows_module
from bayesgmm.likelihood.rows import row_blocks
from bayesgmm.mixture.parameters import MixtureParameters

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
    monkeypatch.setattr(rows_module, "BLOCK_BYTES", 8 * len(draws) * 3 * 7)
    assert len(row_blocks(Reading.of(tree).parameters, 30)) == 5
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
    with pytest.raises(
        ValueError, match="method must be one of 'stephens', 'ecr', 'means'; got 'pra'"
    ):
        bg.relabel(tree, method="pra")
    for method in ("ecr", "means"):
        with pytest.raises(ValueError, match=f"method '{method}' needs a MAP.*Try method='steph"):
            bg.relabel(tree, method=method)
    with pytest.raises(ValueError, match="post has no group 'posterior'"):
        relabelled(tree.drop_nodes(["posterior"]))
    tree["posterior"] = tree["posterior"].to_dataset().drop_vars("weights")
    with pytest.raises(ValueError, match="post lacks weights"):
        relabelled(tree)


every_method = pytest.mark.parametrize("method", METHODS)


def merged(separation, n_draws=200, n_obs=60, seed=0):
    """Rows, and draws of two components as a posterior has them that are so many sds apart.

    Where components are close, means, spreads and weights are anywhere between the two.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_obs, 1)) + separation * (np.arange(n_obs) % 2)[:, None]
    width = 1 / (1 + separation**2)
    draws = []
    for _ in range(n_draws):
        means = np.array([[0.0], [separation]]) + width * rng.normal(size=(2, 1))
        sds = np.exp(0.5 * width * rng.normal(size=(2, 1)))
        weight = rng.beta(1 + 5 / width, 1 + 5 / width)
        draws.append(MixtureParameters("diag", np.array([weight, 1 - weight]), means, sds))
    return x, draws


def permutations_of(tree):
    return tree["clustering"]["permutation"].values.reshape(
        -1, tree["posterior"].sizes["component"]
    )


def own_cost(method, x, draws, mode, order):
    """A method's criterion of one draw under one permutation, by definition."""
    p = draws.permuted(order)
    if method == "ecr":
        pivot = responsibilities(x, mode).argmax(axis=1)
        return (1 - responsibilities(x, p)[np.arange(len(x)), pivot]).sum()
    cost = 0.0
    for c, weight in enumerate(mode.weights):
        a, b = mode.covariances[c], p.covariances[c]
        apart = p.means[c] - mode.means[c]
        normal = np.trace(np.linalg.solve(b, a)) + apart @ np.linalg.solve(b, apart) - len(a)
        normal += np.linalg.slogdet(b)[1] - np.linalg.slogdet(a)[1]
        cost += weight * (np.log(weight / p.weights[c]) + normal / 2)
    return cost


@every_structure
@pytest.mark.parametrize("method", ["ecr", "means"])
def test_no_other_permutation_is_nearer_to_the_map(method, covariance):
    x, draws, centre = draws_about(covariance, width=0.6, n_draws=12)
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    out = bg.relabel(tree_of(mixed, x, mode=centre), method, progress=False)
    every = list(permutations(range(3)))
    total = 0.0
    for draw, order in zip(mixed, permutations_of(out), strict=True):
        costs = [own_cost(method, x, draw, centre, o) for o in every]
        assert own_cost(method, x, draw, centre, order) == pytest.approx(min(costs), rel=1e-9)
        total += min(costs)
    assert out["clustering"].attrs["cost"] == pytest.approx(total, rel=1e-9)
    assert out["clustering"].attrs["method"] == method


@every_method
def test_every_method_undoes_scrambling_and_changes_no_label_free_number(method):
    x, draws, centre = draws_about("full", width=0.4)
    straight = bg.relabel(tree_of(draws, x, mode=centre), method, progress=False)
    for seed in range(5):
        mixed, _ = scrambled(draws, np.random.default_rng(seed))
        back = bg.relabel(tree_of(mixed, x, mode=centre), method, progress=False)
        assert_same_draws(back, straight, rtol=0)
        margin = back["clustering"]["margin"]
        np.testing.assert_allclose(margin, straight["clustering"]["margin"], rtol=1e-9)
        for name, value in straight["clustering"].attrs.items():
            # Sweeps alone depend on the labels that they start from.
            if name not in ("method", "n_sweeps"):
                assert back["clustering"].attrs[name] == pytest.approx(value, rel=1e-9)


@every_method
@every_structure
def test_labels_as_drawn_can_be_restored_and_methods_follow_each_other(method, covariance):
    x, draws, centre = draws_about(covariance, width=0.5)
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    raw = tree_of(mixed, x, mode=centre)
    out = bg.relabel(raw, method, progress=False)
    assert bg.as_drawn(out).identical(raw)
    assert bg.as_drawn(raw).identical(raw)
    for before in METHODS:
        first = bg.relabel(raw, before, progress=False)
        assert bg.relabel(first, method, progress=False).identical(out)


def test_what_hangs_on_no_label_stays_in_the_tree():
    x, draws, centre = draws_about("full")
    out = relabelled(tree_of(draws, x, mode=centre))
    found = out["clustering"].to_dataset().assign(partition=("obs", np.zeros(30, dtype=int)))
    out["clustering"] = found
    for kept in (relabelled(out), bg.as_drawn(out)):
        np.testing.assert_array_equal(kept["clustering"]["partition"], 0)
    out["clustering"] = found[["partition"]].drop_attrs().assign_attrs(mine=1)
    attrs = relabelled(out)["clustering"].attrs
    assert attrs["mine"] == 1
    assert attrs["method"] == "stephens"
    out["clustering"] = found
    assert set(bg.as_drawn(out)["clustering"].data_vars) == {"partition"}
    assert not bg.as_drawn(out)["clustering"].attrs


@every_method
def test_margin_is_the_nats_to_the_second_best_permutation(method):
    x, draws, centre = draws_about("full", width=0.5)
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    out = bg.relabel(tree_of(mixed, x, mode=centre), method, progress=False)
    log_mean = np.log(out["clustering"]["mean_probability"].values)
    margins = out["clustering"]["margin"].values.ravel()
    for draw, order, margin in zip(mixed, permutations_of(out), margins, strict=True):
        p = responsibilities(x, draw)
        costs = {o: -(p[:, list(o)] * log_mean).sum() for o in permutations(range(3))}
        own = costs.pop(tuple(int(j) for j in order))
        assert margin == pytest.approx(max(min(costs.values()) - own, 0), rel=1e-9, abs=1e-9)
    divergence = out["clustering"].attrs["divergence"]
    share = (margins <= np.log(20) * divergence).mean()
    assert out["clustering"].attrs["ambiguous"] == share


def test_labels_are_ambiguous_where_components_are_one_and_not_where_they_are_apart():
    for seed in range(3):
        x, draws = merged(0.0, seed=seed)
        assert Reading.of(relabelled(tree_of(draws, x))).labels_are_ambiguous
        x, draws = merged(5.0, seed=seed)
        apart = relabelled(tree_of(draws, x))
        assert not Reading.of(apart).labels_are_ambiguous
        assert apart["clustering"].attrs["ambiguous"] == 0


def test_more_rows_do_not_make_labels_clear():
    """A margin in nats grows with the rows; the share of ambiguous draws does not."""
    x, draws = merged(0.0)
    few, many = (relabelled(tree_of(draws, rows)) for rows in (x, np.repeat(x, 50, axis=0)))
    assert few["clustering"].attrs["ambiguous"] == many["clustering"].attrs["ambiguous"]


def test_methods_agree_where_components_are_apart_and_less_where_they_are_one():
    x, draws, centre = draws_about("full", width=0.02)
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    table = bg.label_agreement(tree_of(mixed, x, mode=centre), progress=False)
    assert list(table.index) == list(table.columns) == list(METHODS)
    np.testing.assert_array_equal(table, 1.0)
    x, draws = merged(0.0)
    mode = MixtureParameters("diag", np.full(2, 0.5), np.array([[-0.5], [0.5]]), np.ones((2, 1)))
    table = bg.label_agreement(tree_of(draws, x, mode=mode), progress=False)
    np.testing.assert_array_equal(table, table.T)
    np.testing.assert_array_equal(np.diagonal(table), 1.0)
    assert 0.3 < table.loc["stephens", "means"] < 0.98


def test_components_that_hold_no_rows_of_the_map_are_told_apart_by_their_parameters():
    """Trap: without rows of the pivot all components would do for them."""
    x, draws, centre = draws_about("full", k=4, width=0.1)
    for p in (*draws, centre):
        p.means[2], p.means[3] = [1e3, 1e3], [-1e3, 2e3]
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    for method in METHODS:
        out = bg.relabel(tree_of(mixed, x, mode=centre), method, progress=False)
        assert_same_draws(out, tree_of(draws, x), rtol=0)
    # Of the rows alone, the two could be swapped in every draw.
    assert out["clustering"].attrs["ambiguous"] == 1


@every_method
def test_without_a_map_the_draw_of_highest_density_stands_in(method):
    x, draws, centre = draws_about("full", width=0.1)
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    tree = tree_of(mixed, x)
    lp = np.zeros((2, 10))
    lp[1, 3], lp[0, 0] = 1.0, np.nan
    tree["sample_stats"] = xr.DataTree(xr.Dataset({"lp": (("chain", "draw"), lp)}))
    out = bg.relabel(tree, method, progress=False)
    wanted = relabelled(tree_of(mixed, x, mode=centre))
    orders = [permutations_of(t) for t in (out, wanted)]
    order = [list(orders[1][0]).index(j) for j in orders[0][0]]
    np.testing.assert_array_equal(orders[0], orders[1][:, order])
