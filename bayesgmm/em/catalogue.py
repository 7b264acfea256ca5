"""The catalogue: distinct ends of climbs, and how many starts led to each."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from bayesgmm.em.climb import Climb

SAME_VALUE = 1e-5
"""Two ends are one mode if their objectives differ by no more than this (nats, relative) …"""
SAME_PLACE = 1e-2
"""… and their matched components by no more than this, where data have unit scale."""


@dataclass(eq=False)
class Summit:
    """A distinct end of climbs: the best of them, and how many starts led there."""

    best: Climb
    count: int
    on_floor: bool

    def is_mode(self, tol):
        """Whether a climb that ends here has come to its end."""
        return not self.on_floor and self.best.end.gradient_norm <= tol


def catalogue(objective, climbs):
    """Distinct ends modulo permutation of exchangeable components, best first."""
    summits: list[Summit] = []
    for found in sorted(climbs, key=lambda c: -c.end.value):
        for summit in summits:
            if _same(found.end, summit.best.end, objective.groups):
                summit.count += found.finished
                break
        else:
            on_floor = objective.on_floor(found.end.parameters)
            summits.append(Summit(found, int(found.finished), on_floor))
    return summits


def _same(a, b, groups):
    if abs(a.value - b.value) > SAME_VALUE * max(1.0, abs(a.value)):
        return False
    p, q = a.parameters, b.parameters
    distance = np.abs(p.weights[:, None] - q.weights)
    distance += np.abs(p.means[:, None] - q.means).max(axis=-1)
    distance += np.abs(p.covariances[:, None] - q.covariances).max(axis=(-1, -2))
    distance[groups[:, None] != groups] = np.inf
    pairs = linear_sum_assignment(distance)
    return distance[pairs].max() <= SAME_PLACE
