"""The catalogue: distinct ends of climbs, and how many starts led to each."""

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from bayesgmm.em.climb import Climb
from bayesgmm.em.objective import Objective
from bayesgmm.likelihood import Point

SAME_VALUE = 1e-5
"""Two ends are one mode if their objectives differ by no more than this (nats, relative) …"""
SAME_PLACE = 1e-2
"""… and their matched components by no more than this, where data have unit scale."""

NEAR = 1.0
"""Nats that the complete-data information sees between a climb and the summit it is on."""
NEAR_PER_ROW = 0.02
"""The same, per row, of a climb that is given up."""

WINDOW = 10.0
"""Nats below the best within which a mode is worth knowing: its weight is e⁻¹⁰ or more."""


@dataclass(eq=False)
class Summit:
    """A distinct end of climbs: the best of them, and how many starts led there."""

    best: Climb
    count: int
    on_floor: bool

    def is_mode(self, tol):
        """Whether a climb that ends here has come to its end."""
        return not self.on_floor and self.best.end.gradient_norm <= tol


@dataclass(eq=False)
class Catalogue:
    """Distinct ends modulo permutation of exchangeable components, best first."""

    objective: Objective
    summits: list[Summit] = field(default_factory=list)

    @property
    def best(self) -> Summit | None:
        """The highest off the floor."""
        return next((s for s in self.summits if not s.on_floor), None)

    def add(self, climb: Climb, count: int) -> Summit:
        """Enter the end of a climb that stands for so many starts."""
        end = climb.end
        on_floor = self.objective.on_floor(end.parameters)
        for summit in self.summits:
            if self._same(end, summit.best.end):
                summit.count += count
                return summit
        new = Summit(climb, count, on_floor)
        self.summits.append(new)
        self.summits.sort(key=lambda s: -s.best.end.value)
        return new

    def recognised(self, point: Point) -> Summit | None:
        """The summit that a point lies so near to, and below, that a climb would end there."""
        for summit in self.summits:
            gap = summit.best.end.value - point.value
            near = -1e-9 * abs(point.value) <= gap <= NEAR
            if near and not summit.on_floor and self._distance(summit, point) <= NEAR:
                return summit
        return None

    def nearest(self, point: Point) -> Summit | None:
        """The summit that a climb given up at a point was on, as far as one can tell."""
        near = NEAR_PER_ROW * self.objective.evidence.total
        for summit in self.summits:
            if not summit.on_floor and self._distance(summit, point) <= near:
                return summit
        return None

    def is_highest(self, point: Point) -> bool:
        """Whether no summit off the floor is higher."""
        return self.best is None or point.value > self.best.best.end.value

    def can_win(self, climb: Climb, window: float) -> bool:
        """Whether a climb may come within some nats of the best so far.

        What it will still gain is foretold by its last gains, as those of a geometric series.
        """
        if self.best is None:
            return True
        short = self.best.best.end.value - window - climb.end.value
        if short <= 0:
            return True
        lag = 2 if len(climb.trace) < 16 else 5
        if len(climb.trace) <= 2 * lag:
            return True
        before, then, now = (climb.trace[i] for i in (-1 - 2 * lag, -1 - lag, -1))
        gain = now - then
        ratio = min(gain / max(then - before, 1e-300), 0.9)
        return 2 * gain * ratio / (1 - ratio) >= short

    def _same(self, a: Point, b: Point) -> bool:
        if abs(a.value - b.value) > SAME_VALUE * max(1.0, abs(a.value)):
            return False
        p, q = a.parameters, b.parameters
        distance = np.abs(p.weights[:, None] - q.weights)
        distance += np.abs(p.means[:, None] - q.means).max(axis=-1)
        distance += np.abs(p.covariances[:, None] - q.covariances).max(axis=(-1, -2))
        return self._matched(distance).max() <= SAME_PLACE

    def _distance(self, summit: Summit, point: Point) -> float:
        """The squared distance in the metric of the complete-data information (nats)."""
        at, p = summit.best.end, point.parameters
        q, counts = at.parameters, at.moments.nk + 1
        if not p.structure.correlated:
            lower = np.sqrt(q.variances)
            means = (p.means[:, None] - q.means) / lower
            spreads = p.variances[:, None] / lower**2 - 1
            distance = (means**2).sum(axis=-1) + 0.5 * (spreads**2).sum(axis=-1)
        else:
            k, d = q.means.shape
            inverse = np.linalg.inv(np.broadcast_to(q.factor, (k, d, d)))
            means = np.einsum("jab,ijb->ija", inverse, p.means[:, None] - q.means)
            distance = (means**2).sum(axis=-1)
            for i, factor in enumerate(np.broadcast_to(p.factor, (k, d, d))):
                ratio = inverse @ factor
                ratio = ratio @ np.swapaxes(ratio, 1, 2) - np.eye(d)
                distance[i] += 0.5 * (ratio**2).sum(axis=(1, 2))
        weights = np.maximum(q.weights, 1 / counts.sum())
        distance += ((p.weights[:, None] - q.weights) / weights) ** 2
        return self._matched(distance * counts).sum()

    def _matched(self, distance: np.ndarray) -> np.ndarray:
        """Distances of components that are matched, each with one of its group."""
        groups = self.objective.groups
        distance = np.where(groups[:, None] != groups, np.inf, distance)
        return distance[linear_sum_assignment(distance)]
