"""Few rows drawn from many, whatever their order: weight 2 is drawn as two equal rows are."""

import numpy as np


def canonical_order(values: np.ndarray, shift: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """An order of the rows that depends on their values alone, and in which equal ones are
    neighbours."""
    key = np.zeros(len(values))
    for j in range(values.shape[1]):  # by columns: a matrix product rounds rows by their place
        key += np.sqrt(j + 2) * ((values[:, j] - shift[j]) / scale[j])
    return np.argsort(key, kind="stable")


def systematic(weight: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Positions of n draws in proportion to weight, one from each of equal parts of the sum."""
    sums = np.cumsum(weight)
    shares = (np.arange(n) + rng.uniform(size=n)) / n
    drawn: np.ndarray = np.minimum(
        np.searchsorted(sums, shares * sums[-1], side="right"), len(weight) - 1
    )
    return drawn
