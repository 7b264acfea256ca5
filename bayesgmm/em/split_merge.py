"""Moves out of a mode: two components merge and a third splits, or one is put elsewhere."""

from typing import NamedTuple

import numpy as np

from bayesgmm.em.objective import Objective
from bayesgmm.em.starts import Seeding, draw, from_responsibilities, two_means
from bayesgmm.likelihood import Point, responsibilities

MOST_MOVES = 8
"""Moves that are tried out of a mode before it is taken to be the highest."""


class Part(NamedTuple):
    """Rows that belong together: their number, mean, and scatter about it."""

    n: float
    mean: np.ndarray
    scatter: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, share: np.ndarray) -> "Part":
        """Rows (n, d) of which a share (n,) belongs."""
        held = share > 1e-9 * share.max(initial=0.0)
        rows, share = rows[held], share[held]
        n = max(float(share.sum()), 1e-300)
        mean = share @ rows / n
        centred = rows - mean
        return cls(n, mean, (centred * share[:, None]).T @ centred)

    def merged(self, other: "Part") -> "Part":
        n, step = self.n + other.n, other.mean - self.mean
        scatter = self.scatter + other.scatter + self.n * other.n / n * np.outer(step, step)
        return Part(n, self.mean + other.n / n * step, scatter)

    def complete(self, objective: Objective) -> float:
        """Expected log likelihood (nats) of the rows and of whose they are, were they known to
        belong together, but for what is the same however rows are shared out."""
        d, n = len(self.mean), self.n
        if objective.structure.correlated:
            spread = (self.scatter + (d + 2) * 1e-2 * np.eye(d)) / (n + d + 2)
            log_det = np.linalg.slogdet(spread)[1]
        else:
            variances = (np.diag(self.scatter) + 1e-2) / (n + 1)
            isotropic = objective.structure.isotropic
            log_det = d * np.log(variances.mean()) if isotropic else np.log(variances).sum()
        return float(n * np.log(n) - 0.5 * n * log_det)


def moves(objective: Objective, point: Point, rng: np.random.Generator) -> list[np.ndarray]:
    """Vectors to climb from, the most promising first [1]_.

    A merger loses, and a split gains, what the expected log likelihood of the completed rows
    changes by, and the entropy of who belongs with whom.

    References
    ----------
    .. [1] Ueda, Nakano, Ghahramani & Hinton (2000), Neural Computation 12, 2109–2128.
    """
    p, k = point.parameters, objective.n_components
    if k < 3:
        return []
    seeding = Seeding.of(objective, rng)
    table = responsibilities(seeding.rows, p.log_weights, p.means, p.factor)
    share = table * seeding.weight[:, None]
    parts = [Part.of(seeding.rows, share[:, i]) for i in range(k)]
    values = [part.complete(objective) for part in parts]
    loss, gain, halves = np.full((k, k), np.inf), np.full(k, -np.inf), []
    for i in range(k):
        for j in range(i):
            if objective.groups[i] == objective.groups[j]:
                loss[i, j] = values[i] + values[j] + _entropy(share[:, i], share[:, j])
                loss[i, j] -= parts[i].merged(parts[j]).complete(objective)
        halves.append(two_means(seeding.rows, share[:, i]))
        sides = [np.where(halves[i] == side, share[:, i], 0.0) for side in (False, True)]
        if all(side.any() for side in sides):
            new = sum(Part.of(seeding.rows, side).complete(objective) for side in sides)
            gain[i] = new - values[i]
    found = [
        (gain[split] - loss[i, j], i, j, split)
        for i in range(k)
        for j in range(i)
        for split in range(k)
        if split not in (i, j) and np.isfinite(gain[split] - loss[i, j])
    ]
    found.sort(key=lambda move: -move[0])
    vectors = []
    for _, i, j, split in found[:MOST_MOVES]:
        moved = table.copy()
        moved[:, i] += moved[:, j]
        moved[:, j] = np.where(halves[split], moved[:, split], 0.0)
        moved[:, split] -= moved[:, j]
        vectors.append(from_responsibilities(objective, seeding.rows, seeding.weight, moved))
    return vectors


def swaps(objective: Objective, point: Point, rng: np.random.Generator, n: int) -> list[np.ndarray]:
    """Vectors to climb from, in which one component, at random, has gone to other rows [1]_.

    It takes the rows nearest to one drawn at random, and leaves its own to the others.

    References
    ----------
    .. [1] Zhao, Hautamäki, Kärkkäinen & Fränti (2012), Pattern Recognition 45, 3744–3753.
    """
    p, k = point.parameters, objective.n_components
    seeding = Seeding.of(objective, rng)
    rows, weight = seeding.rows, seeding.weight
    log_table = np.log(np.maximum(responsibilities(rows, p.log_weights, p.means, p.factor), 1e-300))
    inverse = np.linalg.inv(np.linalg.cholesky(p.covariances))
    vectors = []
    for _ in range(n):
        taken = int(rng.integers(k))
        metric = inverse[int(rng.integers(k))]
        centre = rows[draw(weight, rng)[0]]
        distance = (((rows - centre) @ metric.T) ** 2).sum(axis=1)
        size = rng.uniform(0.2, 1.0) * weight.sum() / k
        nearest = np.argsort(distance, kind="stable")
        held = nearest[
            : max(objective.n_features + 1, int((np.cumsum(weight[nearest]) <= size).sum()))
        ]
        table = log_table.copy()
        table[:, taken] = -np.inf
        if k > 1:
            table = np.exp(table - table.max(axis=1, keepdims=True))
            table /= table.sum(axis=1, keepdims=True)
        table[held] = 0.0
        table[held, taken] = 1.0
        vectors.append(from_responsibilities(objective, rows, weight, table))
    return vectors


def _entropy(a: np.ndarray, b: np.ndarray) -> float:
    """Σ (nats) over rows of doubt between two, of shares (n,) in each."""
    both = a + b
    return -sum(float(s[s > 0] @ np.log(s[s > 0] / both[s > 0])) for s in (a, b))
