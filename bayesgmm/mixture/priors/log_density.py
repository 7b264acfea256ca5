"""The prior's log density and its gradient, compiled, in (log w, μ, factor).

Densities are of (w, μ, Σ), the spread itself, whatever coordinates a caller works in.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import betaln, gammaln, multigammaln

from bayesgmm.mixture.priors.families import NormalInverseWishart
from bayesgmm.mixture.structures import structure_named
from bayesgmm.runtime import inner

FLAT, CONJUGATE, SEPARATE = 0, 1, 2

LOG_2PI = np.log(2 * np.pi)


class PriorNumbers(NamedTuple):
    """A resolved prior as the compiled code takes it; what a family lacks is zero."""

    family: int
    concentration: np.ndarray
    """(n_components,), the Dirichlet's α; ones where flat."""
    mean: np.ndarray
    """(n_components, n_features), m."""
    mean_concentration: np.ndarray
    """(n_components,), κ of the conjugate family."""
    mean_scale: np.ndarray
    """(n_components, n_features), τ of the other."""
    df: np.ndarray
    """(n_blocks,), ν; of the other family 0 where scales are half-normal."""
    eta: np.ndarray
    """(n_blocks,), η of the other."""
    scale: np.ndarray
    """In the layout of the factor. Conjugate: lower Cholesky factors of Ψ for matrices, its
    diagonal for variances. Otherwise σ, of matrices on the diagonal."""
    log_normaliser: float
    """Everything in the log density that does not depend on θ (nats)."""


def prior_numbers(prior, covariance, n_components, n_features):
    """The numbers of a resolved prior for one structure; ``prior=None`` is flat."""
    structure = structure_named(covariance)
    layout = structure.factor_shape(n_components, n_features)
    if prior is None:
        ones, means = np.ones(n_components), np.zeros((n_components, n_features))
        return PriorNumbers(
            FLAT, ones, means, 0 * ones, means, np.zeros(layout[0]), np.zeros(layout[0]),
            np.zeros(layout), 0.0,
        )  # fmt: skip
    if isinstance(prior, NormalInverseWishart):
        return _conjugate_numbers(prior.by_component, structure, layout)
    return _separate_numbers(prior, structure, layout)


def exchangeable_groups(numbers):
    """A number for every component, (n_components,): the same where the prior's numbers are."""
    k = len(numbers.concentration)
    by_block = [v.reshape(len(v), -1) for v in numbers if np.ndim(v)]
    table = np.hstack([np.broadcast_to(v, (k, v.shape[1])) for v in by_block])
    return np.unique(table, axis=0, return_inverse=True)[1]


def gains_of_places(log_weights, means, factor, numbers):
    """[j, c] (nats): what component j adds to the log prior if c, but for a constant of c."""
    k = len(log_weights)

    def of(values, i):
        return values[i : i + 1] if np.ndim(values) and len(values) == k else values

    gains = np.empty((k, k))
    for c in range(k):
        numbers_of_c = PriorNumbers(*(of(v, c) for v in numbers))
        for j in range(k):
            alone = [of(v, j) for v in (log_weights, means, factor)]
            gains[j, c] = add_log_prior(*alone, numbers_of_c, *map(np.zeros_like, alone))
    return gains


def _dirichlet_normaliser(concentration):
    return gammaln(concentration.sum()) - gammaln(concentration).sum()


def _conjugate_numbers(prior, structure, layout):
    nu, kappa, d = prior.df[: layout[0]], prior.mean_concentration, prior.mean.shape[1]
    if structure.correlated:
        scale = np.linalg.cholesky(prior.scale[: layout[0]])
        log_det = 2 * np.log(np.diagonal(scale, axis1=1, axis2=2)).sum(axis=1)
        blocks = nu / 2 * (log_det - d * np.log(2)) - multigammaln(nu / 2, d)
    else:
        diagonal = np.diagonal(prior.scale[: layout[0]], axis1=1, axis2=2)
        scale = diagonal.mean(axis=1, keepdims=True) if structure.isotropic else diagonal
        blocks = nu[:, None] / 2 * np.log(scale / 2) - gammaln(nu / 2)[:, None]
    means = d / 2 * (np.log(kappa) - LOG_2PI)
    constant = _dirichlet_normaliser(prior.concentration) + blocks.sum() + means.sum()
    unused = np.zeros_like(prior.mean)
    return PriorNumbers(
        CONJUGATE, prior.concentration, prior.mean, kappa, unused, nu, np.zeros_like(nu),
        np.ascontiguousarray(scale), float(constant),
    )  # fmt: skip


