"""Tables of the posterior, with ArviZ's statistics."""

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

from bayesgmm import arguments
from bayesgmm.posterior.advice import AMBIGUOUS, ambiguity
from bayesgmm.posterior.draws import Draws
from bayesgmm.posterior.layout import checked_tree, laid_out
from bayesgmm.posterior.relabelling import is_relabelled, labels_are_ambiguous, relabel
from bayesgmm.posterior.verdicts import diagnose
from bayesgmm.structure import SPREAD, entry_name, quoted

if TYPE_CHECKING:
    import pandas as pd

MOST_DECIMALS = 323
"""Those of the smallest number."""


def summary(
    post: xr.DataTree,
    var_names: list[str] | None = None,
    *,
    ci_prob: float = 0.94,
    ci_kind: Literal["eti", "hdi"] = "eti",
    round_to: str | int = "auto",
    progress: bool = True,
) -> "pd.DataFrame":
    """Mean, spread, interval, effective sample size and R-hat of every parameter.

    A posterior that has not been relabelled is relabelled first, since R-hat and effective sample
    size of switching labels mean nothing. Of a covariance matrix the upper triangle is shown.

    A warning gives the verdict on the chains (see :func:`diagnose`) where the draws are not enough.
    Where labels stay ambiguous (see :func:`relabel`), another says so, quantities that need no
    labels come first, and the table's ``attrs["note"]`` holds the warning's text. Of a relabelled
    tree without its rows there is no verdict.

    Parameters
    ----------
    post : xarray.DataTree
    var_names : list of str, optional
        Default weights, means and the spread, after what is label-free where labels are ambiguous:
        ``lp``, ``sorted_weights`` (largest first), ``mixture_mean`` and ``mixture_sd`` (of the
        whole mixture, by feature, in the data's units).
    ci_prob : float in (0, 1)
        Probability of the interval.
    ci_kind : {"eti", "hdi"}
        Equal tails, or highest density.
    round_to : "auto", "none" or int
        As in ``arviz.summary``.
    progress : bool

    Returns
    -------
    pandas.DataFrame
        ArviZ's columns; rows such as ``means[0, waiting]``, with quotes around a name that has
        commas or brackets of its own.
    """
    known = list(checked_tree(post)["posterior"].data_vars)
    if var_names is not None:
        var_names = arguments.listed("var_names", var_names, str, "names of variables")
        for name in var_names:
            arguments.one_of("var_names", name, known)
    ci_prob = arguments.number("ci_prob", ci_prob, 0, 1)
    arguments.one_of("ci_kind", ci_kind, ("eti", "hdi"))
    if isinstance(round_to, str):
        arguments.one_of("round_to", round_to, ("auto", "none"))
    else:
        round_to = arguments.integer("round_to", round_to, 0, MOST_DECIMALS)
    if not is_relabelled(post):
        post = relabel(post, progress=progress)
    if "observed_data" in post.children:
        found = diagnose(post, progress=progress)
        if not found.enough:
            warnings.warn(found.statements[0], stacklevel=2)
    table = summary_table(post, var_names, ci_prob=ci_prob, ci_kind=ci_kind, round_to=round_to)
    if "note" in table.attrs:
        warnings.warn(table.attrs["note"], stacklevel=2)
    return table


def summary_table(
    post: xr.DataTree, var_names: list[str] | None = None, **options: Any
) -> "pd.DataFrame":
    """What ``summary`` returns, without the warnings."""
    import pandas as pd

    options = {"ci_prob": 0.94, "ci_kind": "eti"} | options
    if not is_relabelled(post):
        post = relabel(post, progress=False)
    posterior = post["posterior"].to_dataset()
    ambiguous = labels_are_ambiguous(post)
    parts = []
    spread = SPREAD[Draws.of(post).covariance]
    if var_names is None:
        var_names = ["weights", "means", spread]
        if posterior.sizes["component"] == 1:
            var_names = var_names[1:]  # the only weight is 1
        if ambiguous:
            parts.append(_arviz_summary(_quoted_labels(without_labels(post)), **options))
    table = _arviz_summary(_quoted_labels(post), var_names=var_names, **options)
    parts.append(table.drop(index=_lower_triangle(posterior, var_names)))
    table = pd.concat(parts)
    if ambiguous:
        table.attrs["note"] = ambiguity_note(post["clustering"].attrs["ambiguous"])
    return table


def _arviz_summary(post, **options):
    """ArviZ's summary; NaN, without a word of NumPy's, where there is no number to give.

    A weight that is 0 in every draw has no effective sample size, and the error of a standard
    deviation takes eighth powers, which overflow where data are counted in 1e20s.
    """
    import arviz as az

    with np.errstate(all="ignore"):
        return az.summary(post, **options)


def ambiguity_note(share: float) -> str:
    """What to mind where labels of this share of the draws are ambiguous."""
    return f"{AMBIGUOUS.capitalize()}: {ambiguity(share)}"


def without_labels(post: xr.DataTree) -> xr.DataTree:
    """A tree of what no permutation of the components changes."""
    posterior = post["posterior"].to_dataset()
    lead = ("chain", "draw", "component")
    weights = posterior["weights"].transpose(*lead).values
    means = posterior["means"].transpose(*lead, "feature").values
    variances = covariances(post).values.diagonal(axis1=3, axis2=4)
    # Sums run from the largest weight down, so that another order of labels changes no digit.
    order = np.argsort(-weights, axis=2)
    weights = np.take_along_axis(weights, order, axis=2)
    means, variances = (np.take_along_axis(a, order[..., None], 2) for a in (means, variances))
    share = weights[..., None]
    mean = (share * means).sum(axis=2)
    variance = (share * (variances + (means - mean[:, :, None]) ** 2)).sum(axis=2)
    free: dict[str, Any] = {
        "sorted_weights": (("chain", "draw", "rank"), weights),
        "mixture_mean": (("chain", "draw", "feature"), mean),
        "mixture_sd": (("chain", "draw", "feature"), np.sqrt(variance)),
    }
    coords = {name: posterior[name] for name in ("chain", "draw", "feature")}
    if "sample_stats" in post.children and "lp" in post["sample_stats"]:
        lp = post["sample_stats"]["lp"].transpose("chain", "draw").values
        free = {"lp": (("chain", "draw"), lp)} | free
    return xr.DataTree.from_dict({"posterior": xr.Dataset(free, coords)})


def _quoted_labels(post):
    """The posterior with labels that ArviZ can join by commas and still tell apart."""
    posterior = post["posterior"].to_dataset()
    quotes = {
        name: [quoted(label) for label in coord.values]
        for name, coord in posterior.coords.items()
        if coord.dims == (name,) and coord.dtype.kind in "OUT"
    }
    return xr.DataTree.from_dict({"posterior": posterior.assign_coords(quotes)})


def _lower_triangle(posterior, var_names):
    """Labels of entries that symmetry repeats."""
    features = posterior["feature"].values
    below = [(a, b) for i, a in enumerate(features) for b in features[:i]]
    components = posterior["component"].values
    labels = []
    if "covariances" in var_names:
        labels += [entry_name("covariances", (k, *pair)) for k in components for pair in below]
    if "covariance" in var_names:
        labels += [entry_name("covariance", pair) for pair in below]
    return labels


def covariances(post: xr.DataTree) -> xr.DataArray:
    """Dense covariance matrices of every draw, whatever the structure.

    Returns
    -------
    xarray.DataArray, dims (chain, draw, component, feature, feature_bis)
        In the data's squared units.
    """
    post = laid_out(post)
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
