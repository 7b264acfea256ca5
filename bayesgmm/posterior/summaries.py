"""Tables of the posterior, with ArviZ's statistics."""

from typing import TYPE_CHECKING, Literal

import xarray as xr

from bayesgmm.posterior.draws import Draws
from bayesgmm.posterior.relabelling import relabel
from bayesgmm.structure import SPREAD

if TYPE_CHECKING:
    import pandas as pd


def summary(
    post: xr.DataTree,
    var_names: list[str] | None = None,
    *,
    ci_prob: float = 0.94,
    ci_kind: Literal["eti", "hdi"] = "eti",
    round_to: str | int = "auto",
) -> "pd.DataFrame":
    """Mean, spread, interval, effective sample size and R-hat of every parameter.

    A posterior that has not been relabelled is relabelled first, since R-hat and effective sample
    size of switching labels mean nothing. Of a covariance matrix the upper triangle is shown.

    Parameters
    ----------
    post : xarray.DataTree
    var_names : list of str, optional
        Default weights, means and the spread.
    ci_prob : float in (0, 1)
        Probability of the interval.
    ci_kind : {"eti", "hdi"}
        Equal tails, or highest density.
    round_to : "auto", "none" or int
        As in ``arviz.summary``.

    Returns
    -------
    pandas.DataFrame
        ArviZ's columns; rows such as ``means[0, waiting]``.
    """
    import arviz as az

    if "clustering" not in post.children:
        post = relabel(post, progress=False)
    posterior = post["posterior"].to_dataset()
    if var_names is None:
        spread = SPREAD[Draws.of(post).covariance]
        var_names = ["weights", "means", spread]
        if posterior.sizes["component"] == 1:
            var_names = var_names[1:]  # the only weight is 1
    table = az.summary(
        post, var_names=var_names, ci_prob=ci_prob, ci_kind=ci_kind, round_to=round_to
    )
    return table.drop(index=_lower_triangle(posterior, var_names))


def _lower_triangle(posterior, var_names):
    """Labels of entries that symmetry repeats."""
    features = [str(f) for f in posterior["feature"].values]
    below = [(a, b) for i, a in enumerate(features) for b in features[:i]]
    components = posterior["component"].values
    labels = []
    if "covariances" in var_names:
        labels += [f"covariances[{k}, {a}, {b}]" for k in components for a, b in below]
    if "covariance" in var_names:
        labels += [f"covariance[{a}, {b}]" for a, b in below]
    return labels


def covariances(post: xr.DataTree) -> xr.DataArray:
    """Dense covariance matrices of every draw, whatever the structure.

    Returns
    -------
    xarray.DataArray, dims (chain, draw, component, feature, feature_bis)
        In the data's squared units.
    """
    posterior = post["posterior"].to_dataset()
    dense = Draws.of(post).covariances
    lead = (posterior.sizes["chain"], posterior.sizes["draw"])
    features = posterior["feature"].values
    return xr.DataArray(
        dense.reshape(*lead, *dense.shape[1:]),
        dims=("chain", "draw", "component", "feature", "feature_bis"),
        coords={d: posterior[d] for d in ("chain", "draw", "component", "feature")}
        | {"feature_bis": features},
        name="covariances",
    )
