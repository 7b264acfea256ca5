"""Trees whose groups or names do not belong together: refused by name, or read by name."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm
from trees import draws_about, tree_of

import bayesgmm as bg

QUIET = {"progress": False}


@pytest.fixture(scope="module")
def scene():
    x, draws, centre = draws_about("full", k=2, n_draws=40)
    return x, draws, bg.relabel(tree_of(draws, x, mode=centre), **QUIET)


def put(tree, **groups):
    tree = tree.copy(deep=True)
    for name, dataset in groups.items():
        tree[name] = xr.DataTree(dataset)
    return tree


def of_three():
    x, draws, centre = draws_about("full", k=3, n_draws=40)
    return bg.relabel(tree_of(draws, x, mode=centre), **QUIET)


BROKEN = {
    "a MAP of three components": (
        lambda t: {"map": of_three()["map"].to_dataset()},
        "component = 3",
    ),
    "a clustering of three components": (
        lambda t: {"clustering": of_three()["clustering"].to_dataset()},
        "component = 3",
    ),
    "draws dropped in one group": (
        lambda t: {"posterior": t["posterior"].to_dataset().isel(draw=slice(5, None))},
        "draw = 20; expected 15",
    ),
    "rows dropped in one group": (
        lambda t: {"observed_data": t["observed_data"].to_dataset().isel(obs=slice(10))},
        "obs = 30; expected 10",
    ),
    "weights of three rows": (
        lambda t: {"constant_data": xr.Dataset({"sample_weight": ("o", np.ones(3))})},
        "obs = 3; expected 30",
    ),
    "a negative weight": (
        lambda t: {"constant_data": xr.Dataset({"sample_weight": ("obs", -np.ones(30))})},
        "finite and not negative",
    ),
    "text for weights": (
        lambda t: {
            "posterior": t["posterior"]
            .to_dataset()
            .assign(weights=t["posterior"]["weights"].astype(str))
        },
        "weights of post.* must hold real numbers",
    ),
    "complex means": (
        lambda t: {
            "posterior": t["posterior"].to_dataset().assign(means=t["posterior"]["means"] + 1j)
        },
        "means of post.* must hold real numbers; got complex128",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_groups_that_do_not_belong_together_are_refused(name, scene):
    _, _, tree = scene
    change, words = BROKEN[name]
    broken = put(tree, **change(tree))
    uses = [bg.relabel, bg.summary, bg.predict_proba, bg.compare, bg.plot_mixture]
    for use in uses if "real numbers" in words else [*uses, bg.as_drawn]:
        with pytest.raises(ValueError, match=words):
            use(broken)


@pytest.mark.parametrize("written", ["[0, 0, 0]", "x", "{}"])
def test_groups_of_components_that_are_none_are_refused(written, scene):
    tree = bg.as_drawn(scene[2])
    tree.attrs["exchangeable"] = written
    with pytest.raises(ValueError, match="must be a list of 2 integers"):
        bg.relabel(tree, **QUIET)


def test_one_chain_without_its_dimension_is_refused(scene):
    for use in (bg.as_drawn, bg.summary):
        with pytest.raises(ValueError, match="weights of post has dimensions"):
            use(scene[2].isel(chain=1, missing_dims="ignore"))


def test_axes_are_told_apart_by_the_name_that_the_weights_give_them(scene):
    x, _, tree = scene
    draws = tree["posterior"].to_dataset().drop_vars(["component", "feature", "feature_bis"])
    draws = draws.rename(component="cluster", feature="f", feature_bis="g")
    turned = draws.assign(means=draws["means"].transpose("chain", "draw", "f", "cluster"))
    bare = xr.DataTree.from_dict({"posterior": turned})
    np.testing.assert_allclose(bg.density(bare, x).values, bg.density(tree, x).values, rtol=1e-12)


def test_a_spread_that_is_shared_by_components_is_not_read_as_theirs(scene):
    x, _, tree = scene
    draws = tree["posterior"].to_dataset()
    lead = draws["weights"].shape[:2]
    variances = np.broadcast_to([1.0, 9.0], (*lead, 2))
    weights, means = (draws[v].values for v in ("weights", "means"))
    named = {"weights": (("chain", "draw", "k"), weights)}
    named["means"] = (("chain", "draw", "k", "f"), means)
    shared = xr.Dataset(named | {"variances": (("chain", "draw", "f"), variances)})
    with pytest.raises(ValueError, match="none of components"):
        bg.density(xr.DataTree.from_dict({"posterior": shared}), x)
    shared = shared.rename(variances="feature_variances")
    each = weights * norm.pdf(x[0, 0], means[..., 0], 1) * norm.pdf(x[0, 1], means[..., 1], 3)
    found = bg.density(xr.DataTree.from_dict({"posterior": shared}), x[:1])
    np.testing.assert_allclose(found, each.sum(axis=-1).mean())


def test_too_few_or_equal_draws_are_no_tail_and_no_trace(scene):
    _, draws, tree = scene
    with pytest.raises(ValueError, match="need 25 that differ"):
        bg.loo(tree.isel(draw=slice(3), missing_dims="ignore"), **QUIET)
    equal = tree_of([draws[0]] * 60, scene[0])
    with pytest.raises(ValueError, match="need 25 that differ"):
        bg.loo(equal, **QUIET)
    with pytest.raises(ValueError, match="nothing to show"):
        bg.plot_convergence(equal)


def test_chains_may_have_names(scene):
    tree = scene[2].copy(deep=True)
    tree["posterior"] = tree["posterior"].to_dataset().assign_coords(chain=["a", "b"])
    axes = bg.plot_convergence(tree)
    labels = [t.get_text() for t in axes[0, 1].get_legend().get_texts()]
    assert labels == ["chain a", "chain b"]


def test_a_comparison_of_more_components_is_refused(scene):
    other = bg.compare(of_three(), random_seed=1, **QUIET)
    with pytest.raises(ValueError, match="2 components"):
        bg.plot_comparison(scene[2], other)
