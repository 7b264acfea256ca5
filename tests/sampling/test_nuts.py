"""NUTS on the compiled target: its draws, their seeds, its refusals."""

from dataclasses import replace

import arviz as az
import numpy as np
import pytest
import xarray as xr
from declared import PRIORS, rows
from oracles import ISOTROPIC, MATRICES, SEPARABLE, STRUCTURES

import bayesgmm as bg
from bayesgmm.likelihood.target import Target, unconstrain
from bayesgmm.mixture import structure_named
from bayesgmm.mixture.parameters import MixtureParameters

SHORT = {"draws": 30, "tune": 40, "chains": 2, "progress": False}
every_structure = pytest.mark.parametrize("covariance", STRUCTURES)


def sampled(mixture, x, **options):
    return bg.sample(mixture, x, **({"random_seed": 1} | SHORT | options))


def same_draws(a, b):
    return a["posterior"].to_dataset().identical(b["posterior"].to_dataset())


def test_the_same_seed_gives_the_same_draws_on_any_number_of_cores():
    mixture, x = bg.GaussianMixture(2), rows()
    post = sampled(mixture, x, chains=3)
    assert same_draws(sampled(mixture, x, chains=3), post)
    assert same_draws(sampled(mixture, x, chains=3, cores=1), post)
    assert same_draws(sampled(mixture, x, chains=3, cores=2), post)
    other = sampled(mixture, x, chains=3, random_seed=2)
    means = post["posterior"]["means"].values
    assert (other["posterior"]["means"].values != means).all()
    assert (means[0] != means[1]).all()


def test_without_a_seed_draws_differ_and_say_so():
    mixture, x = bg.GaussianMixture(1, "spherical"), rows()
    one, two = (sampled(mixture, x, random_seed=None) for _ in range(2))
    assert not same_draws(one, two)
    assert one.attrs["random_seed"] == "none"


@pytest.mark.parametrize("family", PRIORS)
def test_old_faithful_is_sampled_well(old_faithful, family):
    mixture = bg.GaussianMixture(2, prior=PRIORS[family])
    post = bg.sample(mixture, old_faithful, random_seed=1, progress=False)
    assert post["posterior"]["means"].shape == (4, 1000, 2, 2)
    assert not post["sample_stats"]["diverging"].any()
    table = bg.summary(post, round_to="none")
    assert len(table) == 2 + 4 + 6
    assert table["r_hat"].max() < 1.01
    assert table["ess_bulk"].min() > 1000
    assert float(az.ess(post["sample_stats"]["lp"].values)) > 500
    # The published groups: short eruptions, a third, and long ones.
    means = bg.relabel(post, progress=False)["posterior"]["means"].mean(("chain", "draw")).values
    np.testing.assert_allclose(means, [[4.29, 79.97], [2.04, 54.48]], atol=0.2)


@pytest.mark.parametrize("family", PRIORS)
def test_chains_do_not_start_about_a_collapsed_component(old_faithful, family):
    """A half-normal scale has density on s² that grows without bound as s goes to 0: the highest
    end of a climb may be a spike on a few rows, where no chain should begin."""
    mixture = bg.GaussianMixture(6, prior=PRIORS[family])
    start = bg.fit_map(mixture, old_faithful, random_seed=1, progress=False)
    smallest = np.linalg.eigvalsh(start.covariances / np.cov(old_faithful.T, ddof=1).max())
    assert smallest.min() > 1e-8
    assert start.converged


@every_structure
def test_posterior_follows_the_units(covariance):
    """Powers of two change no digit: with the same seed every draw is the same, in other units."""
    x = rows()
    scale = np.array([8.0, 8.0, 8.0] if covariance in ISOTROPIC else [8.0, 0.25, 2.0**20])
    for prior in PRIORS.values() if covariance in SEPARABLE else [PRIORS["conjugate"]]:
        mixture = bg.GaussianMixture(2, covariance, prior)
        one, two = sampled(mixture, x), sampled(mixture, x * scale)
        name = structure_named(covariance).spread
        by_dim = xr.DataArray(scale, dims="feature", coords={"feature": ["x1", "x2", "x3"]})
        factors = {"weights": 1.0, "means": by_dim, name: by_dim**2}
        if covariance in MATRICES:
            factors[name] = by_dim * by_dim.rename(feature="feature_bis")
        if covariance in ISOTROPIC:
            factors[name] = scale[0] ** 2
        for variable, factor in factors.items():
            expected = one["posterior"][variable] * factor
            actual = two["posterior"][variable].transpose(*expected.dims)
            np.testing.assert_allclose(actual.values, expected.values, rtol=1e-12)


