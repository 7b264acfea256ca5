"""Moves out of a mode: two components merge, and a third splits."""

import numpy as np

from bayesgmm.em.objective import Objective
from bayesgmm.em.starts import from_responsibilities, two_means
from bayesgmm.likelihood import Point, responsibilities

MOST_MOVES = 8
"""Moves that are tried out of a mode before it is taken to be the highest."""


def moves(objective: Objective, point: Point) -> list[np.ndarray]:
    """Vectors to climb from, the most promising first [1]_.

    A merger loses, and a split gains, what the expected log likelihood of the completed rows
    changes by, and the entropy of who belongs with whom.

    References
    ----------
    .. [1] Ueda, Nakano, Ghahramani & Hinton (2000), Neural Computation 12, 2109–2128.
    """
    evidence, p, k = objective.evidence, point.parameters, objective.n_components
    if k < 3:
        return []
    table = responsibilities(
        evidence.values, p.log_weights, p.means, p.factor, objective.shift, objective.scale
    )
    rows, weight = (evidence.values - objective.shift) / objective.scale, evidence.each
    share = table * weight[:, None]
    loss = np.full((k, k), np.inf)
    own = [_complete(objective, rows, share[:, i]) for i in range(k)]
    for i in range(k):
        for j in range(i):
            if objective.groups[i] == objective.groups[j]:
                both = share[:, i] + share[:, j]
                entropy = -(_entropic(share[:, i], both) + _entropic(share[:, j], both))
                loss[i, j] = own[i] + own[j] + entropy - _complete(objective, rows, both)
    halves, gain = [], np.full(k, -np.inf)
    for i in range(k):
        second = two_means(rows, share[:, i])
        halves.append(second)
        if 0 < share[second, i].sum() < share[:, i].sum():
            parts = (np.where(second == side, share[:, i], 0.0) for side in (False, True))
            gain[i] = sum(_complete(objective, rows, part) for part in parts) - own[i]
    found = [
        (gain[split] - loss[i, j], i, j, split)
        for i in range(k)
        for j in range(i)
        for split in range(k)
        if split not in (i, j) and np.isfinite(gain[split] - loss[i, j])
    ]
    found.sort(key=lambda move: -move[0])
    return [
        _moved(objective, rows, weight, table, i, j, split, halves[split])
        for _, i, j, split in found[:MOST_MOVES]
    ]


def _moved(objective, rows, weight, table, i, j, split, second):
    table = table.copy()
    table[:, i] += table[:, j]
    table[:, j] = np.where(second, table[:, split], 0.0)
    table[:, split] -= table[:, j]
    return from_responsibilities(objective, rows, weight, table)


def _entropic(share, both):
    """Σ share · log (share / both)."""
    held = share > 0
    return float(share[held] @ np.log(share[held] / both[held]))


def _complete(objective, rows, share):
    """Expected log likelihood (nats) of rows that are known to be one component's, but for a part
    that is the same however they are shared out."""
    n, d = share.sum(), rows.shape[1]
    if n <= 0:
        return 0.0
    held = share > 1e-9 * share.max()
    share, rows = share[held], rows[held]
    centred = rows - share @ rows / n
    if objective.structure.correlated:
        scatter = (centred * share[:, None]).T @ centred
        log_det = np.linalg.slogdet((scatter + (d + 2) * 1e-2 * np.eye(d)) / (n + d + 2))[1]
    else:
        variances = (share @ centred**2 + 1e-2) / (n + 1)
        variances = variances.mean(keepdims=True) if objective.structure.isotropic else variances
        log_det = np.log(variances).sum() * (d / len(variances))
    return n * np.log(n) - 0.5 * n * log_det
