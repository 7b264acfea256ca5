"""Losses between two partitions of the rows, and their parts: variation of information, Binder's.

Both are  a Σ_l f(m_l) + (2 − a) Σ_k f(n_k) − 2 Σ_kl f(c_kl)  for a draw with clusters of m_l rows,
an estimate with clusters of n_k rows, and c_kl rows in both; f(c) = c log₂ c / n gives the
variation of information in bits, f(c) = c² / n² the share of ordered pairs of rows that are
together in one and apart in the other. Splitting what the draw holds together costs a, joining what
it holds apart 2 − a (Dahl, Johnson & Müller 2022, J. Comput. Graph. Stat. 31, 1189–1201).
"""

from typing import Any, Literal

import numpy as np

from bayesgmm.runtime import compiled

ROUNDING = 1e-12
"""Far below the loss of moving a single row, 1 / n² at least."""
LOSSES: tuple[Literal["vi", "binder"], ...] = ("vi", "binder")


def gains(n_obs, loss):
    """f(c + 1) − f(c) for c = 0, …, n_obs."""
    c = np.arange(n_obs + 2, dtype=np.float64)
    f = c * np.log2(np.maximum(c, 1)) / n_obs if loss == "vi" else (c / n_obs) ** 2
    return np.diff(f)


def losses(draws, labels, loss="vi", a=1.0):
    """Loss of one partition under every draw.

    Parameters
    ----------
    draws : int array, shape (n_draws, n_obs)
        Labels from 0, as :func:`bayesgmm.posterior.allocations.compact` makes them.
    labels : int array, shape (n_obs,)
        The estimate.
    loss : {"vi", "binder"}
        In bits, or as a share of ordered pairs.
    a : float
        Cost of splitting.

    Returns
    -------
    float64 array, shape (n_draws,)
    """
    order, bounds = grouped(labels)
    return _losses(draws, order, bounds, int(draws.max()) + 1, gains(len(labels), loss), float(a))


def certainties(draws, labels):
    """Per row the mean share of the rest of its cluster that is with it in a draw, (n_obs,).

    Of a row that is a cluster by itself: the share of draws in which it is alone.
    """
    order, bounds = grouped(labels)
    return _certainties(draws, order, bounds, int(draws.max()) + 1)


def grouped(labels):
    """Rows sorted by cluster, and where in them each cluster begins and ends."""
    _, sizes = np.unique(labels, return_counts=True)
    return np.argsort(labels, kind="stable"), np.concatenate([[0], np.cumsum(sizes)])


@compiled
def _losses(draws, order, bounds, n_labels, gain, a):
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
        loss = a * draw + (2 - a) * estimate - 2 * both
        # Equal partitions differ by the rounding of three sums.
        out[s] = loss if loss > ROUNDING else 0.0
    return out


@compiled
def _certainties(draws, order, bounds, n_labels):
    n_draws, n_obs = draws.shape
    out, count, size = np.zeros(n_obs), np.zeros(n_labels), np.zeros(n_labels)
    for s in range(n_draws):
        size[:] = 0
        for i in range(n_obs):
            size[draws[s, i]] += 1
        for k in range(len(bounds) - 1):
            members = order[bounds[k] : bounds[k + 1]]
            if len(members) == 1:
                out[members[0]] += size[draws[s, members[0]]] == 1
                continue
            for i in members:
                count[draws[s, i]] += 1
            for i in members:
                out[i] += (count[draws[s, i]] - 1) / (len(members) - 1)
            for i in members:
                count[draws[s, i]] = 0
    return out / n_draws


def adjusted_rand(labels: Any, truth: Any) -> float:
    """Adjusted Rand index of two clusterings: 1 where equal, 0 on average where unrelated.

    Hubert & Arabie (1985), Journal of Classification 2, 193–218.
    """
    rows = np.unique(np.asarray(labels), return_inverse=True)[1].ravel()
    columns = np.unique(np.asarray(truth).astype(str), return_inverse=True)[1].ravel()
    table = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(table, (rows, columns), 1)

    def pairs(counts):
        return float((counts * (counts - 1) / 2).sum())

    both, in_rows, in_columns = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected = in_rows * in_columns / max(pairs(np.array([len(rows)])), 1.0)
    most = (in_rows + in_columns) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)