@pytest.mark.parametrize("unit", [1e-8, 1e8])
@every_structure
def test_posterior_follows_units_and_origin(covariance, unit):
    """Rounding grows along a trajectory: the draws differ, their law does not."""
    x = rows(60)
    shift = unit * np.array([1e3, -2e3, 5.0])
    mixture = bg.GaussianMixture(1, covariance)
    one, two = (
        sampled(mixture, data, draws=500, tune=300, chains=4) for data in (x, x * unit + shift)
    )
    for post in (one, two):
        assert not post["sample_stats"]["diverging"].any()
    name = structure_named(covariance).spread
    plain, moved = (
        [post["posterior"][v].values.reshape(2000, -1) for v in ("means", name)]
        for post in (one, two)
    )
    back = [(moved[0] - shift) / unit, moved[1] / unit**2]
    for a, b in zip(plain, back, strict=True):
        # 2000 nearly independent draws each: means to 0.045 standard deviations of their own.
        z = (a.mean(axis=0) - b.mean(axis=0)) / (a.std(axis=0) * np.sqrt(2 / 1000))
        assert np.abs(z).max() < 4.5
        assert np.abs(np.log(a.std(axis=0) / b.std(axis=0))).max() < 0.25
    data, ones = x * unit + shift, np.ones(60)
    target = Target.of(covariance, 1, data, ones, mixture.resolved_prior(data, ones))
    for s in (0, 250, 499):
        draw = two["posterior"].to_dataset().isel(chain=0, draw=s)
        values = (draw[v].values for v in ("weights", "means", name))
        y = unconstrain(MixtureParameters.from_spread(covariance, *values))
        assert float(two["sample_stats"]["lp"][0, s]) == pytest.approx(target(y)[0], rel=1e-6)


@pytest.mark.parametrize("value", [-2000.0, -800.0, 800.0, 2000.0])
@every_structure
def test_the_density_never_raises(covariance, value):
    """A trajectory may go anywhere, and an exception there would end the process: a scale that
    underflows to nothing, or overflows, has log density −inf or a finite one."""
    x, ones = rows(), np.ones(40)
    mixture = bg.GaussianMixture(2, covariance)
    target = Target.of(covariance, 2, x, ones, mixture.resolved_prior(x, ones))
    y = np.zeros(target.n_dim)
    y[1] = value  # the first logarithm of a scale
    log_density, gradient = target(y)
    assert log_density == -np.inf or np.isfinite(log_density)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("family", PRIORS)
@every_structure
def test_one_component(covariance, family):
    """K = 1, d = 1: the posterior mean of the mean is near the sample's."""
    x = rows(60, 1)
    post = sampled(bg.GaussianMixture(1, covariance, PRIORS[family]), x, draws=300, tune=300)
    assert (post["posterior"]["weights"] == 1).all()
    means = post["posterior"]["means"].values
    assert means.mean() == pytest.approx(x.mean(), abs=4 * x.std() / np.sqrt(60))
    assert means.std() == pytest.approx(x.std() / np.sqrt(60), rel=0.3)
    assert not post["sample_stats"]["diverging"].any()


def test_a_concentration_below_one_can_be_sampled():
    """No interior mode exists; chains start where the concentration is one."""
    x = np.random.default_rng(0).normal(size=(40, 1))
    least = {}
    for concentration in (0.2, 2.0):
        prior = bg.NormalInverseWishart(concentration=concentration)
        post = sampled(bg.GaussianMixture(2, prior=prior), x, draws=500, tune=500)
        assert np.isfinite(post["sample_stats"]["lp"]).all()
        np.testing.assert_array_equal(post["constant_data"]["prior_concentration"], concentration)
        least[concentration] = post["posterior"]["weights"].min("component").values.ravel()
    # Sparse: one group of rows leaves a component all but empty.
    assert np.median(least[0.2]) < 0.02
    assert np.median(least[2.0]) > 0.05


def test_chains_start_where_a_weight_is_zero_at_the_mode():
    x = np.repeat([[0.0], [1.0]], [9, 1], axis=0) + 1e-4 * np.arange(10)[:, None]
    mixture = bg.GaussianMixture(4, "tied", bg.NormalInverseWishart(concentration=1))
    mode = bg.fit_map(mixture, x, n_starts=5, random_seed=1, progress=False)
    emptied = np.array([0.9, 0.1, 0, 0])
    start = replace(mode, parameters=replace(mode.parameters, weights=emptied))
    post = sampled(mixture, x, start=start)
    assert (post["posterior"]["weights"].mean(("chain", "draw")) > 0.01).all()


