"""Quantities of a posterior that no permutation of the components can change, draw by draw."""

import numpy as np
import xarray as xr

from bayesgmm.posterior.draws import Draws, rows_of
from bayesgmm.posterior.exchangeable import groups_of
from bayesgmm.posterior.layout import laid_out
from bayesgmm.posterior.validity import refuse
from bayesgmm.progress import progress_bar
from bayesgmm.structure import is_matrix

N_ROWS = 2000
"""Rows that stand for all, where there are more: any fixed rows tell whether chains agree."""
N_POINTS = 20
"""Rows at which the predictive density is followed: they tell two modes apart."""
N_PAIRS = 5
"""Pairs of these rows that are followed, half of the data apart."""


def label_free(post, progress=True):
    """Label-free functionals of every draw.

    Parameters
    ----------
    post : xarray.DataTree
        With its rows.
    progress : bool

    Returns
    -------
    xarray.Dataset, dims chain and draw
        ``log_posterior`` (nats, where the sampler kept it) and ``log_likelihood``
        (nats); ``sorted_weights`` (rank); ``log_determinant`` (extreme), the largest and the
        smallest of the covariances (log of the product of the features' squared units);
        ``entropy``, that of a row's allocation, mean over rows (nats); ``log_density`` (point), the
        log predictive density of rows spread over the data; ``together`` (pair), the probability
        that two of these rows share a component. Where the prior tells components apart, also
        ``group_weight`` (group), ``group_mean`` and ``group_sd`` (group, feature; in the data's
        units) of every group of exchangeable ones.
    """
    drawn = Draws.of(post)
    draws, _ = drawn.in_order()
    rows, _, weight = rows_of(post)
    log_likelihood, entropy = np.zeros(len(draws)), np.zeros(len(draws))
    blocks = draws.blocks(len(rows))
    for block in progress_bar(blocks, "label-free quantities: rows", progress):
        log_density, p = draws.responsibilities(rows[block])
        log_likelihood += log_density @ weight[block]
        # A probability that underflows to 0 adds nothing.
        p *= np.log(np.maximum(p, 1e-300))
        entropy -= p.sum(axis=2) @ weight[block]
    log_density, p = draws.responsibilities(rows[_even_steps(rows, weight, N_POINTS)])
    low, high = np.arange(N_PAIRS) * N_POINTS // (2 * N_PAIRS) + [[0], [N_POINTS // 2]]
    values = {
        "log_likelihood": log_likelihood,
        "entropy": entropy / weight.sum(),
        "sorted_weights": draws.weights,
        "log_determinant": _extreme_determinants(draws),
        "log_density": log_density,
        "together": (p[:, low] * p[:, high]).sum(axis=2),
    }
    dims: dict[str, tuple[str, ...]] = {
        "sorted_weights": ("rank",),
        "log_determinant": ("extreme",),
        "log_density": ("point",),
        "together": ("pair",),
    }
    posterior = laid_out(post)["posterior"].to_dataset()
    coords = {name: posterior[name].values for name in ("chain", "draw")}
    coords["extreme"] = np.array(["largest", "smallest"])[: values["log_determinant"].shape[1]]
    groups = groups_of(post)
    if np.ptp(groups) > 0:
        values |= _of_groups(drawn, groups)
        names = posterior["component"].values
        members = [" + ".join(map(str, names[groups == g])) for g in np.unique(groups)]
        coords |= {"group": np.array(members), "feature": posterior["feature"].values}
        dims |= {
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
        lp = post["sample_stats"]["lp"].transpose("chain", "draw")
        refuse("sample_stats", lp, ~np.isfinite(lp.values), "a finite number")
        dataset = dataset.assign(log_posterior=(("chain", "draw"), lp.values))
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


def with_few_rows(post, x=None):
    """The tree with ``N_ROWS`` rows of equal weight in place of more, so that all is cheap on it.

    They lie at even steps of weight through the sorted data, whatever the order they came in.
    Rows given as ``x`` take the place of its own.
    """
    rows, features, weight = rows_of(post, x)
    if len(rows) > N_ROWS:
        rows = rows[_even_steps(rows, weight, N_ROWS)]
        weight = np.full(N_ROWS, weight.sum() / N_ROWS)
    elif x is None:
        return post
    out = post.copy()
    out["observed_data"] = xr.Dataset({"x": (("obs", "feature"), rows)}, {"feature": [*features]})
    out["constant_data"] = xr.Dataset({"sample_weight": ("obs", weight)})
    return out


def _even_steps(rows, weight, n):
    """Positions of n rows at even steps through the sorted data: their order plays no part."""
    order = np.lexsort(rows.T[::-1])
    reached = np.cumsum(weight[order]) / weight.sum()
    steps = (np.arange(n) + 0.5) / n
    return order[np.searchsorted(reached, steps).clip(max=len(rows) - 1)]


def _extreme_determinants(draws):
    """Log determinants of the covariances, (S, 2): the largest and the smallest, or (S, 1)."""
    if is_matrix(draws.covariance):
        sds = np.diagonal(draws.factor, axis1=2, axis2=3)
    else:
        sds = np.broadcast_to(draws.factor, draws.means.shape)
    each = 2 * np.log(sds).sum(axis=2)
    return each if each.shape[1] == 1 else np.sort(each, axis=1)[:, [-1, 0]]
