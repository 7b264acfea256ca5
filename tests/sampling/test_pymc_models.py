"""PyMC's own tools on our trees, and our sampler on PyMC's models."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from declared import FAST, rows
from oracles import STRUCTURES

import bayesgmm as bg
from bayesgmm.posterior.summaries import summary_table

WEIGHT = np.tile([1.0, 2.0], 20)
COMPILE = {"compile_kwargs": {"mode": FAST}, "progressbar": False}
structures = pytest.mark.parametrize(
    "covariance", ["full", *(pytest.param(s, marks=pytest.mark.slow) for s in STRUCTURES[1:])]
)


@structures
def test_pymc_computes_the_log_likelihood_of_our_tree(covariance):
    mixture = bg.GaussianMixture(2, covariance)
    post = bg.sample(
        mixture, rows(), sample_weight=WEIGHT, draws=30, tune=50, chains=2, random_seed=1,
        progress=False,
    )  # fmt: skip
    model = bg.declare(mixture, rows(), sample_weight=WEIGHT)
    theirs = pm.compute_log_likelihood(
        post.copy(), model=model, extend_inferencedata=False, **COMPILE
    )
    ours = bg.log_likelihood(post)["log_likelihood"]["x"]
    assert ours.dims == theirs["x"].dims == ("chain", "draw", "obs")
    np.testing.assert_allclose(ours, theirs["x"], rtol=1e-9, atol=1e-9)


@structures
def test_pymc_draws_new_rows_from_our_tree(covariance):
    mixture = bg.GaussianMixture(2, covariance)
    post = bg.sample(mixture, rows(), draws=200, tune=200, chains=2, random_seed=1, progress=False)
    model = bg.declare(mixture, rows())
    drawn = pm.sample_posterior_predictive(post, model=model, random_seed=1, **COMPILE)
    new = drawn["posterior_predictive"]["x"]
    assert new.dims == ("chain", "draw", "obs", "feature")
    assert new.shape == (2, 200, 40, 3)
    posterior = post["posterior"]
    # 40 rows of every draw: mean and second moment of the first feature, given the draws.
    first = new.isel(feature=0).values.reshape(-1, 40)
    weights = posterior["weights"].values.reshape(-1, 2)
    means = posterior["means"].values[..., 0].reshape(-1, 2)
    variances = bg.covariances(post).values[..., 0, 0].reshape(-1, 2)
    for power, expected in (
        (1, (weights * means).sum(axis=1)),
        (2, (weights * (means**2 + variances)).sum(axis=1)),
    ):
        error = (first**power).mean(axis=1) - expected
        assert abs(error.mean()) < 4.5 * error.std() / np.sqrt(len(error))


def summaries_agree(a, b, names):
    """Posterior means and deviations of two independent runs, within Monte Carlo error."""
    a, b = a.loc[names], b.loc[names]
    error = np.hypot(a["mcse_mean"], b["mcse_mean"])
    np.testing.assert_array_less(np.abs(a["mean"] - b["mean"]), 4.5 * error)
    error = np.hypot(a["mcse_sd"], b["mcse_sd"])
    np.testing.assert_array_less(np.abs(a["sd"] - b["sd"]), 4.5 * error)


@pytest.mark.slow
def test_a_declared_model_and_its_mixture_have_one_posterior():
    mixture, x = bg.GaussianMixture(2), rows()
    settings = {"draws": 1000, "tune": 500, "chains": 2, "random_seed": 1, "progress": False}
    ours = bg.sample(mixture, x, **settings)
    compiled = bg.sample(bg.declare(mixture, x), **settings)
    assert {"weights", "means", "covariances"} == set(compiled["posterior"].data_vars)
    for name, variable in ours["posterior"].data_vars.items():
        assert compiled["posterior"][name].dims == variable.dims
    assert compiled["observed_data"]["x"].dims == ("obs", "feature")
    assert not compiled["sample_stats"]["diverging"].any()
    # Labels in one order: that of decreasing mean weight.
    tables = []
    for post in (ours, compiled):
        post = bg.relabel(post, progress=False)
        order = np.argsort(-post["posterior"]["weights"].mean(("chain", "draw")).values)
        ordered = post["posterior"].to_dataset().isel(component=order)
        post["posterior"] = ordered.assign_coords(component=[0, 1])
        tables.append(summary_table(post, round_to="none"))
    summaries_agree(*tables, list(tables[0].index))


@pytest.mark.slow
def test_a_model_written_by_hand_has_the_posterior_of_the_mixture_it_means():
    """Half-normal standard deviations, as a user would write them: other coordinates, one law."""
    x = rows(40, 2)
    mixture = bg.GaussianMixture(2, "diag", bg.NormalLKJ())
    prior = mixture.resolved_prior(x, np.ones(40))
    names = {"component": [0, 1], "feature": ["x1", "x2"]}
    with pm.Model(coords=names) as model:
        weights = pm.Dirichlet("weights", prior.concentration, dims="component")
        sd = pm.HalfNormal("sd", prior.scale, dims=("component", "feature"))
        means = pm.Normal(
            "means", prior.mean, prior.mean_scale, dims=("component", "feature"),
            initval=x[[0, -1]],
        )  # fmt: skip
        pm.Deterministic("variances", sd**2, dims=("component", "feature"))
        bg.MarginalMixture("x", weights, means, sigma=sd, observed=x)
    settings = {"draws": 1000, "tune": 1000, "chains": 2, "random_seed": 1, "progress": False}
    by_hand = bg.sample(model, **settings)
    assert {"weights", "sd", "means", "variances"} <= set(by_hand["posterior"].data_vars)
    tables = []
    for post in (bg.sample(mixture, x, **settings), by_hand):
        post = bg.relabel(post, progress=False)
        order = np.argsort(-post["posterior"]["weights"].mean(("chain", "draw")).values)
        ordered = post["posterior"].to_dataset().isel(component=order)
        post["posterior"] = ordered.assign_coords(component=[0, 1])
        tables.append(summary_table(post, round_to="none"))
    summaries_agree(*tables, list(tables[0].index))


@pytest.mark.slow
def test_an_informative_prior_on_the_means_keeps_its_labels():
    """A user's extension: the means are told apart by their prior, in an order against the data's
    weights, and a scale of their own is estimated."""
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.normal(0, 1, (15, 1)), rng.normal(6, 1, (45, 1))])
    names = {"component": ["low", "high"], "feature": ["v"], "feature_bis": ["v"]}
    with pm.Model(coords=names) as model:
        weights = pm.Dirichlet("weights", [2.0, 2.0], dims="component")
        covariances = bg.InverseWishart(
            "covariances", 4.0, [[2.0]], dims=("component", "feature", "feature_bis")
        )
        width = pm.Gamma("width", 4.0, 4.0)
        means = pm.Normal("means", [[0.0], [6.0]], width, dims=("component", "feature"))
        chol = pt.linalg.cholesky(covariances)
        bg.MarginalMixture("x", weights, means, chol=chol, observed=x)
    settings = {"draws": 1500, "tune": 1000, "chains": 2, "random_seed": 1, "target_accept": 0.95}
    post = bg.sample(model, progress=False, **settings)
    assert "width" in post["posterior"]
    assert list(post["posterior"]["component"].values) == ["low", "high"]
    assert post["observed_data"]["x"].shape == (60, 1)
    means = post["posterior"]["means"].values[..., 0]
    assert means[..., 0].mean() == pytest.approx(x[:15].mean(), abs=0.3)
    assert means[..., 1].mean() == pytest.approx(x[15:].mean(), abs=0.2)
    # Relabelling finds nothing to do.
    again = bg.relabel(post, progress=False)["posterior"]["means"].values
    np.testing.assert_array_equal(again[..., 0], means)
    assert "means[low, v]" in bg.summary(post).index


def test_rows_and_starts_of_a_model_are_its_own():
    model = bg.declare(bg.GaussianMixture(2), rows())
    start = bg.fit_map(bg.GaussianMixture(2), rows(), n_starts=2, random_seed=1, progress=False)
    for name, value in (("x", rows()), ("sample_weight", WEIGHT), ("start", start)):
        with pytest.raises(ValueError, match=f"{name} must be left out for a PyMC model"):
            bg.sample(model, **{name: value})


def test_a_model_with_nothing_continuous_to_draw_is_refused():
    with pm.Model() as nothing:
        pm.Normal("x", 0, 1, observed=[1.0])
    with pm.Model() as discrete:
        pm.Bernoulli("z", 0.5, shape=3)
    for model, words in ((nothing, "none that is free"), (discrete, "z discrete")):
        with pytest.raises(ValueError, match=words):
            bg.sample(model)


def test_a_model_whose_data_have_gaps_is_refused():
    with pm.Model() as model:
        data = pm.Data("rows", [1.0, 2.0])
        pm.Normal("y", pm.Normal("mu"), 1, observed=data)
        pm.set_data({"rows": [1.0, np.nan]})
    with pytest.raises(ValueError, match="rows of the model must hold numbers; got 1 that"):
        bg.sample(model)


def test_a_model_whose_density_is_nowhere_a_number_is_refused():
    with pm.Model() as model:
        pm.Potential("nowhere", pm.Normal("mu") * 0 - np.inf)
    with pytest.raises(ValueError, match="density of the model is not a positive number at any"):
        bg.sample(model, draws=5, tune=5, chains=1, cores=1, progress=False)
