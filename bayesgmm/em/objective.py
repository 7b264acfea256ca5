"""The objective that EM climbs, in coordinates where the data have mean zero and unit scale."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bayesgmm.data import Bulk, Evidence, canonical_order, drawn
from bayesgmm.em.ascent import LOG_LIKELIHOOD, NORM, VALUE, Ascent, Routines, ascend, meets_floor
from bayesgmm.em.m_step import Pseudodata
from bayesgmm.likelihood import Point, Target, rows_at_once, unconstrain
from bayesgmm.mixture import (
    MixtureParameters,
    NormalInverseWishart,
    Prior,
    exchangeable_groups,
    laid_out,
    prior_numbers,
    structure_named,
)

FEW_ROWS = 32_768
"""Rows that starts are screened on where there are more: modes are told apart by far fewer."""
MORE_ROWS, MOST_NUMBERS = 2**17, 2**23
"""Rows that what may win climbs on next, if they hold no more numbers than these; then on all."""


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

    def levels(self, rng):
        """The objective of few of many rows, of more of them, and last of all.

        The rows of a level are among those of the next, with the same total weight.
        """
        evidence, d = self.evidence, self.n_features
        few = max(FEW_ROWS, 5 * self.n_components * d)
        more = few * max(1, min(MORE_ROWS, MOST_NUMBERS // d) // few)
        sizes = [n for n in sorted({few, more}) if 1.25 * n < len(evidence)]
        if not sizes:
            return [self]
        values, weight = evidence.values, evidence.each
        rows = values[drawn(values, weight, self.shift, self.scale, sizes[-1], rng)]
        return [*(self._of_equal(rows[:: sizes[-1] // n]) for n in sizes), self]

    def _of_equal(self, rows):
        """The same of other rows of equal weight."""
        weight = np.broadcast_to(self.evidence.total / len(rows), len(rows))
        return replace(self, evidence=Evidence.of(rows, weight))

    @cached_property
    def ordered_rows(self):
        """Distinct rows in these coordinates, in an order of their own, and their weights."""
        values, weight = self.evidence.values, self.evidence.each
        order = canonical_order(values, self.shift, self.scale)
        rows, weight = values[order], weight[order]
        first = np.append(True, (rows[1:] != rows[:-1]).any(axis=1))
        rows, weight = rows[first], np.add.reduceat(weight, np.flatnonzero(first))
        return (rows[weight > 0] - self.shift) / self.scale, weight[weight > 0]

    @cached_property
    def pseudodata(self):
        """The prior as the M-step takes it; of no use where EM cannot climb the objective."""
        return Pseudodata.of(self.conjugate, self.structure, self.n_components, self.metric)

    @cached_property
    def is_small(self):
        """Whether a pass is too short to be shared by several cores."""
        k, d = self.target.shape
        return len(self.evidence) <= rows_at_once(k, d, self.structure.correlated)

    def ascent(self, y, max_iter):
        """A climb by EM from a vector."""
        return Ascent.of(np.ascontiguousarray(y, dtype=np.float64), self.target.room, max_iter)

    @cached_property
    def _routines(self):
        ascent = self.ascent(np.zeros(self.target.n_dim), 1)
        return Routines.of(self.target.rows, self.numbers, self.pseudodata, ascent)

    def go_on(self, ascent, norm, n_passes):
        """Climb on for so many passes at most; whether the climb has ended."""
        settings = self.numbers, self.pseudodata, ascent, norm, len(ascent.trace) - 2
        rows, total = self.target.rows, self.evidence.total
        if self.is_small:
            return ascend(self._routines, rows, total, *settings, n_passes)
        mixture, no_rows = ascent.mixture, rows.part(slice(0, 0))
        layout = mixture._replace(factor=laid_out(mixture.factor[0]))
        for _ in range(n_passes):
            _add(ascent, self.target.moments(layout))
            if ascend(self._routines, no_rows, total, *settings, 1):
                return True
        return False

    def reached(self, ascent):
        """Where a climb is."""
        mixture, numbers = ascent.mixture, ascent.numbers
        weights = np.exp(mixture.log_weights)
        factor = mixture.factor[0]
        parameters = MixtureParameters(self.covariance, weights, mixture.means, factor)
        moments = ascent.moments._replace(log_likelihood=float(numbers[LOG_LIKELIHOOD]))
        value, norm = float(numbers[VALUE]), float(numbers[NORM])
        return Point(ascent.vectors[3], parameters, moments, value, ascent.gradient, norm)

    def at(self, y):
        """Value, gradient and moments at a vector, in one pass."""
        ascent = self.ascent(y, 1)
        self.go_on(ascent, np.inf, 1)
        return self.reached(ascent)

    def step(self, y):
        """The vector that one step of EM leads to."""
        ascent = self.ascent(y, 2)
        self.go_on(ascent, -1.0, 1)
        return ascent.vectors[3]

    def maximised(self, moments):
        """The vector that the M-step leads to from moments about zero, in these coordinates."""
        k, d = self.target.shape
        unit = np.full(self.target.factor_shape, 1.0)
        if self.structure.correlated:
            unit *= np.eye(d)
        zeros = np.zeros((k, d))
        mixture = MixtureParameters(self.covariance, np.full(k, 1 / k), zeros, unit)
        ascent = self.ascent(unconstrain(mixture), 2)
        _add(ascent, moments)
        no_rows = self.target.rows.part(slice(0, 0))
        settings = self.numbers, self.pseudodata, ascent, -1.0, 2
        ascend(self._routines, no_rows, 1.0, *settings, 1)
        return ascent.vectors[3]

    def on_floor(self, parameters):
        """Whether a spread has met the smallest eigenvalue allowed.

        The likelihood alone grows without bound as a component collapses onto a row.
        """
        if self.prior is not None and self.prior.bounded:
            return False
        factor = np.ascontiguousarray(parameters.factor)
        return meets_floor(self.structure.kind(factor), self._floor)

    @cached_property
    def _floor(self):
        return Pseudodata.of(None, self.structure, self.n_components, self.metric)

    def smallest_eigenvalues(self, parameters):
        """Smallest eigenvalue of every component's covariance, relative to that of all rows."""
        smallest = self.structure.smallest_eigenvalues(parameters.factor, self.metric)
        return np.broadcast_to(smallest, (self.n_components,))

    def in_data_units(self, parameters):
        """Parameters of these coordinates as parameters of the data's."""
        return parameters.affine(self.scale, self.shift)


def _add(ascent, moments):
    """Hand a climb what a pass elsewhere has found where it is."""
    ascent.numbers[LOG_LIKELIHOOD] += moments.log_likelihood
    for own, found in zip(ascent.moments[1:], moments[1:], strict=True):
        own += found
