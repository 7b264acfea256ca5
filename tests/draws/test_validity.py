"""Draws that no mixture could have are refused by name, by every function that reads draws."""

import inspect

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from oracles import SHARED, STRUCTURES
from trees import draws_about, tree_of

import bayesgmm as bg
from bayesgmm.mixture import structure_named

mpl.use("Agg")

READS_NO_DRAWS = {"as_drawn", "plot_trace_em", "save"}
"""They hand draws on as they are, or look at the MAP alone."""

READERS = [
    name
    for name in bg.__all__
    if callable(function := getattr(bg, name))
    and not inspect.isclass(function)
    and "post" in inspect.signature(function).parameters
    and name not in READS_NO_DRAWS
]


def changed(post, name, at, value):
    """The tree with one number of its draws replaced."""
    draws = post["posterior"].to_dataset().copy(deep=True)
    draws[name].values[at] = value
    out = post.copy()
    out["posterior"] = xr.DataTree(draws)
    return out


@pytest.fixture(scope="module")
def post():
    x, draws, centre = draws_about("full", n_draws=20)
    return bg.relabel(tree_of(draws, x, mode=centre), progress=False)


@pytest.fixture(scope="module")
def comparison(post):
    return bg.compare(post, random_seed=1, progress=False)


@pytest.mark.parametrize("name", READERS)
def test_every_function_that_reads_draws_refuses_them(name, post, comparison, tmp_path):
    given = {
        "partition": np.zeros(30, dtype=int),
        "comparison": comparison,
        "path": tmp_path / "report.html",
        "progress": False,
    }
    function = getattr(bg, name)
    wanted = inspect.signature(function).parameters
    settings = {k: v for k, v in given.items() if k in wanted}
    nowhere = changed(post, "means", (1, 3, 2, 0), np.nan)
    place = r"means of post\['posterior'\] at chain 1, draw 3, component 2, feature f0: .* got nan"
    with pytest.raises(ValueError, match=place):
        function(nowhere, **settings)
    flat = changed(post, "covariances", (0, 7, 1), [[1, 2], [2, 1]])
    with pytest.raises(ValueError, match=r"chain 0, draw 7, component 1: .*positive definite"):
        function(flat, **settings)
    for dim in ("draw", "chain"):
        with pytest.raises(ValueError, match=f"post.* is empty .*{dim} 0"):
            function(post.isel({dim: slice(0)}, missing_dims="ignore"), **settings)
    assert not list(tmp_path.iterdir())


def of(covariance):
    x, draws, centre = draws_about(covariance, n_draws=20)
    return tree_of(draws, x, mode=centre)


@pytest.mark.parametrize("covariance", STRUCTURES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_a_spread_that_is_not_positive_is_refused_in_every_structure(covariance, value):
    tree, name = of(covariance), structure_named(covariance).spread
    at = (1, 2, *([0] * (tree["posterior"][name].ndim - 2)))
    own = "" if covariance in SHARED else ", component 0"
    with pytest.raises(ValueError, match=rf"{name} of post.* at chain 1, draw 2{own}.* got"):
        bg.density(changed(tree, name, at, value))


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 0.9])
def test_weights_off_the_simplex_are_refused(value):
    with pytest.raises(ValueError, match=r"weights of post.* at chain 1, draw 2.* got"):
        bg.density(changed(of("full"), "weights", (1, 2, 0), value))


def test_the_place_is_named_by_its_coordinates_and_all_such_draws_are_counted():
    tree = of("full").isel(draw=slice(4, None, 2), missing_dims="ignore")
    with pytest.raises(ValueError, match=r"chain 0, draw 6, component 0.*so in 2 of 6 draws"):
        bg.density(changed(tree, "covariances", np.s_[:, 1, :, 0, 1], 0.7))


def test_the_map_is_refused_like_a_draw():
    tree = of("full")
    tree["map"] = tree["map"].to_dataset().assign(weights=("component", [0.5, 0.6, 0.7]))
    with pytest.raises(ValueError, match=r"weights of post\['map'\].*expected weights .* got"):
        bg.relabel(tree, progress=False)


def test_rows_and_log_posteriors_that_are_not_finite_are_refused():
    tree = of("full")
    lp = np.zeros((2, 10))
    lp[1, 4] = np.nan
    tree["sample_stats"] = xr.Dataset({"lp": (("chain", "draw"), lp)})
    with pytest.raises(ValueError, match=r"lp of post\['sample_stats'\] at chain 1, draw 4: .*nan"):
        bg.diagnose(tree, progress=False)
    rows = tree["observed_data"]["x"].values.copy()
    rows[5, 1] = np.nan
    hollow = tree.copy()
    hollow["observed_data"] = (
        tree["observed_data"].to_dataset().assign(x=(("obs", "feature"), rows))
    )
    with pytest.raises(
        ValueError, match=r"x of post\['observed_data'\] is nan in row 5, feature f1"
    ):
        bg.density(hollow)


def test_draws_in_single_precision_are_taken():
    tree = of("full")
    single = tree["posterior"].to_dataset().astype(np.float32)
    tree["posterior"] = xr.DataTree(single)
    assert np.isfinite(bg.density(tree)).all()
