"""The tree that sampling returns: its groups, names, dimensions and provenance."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from declared import PRIORS, rows
from oracles import STRUCTURES, prior_by_component

import bayesgmm as bg
from bayesgmm.likelihood.target import Target, unconstrain
from bayesgmm.mixture.parameters import MixtureParameters

NAMES = ("a", "b", "c")
WEIGHT = np.tile([1.0, 2.0], 20)
SHORT = {"draws": 30, "tune": 40, "chains": 2, "progress": False}


def frame():
    return pd.DataFrame(rows(), columns=NAMES)


@pytest.fixture(scope="module", params=[(s, p) for s in STRUCTURES for p in PRIORS], ids="-".join)
def sampled(request):
    """A mixture, its short posterior with row weights, and the fit it started from."""
    covariance, family = request.param
    mixture = bg.GaussianMixture(2, covariance, PRIORS[family])
    start = bg.fit_map(mixture, frame(), sample_weight=WEIGHT, random_seed=1, progress=False)
    post = bg.sample(
        mixture,
        frame(),
        sample_weight=WEIGHT,
        start=start,
        random_seed=3,
        save_warmup=True,
        **SHORT,
    )
    return mixture, post, start


def test_groups_variables_and_dimensions(sampled):
    mixture, post, _ = sampled
    assert set(post.children) == {
        "posterior", "sample_stats", "warmup_posterior", "warmup_sample_stats",
        "observed_data", "constant_data", "map",
    }  # fmt: skip
    name = mixture.structure.spread
    lead = ("chain", "draw")
    for group, n_draws in (("posterior", 30), ("warmup_posterior", 40)):
        dataset = post[group].to_dataset()
        assert {v: a.dims for v, a in dataset.data_vars.items()} == {
            "weights": (*lead, "component"),
            "means": (*lead, "component", "feature"),
            name: (*lead, *mixture.structure.dims),
        }
        assert dataset[name].shape == (
            2,
            n_draws,
            *mixture.structure.spread_shape(2, 3),
        )
        assert all(
            a.dtype == np.float64 and np.isfinite(a).all() for a in dataset.data_vars.values()
        )
        np.testing.assert_allclose(dataset["weights"].sum("component"), 1, rtol=1e-12)
    assert post["observed_data"]["x"].dims == ("obs", "feature")
    np.testing.assert_array_equal(post["observed_data"]["x"], rows())
    assert post["constant_data"]["sample_weight"].dims == ("obs",)
    np.testing.assert_array_equal(post["constant_data"]["sample_weight"], WEIGHT)


def test_coordinates(sampled):
    _, post, _ = sampled
    posterior = post["posterior"]
    np.testing.assert_array_equal(posterior["component"], [0, 1])
    assert posterior["component"].dtype.kind == "i"
    assert tuple(posterior["feature"].values) == NAMES
    np.testing.assert_array_equal(posterior["chain"], [0, 1])
    np.testing.assert_array_equal(posterior["draw"], np.arange(30))
    np.testing.assert_array_equal(post["observed_data"]["obs"], np.arange(40))
    if "feature_bis" in posterior.dims:
        assert tuple(posterior["feature_bis"].values) == NAMES


def test_statistics_have_arvizs_names(sampled):
    _, post, _ = sampled
    statistics = post["sample_stats"]
    wanted = {
        "lp", "diverging", "tree_depth", "n_steps", "step_size", "acceptance_rate", "energy"
    }  # fmt: skip
    assert wanted <= set(statistics.data_vars)
    assert all(v.dims == ("chain", "draw") for v in statistics.data_vars.values())
    assert statistics["diverging"].dtype == bool
    assert (statistics["n_steps"] >= 1).all()
    assert ((statistics["acceptance_rate"] >= 0) & (statistics["acceptance_rate"] <= 1)).all()
    # The last doubling may be given up, and is then not counted in the depth.
    assert (statistics["n_steps"] < 2 ** (statistics["tree_depth"].astype(int) + 1)).all()


def test_lp_is_the_density_of_the_declared_model(sampled):
    """In the data's units and in PyMC's coordinates, at every draw; of the warm-up as well."""
    mixture, post, _ = sampled
    prior = mixture.resolved_prior(rows(), WEIGHT)
    target = Target.of(mixture.covariance, 2, rows(), WEIGHT, prior)
    for group in ("", "warmup_"):
        posterior = post[f"{group}posterior"].to_dataset().stack(sample=("chain", "draw"))
        lp = post[f"{group}sample_stats"]["lp"].stack(sample=("chain", "draw"))
        for s in range(0, lp.sizes["sample"], 7):
            draw = posterior.isel(sample=s)
            names = ("weights", "means", mixture.structure.spread)
            values = (draw[name].values for name in names)
            y = unconstrain(MixtureParameters.from_spread(mixture.covariance, *values))
            assert lp.values[s] == pytest.approx(target(y)[0], rel=1e-8, abs=1e-7)


def test_map_is_the_start(sampled):
    mixture, post, start = sampled
    group = post["map"]
    np.testing.assert_array_equal(group["weights"], start.weights)
    np.testing.assert_array_equal(group["means"], start.means)
    np.testing.assert_array_equal(group[mixture.structure.spread], start.parameters.spread)
    assert group["means"].dims == ("component", "feature")
    for name in ("log_posterior", "log_likelihood", "gradient_norm"):
        assert group[name].item() == getattr(start, name)
    np.testing.assert_array_equal(group["trace"], start.trace)
    np.testing.assert_array_equal(group["mode_count"], [m.count for m in start.modes])
    np.testing.assert_array_equal(
        group["mode_log_posterior"], [m.log_posterior for m in start.modes]
    )
    assert group.attrs == {"status": start.status, "converged": 1, "n_iter": start.n_iter}


def test_prior_is_written_as_numbers(sampled):
    mixture, post, _ = sampled
    prior = mixture.resolved_prior(rows(), WEIGHT)
    written = {k: v for k, v in post["constant_data"].data_vars.items() if k != "sample_weight"}
    absent = (None, False)  # a prior that has no such number, and the kind of scales
    fields = {n for n, v in vars(prior).items() if not any(v is a for a in absent)}
    assert set(written) == {f"prior_{name}" for name in fields}
    for name in fields:
        np.testing.assert_array_equal(written[f"prior_{name}"], getattr(prior, name))


def test_a_prior_given_by_component_is_written_and_read_by_component():
    x = rows(n_features=2)
    prior = prior_by_component(np.random.default_rng(1), "full", 2, 2)
    prior = prior.affine(x.std(axis=0), x.mean(axis=0))
    post = bg.sample(bg.GaussianMixture(2, prior=prior), x, random_seed=1, **SHORT)
    constants = post["constant_data"]
    assert constants["prior_mean"].dims == ("component", "feature")
    assert (
        constants["prior_df"].dims == constants["prior_mean_concentration"].dims == ("component",)
    )
    assert constants["prior_scale"].dims == ("component", "feature", "feature_bis")
    again = bg.GaussianMixture.from_dict(json.loads(post.attrs["bayesgmm_declaration"]))
    for name in ("mean", "mean_concentration", "df", "scale"):
        np.testing.assert_array_equal(constants[f"prior_{name}"], getattr(prior, name))
        np.testing.assert_array_equal(getattr(again.prior, name), getattr(prior, name))


def test_attributes_say_where_the_draws_come_from(sampled):
    mixture, post, _ = sampled
    attrs = post.attrs
    declaration = json.loads(attrs["bayesgmm_declaration"])
    again = bg.GaussianMixture.from_dict(declaration)
    assert (again.n_components, again.covariance) == (2, mixture.covariance)
    assert again.prior.to_dict() == mixture.resolved_prior(rows(), WEIGHT).to_dict()
    assert attrs["random_seed"] == 3
    assert attrs["bayesgmm_version"] == bg.__version__
    assert {"numpy", "nutpie", "pymc", "numba"} <= set(json.loads(attrs["versions"]))
    assert 0 < attrs["wall_time"] < 600
    assert isinstance(attrs["wall_time"], float)
    assert attrs["n_chains_requested"] == 2
    assert attrs["interrupted"] == 0
    assert attrs["data_hash"] == hashlib.sha256(rows().tobytes() + WEIGHT.tobytes()).hexdigest()


def test_a_sampled_declaration_can_be_sampled_again():
    """The declaration in the tree carries its numbers: the same draws without the defaults."""
    mixture = bg.GaussianMixture(2, "diag", bg.NormalInverseWishart(concentration=3))
    post = bg.sample(mixture, frame(), random_seed=1, **SHORT)
    again = bg.GaussianMixture.from_dict(json.loads(post.attrs["bayesgmm_declaration"]))
    twin = bg.sample(again, frame(), random_seed=1, **SHORT)
    xr.testing.assert_identical(twin["posterior"].to_dataset(), post["posterior"].to_dataset())


def test_rows_left_out_keep_their_positions():
    x = rows(20, 2)
    x[3] = np.nan
    kept = bg.observations(x, drop_missing=True)
    post = bg.sample(bg.GaussianMixture(2), kept, random_seed=1, **SHORT)
    expected = [i for i in range(20) if i != 3]
    for group in ("observed_data", "constant_data"):
        np.testing.assert_array_equal(post[group]["obs"], expected)
    np.testing.assert_array_equal(bg.density(post)["obs"], expected)


def test_warmup_is_left_out_unless_asked_for():
    post = bg.sample(bg.GaussianMixture(2, "spherical"), frame(), random_seed=1, **SHORT)
    assert not [name for name in post.children if name.startswith("warmup")]
