"""The similarity matrix: how probable it is that two rows share a component."""

from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from bayesgmm.clusterings.allocations import checked_assignments, compact
from bayesgmm.data import Rows
from bayesgmm.draws import Posterior, Reading, batches, standard_error
from bayesgmm.likelihood import row_densities
from bayesgmm.mixture import MixtureParameters
from bayesgmm.runtime import arguments, compiled, in_order, one_blas_thread, progress_bar

TILE = 512
"""Rows and columns of the matrix that are worked on at once, so that they stay in cache."""
PAIRS = 4096
"""Pairs that are worked on at once."""


def similarity(
    post: Posterior | npt.ArrayLike,
    rows: npt.ArrayLike | None = None,
    *,
    pairs: npt.ArrayLike | None = None,
    max_gib: float = 1.0,
    x: Rows | None = None,
    progress: bool = True,
) -> xr.DataArray:
    """Posterior probability that two rows share a component.

    Of a posterior it is the mean over draws of Σ_k r_ik r_jk, without sampled assignments: the
    responsibilities r already average over them (Rao–Blackwell). It does not depend on labels.

    Parameters
    ----------
    post : xarray.DataTree or int array, shape (n_draws, n_obs)
        A posterior, relabelled or not, or assignments from anywhere, with any labels.
    rows : int array, shape (n_rows,), optional
        Positions of the rows wanted; default all.
    pairs : int array, shape (n_pairs, 2), optional
        Positions of the pairs wanted, instead of a matrix.
    max_gib : float
        Memory for the matrix and its errors, 16 bytes an entry, in GiB (2³⁰ bytes); a larger one
        is refused.
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    progress : bool

    Returns
    -------
    xarray.DataArray, dims (obs, obs_bis), or (pair,)
        Symmetric, 1 on the diagonal. The coordinate ``mcse``, of the same shape, is the Monte Carlo
        standard error of every entry by batch means (NaN of a single draw); of pairs, ``obs`` and
        ``obs_bis`` name the rows.

    Raises
    ------
    ValueError, TypeError
        The matrix exceeds ``max_gib``, a position lies outside the rows, or ``rows`` and ``pairs``
        are both given.

    Notes
    -----
    Draws are taken by the batch: one matrix product of (n_rows, batch × n_components) each.
    """
    max_gib = arguments.number("max_gib", max_gib, above=0)
    if rows is not None and pairs is not None:
        raise ValueError("rows and pairs are both given. Try one of them.")
    if isinstance(post, Posterior):
        post = Reading.of(post, x)
        n_obs, n_chains, names = len(post.rows), post.n_chains, post.obs
    else:
        labels = checked_assignments(post)
        n_obs, n_chains, names = labels.shape[1], 1, np.arange(labels.shape[1])
    if pairs is not None:
        dims: tuple[str, ...] = ("pair",)
        first, second = _positions("pairs", pairs, ("n_pairs", 2), n_obs).T
        used, place = np.unique([first, second], return_inverse=True)
        place = place.reshape(2, -1)
    else:
        dims, place = ("obs", "obs_bis"), None
        used = np.arange(n_obs) if rows is None else _positions("rows", rows, ("n_rows",), n_obs)
        first, second = used[:, None], used
        needed = 16 * len(used) ** 2 / 2**30
        if needed > max_gib:
            raise ValueError(
                f"the matrix of {len(used)} rows and its errors need {needed:.2g} GiB, more than "
                f"max_gib={max_gib:g}. Try rows= or pairs= for those of interest, or max_gib="
                f"{np.ceil(needed):g}."
            )
    if isinstance(post, Reading):
        source: Any = _Responsibilities(post.in_order, np.ascontiguousarray(post.rows[used]))
    else:
        source = _Labels(compact(labels[:, used]))
    mean, mcse = _mean_and_error(source, len(used), place, n_chains, progress)
    same = first == second
    mean[same], mcse[same] = 1, 0
    at = {"obs": (dims[0], names[first.ravel()]), "obs_bis": (dims[-1], names[second])}
    return xr.DataArray(mean, at | {"mcse": (dims, mcse)}, dims, name="similarity")


