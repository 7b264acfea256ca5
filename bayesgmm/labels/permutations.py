"""Label switching undone on plain arrays: one permutation of the components for every draw.

A permutation is an integer row: ``permutation[c]`` is the old component that becomes component c.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from bayesgmm.labels.stephens_sweeps import assign, cost_of, lowest
from bayesgmm.runtime import arguments, compiled

BLOCK_BYTES = 16 * 2**20
"""Memory for the rows of an array that one thread takes at a time."""
MOST_COMPONENTS = 1000
"""A table of components by components is made of every draw."""


def stephens(
    responsibilities: npt.ArrayLike | Iterable[npt.ArrayLike], start: npt.ArrayLike | None = None
) -> tuple[np.ndarray, float]:
    """Permutations that bring the draws' responsibilities closest to their mean.

    Stephens' algorithm [1]_: over one permutation per draw, minimise the Kullback–Leibler
    divergence of the draws' responsibilities from their mean, Σ_s Σ_n Σ_c p log(p / q), by turns
    in the mean q and, draw by draw as an assignment problem, in the permutations. Every sweep
    lowers the total, until one would lower it by no more than 1e-6, or 100 are done: a local
    minimum, which depends on the start. So sweeps start, too, from the draws as aligned to each of
    eight of them.

    Parameters
    ----------
    responsibilities : (n_draws, n_obs, n_components) array, or an iterable over blocks of its rows
        Probability of every component for every row in every draw. An iterable gives
        (n_draws, any, n_components) arrays, the same ones each time that it is gone through.
    start : int array, (n_draws, n_components) or (n_starts, n_draws, n_components), optional
        Permutations to start from, besides; default the identity. Several share each pass over the
        rows, and the best end is kept, the first of those within the tolerance.

    Returns
    -------
    permutations : int array, (n_draws, n_components)
        ``permutations[s, c]`` is the old component that becomes component c of draw s.
    cost : float
        The total divergence, in nats.

    Raises
    ------
    TypeError
        ``responsibilities`` is an iterator, which can be gone through only once.
    ValueError
        Shapes disagree, an entry is no probability, or ``start`` holds no permutations.

    Notes
    -----
    Time O(n_draws n_obs K²) a sweep. A probability of zero costs nothing, and none is clipped.

    References
    ----------
    .. [1] Stephens (2000), J. R. Stat. Soc. B 62, 795–809.
    """
    blocks, (n_draws, k) = _row_blocks(responsibilities)
    starts = _checked_starts(start, n_draws, k)
    alike = np.zeros(k, dtype=int)
    best = lowest(blocks, lambda b: _checked_block(b, n_draws, k), starts, alike, False)
    return best.permutations, best.cost


def ecr(assignments: npt.ArrayLike, pivot: npt.ArrayLike) -> tuple[np.ndarray, float]:
    """Permutations that bring the draws' assignments closest to one clustering, the pivot.

    Equivalence classes representatives [1]_: the permutation of every draw with the fewest rows
    that are not in the component where the pivot has them. Where several have equally few, as
    when two components are empty, the one that leaves most labels as they were.

    Parameters
    ----------
    assignments : int array, (n_draws, n_obs)
        Component of every row in every draw, from 0.
    pivot : int array, (n_obs,)
        Component of every row in a good clustering, such as the MAP's: a bad one gives bad labels.

    Returns
    -------
    permutations : int array, (n_draws, n_components)
        ``permutations[s, c]`` is the old component that becomes component c of draw s;
        n_components is one more than the largest number in either.
    cost : int
        Mismatches: rows out of the pivot's component, summed over draws.

    Raises
    ------
    ValueError
        Shapes disagree, or an entry is no component.

    References
    ----------
    .. [1] Papastamoulis & Iliopoulos (2010), J. Comput. Graph. Stat. 19, 313–331.
    """
    draws = _components("assignments", assignments, ("n_draws", "n_obs"))
    good = _components("pivot", pivot, draws.shape[1:])
    k = 1 + max(int(draws.max()), int(good.max()))
    counts = np.array([np.bincount(z * k + good, minlength=k * k) for z in draws])
    costs = np.bincount(good, minlength=k) - counts.reshape(-1, k, k)
    # Fewer than K + 1 labels are kept, so that keeping them only ever breaks ties.
    permutations = assign((k + 1) * costs - np.eye(k, dtype=np.int64))
    return permutations, int(cost_of(costs, permutations).sum())


def _row_blocks(responsibilities: Any) -> tuple[Iterable[Any], tuple[int, int]]:
    """The responsibilities as something to go through block by block, and its (n_draws, K)."""
    if isinstance(responsibilities, Iterator):
        raise TypeError(
            "responsibilities must be an array or something that can be gone through many times, "
            f"such as a list of row blocks; got a {type(responsibilities).__name__}, which is "
            "spent after one pass. Try list(responsibilities)."
        )
    whole = hasattr(responsibilities, "__array__") or not isinstance(responsibilities, Iterable)
    table = _numbers(responsibilities if whole else next(iter(responsibilities), ()))
    shape = table.shape
    if len(shape) != 3 or 0 in shape:
        raise ValueError(
            "responsibilities must be (n_draws, n_obs, n_components), whole or in blocks of rows, "
            f"none of them zero; got {shape}."
        )
    if whole:
        size = max(1, BLOCK_BYTES // (8 * shape[0] * shape[2]))
        responsibilities = [table[:, i : i + size] for i in range(0, shape[1], size)]
    return responsibilities, (shape[0], shape[2])


def _numbers(table: Any) -> np.ndarray:
    expected = "an (n_draws, n_obs, n_components) array or an iterable over blocks of its rows"
    return arguments.array("responsibilities", table, "iuf", expected)


def _checked_block(block: Any, n_draws: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    p = np.ascontiguousarray(_numbers(block), dtype=np.float64)
    if p.ndim != 3 or (p.shape[0], p.shape[2]) != (n_draws, k):
        raise ValueError(
            f"responsibilities must be ({n_draws}, any, {k}) in every block; got {p.shape}."
        )
    if not _are_probabilities(p):
        raise ValueError(
            "responsibilities must be probabilities, of sum 1 over the components of every row and "
            "draw; got entries that are negative, not finite, or of another sum. "
            "Try dividing them by their sum over the last axis."
        )
    return p, np.ones(p.shape[1])


@compiled
def _are_probabilities(p):
    """Whether no entry is negative and the last axis sums to 1, in one pass over memory."""
    n_draws, n_obs, k = p.shape
    for s in range(n_draws):
        for i in range(n_obs):
            total, least = 0.0, 0.0
            for c in range(k):
                total += p[s, i, c]
                least = min(least, p[s, i, c])
            if least < 0 or not abs(total - 1) <= 1e-4:
                return False
    return True


def _checked_starts(start: npt.ArrayLike | None, n_draws: int, k: int) -> np.ndarray:
    if start is None:
        return np.tile(np.arange(k), (1, n_draws, 1))
    kind = f"permutations of 0 … {k - 1}"
    starts = arguments.integers("start", start, (n_draws, k), ("n_starts", n_draws, k), kind=kind)
    if not (np.sort(starts, axis=-1) == np.arange(k)).all():
        raise ValueError(f"start must be {kind}; got others. Try start=None.")
    return starts.reshape(-1, n_draws, k).astype(np.int64)


def _components(name: str, values: npt.ArrayLike, shape: tuple[str | int, ...]) -> np.ndarray:
    found = arguments.integers(name, values, shape, least=0, most=MOST_COMPONENTS - 1)
    return found.astype(np.int64)
