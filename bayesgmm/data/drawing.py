"""Few rows drawn from many, whatever their order: weight 2 is drawn as two equal rows are."""

import numpy as np

from bayesgmm.runtime import in_order

CHUNK = 2**16
"""Rows whose places are sought at a time."""


def canonical_order(values: np.ndarray, shift: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """An order of the rows that depends on their values alone, and in which equal ones are
    neighbours."""
    return np.argsort(_keys(values, shift, scale), kind="stable")


def systematic(weight: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Positions of n draws in proportion to weight, one from each of equal parts of the sum."""
    sums = np.cumsum(weight)
    return _reached(sums, _strata(n, rng) * sums[-1])


def drawn(
    values: np.ndarray,
    weight: np.ndarray,
    shift: np.ndarray,
    scale: np.ndarray,
    n: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """n positions as :func:`systematic` draws them of rows in canonical order, in that order.

    Only the rows in bins from which one is drawn are put in order. Where bins end, as some of the
    rows have it, makes no difference to what is drawn. Their number is the geometric mean of rows
    and draws, for which bins and those rows together take the least memory.
    """
    step = max(1, int(np.sqrt(len(values) / n)))
    edges = np.unique(_keys(values[::step], shift, scale))
    chunks = [slice(i, i + CHUNK) for i in range(0, len(values), CHUNK)]

    def binned(chunk: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        keys = _keys(values[chunk], shift, scale)
        order = np.argsort(keys)  # in order they are found much faster
        return keys[order], order + chunk.start, np.searchsorted(edges, keys[order])

    def held_by(chunk: slice) -> np.ndarray:
        _, rows, bins = binned(chunk)
        return np.bincount(bins, weight[rows], len(edges) + 1)

    def inside(chunk: slice) -> tuple[np.ndarray, np.ndarray]:
        keys, rows, bins = binned(chunk)
        return keys[wanted[bins]], rows[wanted[bins]]

    held = np.zeros(len(edges) + 1)
    for part in in_order(held_by, chunks):
        held += part
    sums = np.cumsum(held)
    places = _strata(n, rng) * sums[-1]
    wanted = np.zeros(len(held), dtype=bool)
    wanted[_reached(sums, places)] = True
    keys, rows = map(np.concatenate, zip(*in_order(inside, chunks), strict=True))
    order = np.argsort(keys, kind="stable")
    keys, rows = keys[order], rows[order]
    held[wanted] = 0.0
    reached = np.cumsum(held, out=sums)[np.searchsorted(edges, keys)]
    reached += np.cumsum(weight[rows])
    chosen: np.ndarray = rows[_reached(reached, places)]
    return chosen


def _keys(values: np.ndarray, shift: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """A number for every row, the same of equal ones."""
    keys = np.zeros(len(values))
    for j in range(values.shape[1]):  # by columns: a matrix product rounds rows by their place
        keys += np.sqrt(j + 2) * ((values[:, j] - shift[j]) / scale[j])
    return keys


def _strata(n: int, rng: np.random.Generator) -> np.ndarray:
    """n numbers in (0, 1), one in each of equal parts."""
    return (np.arange(n) + rng.uniform(size=n)) / n


def _reached(sums: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Where sums first exceed each place."""
    return np.minimum(np.searchsorted(sums, places, side="right"), len(sums) - 1)
