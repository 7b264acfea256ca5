"""The whitened target: its C function, its coordinates, and how chains move with many rows."""

import ctypes

import numpy as np
import pytest
from declared import PRIORS
from oracles import STRUCTURES, prior_by_component, random_parameters, random_rows

import bayesgmm as bg
from bayesgmm.likelihood.target import Target
from bayesgmm.sampling import whitened
from bayesgmm.sampling.whitened import WhitenedTarget

C_DENSITY = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_size_t, *4 * [ctypes.c_void_p])

every_structure = pytest.mark.parametrize("covariance", STRUCTURES)


def scene(covariance, family="conjugate", k=4, d=3, n=50):
    """A whitened target away from any mode, of weighted rows in coordinates of their own."""
    rng = np.random.default_rng(1)
    parameters = random_parameters(rng, covariance, k, d)
    x, weight = random_rows(rng, parameters, n), rng.choice([0.5, 1.0, 2.0], size=n)
    if family == "by component":
        prior = prior_by_component(rng, covariance, k, d)
    else:
        prior = PRIORS[family].resolved(x, weight, k, covariance)
    target = Target.of(covariance, k, x, weight, prior, shift=0.3, scale=1.7)
    return WhitenedTarget.at(target, parameters)


def called(model, y):
    """Return code, log density and gradient of a model's C function."""
    gradient, value = np.full(len(y), np.nan), np.full(1, np.nan)
    density = C_DENSITY(model.compiled_logp_func.address)
    given = [a.ctypes.data for a in (y, gradient, value, model.user_data)]
    return density(len(y), *given), value[0], gradient


@every_structure
@pytest.mark.parametrize("family", [*PRIORS, "by component"])
@pytest.mark.parametrize("d", [1, 3, 6])
def test_the_c_function_is_the_target(covariance, family, d):
    density = scene(covariance, family, d=d)
    rng = np.random.default_rng(2)
    for _ in range(3):
        y = rng.normal(size=len(density.centre))
        code, value, gradient = called(density.nutpie_model(), y)
        expected, expected_gradient = density(y)
        assert code == 0
        assert value == pytest.approx(expected, rel=1e-13)
        scale = np.abs(expected_gradient).max()
        np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-11, atol=1e-12 * scale)


@every_structure
def test_the_c_function_rejects_the_impossible(covariance):
    density = scene(covariance)
    code, value, gradient = called(density.nutpie_model(), np.full(len(density.centre), 1e8))
    assert code > 0
    assert value == -np.inf
    assert not gradient.any()


def test_whitened_curvature_at_a_mode_is_minus_one():
    x = np.random.default_rng(0).normal(size=(500, 2))
    mixture = bg.GaussianMixture(1)
    mode = bg.fit_map(mixture, x, random_seed=1, progress=False)
    prior = mixture.resolved_prior(x, np.ones(500))
    target = Target.of("full", 1, x, np.ones(500), prior)
    density = WhitenedTarget.at(target, mode.parameters)
    centre, n_dim = np.zeros(len(density.centre)), len(density.centre)
    np.testing.assert_array_equal(density.coordinates(centre), density.centre)
    rows = [(density(1e-4 * e)[1] - density(-1e-4 * e)[1]) / 2e-4 for e in np.eye(n_dim)]
    np.testing.assert_allclose(rows, -np.eye(n_dim), atol=1e-5)


@pytest.fixture
def many_rows(monkeypatch):
    """A few rows treated as many: a pass shared by the cores, trajectories of fixed length."""
    monkeypatch.setattr(whitened, "MANY_ROWS", 0)


def test_many_rows_are_sampled_alike_on_any_number_of_cores():
    x = np.random.default_rng(0).normal(size=(whitened.MANY_ROWS + 1000, 1))
    mixture = bg.GaussianMixture(2, "spherical")
    options = {"draws": 5, "tune": 5, "chains": 3, "random_seed": 1, "progress": False}
    start = bg.fit_map(mixture, x, n_starts=1, max_iter=5, random_seed=1, progress=False)
    one, two = (bg.sample(mixture, x, start=start, cores=c, **options) for c in (1, 2))
    assert one["posterior"].to_dataset().identical(two["posterior"].to_dataset())


def test_many_rows_of_a_normal_posterior_take_one_pass_a_draw(many_rows):
    """And draws nearly independent, their squares as well: what R-hat of the spread goes by."""
    x = np.random.default_rng(0).normal(size=(2000, 2))
    post = bg.sample(bg.GaussianMixture(1), x, tune=300, random_seed=1, progress=False)
    statistics = post["sample_stats"]
    assert (statistics["n_steps"] == 1).mean() > 0.9
    assert not statistics["reached_max_treedepth"].any()
    assert not statistics["diverging"].any()
    table = bg.summary(post, round_to="none")
    assert table["r_hat"].max() < 1.01
    assert table["ess_bulk"].min() > 1500
    assert table["ess_tail"].min() > 1500


def test_few_and_many_rows_have_the_same_posterior(monkeypatch, old_faithful):
    """Old Faithful, NUTS against trajectories of fixed length: means and scales."""
    mixture = bg.GaussianMixture(2)
    found = []
    for limit in (whitened.MANY_ROWS, 0):
        monkeypatch.setattr(whitened, "MANY_ROWS", limit)
        post = bg.sample(mixture, old_faithful, random_seed=1, progress=False)
        found.append(bg.summary(bg.relabel(post, progress=False), round_to="none"))
    few, many = found
    error = np.hypot(few["mcse_mean"], many["mcse_mean"])
    assert (np.abs(few["mean"] - many["mean"]) < 4 * error).all()
    error = np.hypot(few["mcse_sd"], many["mcse_sd"])
    assert (np.abs(few["sd"] - many["sd"]) < 4 * error).all()
