"""The objective that EM climbs, in coordinates where the data have mean zero and unit scale."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bayesgmm.data import Bulk, Evidence
from bayesgmm.em.m_step import conjugate_mode
from bayesgmm.likelihood import Target, unconstrain
from bayesgmm.mixture import (
    FLOOR,
    MixtureParameters,
    NormalInverseWishart,
    Prior,
    exchangeable_groups,
    prior_numbers,
    structure_named,
)

FEW_ROWS = 32_768
"""Rows that starts are screened on where there are more: modes are told apart by far fewer."""


@dataclass(frozen=True, eq=False)
class Objective:
    """Log posterior (or log likelihood) of a mixture at given rows, without Jacobian.

    Parameters live in ``(x - shift) / scale``; ``prior`` is that of those coordinates, None for
    maximum likelihood. ``offset`` (nats) takes a value here to one in the data's units.
    """

    covariance: str
    n_components: int
    evidence: Evidence
    shift: np.ndarray
    scale: np.ndarray
    correlation: np.ndarray
    prior: Prior | None
    conjugate: NormalInverseWishart | None
    """The prior itself if it is conjugate, else one whose objective EM can climb in its place."""

    @classmethod
    def of(cls, mixture, x, sample_weight, flat=False):
        """The objective of a declared mixture at checked rows."""
        evidence = Evidence.of(x, sample_weight)
        x, sample_weight = evidence.values, evidence.each
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
            mixture.covariance, mixture.n_components, evidence, centre, scale,
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
        return self.evidence.values.shape[1]

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
            self.covariance, self.n_components, self.evidence, self.shift, self.scale, self.numbers
        )  # fmt: skip

    @cached_property
    def log_likelihood_offset(self):
        """Nats from the log likelihood here to that in the data's units."""
        return -self.evidence.total * np.log(self.scale).sum()

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
        n_obs, weights = len(self.evidence), self.evidence.weights
        if n_obs <= FEW_ROWS:
            return self
        shares = (np.arange(FEW_ROWS) + rng.uniform(size=FEW_ROWS)) / FEW_ROWS
        if len(weights) == 1:
            drawn = (shares * n_obs).astype(np.int64)
        else:
            sums = np.cumsum(weights)
            drawn = np.searchsorted(sums, shares * sums[-1], side="right")
        x = self.evidence.values[np.minimum(drawn, n_obs - 1)]
        weight = np.broadcast_to(self.evidence.total / FEW_ROWS, FEW_ROWS)
        return replace(self, evidence=Evidence.of(x, weight))

    def at(self, y):
        """Value, gradient and moments at a vector, in one pass."""
        return self.target.at(y)

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
