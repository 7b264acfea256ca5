"""Relabelling: one permutation of the components per draw, so that labels mean the same."""

from typing import Any

import numpy as np
import xarray as xr
from scipy.optimize import linear_sum_assignment

from bayesgmm.posterior.draws import Draws, rows_of
from bayesgmm.progress import progress_bar

TOLERANCE = 1e-6
"""Sweeps end when the total cost falls by no more than this (nats)."""
MAX_SWEEPS = 100


def relabel(
    post: xr.DataTree, method: str = "stephens", *, x: Any = None, progress: bool = True
) -> xr.DataTree:
    """Undo label switching.

    Stephens' algorithm [1]_: over one permutation per draw, minimise the Kullback–Leibler
    divergence of the draws' responsibilities from their mean, summed over draws and rows.
    Responsibilities are those of the marginal model, recomputed by the block. It starts at the
    labels as drawn and at the MAP; the better end is kept, components in the MAP's order (without
    a MAP, in the order that leaves most labels as drawn).

    Parameters
    ----------
    post : xarray.DataTree
        A posterior with ``weights``, ``means`` and a spread. Not changed.
    method : {"stephens"}
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    progress : bool

    Returns
    -------
    xarray.DataTree
        The posterior with every variable over ``component`` permuted, and a group ``clustering``:
        ``permutation[chain, draw, c]`` is the component, as drawn, that became c, and
        ``mean_probability`` (obs, component).

    Raises
    ------
    ValueError
        The method is unknown, or the tree lacks what is needed.

    References
    ----------
    .. [1] Stephens (2000), J. R. Stat. Soc. B 62, 795–809.
    """
    if method != "stephens":
        raise ValueError(f"method must be 'stephens'; got {method!r}.")
    draws = Draws.of(post)
    rows, _, weight = rows_of(post, x)
    pivot = Draws.of(post, "map") if "map" in post.children else None
    identity = np.tile(np.arange(draws.n_components), (len(draws), 1))
    starts = [identity]
    if pivot is not None:
        starts.append(_nearest(draws, rows, weight, pivot))
    ends = [_stephens(draws, rows, weight, start, progress) for start in starts]
    permutation, cost, n_sweeps = min(ends, key=lambda end: end[1])
    mean = _mean_probability(draws, rows, permutation)
    order = _order(draws, rows, weight, permutation, mean, pivot)
    return _permuted(post, permutation[:, order], mean[:, order], cost, n_sweeps)


def _stephens(draws, rows, weight, permutation, progress):
    """Sweeps of mean, costs and assignments until the total cost no longer falls."""
    cost, n_sweeps = np.inf, 0
    for _ in progress_bar(iter(range(MAX_SWEEPS)), "relabelling: sweeps", progress):
        costs = _costs(draws, rows, weight, permutation)
        at = np.take_along_axis(costs, permutation[:, :, None], axis=1)
        total = float(np.trace(at[:, :, :], axis1=1, axis2=2).sum())
        n_sweeps += 1
        if cost - total <= TOLERANCE:
            break
        cost = total
        permutation = _assign(costs)
    return permutation, min(cost, total), n_sweeps


def _costs(draws, rows, weight, permutation):
    """costs[s, j, c]: Σ_n p_snj log(p_snj / q_nc), to call component j of draw s by label c."""
    k = draws.n_components
    costs = np.zeros((len(draws), k, k))
    for block in draws.blocks(len(rows)):
        _, p = draws.responsibilities(rows[block])
        log_q = np.log(_permuted_mean(p, permutation))
        p_weighted = p * weight[block, None]
        entropy = np.einsum("snj,snj->sj", p_weighted, np.log(p))
        costs += entropy[:, :, None] - np.swapaxes(p_weighted, 1, 2) @ log_q
    return costs


def _permuted_mean(p, permutation):
    return np.take_along_axis(p, permutation[:, None, :], axis=2).mean(axis=0)


def _mean_probability(draws, rows, permutation):
    parts = []
    for block in draws.blocks(len(rows)):
        parts.append(_permuted_mean(draws.responsibilities(rows[block])[1], permutation))
    return np.concatenate(parts)


def _assign(costs):
    """permutation[s, c]: the component of draw s that gets label c, by optimal assignment."""
    # The columns of an assignment come back in the order of the rows, so that rows are labels.
    return np.array([linear_sum_assignment(cost.T)[1] for cost in costs])


def _nearest(draws, rows, weight, pivot):
    """The permutation of every draw that is nearest to the pivot's responsibilities."""
    k = draws.n_components
    costs = np.zeros((len(draws), k, k))
    for block in draws.blocks(len(rows)):
        _, p = draws.responsibilities(rows[block])
        log_q = np.log(pivot.responsibilities(rows[block])[1][0])
        costs -= np.swapaxes(p * weight[block, None], 1, 2) @ log_q
    return _assign(costs)


def _order(draws, rows, weight, permutation, mean, pivot):
    """The MAP's order of the labels; without a MAP, the one that leaves most labels as drawn.

    The second keeps the meaning of labels that a user's own prior has told apart.
    """
    if pivot is None:
        k = draws.n_components
        kept = (permutation[:, :, None] == np.arange(k)).sum(axis=0)
        return np.argsort(linear_sum_assignment(-kept)[1])
    reference = np.concatenate(
        [pivot.responsibilities(rows[block])[1][0] for block in draws.blocks(len(rows))]
    )
    return linear_sum_assignment(-(reference * weight[:, None]).T @ mean)[1]


def _permuted(post, permutation, mean, cost, n_sweeps):
    """The tree with the permutation applied, and recorded relative to the labels as drawn."""
    posterior = post["posterior"].to_dataset()
    dims = ("chain", "draw", "component")
    shape = tuple(posterior.sizes[d] for d in dims)
    order = xr.DataArray(permutation.reshape(shape), dims=dims)
    variables = {
        name: v.isel(component=order) if "component" in v.dims else v
        for name, v in posterior.drop_vars("component").data_vars.items()
    }
    relabelled = xr.Dataset(variables, attrs=posterior.attrs)
    relabelled = relabelled.transpose(*dims[:2], ...)
    relabelled = relabelled.assign_coords(component=posterior["component"])
    for name in relabelled.data_vars:
        relabelled[name] = relabelled[name].transpose(*posterior[name].dims)
    total = order
    if "clustering" in post.children:
        total = post["clustering"]["permutation"].drop_vars("component").isel(component=order)
    clustering = xr.Dataset(
        {
            "permutation": (dims, total.transpose(*dims).values),
            "mean_probability": (("obs", "component"), mean),
        },
        coords={d: posterior[d] for d in dims},
        attrs={"method": "stephens", "cost": cost, "n_sweeps": n_sweeps},
    )
    out = post.copy()
    out["posterior"] = xr.DataTree(relabelled)
    out["clustering"] = xr.DataTree(clustering)
    return out
