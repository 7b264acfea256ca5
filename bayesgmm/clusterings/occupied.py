"""K₊: how many components hold rows."""

import numpy as np
import numpy.typing as npt
import xarray as xr

from bayesgmm.clusterings.allocations import Allocations
from bayesgmm.draws import Posterior, Reading, Rows, mcse_of_mean
from bayesgmm.runtime import arguments


def occupied_components(
    post: Posterior | npt.ArrayLike,
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
