"""NUTS against the exact posterior of a tiny mixture; and wrong densities that must be caught."""

from dataclasses import replace

import numpy as np
import pytest
from oracles import MATRICES, SEPARABLE, SHARED
from scipy import stats

import bayesgmm as bg
from bayesgmm.sampling import whitened
from bayesgmm.sampling.whitened import WhitenedTarget

from .exact import (
    exact_posterior,
    log_marginal,
    sampled_posterior,
    without_jacobian,
    z_scores,
)

LIMIT = 4.0

LINE = np.array([[-1.2], [-0.3], [0.4], [2.1], [2.9]])
PLANE = np.array([[-1.2, 0.5], [-0.3, -0.2], [0.4, 0.9], [2.1, 2.4], [2.9, 1.1]])
POINTS = [-2.0, 0.5, 3.5]


def declared(covariance, d, concentration=2.0):
    scale = np.array([[3.0, 0.8], [0.8, 2.0]])[:d, :d]
    prior = bg.NormalInverseWishart(concentration, 0.7, 0.3, d + 4.0, scale)
    return bg.GaussianMixture(2, covariance, prior)


def worst(mixture, x, draws=3000):
    """The largest |z| over label-free quantities, exact against sampled."""
    points = [np.full(x.shape[1], p) for p in POINTS]
    prior = mixture.resolved_prior(x)
    exact = exact_posterior(x, points, 2, mixture.covariance, prior)
    post = bg.sample(mixture, x, draws=draws, tune=1000, chains=4, random_seed=1, progress=False)
    scores = z_scores(sampled_posterior(post, x, points), exact)
    assert len(scores) == 14
    return max(map(abs, scores.values()))


@pytest.mark.parametrize("d", [1, 2])
def test_marginal_likelihood_of_the_oracle_is_a_students(d):
    """One row: Student's t. And by the chain rule any number of rows of one component."""
    prior = declared("full", d).resolved_prior(PLANE[:, :d], np.ones(5))
    x, kappa, nu = PLANE[:, :d], prior.mean_concentration, prior.df
    mean, scale, expected = prior.mean, prior.scale, 0.0
    for row in x:
        shape = scale * (kappa + 1) / (kappa * (nu - d + 1))
        expected += stats.multivariate_t(mean, shape, nu - d + 1).logpdf(row)
        scale = scale + kappa / (kappa + 1) * np.outer(row - mean, row - mean)
        mean, kappa, nu = (kappa * mean + row) / (kappa + 1), kappa + 1, nu + 1
    together = np.zeros(5, dtype=int)
    for covariance in ("full", "tied"):
        value = log_marginal(x, together, 2, covariance, prior)
        assert value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("covariance", SEPARABLE)
def test_marginal_likelihood_of_the_oracle_is_the_mean_over_the_prior(covariance):
    """By brute Monte Carlo over SciPy's prior draws, rows in both components."""
    x, z, rng = PLANE[[0, 3, 4]], np.array([0, 1, 1]), np.random.default_rng(0)
    prior = declared(covariance, 2).resolved_prior(x, np.ones(3))
    n = 100_000
    nu, psi, kappa = prior.df, prior.scale, prior.mean_concentration
    blocks = []
    for _ in range(1 if covariance in SHARED else 2):
        if covariance in MATRICES:
            blocks.append(stats.invwishart(nu, psi).rvs(n, random_state=rng))
        elif covariance in ("diag", "tied_diag"):
            law = stats.invgamma(nu / 2, scale=np.diag(psi) / 2)
            blocks.append(law.rvs((n, 2), random_state=rng)[:, :, None] * np.eye(2))
        else:
            law = stats.invgamma(nu / 2, scale=np.diag(psi).mean() / 2)
            blocks.append(law.rvs((n, 1), random_state=rng)[:, :, None] * np.eye(2))
    likelihood = np.ones(n)
    for j in range(2):
        sigma = blocks[j % len(blocks)]
        noise = rng.normal(size=(n, 2, 1))
        mu = prior.mean + (np.linalg.cholesky(sigma / kappa) @ noise)[..., 0]
        for row in x[z == j]:
            off = row - mu
            quadratic = np.einsum("si,sij,sj->s", off, np.linalg.inv(sigma), off)
            likelihood *= np.exp(-quadratic / 2) / np.sqrt(np.linalg.det(2 * np.pi * sigma))
    error = likelihood.std() / np.sqrt(n)
    value = np.exp(log_marginal(x, z, 2, covariance, prior))
    assert abs(likelihood.mean() - value) < LIMIT * error
    assert error < 0.05 * value


@pytest.mark.parametrize("covariance", SEPARABLE)
def test_sampled_posterior_is_the_exact_one(covariance):
    assert worst(declared(covariance, 2), PLANE) < LIMIT


def test_sampled_posterior_is_the_exact_one_on_a_line():
    assert worst(declared("full", 1), LINE) < LIMIT


def test_sampled_posterior_is_the_exact_one_with_a_sparse_prior():
    assert worst(declared("full", 1, concentration=0.5), LINE) < LIMIT


def test_sampled_posterior_is_the_exact_one_by_trajectories_of_fixed_length(monkeypatch):
    """As with many rows. Here, far from normal, a check of U-turns at some depths only shows."""
    monkeypatch.setattr(whitened, "TRAJECTORY", whitened.TRAJECTORY | whitened.FIXED_LENGTH)
    for concentration in (2.0, 0.5):
        assert worst(declared("full", 1, concentration), LINE) < LIMIT


# Negative controls: a check that cannot fail is not a check.

WRONG = {
    "one degree of freedom too many": lambda prior: prior._replace(df=prior.df + 1),
    "a flat prior on the weights": lambda prior: prior._replace(
        concentration=np.ones_like(prior.concentration)
    ),
    "means twice as far from the prior's": lambda prior: prior._replace(
        mean_concentration=prior.mean_concentration / 4
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_density_is_caught(wrong, monkeypatch):
    at = WhitenedTarget.at

    def planted(target, parameters):
        return at(replace(target, numbers=wrong(target.numbers)), parameters)

    monkeypatch.setattr(WhitenedTarget, "at", planted)
    assert worst(declared("full", 1), LINE) > 2 * LIMIT


def test_a_missing_jacobian_is_caught(monkeypatch):
    monkeypatch.setattr(whitened, "MANY_ROWS", 0)
    monkeypatch.setattr(WhitenedTarget, "__call__", without_jacobian)
    assert worst(declared("full", 1), LINE, draws=600) > 2 * LIMIT
