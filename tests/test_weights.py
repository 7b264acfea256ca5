"""A row of weight 2 is the row twice, wherever rows have weights."""

import numpy as np
import pytest
from declared import (
    PRIORS,
    close,
    compiled,
    draw_parameters,
    flat,
    pieces,
    rows,
    value_and_gradient,
)
from oracles import STRUCTURES

import bayesgmm as bg
from bayesgmm.likelihood.target import Target, unconstrain

X = rows(30, 2)
WEIGHT = np.random.default_rng(0).integers(0, 4, size=30)
TWICE = np.repeat(X, WEIGHT, axis=0)

every_structure = pytest.mark.parametrize("covariance", STRUCTURES)
every_prior = pytest.mark.parametrize("family", PRIORS)


def same_fit(one, two):
    """Both fits found the same mode, with the same numbers."""
    assert one.converged
    assert two.converged
    close(one.weights, two.weights, rtol=1e-5)
    close(one.means, two.means, rtol=1e-5)
    close(one.covariances, two.covariances, rtol=1e-5)
    for name in ("log_likelihood", "bic", "aic", "icl", "n_obs"):
        assert getattr(one, name) == pytest.approx(getattr(two, name), rel=1e-7)


@every_prior
@every_structure
def test_in_fit_map(covariance, family):
    mixture = bg.GaussianMixture(2, covariance, PRIORS[family])
    settings = {"n_starts": 4, "random_seed": 1, "progress": False}
    weighted = bg.fit_map(mixture, X, sample_weight=WEIGHT, **settings)
    standing = bg.fit_map(mixture, TWICE, **settings)
    same_fit(weighted, standing)
    assert weighted.log_posterior == pytest.approx(standing.log_posterior, rel=1e-7)
    plain = bg.fit_map(mixture, X, **settings)
    assert weighted.log_posterior != pytest.approx(plain.log_posterior, rel=1e-3)


@every_structure
def test_in_fit_ml(covariance):
    mixture = bg.GaussianMixture(2, covariance)
    settings = {"n_starts": 4, "random_seed": 1, "progress": False}
    weighted = bg.fit_ml(mixture, X, sample_weight=WEIGHT, **settings)
    same_fit(weighted, bg.fit_ml(mixture, TWICE, **settings))


@every_prior
@every_structure
def test_in_the_target(covariance, family):
    mixture, rng = bg.GaussianMixture(2, covariance, PRIORS[family]), np.random.default_rng(1)
    targets = []
    for x, weight in ((X, WEIGHT.astype(float)), (TWICE, np.ones(len(TWICE)))):
        prior = mixture.resolved_prior(x, weight)
        targets.append(Target.of(covariance, 2, x, weight, prior))
    for _ in range(3):
        y = unconstrain(draw_parameters(mixture, TWICE, np.ones(len(TWICE)), rng))
        (value, gradient), (expected, slope) = (target(y) for target in targets)
        assert value == pytest.approx(expected, rel=1e-11)
        close(gradient, slope)


@pytest.mark.parametrize("covariance", ["full", "diag"])
def test_in_the_declared_model(covariance):
    mixture = bg.GaussianMixture(2, covariance)
    models = [bg.declare(mixture, X, sample_weight=WEIGHT), bg.declare(mixture, TWICE)]
    y = unconstrain(draw_parameters(mixture, TWICE, np.ones(len(TWICE)), np.random.default_rng(1)))
    results = [compiled(m, value_and_gradient(m, True))(*pieces(m, y)) for m in models]
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-11)
    close(flat(results[0][1:]), flat(results[1][1:]))


@pytest.mark.parametrize("family", PRIORS)
def test_in_the_posterior(family):
    """Two runs on the one posterior: the same within Monte Carlo error; the log density alike.

    The groups lie far apart, so that no chain finds another mode.
    """
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 2)) + np.where(np.arange(40) < 20, 0, 10)[:, None]
    weight = rng.integers(1, 4, size=40)
    mixture = bg.GaussianMixture(2, "full", PRIORS[family])
    settings = {"draws": 1000, "tune": 500, "random_seed": 1, "progress": False}
    weighted = bg.sample(mixture, x, sample_weight=weight, **settings)
    standing = bg.sample(mixture, np.repeat(x, weight, axis=0), **settings)
    one, two = (bg.summary(post, round_to="none") for post in (weighted, standing))
    assert max(one["r_hat"].max(), two["r_hat"].max()) < 1.02
    for name in ("mean", "sd"):
        error = np.hypot(one[f"mcse_{name}"], two[f"mcse_{name}"])
        np.testing.assert_array_less(np.abs(one[name] - two[name]), 4.5 * error)
    lp = [post["sample_stats"]["lp"].values for post in (weighted, standing)]
    assert lp[0].mean() == pytest.approx(lp[1].mean(), abs=1)
    plain = bg.summary(bg.sample(mixture, x, **settings), round_to="none")
    error = np.hypot(one["mcse_sd"], plain["mcse_sd"])
    assert (np.abs(plain["sd"] - one["sd"]) > 4.5 * error).any()


def test_a_row_of_weight_zero_is_no_row():
    """Not in the fit, and not in what the prior takes from the data."""
    far = np.concatenate([X, [[1e3, 1e4]]])
    weight = np.append(np.ones(30), 0.0)
    mixture = bg.GaussianMixture(2)
    settings = {"n_starts": 4, "random_seed": 1, "progress": False}
    same_fit(
        bg.fit_map(mixture, far, sample_weight=weight, **settings),
        bg.fit_map(mixture, X, **settings),
    )
