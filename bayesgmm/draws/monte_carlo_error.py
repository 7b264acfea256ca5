"""Monte Carlo standard errors by batch means: draws of a chain are correlated, far batches are not.

Flegal & Jones (2010), Ann. Stat. 38, 1034–1070. Batches of all chains are compared with the mean of
all, so that chains that disagree make the error large.
"""

from math import isqrt

import numpy as np
import numpy.typing as npt

N_BATCHES = 32
"""Batches in all, about: enough to know an error to an eighth of itself."""


def batches(n_draws: int, n_chains: int = 1) -> tuple[list[slice], list[slice]]:
    """Equal batches of consecutive draws, none across chains, and the draws left over.

    Of ``n_draws`` in all, chains one after another. A batch is at least as long as the square root
    of its chain.
    """
    length = n_draws // n_chains
    count = max(1, min(N_BATCHES // n_chains, isqrt(length)))
    size = length // count
    starts = range(0, n_draws, length)
    equal = [slice(at + j * size, at + (j + 1) * size) for at in starts for j in range(count)]
    rest = [slice(at + count * size, at + length) for at in starts if count * size < length]
    return equal, rest


def standard_error(total: np.ndarray, square: np.ndarray, size: int, count: int) -> np.ndarray:
    """Standard error of a mean, from the sum of batch sums and the sum of their squares.

    NaN of fewer than two batches. Works on arrays, and overwrites ``square``.
    """
    if count < 2:
        square[...] = np.nan
        return square
    square /= size**2
    square -= (total / size) ** 2 / count
    np.maximum(square, 0, out=square)
    square /= count * (count - 1)
    return np.sqrt(square, out=square)


def mcse_of_mean(values: npt.ArrayLike, n_chains: int = 1) -> np.ndarray:
    """Standard error of the mean over draws, of values (n_draws, …)."""
    values = np.asarray(values, dtype=np.float64)
    equal, _ = batches(len(values), n_chains)
    sums = np.array([values[b].sum(axis=0) for b in equal])
    size = equal[0].stop - equal[0].start
    square = np.asarray((sums**2).sum(axis=0))
    return standard_error(sums.sum(axis=0), square, size, len(equal))
