"""The search of SALSO: sequentially allocated latent structure optimisation, compiled.

Dahl, Johnson & Müller (2022), J. Comput. Graph. Stat. 31, 1189–1201. What a row adds to the
expected loss in each cluster comes from one of two tables. For any loss: how many rows each cluster
of the estimate has in common with each cluster of every draw, so that a cluster costs one sum over
draws. For Binder's: a cost per pair of rows, so that all clusters together cost one sum over rows.
There is no bound on the number of clusters: the table grows when the last empty slot is taken.
"""

import numpy as np

from bayesgmm.runtime import compiled, inner, inner_fast

P_SEQUENTIAL = 0.5
"""Probability that a run starts by sequential allocation, not from labels at random."""
N_ZEALOUS = 10
"""Clusters per run, at most, each broken up once and its rows allocated anew."""
LEAST_GAIN = 1e-12
"""A row moves for no less, or rounding would move it for ever."""


@compiled
def search(by_row, offset, pair_cost, n_slots, gain, a, rng):
    """One run: the labels (n_obs,) of a local optimum, and its expected loss less the draws' part.

    Parameters
    ----------
    by_row : int array, shape (n_obs, n_draws)
        Labels of the draws, from 0 in each; n_draws = 0 where ``pair_cost`` is given.
    offset : int64 array, shape (n_draws + 1,)
        Clusters of all earlier draws.
    pair_cost : float64 array, shape (n_obs, n_obs) or (0, 0)
        What it adds to the expected loss that two rows are together.
    n_slots : int
        Clusters to start from, when labels are random.
    gain : float64 array, shape (n_obs + 1,)
        f(c + 1) − f(c), see :mod:`bayesgmm.clusterings.losses`.
    a : float
        Cost of splitting.
    rng : numpy.random.Generator
    """
    n_obs = len(by_row)
    given = (by_row, offset, pair_cost, gain, a)
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
    best = _loss(labels, sizes, counts, given)
    filled = np.flatnonzero(sizes > 1)
    _shuffle(filled, rng)
    for broken in filled[:N_ZEALOUS]:
        members = np.flatnonzero(labels == broken)
        if len(members) < 2:  # emptied by another attempt
            continue
        _shuffle(members, rng)
        trial, trial_sizes, trial_counts = labels.copy(), sizes.copy(), counts.copy()
        for row in members:
            _put(row, -1, trial, trial_sizes, trial_counts, given)
        trial_sizes, trial_counts, _ = _scan(members, trial, trial_sizes, trial_counts, given)
        together = trial[members[0]]
        if trial_sizes[together] == len(members) and np.all(trial[members] == together):
            continue
        trial_sizes, trial_counts = _sweeten(order, trial, trial_sizes, trial_counts, given, rng)
        loss = _loss(trial, trial_sizes, trial_counts, given)
        if loss < best - LEAST_GAIN:
            best, labels, sizes, counts = loss, trial, trial_sizes, trial_counts
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
    moved = 0
    cost = np.empty(len(sizes))
    for i in rows:
        empty = _first_empty(sizes)
        if empty < 0:
            empty = len(sizes)
            sizes, counts = _doubled(sizes, counts)
            cost = np.empty(len(sizes))
        _costs(i, labels, sizes, counts, given, cost)
        best = labels[i] if labels[i] >= 0 else empty
        for k in range(len(sizes)):
            if (sizes[k] or k == empty) and cost[k] < cost[best] - LEAST_GAIN:
                best = k
        if best != labels[i]:
            _put(i, best, labels, sizes, counts, given)
            moved += 1
    return sizes, counts, moved


@inner
def _costs(i, labels, sizes, counts, given, cost):
    """Write what row i adds, or would add, to the expected loss in every cluster."""
    by_row, offset, pair_cost, gain, a = given
    cost[:] = -a * gain[0]
    if len(pair_cost):
        _add_pair_costs(i, labels, pair_cost[i], cost)
        return
    for k in range(len(sizes)):
        already = 1 if k == labels[i] else 0
        if sizes[k] > already:
            shared = _shared(counts[k], by_row[i], offset, gain, already)
            cost[k] = (2 - a) * gain[sizes[k] - already] - 2 * shared / by_row.shape[1]


@inner
def _add_pair_costs(i, labels, pair_cost, cost):
    for j in range(len(labels)):
        if labels[j] >= 0 and j != i:
            cost[labels[j]] += pair_cost[j]


@inner_fast
def _shared(count, label, offset, gain, already):
    """Σ_s f(c_s + 1) − f(c_s), c_s the others of the cluster that are with the row in draw s."""
    total = 0.0
    for s in range(len(label)):
        total += gain[np.uintp(count[np.uintp(offset[s] + label[s])] - already)]
    return total


@inner
def _put(i, k, labels, sizes, counts, given):
    """Move row i to cluster k, or out of all with k = −1."""
    by_row, offset = given[0], given[1]
    for cluster, sign in ((labels[i], -1), (k, 1)):
        if cluster >= 0:
            sizes[cluster] += sign
            for s in range(by_row.shape[1]):
                counts[cluster, offset[s] + by_row[i, s]] += sign
    labels[i] = k


@inner
def _loss(labels, sizes, counts, given):
    """(2 − a) Σ_k f(n_k) − 2 mean Σ_kl f(c_kl), by f(c) = Σ_{j<c} gain(j), or from pairs."""
    by_row, _, pair_cost, gain, a = given
    if len(pair_cost):
        total = -a * gain[0] * len(labels)
        for i in range(len(labels)):
            for j in range(i):
                if labels[i] == labels[j]:
                    total += pair_cost[i, j]
        return total
    f = np.zeros(len(gain) + 1)
    f[1:] = np.cumsum(gain)
    own, shared = 0.0, 0.0
    for k in range(len(sizes)):
        if sizes[k]:
            own += f[sizes[k]]
            for count in counts[k]:
                shared += f[count]
    return (2 - a) * own - 2 * shared / by_row.shape[1]


@inner
def _first_empty(sizes):
    for k in range(len(sizes)):
        if not sizes[k]:
            return k
    return -1


@inner
def _doubled(sizes, counts):
    n = len(sizes)
    more_sizes = np.zeros(2 * n, dtype=sizes.dtype)
    more_counts = np.zeros((2 * n, counts.shape[1]), dtype=counts.dtype)
    more_sizes[:n], more_counts[:n] = sizes, counts
    return more_sizes, more_counts


@inner
def _shuffle(items, rng):
    for i in range(len(items) - 1, 0, -1):
        j = int(rng.random() * (i + 1))
        items[i], items[j] = items[j], items[i]