def test_chains_about_collapsed_components_do_not_start_out_of_reach():
    x = np.random.default_rng(7).integers(0, 2, size=(80, 2)).astype(float)
    mixture = bg.GaussianMixture(3, prior=bg.NormalLKJ())
    mode = bg.fit_map(mixture, x, n_starts=6, random_seed=1, progress=False)
    post = sampled(mixture, x, start=mode, chains=4, draws=5, tune=5)
    assert (post["sample_stats"]["lp"] > mode.log_posterior - 1000).all()


def test_a_start_of_ones_own_is_used():
    x = rows()
    mixture = bg.GaussianMixture(2)
    start = bg.fit_map(mixture, x, random_seed=1, progress=False)
    assert same_draws(sampled(mixture, x, start=start), sampled(mixture, x))


def test_starts_of_other_mixtures_are_refused_in_words():
    x = rows()
    mixture = bg.GaussianMixture(2)
    with pytest.raises(TypeError, match=r"start must be a PointEstimate; got \{\}.*fit_map"):
        sampled(mixture, x, start={})
    for other in (bg.GaussianMixture(3), bg.GaussianMixture(2, "diag")):
        start = bg.fit_map(other, x, random_seed=1, n_starts=2, progress=False)
        with pytest.raises(ValueError, match="start must be a fit of this mixture"):
            sampled(mixture, x, start=start)
    fewer = bg.fit_map(mixture, x[:, :2], random_seed=1, n_starts=2, progress=False)
    with pytest.raises(ValueError, match=r"expected .* = \('full', 2, 3\); got \('full', 2, 2\)"):
        sampled(mixture, x, start=fewer)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"draws": 0}, ValueError, "draws must be an integer of at least 1; got 0"),
        ({"tune": 2.5}, TypeError, "tune must be an integer of at least 1; got 2.5"),
        ({"chains": True}, TypeError, "chains must be an integer of at least 1; got True"),
        ({"cores": 0}, ValueError, "cores must be an integer of at least 1; got 0"),
        ({"target_accept": 1.0}, ValueError, "target_accept must be a number between 0 and 1"),
        ({"target_accept": np.nan}, ValueError, "target_accept must be .* got nan"),
        ({"random_seed": True}, TypeError, "random_seed must be None or an integer"),
        ({"random_seed": 2**70}, ValueError, "random_seed must be None or an integer from 0 to"),
        ({"save_warmup": 1}, TypeError, "save_warmup must be True or False"),
        ({"progress": None}, TypeError, "progress must be True or False"),
        ({"start": "here"}, TypeError, "start must be a PointEstimate; got 'here'"),
        ({"store": 3}, TypeError, "store must be a str or Path"),
        ({"store": "run.nc"}, ValueError, r"store must end in \.zarr; got 'run.nc'"),
        ({"draws": 10**12}, ValueError, r"draws=1000000000000, .* GB of memory; .* GB are free"),
    ],
)
def test_unfit_arguments_are_refused_in_words_before_anything_is_computed(
    options, error, words, monkeypatch
):
    def computed(*arguments):
        raise AssertionError("rows were looked at")

    monkeypatch.setattr("bayesgmm.sampling.nuts.training_data", computed)
    with pytest.raises(error, match=words):
        sampled(bg.GaussianMixture(2), rows(), **options)


def test_unfit_weights_are_refused_in_words():
    with pytest.raises(ValueError, match="sample_weight has 1 weights"):
        sampled(bg.GaussianMixture(2), rows(), sample_weight=[1.0])


def test_what_is_no_mixture_is_refused_in_words():
    with pytest.raises(TypeError, match=r"GaussianMixture or a pymc\.Model; got int"):
        sampled(2, rows())


def test_rows_as_few_as_features_are_sampled():
    """The prior is proper."""
    x = rows(3, 3)
    post = sampled(bg.GaussianMixture(2), x, draws=100, tune=200)
    assert np.isfinite(post["posterior"]["covariances"]).all()


def test_a_start_of_other_rows_is_refused():
    x = rows()
    elsewhere = bg.fit_map(bg.GaussianMixture(2), x - 40, n_starts=2, random_seed=1, progress=False)
    with pytest.raises(ValueError, match="start must be a fit of these rows"):
        bg.sample(bg.GaussianMixture(2), x, start=elsewhere, progress=False)
