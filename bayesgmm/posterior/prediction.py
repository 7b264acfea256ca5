"""Rows under the posterior: component probabilities, density, log likelihood, replicas."""

from typing import Any, overload

import numpy as np
import xarray as xr

from bayesgmm import arguments
from bayesgmm.posterior.draws import Draws, rows_of
from bayesgmm.posterior.layout import laid_out
from bayesgmm.progress import progress_bar
from bayesgmm.structure import is_matrix

REPLICA_BYTES = 64 * 2**20
"""Memory for the factors of one block of replicated rows."""


@overload
def predict_proba(post: xr.DataTree, x_new: Any = ..., ci_prob: None = ...) -> xr.DataArray: ...
@overload
def predict_proba(post: xr.DataTree, x_new: Any = ..., *, ci_prob: float) -> xr.Dataset: ...
@overload
def predict_proba(post: xr.DataTree, x_new: Any, ci_prob: float) -> xr.Dataset: ...
def predict_proba(
    post: xr.DataTree, x_new: Any = None, ci_prob: float | None = None
) -> xr.DataArray | xr.Dataset:
    """Posterior probability of every component for every row.

    The mean over draws of the responsibilities; of a relabelled posterior, for labels of a raw one
    mean nothing.

    Parameters
    ----------
    post : xarray.DataTree
        A relabelled posterior.
    x_new : array, data frame, or path, (n_new, n_features), optional
        New rows, matched by column name where there are names; default the rows of the posterior.
    ci_prob : float in (0, 1), optional
        Probability of an interval with equal tails for the responsibility, over the draws.

    Returns
    -------
    xarray.DataArray, dims (obs, component)
        With ``ci_prob`` a Dataset of such arrays: ``mean``, ``lower`` and ``upper``. A row whose
        interval is wide has a component that the data leave open; one with mean 1/2 and a narrow
        interval lies, surely, between two.

    Raises
    ------
    ValueError
        The posterior has not been relabelled, the rows do not fit its features, or ``ci_prob`` is
        not in (0, 1).
    """
    draws = Draws.of(post)
    if "clustering" not in post.children:
        raise ValueError(
            "post has not been relabelled, so that its labels mean nothing. "
            "Try post = bg.relabel(post) first."
        )
    coords = {"component": post["posterior"]["component"].values}
    statistics = _over_draws(
        draws, post, x_new, ci_prob, lambda rows: _mean_and_draws(draws.responsibilities(rows)[1])
    )
    return _labelled(statistics, ("obs", "component"), coords, post, x_new, "probability", ci_prob)


@overload
def density(post: xr.DataTree, x_new: Any = ..., ci_prob: None = ...) -> xr.DataArray: ...
@overload
def density(post: xr.DataTree, x_new: Any = ..., *, ci_prob: float) -> xr.Dataset: ...
@overload
def density(post: xr.DataTree, x_new: Any, ci_prob: float) -> xr.Dataset: ...
def density(
    post: xr.DataTree, x_new: Any = None, ci_prob: float | None = None
) -> xr.DataArray | xr.Dataset:
    """Posterior predictive density of rows: the mean over draws of the mixture's density.

    Label-free: the same before and after relabelling.

    Parameters
    ----------
    post : xarray.DataTree
    x_new : array, data frame, or path, (n_new, n_features), optional
        Default the rows of the posterior.
    ci_prob : float in (0, 1), optional
        Probability of an interval with equal tails for the mixture's density, over the draws.

    Returns
    -------
    xarray.DataArray, dims (obs,)
        In the inverse of the product of the features' units. With ``ci_prob`` a Dataset of such
        arrays: ``mean``, ``lower`` and ``upper``.

    Raises
    ------
    ValueError
        The rows do not fit the posterior's features, or ``ci_prob`` is not in (0, 1).
    """
    draws, _ = Draws.of(post).in_order()
    statistics = _over_draws(
        draws, post, x_new, ci_prob, lambda rows: _mean_density(draws.responsibilities(rows)[0])
    )
    return _labelled(statistics, ("obs",), {}, post, x_new, "density", ci_prob)


def _mean_and_draws(values):
    return values.mean(axis=0), values


def _mean_density(log_density):
    """The mean density, scaled by the largest so as not to underflow, and every draw's."""
    highest = log_density.max(axis=0)
    mean = np.exp(highest) * np.exp(log_density - highest).mean(axis=0)
    return mean, np.exp(log_density, out=log_density)


