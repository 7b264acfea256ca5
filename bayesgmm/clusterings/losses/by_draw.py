"""Losses of one partition under every draw."""

import numpy as np

from bayesgmm.clusterings.losses.protocol import Loss, combined
from bayesgmm.runtime import compiled

ROUNDING = 1e-12
"""Far below the loss of moving a single row, 1 / n² at least."""


def losses(draws: np.ndarray, labels: np.ndarray, loss: Loss, a: float = 1.0) -> np.ndarray:
    """Loss of one partition, ``labels`` (n_obs,), under every draw, (n_draws,).

    ``draws`` (n_draws, n_obs) are labels from 0, as ``compact`` makes them; ``a`` is the cost of
    splitting.
    """
    given = loss.compiled(len(labels), float(a))
    each: np.ndarray = _losses(draws, *grouped(labels), int(draws.max()) + 1, given)
    return each


def grouped(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows sorted by cluster, and where in them each cluster begins and ends."""
    _, sizes = np.unique(labels, return_counts=True)
    return np.argsort(labels, kind="stable"), np.concatenate([[0], np.cumsum(sizes)])


@compiled
def _losses(draws, order, bounds, n_labels, loss):
    gain = loss.gain
    n_draws, n_obs = draws.shape
    out, count = np.empty(n_draws), np.zeros(n_labels, dtype=np.int64)
    estimate = 0.0
    for k in range(len(bounds) - 1):
        for j in range(bounds[k + 1] - bounds[k]):
            estimate += gain[j]
    for s in range(n_draws):
        draw, both = 0.0, 0.0
        for i in range(n_obs):
            draw += gain[count[draws[s, i]]]
            count[draws[s, i]] += 1
        count[:] = 0
        for k in range(len(bounds) - 1):
            members = order[bounds[k] : bounds[k + 1]]
            for i in members:
                both += gain[count[draws[s, i]]]
                count[draws[s, i]] += 1
            for i in members:
                count[draws[s, i]] = 0
        value = combined(loss, draw, estimate, both, n_obs)
        # Equal partitions differ by the rounding of three sums.
        out[s] = value if value > ROUNDING else 0.0
    return out