def _separate_numbers(prior, structure, layout):
    k, d = len(prior.concentration), len(prior.scale)
    sigma = prior.scale
    if structure.isotropic:
        sigma = np.sqrt(np.mean(sigma**2, keepdims=True))
    if prior.half_normal:
        # And the change of variables from (s, R) or s to Σ or s².
        block = (0.5 * np.log(2 / np.pi) - np.log(2) - np.log(sigma)).sum()
    else:
        half = prior.df / 2
        block = (half * np.log(half * sigma**2) - gammaln(half)).sum()
    if structure.correlated:
        block -= lkj_log_volume(prior.eta, d)
    scale = np.broadcast_to(np.diag(sigma) if structure.correlated else sigma, layout).copy()
    mean, mean_scale = (np.broadcast_to(v, (k, d)).copy() for v in (prior.mean, prior.mean_scale))
    means = -0.5 * k * d * LOG_2PI - np.log(mean_scale).sum()
    constant = _dirichlet_normaliser(prior.concentration) + layout[0] * block + means
    df = 0.0 if prior.half_normal else prior.df
    return PriorNumbers(
        SEPARATE, prior.concentration, mean, np.zeros(k), mean_scale, np.full(layout[0], df),
        np.full(layout[0], prior.eta), scale, float(constant),
    )  # fmt: skip


def lkj_log_volume(eta, n_features):
    """Log of ∫ |R|^(η−1) dR over correlation matrices: Lewandowski et al. (2009), equation 16."""
    k = np.arange(1, n_features)
    b = eta + (n_features - k - 1) / 2
    powers = (2 * (eta - 1) + n_features - k) * (n_features - k) * np.log(2)
    return float((powers + (n_features - k) * betaln(b, b)).sum())


@inner
def solve_lower(factor, b):
    """Replace b by ``factor⁻¹ b`` for a lower triangular factor."""
    for i in range(len(b)):
        for j in range(i):
            b[i] -= factor[i, j] * b[j]
        b[i] /= factor[i, i]


@inner
def solve_lower_transposed(factor, b):
    """Replace b by ``factor⁻ᵀ b`` for a lower triangular factor."""
    for i in range(len(b) - 1, -1, -1):
        for j in range(i + 1, len(b)):
            b[i] -= factor[j, i] * b[j]
        b[i] /= factor[i, i]


@inner
def add_log_prior(log_weights, means, factor, prior, g_weights, g_means, g_factor):
    """Log prior density (nats); adds its gradient in log w, μ and the factor to the arrays given.

    For Σ = L Lᵀ and u = L⁻¹(μ − m) the conjugate family has, with M = L⁻¹ chol(Ψ),
    log p = −(ν + d + 2) Σ log L_ii − ½‖M‖² − ½κ‖u‖² + const for one component, and so
    ∂/∂L = tril(L⁻ᵀ (M Mᵀ + κ u uᵀ)) − (ν + d + 2) diag(1 / L_ii) and ∂/∂μ = −κ L⁻ᵀ u.
    """
    if prior.family == FLAT:
        return 0.0
    value = prior.log_normaliser
    for k in range(len(log_weights)):
        value += (prior.concentration[k] - 1) * log_weights[k]
        g_weights[k] += prior.concentration[k] - 1
    if prior.family == CONJUGATE:
        value += _conjugate_means(means, factor, prior, g_means, g_factor)
        value += _conjugate_spread(factor, prior, g_factor)
    else:
        value += _independent_means(means, prior, g_means)
        value += _separate_spread(factor, prior, g_factor)
    return value


@inner
def _conjugate_means(means, factor, prior, g_means, g_factor):
    value = 0.0
    n_components, d = means.shape
    u, v = np.empty(d), np.empty(d)
    for k in range(n_components):
        kappa = prior.mean_concentration[k]
        for i in range(d):
            u[i] = means[k, i] - prior.mean[k, i]
        if factor.ndim == 3:
            block = k if k < factor.shape[0] else 0
            lower, g_lower = factor[block], g_factor[block]
            solve_lower(lower, u)
            for i in range(d):
                v[i] = u[i]
            solve_lower_transposed(lower, v)
            for i in range(d):
                value -= np.log(lower[i, i]) + 0.5 * kappa * u[i] ** 2
                g_means[k, i] -= kappa * v[i]
                g_lower[i, i] -= 1 / lower[i, i]
                for j in range(i + 1):
                    g_lower[i, j] += kappa * v[i] * u[j]
        else:
            for i in range(d):
                column = i if i < factor.shape[1] else 0
                row = k if k < factor.shape[0] else 0
                sd = factor[row, column]
                u[i] /= sd
                value -= np.log(sd) + 0.5 * kappa * u[i] ** 2
                g_means[k, i] -= kappa * u[i] / sd
                g_factor[row, column] += (kappa * u[i] ** 2 - 1) / sd
    return value


