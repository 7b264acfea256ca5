"""Posteriors of a user's own model, whose dimensions have any names."""

import numpy as np
import pytest
import xarray as xr
from oracles import STRUCTURES
from trees import assert_same_draws, draws_about, scrambled, tree_of

import bayesgmm as bg
from bayesgmm.draws.foreign import laid_out

QUIET = {"random_seed": 1, "progress": False}


def anonymous(post):
    """The tree as PyMC makes it of variables without dims."""

    def bare(dataset, lead):
        named = {}
        for name, v in dataset.data_vars.items():
            dims = [f"{name}_dim_{i}" for i in range(v.ndim - lead)]
            named[name] = ((*v.dims[:lead], *dims), v.values)
        return xr.Dataset(named, {d: dataset[d].values for d in v.dims[:lead]})

    groups = {"posterior": 2, "observed_data": 0}
    return xr.DataTree.from_dict(
        {name: bare(post[name].to_dataset(), lead) for name, lead in groups.items()}
    )


@pytest.fixture(params=STRUCTURES)
def trees(request):
    x, draws, _ = draws_about(request.param, n_draws=40, width=0.2)
    post = tree_of(scrambled(draws, np.random.default_rng(1))[0], x)
    return post, anonymous(post), x


def test_dimensions_go_by_position(trees):
    named, bare, _ = trees
    assert laid_out(named) is named
    found = laid_out(bare)
    assert_same_draws(found, named, rtol=0)
    assert list(found["posterior"]["feature"].values) == ["x1", "x2"]
    assert laid_out(found) is found


def test_all_there_is_works_on_them(trees):
    named, bare, x = trees
    one, two = (bg.relabel(post, progress=False) for post in (named, bare))
    assert_same_draws(one, two, rtol=0)
    for post in (named, bare):
        given = {} if post is named else {"x": x}
        part = bg.partition(post, **QUIET, **given)
        np.testing.assert_array_equal(part.labels, bg.partition(named, **QUIET).labels)
    alike = bg.similarity(named, progress=False).values
    np.testing.assert_array_equal(bg.similarity(bare, progress=False).values, alike)
    np.testing.assert_array_equal(bg.density(bare, x[:3]).values, bg.density(named, x[:3]).values)
    number = [bg.occupied_components(post, **QUIET) for post in (bare, named)]
    np.testing.assert_array_equal(*number)
    replicas = bg.posterior_predictive(bare, 1)["posterior_predictive"]["x"]
    assert replicas.dims == ("chain", "draw", "obs", "feature")
    verdicts = [bg.diagnose(post, progress=False).verdict for post in (bare, named)]
    assert verdicts[0] == verdicts[1]


def test_names_of_features_and_components_are_kept():
    x, draws, _ = draws_about("full", k=2, n_draws=40)
    post = tree_of(draws, x)
    posterior = post["posterior"].to_dataset()
    named = {"component": "species", "feature": "trait", "feature_bis": "trait_bis"}
    other = posterior.rename(named).assign_coords(species=["a", "b"], trait=["mm", "g"])
    found = laid_out(xr.DataTree.from_dict({"posterior": other}))["posterior"]
    assert list(found["component"].values) == ["a", "b"]
    assert list(found["feature"].values) == ["mm", "g"]


def test_other_shapes_are_refused_by_name():
    x, draws, _ = draws_about("full", n_draws=40)
    posterior = tree_of(draws, x)["posterior"].to_dataset()
    flat = posterior.assign(weights=posterior["weights"].isel(component=0, drop=True))
    with pytest.raises(ValueError, match=r"weights of post has dimensions .*expected 3"):
        bg.relabel(xr.DataTree.from_dict({"posterior": flat}), x=x, progress=False)


@pytest.mark.parametrize("named", [True, False])
def test_rows_of_another_width_than_the_means_are_refused(named):
    """Fifty rows of two features are not a hundred of one."""
    x, draws, _ = draws_about("spherical", k=2, d=1, n_draws=40)
    post = tree_of(draws, x) if named else anonymous(tree_of(draws, x))
    wide = x.reshape(-1, 2)
    post["observed_data"] = xr.DataTree(xr.Dataset({"x": (("row", "column"), wide)}))
    with pytest.raises(ValueError, match=r"observed_data\['x'\] of post must have 1 features"):
        bg.relabel(post, progress=False)
    post["observed_data"] = xr.DataTree(xr.Dataset({"x": (("row",), x[:, 0])}))
    assert bg.relabel(post, progress=False)["clustering"].sizes["obs"] == len(x)


def test_parameters_per_row_are_not_taken_for_components():
    x, draws, _ = draws_about("spherical", k=2, d=1, n_draws=40)
    post = anonymous(tree_of(draws, x))
    posterior = post["posterior"].to_dataset().drop_dims(["means_dim_0", "means_dim_1"])
    by_row = np.zeros((*posterior["weights"].shape[:2], len(x), 2))
    post["posterior"] = xr.DataTree(posterior.assign(means=(("chain", "draw", "n", "k"), by_row)))
    with pytest.raises(ValueError, match=r"means of post .* expected component = 2"):
        bg.relabel(post, x=x, progress=False)
