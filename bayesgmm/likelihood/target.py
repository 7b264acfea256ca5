"""The target: the declared mixture's log posterior and gradient, compiled, of one flat vector.

The vector holds PyMC's own unconstrained coordinates of the declared model, in its order:
``weights`` (simplex), the spread (log-diagonal Cholesky entries row by row, or log variances),
``means``. May not import PyMC or ArviZ.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bayesgmm.likelihood.few_features import coordinates
from bayesgmm.likelihood.kernel import add_fisher_gradient
from bayesgmm.likelihood.moments import Pass
from bayesgmm.mixture import (
    MixtureParameters,
    add_log_prior,
    prior_numbers,
    structure_named,
)
from bayesgmm.mixture import factor as factors
from bayesgmm.runtime import compiled, inner


@compiled
def unpack(y, log_weights, factor, means):
    """Write the parameters at y into the arrays given."""
    n_components, d = means.shape
    # Weights: a softmax over K values that sum to zero.
    last, highest = 0.0, 0.0
    for k in range(n_components - 1):
        last -= y[k]
        highest = y[k] if y[k] > highest else highest
    if n_components > 1 and last > highest:
        highest = last
    total = 0.0
    for k in range(n_components):
        log_weights[k] = y[k] if k < n_components - 1 else last
        total += np.exp(log_weights[k] - highest)
    for k in range(n_components):
        log_weights[k] -= highest + np.log(total)
    at = factors.unpack_spread(factor, y, n_components - 1)
    for k in range(n_components):
        for j in range(d):
            means[k, j] = y[at]
            at += 1


@compiled
def _unpack_all(ys, log_weights, one, factors, means):
    for i in range(len(ys)):
        unpack(ys[i], log_weights[i], one, means[i])
        factors[i] = one[0]


@inner
def pack_gradient(log_weights, factor, g_weights, g_factor, g_means, gradient):
    """Write the gradient in the unconstrained coordinates, from the one in the parameters."""
    n_components, d = g_means.shape
    total = 0.0
    for k in range(n_components):
        total += g_weights[k]
    last = g_weights[n_components - 1] - np.exp(log_weights[n_components - 1]) * total
    for k in range(n_components - 1):
        gradient[k] = g_weights[k] - np.exp(log_weights[k]) * total - last
    at = factors.pack_spread(factor, g_factor, gradient, n_components - 1)
    for k in range(n_components):
        for j in range(d):
            gradient[at] = g_means[k, j]
            at += 1


@inner
def add_log_jacobian(log_weights, factor, d, g_weights, g_factor):
    """Log Jacobian of the transforms (nats); adds its gradient in log w and the factor.

    That of the simplex is log K + Σ log w.
    """
    n_components = len(log_weights)
    value = np.log(n_components)
    for k in range(n_components):
        value += log_weights[k]
        g_weights[k] += 1.0
    return value + factors.add_spread_jacobian(factor, d, g_factor)


@compiled
def assemble(log_likelihood, nk, s, S, log_weights, means, factor, prior, jacobian, gradient):
    """Log posterior (nats) from the moments of a pass at the same parameters; fills the gradient.

    Never raises: where the density is not finite it is −inf with gradient zero.
    """
    g_weights, g_means = np.zeros(log_weights.shape), np.zeros(means.shape)
    g_factor = factors.zeros_like(factor)
    add_fisher_gradient(nk, s, S, factor, g_weights, g_means, g_factor)
    value = log_likelihood
    value += add_log_prior(prior, log_weights, means, factor, g_weights, g_means, g_factor)
    if jacobian:
        value += add_log_jacobian(log_weights, factor, means.shape[1], g_weights, g_factor)
    pack_gradient(log_weights, factor, g_weights, g_factor, g_means, gradient)
    finite = np.isfinite(value)
    for g in gradient:
        finite = finite and np.isfinite(g)
    if finite:
        return value
    for i in range(len(gradient)):
        gradient[i] = 0.0
    return -np.inf


@dataclass(frozen=True, eq=False)
class Target:
    """The log posterior of a mixture at given rows, as a function of one flat vector.

    ``x`` (n_obs, n_features) and ``sample_weight``, (n_obs,) or (1,) if all share one, are the
    rows; parameters, and the prior in ``numbers``, are those of ``(x - shift) / scale``.
    """

    covariance: str
    n_components: int
    x: np.ndarray
    sample_weight: np.ndarray
    shift: np.ndarray
    scale: np.ndarray
    numbers: Any
    """The prior's, as ``prior_numbers`` gives them."""

    @classmethod
    def of(cls, covariance, n_components, x, sample_weight, prior, shift=0.0, scale=1.0):
        """The target of a resolved prior; ``prior=None`` leaves the likelihood alone."""
        x = np.ascontiguousarray(x, dtype=np.float64).view(np.ndarray)
        x.flags.writeable = False
        d = x.shape[1]
        return cls(
            covariance,
            n_components,
            x,
            np.ascontiguousarray(sample_weight, dtype=np.float64).view(),
            np.broadcast_to(np.asarray(shift, dtype=np.float64), (d,)).copy(),
            np.broadcast_to(np.asarray(scale, dtype=np.float64), (d,)).copy(),
            prior_numbers(prior, structure_named(covariance), n_components, d),
        )

    @property
    def structure(self):
        return structure_named(self.covariance)

    @property
    def n_dim(self):
        """Length of the flat vector."""
        d = self.x.shape[1]
        k = self.n_components
        return k - 1 + k * d + self.structure.n_free(k, d)

    @cached_property
    def moments(self):
        """The pass over the rows, of (log_weights, means, factor)."""
        given = coordinates(self.shift, 1 / self.scale, self.structure.correlated)
        return Pass(self.x, self.sample_weight, given)

    def __call__(self, y, jacobian=True):
        """Log density (nats) and its gradient (n_dim,) at y.

        With ``jacobian=False`` it is the density of (w, μ, Σ), whose mode ``fit_map`` finds.
        """
        d = self.x.shape[1]
        log_weights, means = np.empty(self.n_components), np.empty((self.n_components, d))
        factor = self.empty_factor()
        unpack(np.ascontiguousarray(y, dtype=np.float64), log_weights, factor, means)
        moments = self.moments(log_weights, means, factor[0])
        gradient = np.empty(self.n_dim)
        value = assemble(
            moments.log_likelihood, moments.nk, moments.s, moments.S, log_weights, means, factor,
            self.numbers, jacobian, gradient,
        )  # fmt: skip
        return value, gradient

    def constrain(self, y):
        """The parameters at y, (n_dim,), or at many, (n, n_dim)."""
        y, k, d = np.ascontiguousarray(y, dtype=np.float64), self.n_components, self.x.shape[1]
        lead, one = y.shape[:-1], self.empty_factor()
        log_weights, means = np.empty((*lead, k)), np.empty((*lead, k, d))
        if lead:
            factor = np.empty((*lead, *one[0].shape))
            _unpack_all(y, log_weights, one, factor, means)
        else:
            factor = one[0]
            unpack(y, log_weights, one, means)
        return MixtureParameters(self.covariance, np.exp(log_weights), means, factor)

    def empty_factor(self):
        """A factor to write to, as compiled code takes it."""
        shape = self.structure.factor_shape(self.n_components, self.x.shape[1])
        return self.structure.kind(np.empty(shape))


def unconstrain(parameters):
    """The flat vector of a mixture's parameters, in the coordinates of the target."""
    log_weights = np.log(parameters.weights)
    simplex = log_weights[:-1] - log_weights.mean()
    spread = parameters.structure.unconstrained(parameters.factor)
    return np.concatenate([simplex, spread, parameters.means.ravel()])


def hessian(target, y, jacobian):
    """Second derivatives of a target at y, (n_dim, n_dim), by central differences of its gradient.

    Takes 2 n_dim passes; the error is about 1e-10 of the largest entry.
    """
    step = 6e-6  # the cube root of the rounding error
    rows = []
    for i in range(len(y)):
        ahead, behind = y.copy(), y.copy()
        ahead[i] += step
        behind[i] -= step
        rows.append((target(ahead, jacobian)[1] - target(behind, jacobian)[1]) / (2 * step))
    curvature = np.array(rows)
    return 0.5 * (curvature + curvature.T)
