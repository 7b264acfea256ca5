"""Rows under the posterior: component probabilities, predictive density, assignments."""

from typing import Any

import numpy as np
import xarray as xr

from bayesgmm.posterior.draws import Draws, rows_of


def predict_proba(post: xr.DataTree, x_new: Any = None) -> xr.DataArray:
    """Posterior probability of every component for every row.

    The mean over draws of the responsibilities; of a relabelled posterior, for labels of a raw one
    mean nothing.

    Parameters
    ----------
    post : xarray.DataTree
        A relabelled posterior.
    x_new : array, data frame, or path, (n_new, n_features), optional
        New rows, matched by column name where there are names; default the rows of the posterior.

    Returns
    -------
    xarray.DataArray, dims (obs, component)

    Raises
    ------
    ValueError
        The posterior has not been relabelled, or the rows do not fit its features.
    """
    if "clustering" not in post.children:
        raise ValueError(
            "post has not been relabelled, so that its labels mean nothing. "
            "Try post = bg.relabel(post) first."
        )
    draws = Draws.of(post)
    rows, _, _ = rows_of(post, x_new)
    parts = [draws.responsibilities(rows[b])[1].mean(axis=0) for b in draws.blocks(len(rows))]
    coords = {"component": post["posterior"]["component"]}
    if x_new is None:
        coords |= _obs(post)
    return xr.DataArray(
        np.concatenate(parts), dims=("obs", "component"), coords=coords, name="probability"
    )


def density(post: xr.DataTree, x_new: Any = None) -> xr.DataArray:
    """Posterior predictive density of rows: the mean over draws of the mixture's density.

    Label-free: the same before and after relabelling.

    Parameters
    ----------
    post : xarray.DataTree
    x_new : array, data frame, or path, (n_new, n_features), optional
        Default the rows of the posterior.

    Returns
    -------
    xarray.DataArray, dims (obs,)
        In the inverse of the product of the features' units.
    """
    draws = Draws.of(post)
    rows, _, _ = rows_of(post, x_new)
    parts = []
    for block in draws.blocks(len(rows)):
        log_density, _ = draws.responsibilities(rows[block])
        highest = log_density.max(axis=0)
        parts.append(np.exp(highest) * np.exp(log_density - highest).mean(axis=0))
    coords = _obs(post) if x_new is None else {}
    return xr.DataArray(np.concatenate(parts), dims=("obs",), coords=coords, name="density")


def assignments(post: xr.DataTree, random_seed: int | None = None, *, x: Any = None) -> np.ndarray:
    """A component for every row in every draw, sampled from its responsibilities.

    Parameters
    ----------
    post : xarray.DataTree
    random_seed : int, optional
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.

    Returns
    -------
    int16 array, shape (n_draws, n_obs)
        Chains one after another.
    """
    draws = Draws.of(post)
    rows, _, _ = rows_of(post, x)
    rng = np.random.default_rng(random_seed)
    out = np.empty((len(draws), len(rows)), dtype=np.int16)
    for block in draws.blocks(len(rows)):
        _, p = draws.responsibilities(rows[block])
        level = rng.random((p.shape[1], p.shape[0])).T[..., None]
        chosen = (np.cumsum(p, axis=2) < level).sum(axis=2)
        out[:, block] = np.minimum(chosen, draws.n_components - 1)
    return out


def log_likelihood(post: xr.DataTree, *, x: Any = None) -> xr.DataTree:
    """The tree with the row-wise log likelihood added, marginal over the assignment.

    Parameters
    ----------
    post : xarray.DataTree
        Not changed.
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.

    Returns
    -------
    xarray.DataTree
        With a group ``log_likelihood``: ``x`` (chain, draw, obs), in nats; a row of weight w counts
        w times.
    """
    draws = Draws.of(post)
    rows, _, weight = rows_of(post, x)
    posterior = post["posterior"].to_dataset()
    table = np.empty((len(draws), len(rows)))
    for block in draws.blocks(len(rows)):
        table[:, block] = draws.responsibilities(rows[block])[0] * weight[block]
    shape = (posterior.sizes["chain"], posterior.sizes["draw"], len(rows))
    coords = {name: posterior[name] for name in ("chain", "draw")} | _obs(post)
    dataset = xr.Dataset({"x": (("chain", "draw", "obs"), table.reshape(shape))}, coords=coords)
    out = post.copy()
    out["log_likelihood"] = xr.DataTree(dataset)
    return out


def _obs(post):
    if "observed_data" in post.children and "obs" in post["observed_data"].coords:
        return {"obs": post["observed_data"]["obs"].values}
    return {}
