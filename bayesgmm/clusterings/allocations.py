"""Which component holds which row, draw by draw: sampled from a posterior, or brought along."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from bayesgmm.data import Rows
from bayesgmm.draws import Posterior, Reading, mcse_of_mean
from bayesgmm.likelihood import row_blocks, row_densities
from bayesgmm.runtime import arguments, compiled, progress_bar


@dataclass(frozen=True, eq=False)
class Allocations:
    """Partitions of the rows, one per draw.

    ``labels`` (n_draws, n_obs) count from 0 in every draw, in the order in which clusters first
    appear, so that they do not depend on how the draws were labelled; chains one after another.
    """

    labels: np.ndarray
    n_chains: int

    @classmethod
    def of(
        cls,
        source: "Posterior | npt.ArrayLike | Allocations",
        random_seed: int | None = None,
        x: Rows | None = None,
        progress: bool = True,
    ) -> "Allocations":
        """Sampled from a tree's responsibilities, or an (n_draws, n_obs) integer array as it is."""
        if isinstance(source, Allocations):
            return source
        if isinstance(source, Posterior):
            reading = Reading.of(source, x)
            labels = assignments(reading, random_seed, progress=progress)
            return cls(compact(labels), reading.n_chains)
        return cls(compact(checked_assignments(source)), 1)

    @property
    def n_clusters(self) -> np.ndarray:
        """Clusters that hold rows, (n_draws,)."""
        return self.labels.max(axis=1).astype(np.int64) + 1


def assignments(
    post: Posterior, random_seed: int | None = None, *, x: Rows | None = None, progress: bool = True
) -> np.ndarray:
    """A component for every row in every draw, sampled from its responsibilities.

    With the same seed, neither the order of the components in any draw nor that of the rows
    changes which rows share a component: both are sorted by their own values first, and rows get
    their random numbers in that order.

    Parameters
    ----------
    post : xarray.DataTree
    random_seed : int, optional
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    progress : bool

    Returns
    -------
    int16 array, shape (n_draws, n_obs)
        Chains one after another.
    """
    random_seed, reading = arguments.seed(random_seed), Reading.of(post, x)
    (draws, component), rows = reading.parameters.in_order(), reading.rows
    position = np.lexsort(rows.T[::-1])
    rng = np.random.default_rng(random_seed)
    out = np.empty((len(draws), len(rows)), dtype=np.int16)
    for block in progress_bar(row_blocks(draws, len(rows)), "assignments: rows", progress):
        _, p = row_densities(draws, rows[position[block]])
        level = rng.random((p.shape[1], p.shape[0])).T[..., None]
        chosen = np.minimum((np.cumsum(p, axis=2) < level).sum(axis=2), draws.n_components - 1)
        out[:, position[block]] = np.take_along_axis(component, chosen, axis=1)
    return out


def occupied_components(
    post: Posterior | npt.ArrayLike | Allocations,
    *,
    random_seed: int | None = None,
    x: Rows | None = None,
    progress: bool = True,
) -> xr.DataArray:
    """Posterior of K₊, the number of components that hold rows.

    Counted in sampled assignments, not read off the weights: a component of small weight may hold
    no row. K₊ is at most the number of components of the mixture, which it does not estimate. Every
    row counts once, whatever its sample weight.

    Parameters
    ----------
    post : xarray.DataTree or int array, shape (n_draws, n_obs)
        A posterior, relabelled or not, or assignments from anywhere, with any labels.
    random_seed : int, optional
        Of the sampled assignments.
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    progress : bool

    Returns
    -------
    xarray.DataArray, dims (n_occupied,)
        Probability of 1, 2, … up to the number of components (of an array: the most seen), with
        its Monte Carlo standard error, by batch means, as the coordinate ``mcse``.

    References
    ----------
    Frühwirth-Schnatter, Malsiner-Walli & Grün (2021), Bayesian Anal. 16, 1279–1307.
    """
    random_seed = arguments.seed(random_seed)
    arguments.flag("progress", progress)
    source = Reading.of(post, x) if isinstance(post, Posterior) else post
    allocations = Allocations.of(source, random_seed, progress=progress)
    found = allocations.n_clusters
    most = len(source.components) if isinstance(source, Reading) else found.max()
    number = np.arange(1, most + 1)
    is_number = found[:, None] == number
    return xr.DataArray(
        is_number.mean(axis=0),
        dims=("n_occupied",),
        coords={
            "n_occupied": number,
            "mcse": (("n_occupied",), mcse_of_mean(is_number, allocations.n_chains)),
        },
        name="probability",
    )


def checked_assignments(post: npt.ArrayLike) -> np.ndarray:
    """Labels (n_draws, n_obs) that came in place of a posterior."""
    kind = "a DataTree or an array of integers"
    return arguments.integers("post", post, ("n_draws", "n_obs"), kind=kind)


def compact(labels: np.ndarray) -> np.ndarray:
    """Labels (n_draws, n_obs) that count from 0 by first appearance, whatever they were.

    int16 where that suffices, else int32.
    """
    low, high = int(labels.min()), int(labels.max())
    if high - low > labels.size + 1000 or high >= 2**63:
        values, labels = np.unique(labels, return_inverse=True)
        low, high = 0, len(values) - 1
    dtype = np.int16 if min(high - low + 1, labels.shape[-1]) < 2**15 else np.int32
    out = np.empty(labels.shape, dtype=dtype)
    for s, row in enumerate(labels):
        _compact(row.astype(np.int64) - low, high - low + 1, out[s])
    return out


@compiled
def _compact(labels, n_values, out):
    new, found = np.full(n_values, -1), 0
    for i in range(len(labels)):
        if new[labels[i]] < 0:
            new[labels[i]] = found
            found += 1
        out[i] = new[labels[i]]