def _over_draws(draws, post, x_new, ci_prob, of):
    """Mean and, if asked for, both quantiles over draws: {name: (n_obs, …)}, rows by the block.

    ``of(rows)`` gives the mean over draws, and the values (S, n, …) themselves.
    """
    tails = []
    if ci_prob is not None:
        ci_prob = arguments.number("ci_prob", ci_prob, 0, 1)
        tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
    rows, _, _ = rows_of(post, x_new, "x_new")
    parts = []
    for block in progress_bar(draws.blocks(len(rows)), "prediction: rows", True):
        mean, values = of(rows[block])
        quantiles = np.quantile(values, tails, axis=0, overwrite_input=True) if tails else ()
        parts.append((mean, *quantiles))
    names = ("mean", "lower", "upper")[: 1 + len(tails)]
    return dict(zip(names, map(np.concatenate, zip(*parts, strict=True)), strict=True))


def _labelled(statistics, dims, coords, post, x_new, name, ci_prob):
    """The statistics as a Dataset, or the mean alone as a DataArray."""
    coords = coords | (_obs(post) if x_new is None else {})
    if ci_prob is None:
        return xr.DataArray(statistics["mean"], dims=dims, coords=coords, name=name)
    variables = {statistic: (dims, values) for statistic, values in statistics.items()}
    return xr.Dataset(variables, coords=coords, attrs={"quantity": name, "ci_prob": ci_prob})


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
    draws, _ = Draws.of(post).in_order()
    rows, _, weight = rows_of(post, x)
    posterior = post["posterior"].to_dataset()
    table = np.empty((len(draws), len(rows)))
    for block in draws.blocks(len(rows)):
        table[:, block] = draws.responsibilities(rows[block])[0] * weight[block]
    shape = (posterior.sizes["chain"], posterior.sizes["draw"], len(rows))
    coords = {name: posterior[name] for name in ("chain", "draw")}
    coords |= _obs(post) if x is None else {}
    dataset = xr.Dataset({"x": (("chain", "draw", "obs"), table.reshape(shape))}, coords=coords)
    out = post.copy()
    out["log_likelihood"] = xr.DataTree(dataset)
    return out


def posterior_predictive(
    post: xr.DataTree, random_seed: int | None = None, *, x: Any = None
) -> xr.DataTree:
    """The tree with a replica of the data for every draw added, for ArviZ's predictive checks.

    Label-free: the same replicas before and after relabelling. A replica has as many rows as the
    data, whatever their weights. It takes the memory of the data times the number of draws: thin a
    long posterior first, ``post.isel(draw=slice(None, None, 10), missing_dims="ignore")``.

    Parameters
    ----------
    post : xarray.DataTree
        Not changed.
    random_seed : int, optional
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.

    Returns
    -------
    xarray.DataTree
        With a group ``posterior_predictive``: ``x`` (chain, draw, obs, feature), in the data's
        units. Now ``arviz.plot_ppc_dist`` and its kin take it.

    Notes
    -----
    A check of Gelman, Meng & Stern (1996) [1]_: what the model predicts should look like the data.

    References
    ----------
    .. [1] Gelman, Meng & Stern (1996), Statistica Sinica 6, 733–760.
    """
    random_seed = arguments.seed(random_seed)
    post = laid_out(post)
    draws, _ = Draws.of(post).in_order()
    rows, features, _ = rows_of(post, x)
    posterior = post["posterior"].to_dataset()
    n_obs, d = rows.shape
    rng = np.random.default_rng(random_seed)
    replicas = np.empty((len(draws), n_obs, d))
    size = max(1, REPLICA_BYTES // (8 * n_obs * d * (d + 2)))
    starts = range(0, len(draws), size)
    for start in progress_bar(starts, "posterior predictive: draws", True):
        part = slice(start, start + size)
        replicas[part] = _replicas(draws, part, n_obs, rng)
    shape = (posterior.sizes["chain"], posterior.sizes["draw"], n_obs, d)
    dims = ("chain", "draw", "obs", "feature")
    coords = {name: posterior[name].values for name in dims[:2]} | {"feature": list(features)}
    coords |= _obs(post) if x is None else {}
    out = post.copy()
    out["posterior_predictive"] = xr.DataTree(
        xr.Dataset({"x": (dims, replicas.reshape(shape))}, coords=coords)
    )
    return out


def _replicas(draws, part, n_obs, rng):
    """Rows drawn from the mixtures of some draws, (n_draws, n_obs, n_features)."""
    weights, means, factor = draws.weights[part], draws.means[part], draws.factor[part]
    s = np.arange(len(weights))[:, None]
    level = rng.random((len(weights), n_obs, 1))
    component = (np.cumsum(weights, axis=1)[:, None, :-1] < level).sum(axis=2)
    noise = rng.standard_normal((len(weights), n_obs, means.shape[2]))
    block = factor[s, 0 if draws.covariance == "tied" else component]
    if is_matrix(draws.covariance):
        return means[s, component] + (block @ noise[..., None])[..., 0]
    return means[s, component] + block * noise


def _obs(post):
    if "observed_data" in post.children and "obs" in post["observed_data"].coords:
        return {"obs": post["observed_data"]["obs"].values}
    return {}
