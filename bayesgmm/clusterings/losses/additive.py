"""Losses that are sums of the three sums: the variation of information, and Binder's.

Both are  a Σ_l f(m_l) + (2 − a) Σ_k f(n_k) − 2 Σ_kl f(c_kl)  for a draw with clusters of m_l rows,
an estimate with clusters of n_k rows, and c_kl rows in both; f(c) = c log₂ c / n gives the
variation of information in bits, f(c) = c² / n² the share of ordered pairs of rows that are
together in one and apart in the other. Splitting what the draw holds together costs a, joining what
it holds apart 2 − a (Dahl, Johnson & Müller 2022, J. Comput. Graph. Stat. 31, 1189–1201).
"""

from typing import NamedTuple

import numpy as np

from bayesgmm.clusterings.losses.protocol import Loss
from bayesgmm.clusterings.similarity_matrix import similarity
from bayesgmm.runtime import inner_fast

PAIR_BYTES = 2**29
"""Memory for Binder's loss by pairs of rows; beyond it, by counts per draw as any loss."""


class Additive(NamedTuple):
    """Such a loss in compiled code; a row's cost is that of its own terms."""

    gain: np.ndarray
    a: float

    def combined(self, draw, estimate, both, n):
        return self.a * draw + (2 - self.a) * estimate - 2 * both

    def new_sums(self, n_draws, n_clusters):
        return np.empty(0), np.empty(0), np.empty(0)

    def add_to_sums(self, sums, count, label, offset, sign):
        pass

    def row_costs(self, i, labels, sizes, counts, sums, by_row, offset, cost):
        cost[:] = -self.a * self.gain[0]
        for k in range(len(sizes)):
            already = 1 if k == labels[i] else 0
            if sizes[k] > already:
                shared = _shared(counts[k], by_row[i], offset, self.gain, already)
                own = (2 - self.a) * self.gain[sizes[k] - already]
                cost[k] = own - 2 * shared / by_row.shape[1]

    def expected(self, labels, sizes, counts, sums, n_draws):
        f = np.zeros(len(self.gain) + 1)
        f[1:] = np.cumsum(self.gain)
        own, shared = 0.0, 0.0
        for k in range(len(sizes)):
            if sizes[k]:
                own += f[sizes[k]]
                for count in counts[k]:
                    shared += f[count]
        return (2 - self.a) * own - 2 * shared / n_draws


@inner_fast
def _shared(count, label, offset, gain, already):
    """Σ_s f(c_s + 1) − f(c_s), c_s the others of the cluster that are with the row in draw s."""
    total = 0.0
    for s in range(len(label)):
        total += gain[np.uintp(count[np.uintp(offset[s] + label[s])] - already)]
    return total


class Pairs(NamedTuple):
    """Binder's expected loss in compiled code, from what it adds that two rows are together."""

    cost: np.ndarray
    """(n_obs, n_obs)"""
    alone: float
    """Of a row by itself."""

    def new_sums(self, n_draws, n_clusters):
        return np.empty(0), np.empty(0), np.empty(0)

    def add_to_sums(self, sums, count, label, offset, sign):
        pass

    def row_costs(self, i, labels, sizes, counts, sums, by_row, offset, cost):
        cost[:] = self.alone
        for j in range(len(labels)):
            if labels[j] >= 0 and j != i:
                cost[labels[j]] += self.cost[i, j]

    def expected(self, labels, sizes, counts, sums, n_draws):
        total = self.alone * len(labels)
        for i in range(len(labels)):
            for j in range(i):
                if labels[i] == labels[j]:
                    total += self.cost[i, j]
        return total


class Information(Loss):
    """The variation of information."""

    unit = words = "bits"

    def f(self, c: np.ndarray, n_obs: int) -> np.ndarray:
        bits: np.ndarray = c * np.log2(np.maximum(c, 1)) / n_obs
        return bits

    def compiled(self, n_obs: int, a: float) -> Additive:
        return Additive(self.gain(n_obs), a)


class Binder(Loss):
    """Binder's loss."""

    unit, words = "pairs", "of all ordered pairs of rows"

    def f(self, c: np.ndarray, n_obs: int) -> np.ndarray:
        return (c / n_obs) ** 2

    def compiled(self, n_obs: int, a: float) -> Additive:
        return Additive(self.gain(n_obs), a)

    def of_pairs(self, draws: np.ndarray, a: float, progress: bool) -> Pairs | None:
        n_obs = draws.shape[1]
        if 8 * n_obs**2 > PAIR_BYTES:
            return None
        psm = similarity(draws, max_gib=2 * PAIR_BYTES / 2**30, progress=progress).values
        return Pairs((2 * (2 - a) - 4 * psm) / n_obs**2, -a / n_obs**2)