@inner
def _conjugate_spread(factor, prior, g_factor):
    value = 0.0
    if factor.ndim == 3:
        n_blocks, d, _ = factor.shape
        m, v = np.empty(d), np.empty(d)
        for block in range(n_blocks):
            lower, nu = factor[block], prior.df[block]
            for i in range(d):
                value -= (nu + d + 1) * np.log(lower[i, i])
                g_factor[block, i, i] -= (nu + d + 1) / lower[i, i]
            for column in range(d):
                for i in range(d):
                    m[i] = prior.scale[block, i, column]
                solve_lower(lower, m)
                for i in range(d):
                    v[i] = m[i]
                solve_lower_transposed(lower, v)
                for i in range(d):
                    value -= 0.5 * m[i] ** 2
                    for j in range(i + 1):
                        g_factor[block, i, j] += v[i] * m[j]
    else:
        for k in range(factor.shape[0]):
            nu = prior.df[k]
            for j in range(factor.shape[1]):
                sd = factor[k, j]
                ratio = prior.scale[k, j] / sd**2
                value -= (nu + 2) * np.log(sd) + 0.5 * ratio
                g_factor[k, j] += (ratio - nu - 2) / sd
    return value


@inner
def _independent_means(means, prior, g_means):
    value = 0.0
    for k in range(means.shape[0]):
        for i in range(means.shape[1]):
            u = (means[k, i] - prior.mean[k, i]) / prior.mean_scale[k, i]
            value -= 0.5 * u**2
            g_means[k, i] -= u / prior.mean_scale[k, i]
    return value


@inner
def _separate_spread(factor, prior, g_factor):
    """log p(Σ) of correlations R ~ LKJ(η) and scales, but for a constant; s_i² = Σ_ii.

    With half-normal scales it is −½ Σ_i s_i²/σ_i² + (η − 1) log |Σ| − Σ_i (d/2 + η − 1) log s_i².
    With residual variances 1 / a_i, a_i = (Σ⁻¹)_ii, that are scaled inverse χ², it is
    Σ_i (½ν log a_i − ½ν σ_i² a_i) + (η − 1) log |Σ| − Σ_i (½(d − 1) + η) log s_i²:
    from (s², R) to Σ the Jacobian is Π s_i^(d − 1), and c_i = s_i² / (R⁻¹)_ii.
    """
    value = 0.0
    if factor.ndim == 3:
        n_blocks, d, _ = factor.shape
        m, v = np.empty(d), np.empty(d)
        for block in range(n_blocks):
            lower, eta, nu = factor[block], prior.eta[block], prior.df[block]
            exponent = d - 1 + 2 * eta if nu > 0 else d + 2 * (eta - 1)
            for i in range(d):
                variance = 0.0
                for j in range(i + 1):
                    variance += lower[i, j] ** 2
                sigma = prior.scale[block, i, i]
                value += 2 * (eta - 1) * np.log(lower[i, i]) - 0.5 * exponent * np.log(variance)
                slope = exponent / variance
                if nu == 0:
                    value -= 0.5 * variance / sigma**2
                    slope += 1 / sigma**2
                for j in range(i + 1):
                    g_factor[block, i, j] -= slope * lower[i, j]
                g_factor[block, i, i] += 2 * (eta - 1) / lower[i, i]
                if nu > 0:
                    # a_i = |m|² with m = L⁻¹ e_i, and ∂a_i/∂L = −2 tril(L⁻ᵀ m mᵀ).
                    for j in range(d):
                        m[j] = 1.0 if j == i else 0.0
                    solve_lower(lower, m)
                    precision = 0.0
                    for j in range(d):
                        precision += m[j] ** 2
                        v[j] = m[j]
                    solve_lower_transposed(lower, v)
                    value += 0.5 * nu * (np.log(precision) - sigma**2 * precision)
                    pull = nu * (sigma**2 - 1 / precision)
                    for j in range(d):
                        for c in range(j + 1):
                            g_factor[block, j, c] += pull * v[j] * m[c]
    else:
        for k in range(factor.shape[0]):
            nu = prior.df[k]
            for j in range(factor.shape[1]):
                sd, sigma = factor[k, j], prior.scale[k, j]
                if nu > 0:
                    ratio = nu * (sigma / sd) ** 2
                    value -= (nu + 2) * np.log(sd) + 0.5 * ratio
                    g_factor[k, j] += (ratio - nu - 2) / sd
                else:
                    value -= 0.5 * (sd / sigma) ** 2 + np.log(sd)
                    g_factor[k, j] -= sd / sigma**2 + 1 / sd
    return value