@dataclass(frozen=True, eq=False)
class _Responsibilities:
    """Sums over a batch of draws of r_i · r_j, from a posterior."""

    draws: MixtureParameters
    x: np.ndarray

    def __len__(self) -> int:
        return len(self.draws)

    def table(self, batch: slice) -> np.ndarray:
        """(n_rows, batch × n_components)"""
        p: np.ndarray = row_densities(self.draws[batch], self.x)[1]
        return p.transpose(1, 0, 2).reshape(len(self.x), -1)

    @staticmethod
    def tile(table: np.ndarray, i: slice, j: slice) -> np.ndarray:
        out: np.ndarray = table[i] @ table[j].T
        return out

    @staticmethod
    def pairs(table: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        out: np.ndarray = np.einsum("ij,ij->i", table[i], table[j])
        return out


@dataclass(frozen=True, eq=False)
class _Labels:
    """Counts over a batch of draws of equal labels, from assignments."""

    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def table(self, batch: slice) -> np.ndarray:
        return self.labels[batch]

    @staticmethod
    def tile(table: np.ndarray, i: slice, j: slice) -> np.ndarray:
        out = np.zeros((i.stop - i.start, j.stop - j.start))
        _count_equal(table, i.start, j.start, out)
        return out

    @staticmethod
    def pairs(table: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        out: np.ndarray = (table[:, i] == table[:, j]).sum(axis=0)
        return out


@compiled
def _count_equal(labels, start_i, start_j, out):
    for s in range(len(labels)):
        right = labels[s, start_j : start_j + out.shape[1]]
        for i in range(out.shape[0]):
            label = labels[s, start_i + i]
            for j in range(len(right)):
                out[i, j] += right[j] == label


@compiled
def _add_with_square(value, total, square):
    """In one pass over memory, which costs as much as the products do."""
    for i in range(len(value)):
        for j in range(value.shape[1]):
            total[i, j] += value[i, j]
            square[i, j] += value[i, j] ** 2


def _mean_and_error(
    source: _Responsibilities | _Labels,
    n: int,
    pairs: np.ndarray | None,
    n_chains: int,
    progress: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean over draws and its standard error, of a matrix (n, n) or of pairs (2, n_pairs)."""
    equal, rest = batches(len(source), n_chains)
    size = equal[0].stop - equal[0].start
    shape = (n, n) if pairs is None else (pairs.shape[1],)
    total, square = np.zeros(shape), np.zeros(shape)
    if pairs is None:
        cuts = [slice(i, min(i + TILE, n)) for i in range(0, n, TILE)]
        parts: list[Any] = [(i, j) for c, i in enumerate(cuts) for j in cuts[c:]]
    else:
        parts = [slice(i, i + PAIRS) for i in range(0, shape[0], PAIRS)]

    def product(table: np.ndarray, part: Any) -> np.ndarray:
        if pairs is None:
            return source.tile(table, *part)
        return source.pairs(table, *pairs[:, part])

    def add_with_square(table: np.ndarray, part: Any) -> None:
        arrays = (product(table, part), total[part], square[part])
        _add_with_square(*map(np.atleast_2d, arrays))

    def add(table: np.ndarray, part: Any) -> None:
        total[part] += product(table, part)

    def finish(part: Any) -> None:
        """Draws that no batch holds count in the mean alone."""
        square[part] = standard_error(total[part], square[part], size, len(equal))

    steps = iter(progress_bar(equal + rest, "similarity: batches", progress))
    with one_blas_thread():
        for batch in islice(steps, len(equal)):
            list(in_order(partial(add_with_square, source.table(batch)), parts))
        list(in_order(finish, parts))
        for batch in steps:
            list(in_order(partial(add, source.table(batch)), parts))
    total /= len(source)
    np.minimum(total, 1, out=total)
    if pairs is None:
        for i, j in parts:
            total[j, i], square[j, i] = total[i, j].T, square[i, j].T
    return total, square


def _positions(
    name: str, values: npt.ArrayLike, shape: tuple[str | int, ...], n_obs: int
) -> np.ndarray:
    """Positions of rows, or pairs of them, inside the data."""
    return arguments.integers(name, values, shape, least=0, most=n_obs - 1).astype(np.int64)
