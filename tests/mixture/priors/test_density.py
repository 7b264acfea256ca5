"""The prior's log density in (w, μ, Σ): SciPy, integration, finite differences."""

import numpy as np
import pytest
from oracles import (
    STRUCTURES,
    central_differences,
    lkj_log_volume,
    log_prior,
    prior_by_component,
    random_parameters,
)
from scipy import integrate

import bayesgmm as bg
from bayesgmm.mixture import Components, structure_named
from bayesgmm.mixture.priors import add_log_prior, normal_lkj, prior_numbers

structures = pytest.mark.parametrize("covariance", STRUCTURES)
families = pytest.mark.parametrize(
    "family", ["conjugate", "by component", "separate", "half-normal"]
)


def given_prior(family, covariance, rng, k, d):
    """A resolved prior none of whose numbers is special."""
    if family == "by component":
        return prior_by_component(rng, covariance, k, d)
    concentration = rng.uniform(0.5, 4, size=k)
    mean = rng.normal(size=d)
    if family == "conjugate":
        a = rng.normal(size=(d, d))
        scale = a @ a.T + np.eye(d)
        return bg.NormalInverseWishart(concentration, mean, 0.3, d + 1.7, scale)
    scales = {"df": 3.3} if family == "separate" else {"half_normal": True}
    numbers = (concentration, mean, rng.uniform(1, 3, d), rng.uniform(0.5, 2, d), 2.6)
    return bg.NormalLKJ(*numbers, **scales)


def evaluate(prior, parameters):
    """Value and gradient in (log w, μ, factor)."""
    p = parameters
    numbers = prior_numbers(prior, p.structure, *p.means.shape)
    gradient = [np.zeros_like(a) for a in (p.weights, p.means, p.factor)]
    return add_to(gradient, numbers, p.structure, np.log(p.weights), p.means, p.factor), gradient


def add_to(gradient, numbers, structure, log_weights, means, factor):
    """The value at arrays; its gradient is added to arrays."""
    given, slopes = structure.kind(factor), structure.kind(gradient[2])
    mixture, g = Components(log_weights, means, given), Components(*gradient[:2], slopes)
    return add_log_prior(numbers, mixture, g)


@structures
@families
@pytest.mark.parametrize(("k", "d"), [(1, 1), (3, 1), (2, 2), (3, 4)])
def test_the_log_density_is_scipys(covariance, family, k, d):
    rng = np.random.default_rng(10 * k + d)
    prior = given_prior(family, covariance, rng, k, d)
    for _ in range(5):
        parameters = random_parameters(rng, covariance, k, d)
        value, _ = evaluate(prior, parameters)
        np.testing.assert_allclose(value, log_prior(prior, parameters), rtol=1e-11, atol=1e-10)


@structures
@families
@pytest.mark.parametrize(("k", "d"), [(1, 1), (2, 2), (3, 4)])
def test_the_gradient_is_that_of_the_value(covariance, family, k, d):
    rng = np.random.default_rng(20 * k + d)
    prior = given_prior(family, covariance, rng, k, d)
    numbers = prior_numbers(prior, structure_named(covariance), k, d)
    p = random_parameters(rng, covariance, k, d)
    free = np.abs(np.tril(p.factor) if p.factor.ndim == 3 else p.factor) > 0

    def value(v):
        factor = np.zeros_like(p.factor)
        factor[free] = v[k + k * d :]
        means = v[k : k + k * d].reshape(k, d)
        return add_to(waste(), numbers, p.structure, v[:k].copy(), means, factor)

    def waste():
        return [np.zeros_like(a) for a in (p.weights, p.means, p.factor)]

    at = np.concatenate([np.log(p.weights), p.means.ravel(), p.factor[free]])
    g_weights, g_means, g_factor = evaluate(prior, p)[1]
    gradient = np.concatenate([g_weights, g_means.ravel(), g_factor[free]])
    np.testing.assert_allclose(gradient, central_differences(value, at, 1e-4), rtol=1e-7, atol=1e-7)
    assert not g_factor[~free].any()


@structures
def test_the_gradient_is_added_to_what_the_arrays_hold(covariance):
    rng = np.random.default_rng(3)
    p = random_parameters(rng, covariance, 2, 2)
    prior = given_prior("conjugate", covariance, rng, 2, 2)
    _, gradient = evaluate(prior, p)
    numbers = prior_numbers(prior, p.structure, 2, 2)
    held = [np.full_like(g, 7.0) for g in gradient]
    add_to(held, numbers, p.structure, np.log(p.weights), p.means, p.factor)
    for mine, theirs in zip(held, gradient, strict=True):
        np.testing.assert_allclose(mine, theirs + 7.0)


@structures
def test_no_prior_is_flat(covariance):
    value, gradient = evaluate(None, random_parameters(np.random.default_rng(4), covariance, 2, 3))
    assert value == 0
    assert not any(g.any() for g in gradient)


# The LKJ volume


@pytest.mark.parametrize("eta", [0.5, 1.0, 2.0, 7.3])
def test_the_lkj_volume_of_two_features_is_that_of_the_interval(eta):
    # By t = sin θ: ∫ (1 − r²)^(η−1) dr = ∫ cos^(2η−1) θ dθ.
    volume, _ = integrate.quad(lambda t: np.cos(t) ** (2 * eta - 1), -np.pi / 2, np.pi / 2)
    np.testing.assert_allclose(normal_lkj.lkj_log_volume(eta, 2), np.log(volume), rtol=1e-7)


@pytest.mark.parametrize("eta", [1.0, 2.0, 3.5])
def test_the_lkj_volume_of_three_features_is_that_of_the_elliptope(eta):
    def determinant_power(c, b, a):
        determinant = 1 + 2 * a * b * c - a * a - b * b - c * c
        return max(determinant, 0.0) ** (eta - 1)

    def edge(sign):
        return lambda a, b: a * b + sign * np.sqrt((1 - a * a) * (1 - b * b))

    volume, _ = integrate.tplquad(
        determinant_power, -1, 1, -1, 1, edge(-1), edge(1), epsabs=1e-5, epsrel=1e-5
    )
    np.testing.assert_allclose(normal_lkj.lkj_log_volume(eta, 3), np.log(volume), atol=1e-4)


def test_the_volume_of_the_elliptope_is_the_published_one():
    # π²/2 for 3 × 3 and 32 π²/27 for 4 × 4 correlation matrices (Rousseeuw & Molenberghs 1994,
    # The American Statistician 48, 276).
    np.testing.assert_allclose(normal_lkj.lkj_log_volume(1.0, 3), np.log(np.pi**2 / 2))
    np.testing.assert_allclose(normal_lkj.lkj_log_volume(1.0, 4), np.log(32 * np.pi**2 / 27))


@pytest.mark.parametrize("d", [1, 2, 3, 6, 12])
@pytest.mark.parametrize("eta", [0.3, 1.0, 2.0, 10.0])
def test_the_lkj_volume_is_what_a_wishart_leaves_when_scales_are_integrated_out(d, eta):
    np.testing.assert_allclose(
        normal_lkj.lkj_log_volume(eta, d), lkj_log_volume(eta, d), rtol=1e-11, atol=1e-11
    )
