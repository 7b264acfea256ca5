"""One less the adjusted Rand index, whose mean over draws Fritsch & Ickstadt (2009) maximise.

With f(c) = c (c − 1) / 2 the three sums are pairs of rows that are together: D in the draw, E in
the estimate, B in both. Of all N pairs, the index is (B − D E / N) / ((D + E) / 2 − D E / N): 1
where the two are equal, 0 on average where they are unrelated. The mean is over the draws' own
indices, not the ratio of means (PEAR) by which that paper approximates it.

Fritsch & Ickstadt (2009), Bayesian Analysis 4, 367–392; Hubert & Arabie (1985), Journal of
Classification 2, 193–218.
"""

from typing import NamedTuple

import numpy as np

from bayesgmm.clusterings.losses.protocol import Loss
from bayesgmm.runtime import inner


@inner
def _loss(draw, estimate, both, n):
    by_chance, most = draw * estimate / max(0.5 * n * (n - 1), 1.0), 0.5 * (draw + estimate)
    return (most - both) / (most - by_chance) if most > by_chance else 0.0


class Rand(NamedTuple):
    """This loss in compiled code. Its sums are, for every draw, of both and of the draw, and then
    how many of the rows in clusters each cluster of a draw holds."""

    gain: np.ndarray

    def combined(self, draw, estimate, both, n):
        return _loss(draw, estimate, both, n)

    def new_sums(self, n_draws, n_clusters):
        return np.zeros(n_draws), np.zeros(n_draws), np.zeros(n_clusters)

    def add_to_sums(self, sums, count, label, offset, sign):
        both, draw, held = sums
        for s in range(len(label)):
            cluster = offset[s] + label[s]
            held[cluster] -= sign < 0
            both[s] += sign * count[cluster]
            draw[s] += sign * held[cluster]
            held[cluster] += sign > 0

    def row_costs(self, i, labels, sizes, counts, sums, by_row, offset, cost):
        both, draw, held = sums
        n_draws, home = by_row.shape[1], labels[i]
        n, estimate = 0 if home >= 0 else 1, 0.0
        for k in range(len(sizes)):
            n += sizes[k]
            others = sizes[k] - 1 if k == home else sizes[k]
            estimate += 0.5 * others * (others - 1)
        cost[:] = 0.0
        for s in range(n_draws):
            cluster = offset[s] + by_row[i, s]
            without, whole = both[s], draw[s]
            if home >= 0:
                without -= counts[home, cluster] - 1
            else:
                whole += held[cluster]
            alone = _loss(whole, estimate, without, n)
            for k in range(len(sizes)):
                already = 1 if k == home else 0
                if sizes[k] > already:
                    pairs = estimate + sizes[k] - already
                    together = without + counts[k, cluster] - already
                    cost[k] += _loss(whole, pairs, together, n) / n_draws
                else:
                    cost[k] += alone / n_draws

    def expected(self, labels, sizes, counts, sums, n_draws):
        both, draw, _ = sums
        estimate, mean = 0.0, 0.0
        for size in sizes:
            estimate += 0.5 * size * (size - 1)
        for s in range(n_draws):
            mean += _loss(draw[s], estimate, both[s], len(labels)) / n_draws
        return mean


class AdjustedRand(Loss):
    """One less the adjusted Rand index."""

    unit, words = "1 − index", "less than an adjusted Rand index of 1"
    costs = False

    def f(self, c: np.ndarray, n_obs: int) -> np.ndarray:
        pairs: np.ndarray = 0.5 * c * (c - 1)
        return pairs

    def compiled(self, n_obs: int, a: float) -> Rand:
        return Rand(self.gain(n_obs))
