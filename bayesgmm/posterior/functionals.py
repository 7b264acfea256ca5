"""Quantities of a posterior that no permutation of the components can change, draw by draw."""

import numpy as np
import xarray as xr

from bayesgmm.posterior.draws import Draws, rows_of
from bayesgmm.posterior.exchangeable import groups_of
from bayesgmm.posterior.layout import laid_out
from bayesgmm.progress import progress_bar

N_POINTS = 30
"""Rows at which the predictive density is followed: they tell two modes apart."""


def label_free(post, x=None, progress=True):
    """Label-free functionals of every draw.

    Parameters
    ----------
    post : xarray.DataTree
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    progress : bool

    Returns
    -------
    xarray.Dataset, dims chain and draw
        ``log_posterior`` (nats, where the sampler kept it) and ``log_likelihood`` (nats);
        ``sorted_weights`` (rank); ``entropy``, that of a row's allocation, mean over rows (nats);
        ``log_density`` (point), the log predictive density of rows spread over the data. Where the
        prior tells components apart, also ``group_weight`` (group), ``group_mean`` and ``group_sd``
        (group, feature; in the data's units) of every group of exchangeable ones.
    """
    drawn = Draws.of(post)
    draws, _ = drawn.in_order()
    rows, _, weight = rows_of(post, x)
    log_likelihood, entropy = np.zeros(len(draws)), np.zeros(len(draws))
    blocks = draws.blocks(len(rows))
    for block in progress_bar(blocks, "label-free quantities: rows", progress):
        log_density, p = draws.responsibilities(rows[block])
        log_likelihood += log_density @ weight[block]
        # A probability that underflows to 0 adds nothing.
        p *= np.log(np.maximum(p, 1e-300))
        entropy -= p.sum(axis=2) @ weight[block]
    points = rows[_spread_rows(rows, weight)]
    values = {
        "log_likelihood": log_likelihood,
        "entropy": entropy / weight.sum(),
        "sorted_weights": draws.weights,
        "log_density": draws.responsibilities(points)[0],
    }
    posterior = laid_out(post)["posterior"].to_dataset()
    coords = {name: posterior[name].values for name in ("chain", "draw")}
    groups = groups_of(post)
    if np.ptp(groups) > 0:
        values |= _of_groups(drawn, groups)
        names = posterior["component"].values
        members = [" + ".join(map(str, names[groups == g])) for g in np.unique(groups)]
        coords |= {"group": np.array(members), "feature": posterior["feature"].values}
    dims = {
        "sorted_weights": ("rank",),
        "log_density": ("point",),
        "group_weight": ("group",),
        "group_mean": ("group", "feature"),
        "group_sd": ("group", "feature"),
    }
    lead = (posterior.sizes["chain"], posterior.sizes["draw"])
    dataset = xr.Dataset(
        {
            name: (("chain", "draw", *dims.get(name, ())), v.reshape(*lead, *v.shape[1:]))
            for name, v in values.items()
        },
        coords=coords,
    )
    if "sample_stats" in post.children and "lp" in post["sample_stats"]:
        lp = post["sample_stats"]["lp"].transpose("chain", "draw").values
        dataset = dataset.assign(log_posterior=(("chain", "draw"), lp))
    return dataset


def _of_groups(draws, groups):
    """Weight, mean and standard deviation of the mixture of each group's components."""
    member = np.unique(groups)[:, None] == groups
    variances = draws.covariances.diagonal(axis1=2, axis2=3)
    share = member * draws.weights[:, None]
    weight = share.sum(axis=2)
    share = share / np.maximum(weight, 1e-300)[..., None]
    mean = share @ draws.means
    apart = draws.means[:, None] - mean[:, :, None]
    square = (share[..., None] * (variances[:, None] + apart**2)).sum(axis=2)
    return {"group_weight": weight, "group_mean": mean, "group_sd": np.sqrt(square)}


def _spread_rows(rows, weight):
    """Positions of rows at even steps through the sorted data: the order of rows plays no part."""
    order = np.lexsort(rows.T[::-1])
    reached = np.cumsum(weight[order]) / weight.sum()
    steps = (np.arange(N_POINTS) + 0.5) / N_POINTS
    return order[np.searchsorted(reached, steps).clip(max=len(rows) - 1)]
