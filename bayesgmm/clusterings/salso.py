"""The search of SALSO: sequentially allocated latent structure optimisation, compiled.

Dahl, Johnson & Müller (2022), J. Comput. Graph. Stat. 31, 1189–1201. What the expected loss is
with a row in each cluster is the loss's own affair, see ``losses/protocol.py``. The search keeps
how many rows each cluster of the estimate has in common with each cluster of every draw, so that a
cluster costs one sum over draws. There is no bound on the number of clusters: the table grows when
the last empty slot is taken.
"""

import numpy as np

from bayesgmm.clusterings.losses.protocol import add_to_sums, expected, new_sums, row_costs
from bayesgmm.runtime import compiled, inner

P_SEQUENTIAL = 0.5
"""Probability that a run starts by sequential allocation, not from labels at random."""
N_ZEALOUS = 10
"""Clusters per run, at most, each broken up once and its rows allocated anew."""
LEAST_GAIN = 1e-12
"""A row moves for no less, or rounding would move it for ever."""


@compiled
def search(by_row, offset, n_slots, loss, rng):
    """One run: the labels (n_obs,) of a local optimum, and its expected loss less the draws' part.

    ``by_row`` (n_obs, n_draws) and ``offset`` (n_draws + 1,) are those of ``losses/protocol.py``,
    n_draws = 0 for a loss that needs none; ``n_slots``, the clusters to start from where labels are
    random; and ``loss``, the loss in compiled code.
    """
    n_obs = len(by_row)
    sums = new_sums(loss, len(offset) - 1, offset[-1])
    given = (by_row, offset, loss, sums)
    labels, order = np.full(n_obs, -1), np.arange(n_obs)
    sizes = np.zeros(n_slots + 1, dtype=np.int64)
    counts = np.zeros((n_slots + 1, offset[-1]), dtype=np.int32)
    if rng.random() < P_SEQUENTIAL:
        _shuffle(order, rng)
        sizes, counts, _ = _scan(order, labels, sizes, counts, given)
    else:
        for i in range(n_obs):
            _put(i, int(rng.random() * n_slots), labels, sizes, counts, given)
    sizes, counts = _sweeten(order, labels, sizes, counts, given, rng)
    best = expected(loss, labels, sizes, counts, sums, by_row.shape[1])
    filled = np.flatnonzero(sizes > 1)
    _shuffle(filled, rng)
    for broken in filled[:N_ZEALOUS]:
        members = np.flatnonzero(labels == broken)
        if len(members) < 2:  # emptied by another attempt
            continue
        _shuffle(members, rng)
        trial, trial_sizes, trial_counts = labels.copy(), sizes.copy(), counts.copy()
        trial_sums = (sums[0].copy(), sums[1].copy(), sums[2].copy())
        given = (by_row, offset, loss, trial_sums)
        for row in members:
            _put(row, -1, trial, trial_sizes, trial_counts, given)
        trial_sizes, trial_counts, _ = _scan(members, trial, trial_sizes, trial_counts, given)
        together = trial[members[0]]
        if trial_sizes[together] == len(members) and np.all(trial[members] == together):
            continue
        trial_sizes, trial_counts = _sweeten(order, trial, trial_sizes, trial_counts, given, rng)
        found = expected(loss, trial, trial_sizes, trial_counts, trial_sums, by_row.shape[1])
        if found < best - LEAST_GAIN:
            best, labels, sizes, counts = found, trial, trial_sizes, trial_counts
            sums = trial_sums
    return labels, best


@inner
def _sweeten(order, labels, sizes, counts, given, rng):
    """Scans in random order until no row moves; every move lowers the loss, so that they end."""
    moved = 1
    while moved:
        _shuffle(order, rng)
        sizes, counts, moved = _scan(order, labels, sizes, counts, given)
    return sizes, counts


@inner
def _scan(rows, labels, sizes, counts, given):
    """Put every row, allocated (label ≥ 0) or not, where the expected loss is least."""
    by_row, offset, loss, sums = given
    moved, cost = 0, np.empty(len(sizes))
    for i in rows:
        empty = _first_empty(sizes)
        if empty < 0:
            empty = len(sizes)
            sizes = np.concatenate((sizes, np.zeros_like(sizes)))
            counts = np.concatenate((counts, np.zeros_like(counts)))
            cost = np.empty(len(sizes))
        row_costs(loss, i, labels, sizes, counts, sums, by_row, offset, cost)
        best = labels[i] if labels[i] >= 0 else empty
        for k in range(len(sizes)):
            if (sizes[k] or k == empty) and cost[k] < cost[best] - LEAST_GAIN:
                best = k
        if best != labels[i]:
            _put(i, best, labels, sizes, counts, given)
            moved += 1
    return sizes, counts, moved


@inner
def _put(i, k, labels, sizes, counts, given):
    """Move row i to cluster k, or out of all with k = −1."""
    by_row, offset, loss, sums = given
    if labels[i] >= 0:
        _count(by_row[i], offset, -1, labels[i], sizes, counts)
        add_to_sums(loss, sums, counts[labels[i]], by_row[i], offset, -1)
    if k >= 0:
        add_to_sums(loss, sums, counts[k], by_row[i], offset, 1)
        _count(by_row[i], offset, 1, k, sizes, counts)
    labels[i] = k


@inner
def _count(label, offset, sign, k, sizes, counts):
    sizes[k] += sign
    for s in range(len(label)):
        counts[k, offset[s] + label[s]] += sign


@inner
def _first_empty(sizes):
    for k in range(len(sizes)):
        if not sizes[k]:
            return k
    return -1


@inner
def _shuffle(items, rng):
    for i in range(len(items) - 1, 0, -1):
        j = int(rng.random() * (i + 1))
        items[i], items[j] = items[j], items[i]
