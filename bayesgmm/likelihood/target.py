"""The target: the declared mixture's log posterior and gradient, compiled, of one flat vector.

The vector holds PyMC's own unconstrained coordinates of the declared model, in its order:
``weights`` (simplex), the spread (log-diagonal Cholesky entries row by row, or log variances),
``means``. May not import PyMC or ArviZ.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from bayesgmm.data import Evidence
from bayesgmm.likelihood.evidence import CompleteRows
from bayesgmm.likelihood.kernel import add_fisher_gradient
from bayesgmm.likelihood.moments import MixtureMoments
from bayesgmm.likelihood.passes import NumbaPass, Pass
from bayesgmm.mixture import (
    Components,
    MixtureParameters,
    add_log_density,
    laid_out,
    prior_numbers,
    structure_named,
    zeros_like,
)
from bayesgmm.mixture import factor as factors
from bayesgmm.runtime import compiled, inner

# Loops in place of NumPy's operators, which take seconds to compile.


@compiled
def unpack(y, mixture):
    """Write the parameters at y."""
    log_weights, n_components = mixture.log_weights, len(mixture.log_weights)
    # A softmax over values that sum to zero.
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
    at = factors.unpack_spread(mixture.factor, y, n_components - 1)
    means, d = mixture.means, mixture.means.shape[1]
    for i in range(means.size):
        means[i // d, i % d] = y[at + i]


@compiled
def pack(mixture, y):
    """Write the vector of parameters."""
    log_weights, means, total = mixture.log_weights, mixture.means, 0.0
    n_components, d = means.shape
    for k in range(n_components):
        total += log_weights[k]
    for k in range(n_components - 1):
        y[k] = log_weights[k] - total / n_components
    at = factors.pack_spread(mixture.factor, y, n_components - 1)
    for i in range(means.size):
        y[at + i] = means[i // d, i % d]


@compiled
def _unpack_all(ys, room, log_weights, means, factors):
    entries = room.factor[0].ravel()
    for i in range(len(ys)):
        unpack(ys[i], Components(log_weights[i], means[i], room.factor, room.family))
        for j in range(len(entries)):
            factors[i, j] = entries[j]


@inner
def _pack_gradient(mixture, of_parameters, gradient):
    """Write the gradient in the unconstrained coordinates, from the one in the parameters."""
    log_weights, slopes, total = mixture.log_weights, of_parameters.log_weights, 0.0
    n_components, d = mixture.means.shape
    for k in range(n_components):
        total += slopes[k]
    last = slopes[n_components - 1] - np.exp(log_weights[n_components - 1]) * total
    for k in range(n_components - 1):
        gradient[k] = slopes[k] - np.exp(log_weights[k]) * total - last
    at = factors.pull_back(mixture.factor, of_parameters.factor, gradient, n_components - 1)
    for i in range(n_components * d):
        gradient[at + i] = of_parameters.means[i // d, i % d]


@inner
def _add_log_jacobian(mixture, gradient):
    """Log Jacobian of the transforms (nats); adds its gradient in log w and the factor.

    That of the simplex is log K + Σ log w.
    """
    n_components, d = mixture.means.shape
    value = np.log(n_components)
    for k in range(n_components):
        value += mixture.log_weights[k]
        gradient.log_weights[k] += 1.0
    return value + factors.add_spread_jacobian(mixture.factor, d, gradient.factor)


@compiled
def gradient_norm(gradient, factor, n_components, d):
    """Largest of |∂/∂log w|, |Lᵀ ∂/∂μ| and |∂/∂ unconstrained spread|; dimensionless."""
    # ∂/∂v_i − ∂/∂v_K is known for i < K, and the ∂/∂v sum to zero on the simplex.
    last, free = 0.0, len(gradient) - n_components * d
    for i in range(n_components - 1):
        last -= gradient[i] / n_components
    largest = abs(last)
    for i in range(n_components - 1):
        largest = max(largest, abs(gradient[i] + last))
    for i in range(n_components - 1, free):
        largest = max(largest, abs(gradient[i]))
    for k in range(n_components):
        means = gradient[free + k * d : free + (k + 1) * d].copy()
        factors.times_transposed(factor, k, means)
        for j in range(d):
            largest = max(largest, abs(means[j]))
    return largest


@compiled
def assemble(moments, prior, jacobian, mixture, gradient):
    """Log posterior (nats) from the moments of a pass at the same parameters; fills the gradient.

    Never raises: where the density is not finite it is −inf with gradient zero.
    """
    of_parameters = zeros_like(mixture)
    add_fisher_gradient(moments, mixture, of_parameters)
    value = moments.log_likelihood + add_log_density(prior, mixture, of_parameters)
    if jacobian:
        value += _add_log_jacobian(mixture, of_parameters)
    _pack_gradient(mixture, of_parameters, gradient)
    finite = np.isfinite(value)
    for g in gradient:
        finite = finite and np.isfinite(g)
    if finite:
        return value
    for i in range(len(gradient)):
        gradient[i] = 0.0
    return -np.inf


class Point(NamedTuple):
    """The density at one vector, and the moments of the pass there."""

    y: np.ndarray
    parameters: MixtureParameters
    moments: MixtureMoments
    value: float
    """Nats."""
    gradient: np.ndarray
    """(n_dim,), in nats."""
    gradient_norm: float
    """Largest of |∂/∂log w|, |Lᵀ ∂/∂μ| and |∂/∂ unconstrained spread|, per row; dimensionless."""


@dataclass(frozen=True, eq=False)
class Target:
    """The log posterior of a mixture given evidence, as a function of one flat vector.

    Parameters, and the prior in ``numbers``, are those of ``(x - shift) / scale``.
    """

    covariance: str
    n_components: int
    evidence: Evidence
    shift: np.ndarray
    scale: np.ndarray
    numbers: Any
    """The prior's, as ``prior_numbers`` gives them."""

    @classmethod
    def of(cls, covariance, n_components, x, sample_weight, prior, shift=0.0, scale=1.0):
        """The target of a resolved prior; ``prior=None`` leaves the likelihood alone."""
        evidence = Evidence.of(x, sample_weight)
        d = evidence.values.shape[1]
        shift, scale = (
            np.broadcast_to(np.asarray(v, dtype=np.float64), (d,)) for v in (shift, scale)
        )
        numbers = prior_numbers(prior, structure_named(covariance), n_components, d)
        return cls(covariance, n_components, evidence, shift, scale, numbers)

    @property
    def structure(self):
        return structure_named(self.covariance)

    @cached_property
    def shape(self):
        """Numbers of components and features."""
        return self.n_components, self.evidence.values.shape[1]

    @cached_property
    def factor_shape(self):
        return self.structure.factor_shape(*self.shape)

    @property
    def n_dim(self):
        """Length of the flat vector."""
        k, d = self.shape
        return k - 1 + k * d + self.structure.n_free(k, d)

    @cached_property
    def rows(self):
        """The evidence in compiled code."""
        return CompleteRows.of(self.evidence, self.structure.correlated, self.shift, self.scale)

    @cached_property
    def moments(self) -> Pass:
        """The pass over the rows, of a mixture in compiled code."""
        return NumbaPass(self.rows)

    def __call__(self, y, jacobian=True):
        """Log density (nats) and its gradient (n_dim,) at y.

        With ``jacobian=False`` it is the density of (w, μ, Σ), whose mode ``fit_map`` finds.
        """
        point = self.at(y, jacobian)
        return point.value, point.gradient

    def at(self, y, jacobian=False):
        """The density at y, (n_dim,), with all that the one pass there gives."""
        y, mixture = np.ascontiguousarray(y, dtype=np.float64), self.room()
        gradient, jacobian = np.empty(len(y)), np.bool_(jacobian)
        factor = mixture.factor[0]
        unpack(y, mixture)
        moments = self.moments(Components(mixture.log_weights, mixture.means, laid_out(factor)))
        value = assemble(moments, self.numbers, jacobian, mixture, gradient)
        weights = np.exp(mixture.log_weights)
        parameters = MixtureParameters(self.covariance, weights, mixture.means, factor)
        norm = np.inf
        if value > -np.inf:
            norm = gradient_norm(gradient, mixture.factor, *self.shape)
            norm /= self.evidence.total or 1.0
        return Point(y, parameters, moments, value, gradient, norm)

    def constrain(self, ys):
        """The parameters at a vector, (n_dim,), or at many, (n, n_dim)."""
        if np.ndim(ys) == 1:
            return self.constrain(ys[None])[0]
        ys, room = np.ascontiguousarray(ys, dtype=np.float64), self.room()
        n, one = len(ys), room.factor[0]
        log_weights, means = np.empty((n, self.n_components)), np.empty((n, *self.shape))
        factor = np.empty((n, *one.shape))
        _unpack_all(ys, room, log_weights, means, factor.reshape(n, one.size))
        return MixtureParameters(self.covariance, np.exp(log_weights), means, factor)

    def room(self):
        """A mixture to write to, as compiled code takes it."""
        factor = self.structure.kind(np.empty(self.factor_shape))
        return Components(np.empty(self.n_components), np.empty(self.shape), factor)


def unconstrain(parameters):
    """The flat vector of a mixture's parameters, in the coordinates of the target."""
    factor = parameters.structure.kind(np.ascontiguousarray(parameters.factor))
    means = np.ascontiguousarray(parameters.means)
    y = np.empty(parameters.n_parameters)
    pack(Components(np.log(parameters.weights), means, factor), y)
    return y


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
