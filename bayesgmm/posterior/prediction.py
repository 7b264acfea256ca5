"""Rows under the posterior: component probabilities, density, log likelihood, replicas."""

from collections.abc import Callable
from typing import Any, overload

import numpy as np
import xarray as xr

from bayesgmm.data import Rows
from bayesgmm.draws import Posterior, Reading, names
from bayesgmm.likelihood import row_blocks, row_densities
from bayesgmm.mixture import MixtureParameters
from bayesgmm.runtime import arguments, progress_bar

REPLICA_BYTES = 64 * 2**20
"""Memory for the factors of one block of replicated rows."""


@overload
def predict_proba(
    post: Posterior, x_new: Rows | None = ..., ci_prob: None = ..., *, progress: bool = ...
) -> xr.DataArray: ...
@overload
def predict_proba(
    post: Posterior, x_new: Rows | None = ..., ci_prob: float = ..., *, progress: bool = ...
) -> xr.Dataset: ...
def predict_proba(
    post: Posterior,
    x_new: Rows | None = None,
    ci_prob: float | None = None,
    *,
    progress: bool = True,
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
    progress : bool

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
    reading = Reading.of(post, x_new, "x_new")
    if not reading.is_relabelled:
        raise ValueError(
            "post has not been relabelled, so that its labels mean nothing. "
            "Try post = bg.relabel(post) first."
        )

    def of(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p = row_densities(reading.parameters, rows)[1]
        return p.mean(axis=0), p

    coords = {names.COMPONENT: reading.components}
    return _over_draws(reading, of, ci_prob, "probability", coords, progress)


@overload
def density(
    post: Posterior, x_new: Rows | None = ..., ci_prob: None = ..., *, progress: bool = ...
) -> xr.DataArray: ...
@overload
def density(
    post: Posterior, x_new: Rows | None = ..., ci_prob: float = ..., *, progress: bool = ...
) -> xr.Dataset: ...
def density(
    post: Posterior,
    x_new: Rows | None = None,
    ci_prob: float | None = None,
    *,
    progress: bool = True,
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
    progress : bool

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
    reading = Reading.of(post, x_new, "x_new")

    def of(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        log_density, _ = row_densities(reading.in_order, rows)
        highest = log_density.max(axis=0)  # so that nothing underflows
        mean = np.exp(highest) * np.exp(log_density - highest).mean(axis=0)
        return mean, np.exp(log_density, out=log_density)

    return _over_draws(reading, of, ci_prob, "density", {}, progress)


def _over_draws(
    reading: Reading,
    of: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    ci_prob: float | None,
    name: str,
    coords: dict[str, Any],
    progress: bool,
) -> xr.DataArray | xr.Dataset:
    """The mean over draws as a DataArray, or with both quantiles as a Dataset; rows by the block.

    ``of(rows)`` gives the mean over draws, and the values (S, n, …) themselves; ``coords`` are
    those of their dimensions after the rows.
    """
    arguments.flag("progress", progress)
    tails = []
    if ci_prob is not None:
        ci_prob = arguments.number("ci_prob", ci_prob, 0, 1)
        tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
    rows, parts = reading.rows, []
    for block in progress_bar(
        row_blocks(reading.parameters, len(rows)), "prediction: rows", progress
    ):
        mean, values = of(rows[block])
        quantiles = np.quantile(values, tails, axis=0, overwrite_input=True) if tails else ()
        parts.append((mean, *quantiles))
    mean, *interval = map(np.concatenate, zip(*parts, strict=True))
    dims, coords = (names.OBS, *coords), coords | _obs(reading)
    if ci_prob is None:
        return xr.DataArray(mean, dims=dims, coords=coords, name=name)
    variables = zip(("mean", "lower", "upper"), (mean, *interval), strict=True)
    return xr.Dataset(
        {statistic: (dims, values) for statistic, values in variables},
        coords=coords,
        attrs={"quantity": name, "ci_prob": ci_prob},
    )


def log_likelihood(post: Posterior, *, x: Rows | None = None, progress: bool = True) -> xr.DataTree:
    """The tree with the row-wise log likelihood added, marginal over the assignment.

    Parameters
    ----------
    post : xarray.DataTree
        Not changed.
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    progress : bool

    Returns
    -------
    xarray.DataTree
        With a group ``log_likelihood``: ``x`` (chain, draw, obs), in nats; a row of weight w counts
        w times.
    """
    arguments.flag("progress", progress)
    reading = Reading.of(post, x)
    draws, rows, weight = reading.in_order, reading.rows, reading.sample_weight
    table = np.empty((len(draws), len(rows)))
    for block in progress_bar(row_blocks(draws, len(rows)), "log likelihood: rows", progress):
        table[:, block] = row_densities(draws, rows[block])[0] * weight[block]
    return _with_group(reading, names.LOG_LIKELIHOOD, table, (names.OBS,))


def _with_group(
    reading: Reading,
    group: str,
    values: np.ndarray,
    dims: tuple[str, ...],
    coords: dict[str, Any] | None = None,
) -> xr.DataTree:
    """The tree with a group of one variable more, (n_draws, …)."""
    coords = reading.lead | (coords or {}) | _obs(reading)
    out = reading.tree.copy()
    dataset = xr.Dataset({names.X: ((*names.LEAD, *dims), reading.by_chain(values))}, coords=coords)
    out[group] = xr.DataTree(dataset)
    return out


def posterior_predictive(
    post: Posterior, random_seed: int | None = None, *, x: Rows | None = None, progress: bool = True
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
    progress : bool

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
    arguments.flag("progress", progress)
    reading = Reading.of(post, x)
    draws, (n_obs, d) = reading.in_order, reading.rows.shape
    rng = np.random.default_rng(random_seed)
    replicas = np.empty((len(draws), n_obs, d))
    size = max(1, REPLICA_BYTES // (8 * n_obs * d * (d + 2)))
    starts = range(0, len(draws), size)
    for start in progress_bar(starts, "posterior predictive: draws", progress):
        part = slice(start, start + size)
        replicas[part] = _replicas(draws[part], n_obs, rng)
    features = {names.FEATURE: [*reading.features]}
    return _with_group(reading, names.PREDICTIVE, replicas, (names.OBS, names.FEATURE), features)


def _replicas(draws: MixtureParameters, n_obs: int, rng: np.random.Generator) -> np.ndarray:
    """Rows drawn from the mixtures of draws, (n_draws, n_obs, n_features)."""
    weights, means, factor = draws.weights, draws.means, draws.factor
    s = np.arange(len(weights))[:, None]
    level = rng.random((len(weights), n_obs, 1))
    component = (np.cumsum(weights, axis=1)[:, None, :-1] < level).sum(axis=2)
    noise = rng.standard_normal((len(weights), n_obs, means.shape[2]))
    block = factor[s, 0 if draws.structure.shared else component]
    rows: np.ndarray = means[s, component] + draws.structure.times(block, noise)
    return rows


def _obs(reading: Reading) -> dict[str, np.ndarray]:
    """The coordinate of the tree's own rows, if they have one."""
    observed = {} if reading.x is not None else reading.group(names.OBSERVED).coords
    return {names.OBS: observed[names.OBS].values} if names.OBS in observed else {}
