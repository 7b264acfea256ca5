"""The objective that EM climbs, in coordinates where the data have mean zero and unit scale."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bayesgmm.data import Bulk
from bayesgmm.em.m_step import conjugate_mode
from bayesgmm.likelihood import MixtureMoments, Target, assemble, kernel_weight, unconstrain
from bayesgmm.mixture import (
    FLOOR,
    MixtureParameters,
    NormalInverseWishart,
    Prior,
    exchangeable_groups,
    prior_numbers,
    structure_named,
)
from bayesgmm.mixture import factor as factors
from bayesgmm.runtime import compiled, inner

FEW_ROWS = 32_768
"""Rows that starts are screened on where there are more: modes are told apart by far fewer."""


@dataclass(frozen=True, eq=False)
class Point:
    """The objective at one vector: value (nats), gradient, and the moments of the pass there."""

    y: np.ndarray
    parameters: MixtureParameters
    moments: MixtureMoments
    value: float
    gradient: np.ndarray
    gradient_norm: float


@dataclass(frozen=True, eq=False)
class Objective:
    """Log posterior (or log likelihood) of a mixture at given rows, without Jacobian.

    Parameters live in ``(x - shift) / scale``; ``prior`` is that of those coordinates, None for
    maximum likelihood. ``offset`` (nats) takes a value here to one in the data's units.
    """

    covariance: str
    n_components: int
    x: np.ndarray
    sample_weight: np.ndarray
    shift: np.ndarray
    scale: np.ndarray
    correlation: np.ndarray
    prior: Prior | None
    conjugate: NormalInverseWishart | None
    """The prior itself if it is conjugate, else one whose objective EM can climb in its place."""

    @classmethod
    def of(cls, mixture, x, sample_weight, flat=False):
        """The objective of a declared mixture at checked rows."""
        x = np.ascontiguousarray(x).view()
        x.flags.writeable = False  # one type of rows, one compilation
        bulk = Bulk.of(x, sample_weight, mixture.structure)
        centre, covariance = bulk.centre, bulk.covariance
        sd = np.sqrt(np.diag(covariance))
        scale = np.full_like(sd, sd.max()) if mixture.structure.isotropic else sd

        def resolved(prior):
            numbers = prior.resolved(x, sample_weight, mixture.n_components, mixture.covariance)
            return numbers.affine(1 / scale, -centre / scale)

        prior = None if flat else resolved(mixture.prior)
        surrogate = mixture.prior.surrogate
        conjugate = prior if flat or surrogate is mixture.prior else resolved(surrogate)
        return cls(
            mixture.covariance, mixture.n_components, x, sample_weight, centre, scale,
            covariance / np.outer(scale, scale), prior, conjugate,
        )  # fmt: skip

    @property
    def structure(self):
        return structure_named(self.covariance)

    @cached_property
    def surrogate(self):
        """The objective itself if EM can climb it, else that of a conjugate prior."""
        return self if self.conjugate is self.prior else replace(self, prior=self.conjugate)

    @cached_property
    def metric(self):
        """Lower Cholesky factor of the correlation; the smallest eigenvalue allowed is relative."""
        return np.linalg.cholesky(self.correlation)

    @property
    def n_features(self):
        return self.x.shape[1]

    @cached_property
    def total_weight(self):
        return float(self.sample_weight.sum())

    @cached_property
    def numbers(self):
        return prior_numbers(self.prior, self.structure, self.n_components, self.n_features)

    @cached_property
    def groups(self):
        """A number for every component, the same for those that the prior does not tell apart."""
        return exchangeable_groups(self.numbers)

    @cached_property
    def target(self):
        """The same density, with Jacobian on request, as the sampler takes it."""
        return Target(
            self.covariance, self.n_components, self.x, kernel_weight(self.sample_weight),
            self.shift, self.scale, self.numbers,
        )  # fmt: skip

    @cached_property
    def log_likelihood_offset(self):
        """Nats from the log likelihood here to that in the data's units."""
        return -self.total_weight * np.log(self.scale).sum()

    @cached_property
    def offset(self):
        """Nats from the objective here to that in the data's units: a change of variables."""
        if self.prior is None:
            return self.log_likelihood_offset
        log_scale, k = np.log(self.scale), self.n_components
        power = self.structure.log_scale_power(log_scale, k)
        return self.log_likelihood_offset - k * log_scale.sum() - power

    def sampled(self, rng):
        """The objective itself, or of few rows drawn from many, with the same total weight.

        One row is drawn from each of equal parts of the sum of weights, in the order of the rows:
        a row of weight 2 is drawn as two equal rows are.
        """
        n_obs = len(self.x)
        if n_obs <= FEW_ROWS:
            return self
        shares = (np.arange(FEW_ROWS) + rng.uniform(size=FEW_ROWS)) / FEW_ROWS
        if self.sample_weight.strides[0] == 0:
            drawn = (shares * n_obs).astype(np.int64)
        else:
            sums = np.cumsum(self.sample_weight)
            drawn = np.searchsorted(sums, shares * sums[-1], side="right")
        x = self.x[np.minimum(drawn, n_obs - 1)]
        x.flags.writeable = False
        weight = np.broadcast_to(self.total_weight / FEW_ROWS, FEW_ROWS)
        return replace(self, x=x, sample_weight=weight)

    def at(self, y):
        """Value, gradient and moments at a vector, in one pass."""
        parameters = self.target.constrain(y)
        log_weights = parameters.log_weights
        moments = self.target.moments(log_weights, parameters.means, parameters.factor)
        gradient = np.empty(len(y))
        value, norm = _assemble(
            moments.log_likelihood, moments.nk, moments.s, moments.S, log_weights,
            parameters.means, self.structure.kind(parameters.factor), self.numbers, gradient,
        )  # fmt: skip
        return Point(y, parameters, moments, value, gradient, norm / self.total_weight)

    def step(self, point):
        """The vector that one step of EM leads to."""
        weights, means, factor = conjugate_mode(
            point.moments, point.parameters.means, point.parameters.factor, self.covariance,
            self.prior, self.metric,
        )  # fmt: skip
        return unconstrain(MixtureParameters(self.covariance, weights, means, factor))

    def on_floor(self, parameters):
        """Whether a spread has met the smallest eigenvalue allowed.

        The likelihood alone grows without bound as a component collapses onto a row.
        """
        if self.prior is not None and self.prior.bounded:
            return False
        if self.structure.is_far_from_floor(parameters.factor, self.metric):
            return False
        return self.smallest_eigenvalues(parameters).min() <= FLOOR * 1.0001

    def smallest_eigenvalues(self, parameters):
        """Smallest eigenvalue of every component's covariance, relative to that of all rows."""
        smallest = self.structure.smallest_eigenvalues(parameters.factor, self.metric)
        return np.broadcast_to(smallest, (self.n_components,))

    def in_data_units(self, parameters):
        """Parameters of these coordinates as parameters of the data's."""
        return parameters.affine(self.scale, self.shift)


@compiled
def _assemble(log_likelihood, nk, s, S, log_weights, means, factor, prior, gradient):
    """The value without Jacobian, and the norm of the gradient, which is filled in."""
    jacobian = np.bool_(False)  # a literal would have ``assemble`` compiled once more
    value = assemble(
        log_likelihood, nk, s, S, log_weights, means, factor, prior, jacobian, gradient
    )
    norm = _largest(gradient, factor, *means.shape) if np.isfinite(value) else np.inf
    return value, norm


@inner
def _largest(gradient, factor, n_components, d):
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
