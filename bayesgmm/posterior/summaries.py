"""Tables of the posterior, with ArviZ's statistics."""

import warnings
from itertools import product
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from bayesgmm.data import Rows
from bayesgmm.draws import Posterior, Reading, entry_name, names, quoted
from bayesgmm.labels import relabelled
from bayesgmm.posterior.advice import AMBIGUOUS, ambiguity
from bayesgmm.posterior.diagnosis import diagnose
from bayesgmm.posterior.label_free import without_labels
from bayesgmm.runtime import arguments

INTERVAL = 0.94
"""Probability of an interval of equal tails where no other is asked for; ArviZ's was the same."""

MOST_DECIMALS = 323
"""Those of the smallest number."""


def summary(
    post: Posterior,
    var_names: list[str] | None = None,
    *,
    x: Rows | None = None,
    ci_prob: float = INTERVAL,
    ci_kind: Literal["eti", "hdi"] = "eti",
    round_to: str | int = "auto",
    progress: bool = True,
) -> pd.DataFrame:
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
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
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
    reading = Reading.of(post, x)
    known = [*map(str, reading.posterior.data_vars)]
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
    reading = relabelled(reading, progress=progress)
    if x is not None or names.OBSERVED in reading.tree.children:
        found = diagnose(reading, progress=progress)
        if not found.enough:
            warnings.warn(found.statements[0], stacklevel=2)
    table = summary_table(reading, var_names, ci_prob=ci_prob, ci_kind=ci_kind, round_to=round_to)
    if "note" in table.attrs:
        warnings.warn(table.attrs["note"], stacklevel=2)
    return table


def summary_table(
    reading: Reading, var_names: list[str] | None = None, **options: Any
) -> pd.DataFrame:
    """What ``summary`` returns of a relabelled posterior, without the warnings."""
    options = {"ci_prob": INTERVAL, "ci_kind": "eti"} | options
    parts = []
    if var_names is None:
        var_names = [names.WEIGHTS, names.MEANS, reading.parameters.structure.spread]
        if len(reading.components) == 1:
            var_names = var_names[1:]  # the only weight is 1
        if reading.labels_are_ambiguous:
            parts.append(_arviz_summary(without_labels(reading), **options))
    table = _arviz_summary(reading.posterior, var_names=var_names, **options)
    parts.append(table.drop(index=_lower_triangle(reading, var_names)))
    table = pd.concat(parts)
    if reading.labels_are_ambiguous:
        table.attrs["note"] = ambiguity_note(reading.ambiguous)
    return table


def _arviz_summary(posterior: xr.Dataset, **options: Any) -> pd.DataFrame:
    """ArviZ's summary; NaN, without a word of NumPy's, where there is no number to give.

    A weight that is 0 in every draw has no effective sample size, and the error of a standard
    deviation takes eighth powers, which overflow where data are counted in 1e20s.
    """
    import arviz as az

    with np.errstate(all="ignore"):
        tree = xr.DataTree.from_dict({names.POSTERIOR: _with_quotes(posterior)})
        return az.summary(tree, **options)


def ambiguity_note(share: float) -> str:
    """What to mind where labels of this share of the draws are ambiguous."""
    return f"{AMBIGUOUS.capitalize()}: {ambiguity(share)}"


def _with_quotes(posterior: xr.Dataset) -> xr.Dataset:
    """The posterior with labels that ArviZ can join by commas and still tell apart."""
    quotes = {
        name: [quoted(label) for label in coord.values]
        for name, coord in posterior.coords.items()
        if coord.dims == (name,) and coord.dtype.kind in "OUT"
    }
    return posterior.assign_coords(quotes)


def _lower_triangle(reading: Reading, var_names: list[str]) -> list[str]:
    """Labels of entries that symmetry repeats."""
    posterior = reading.posterior
    labels = []
    for name in var_names:
        *others, last = posterior[name].dims
        if last == names.FEATURE_BIS:
            places = [posterior[dim].values for dim in others[2:-1]]
            below = [(a, b) for i, a in enumerate(reading.features) for b in reading.features[:i]]
            labels += [entry_name(name, (*k, *pair)) for k in product(*places) for pair in below]
    return labels


def covariances(post: Posterior) -> xr.DataArray:
    """Dense covariance matrices of every draw, whatever the structure.

    Returns
    -------
    xarray.DataArray, dims (chain, draw, component, feature, feature_bis)
        In the data's squared units.
    """
    reading = Reading.of(post)
    features = reading.posterior[names.FEATURE].values
    coords = reading.lead | {names.COMPONENT: reading.components, names.FEATURE: features}
    coords |= {names.FEATURE_BIS: features}
    dense = reading.by_chain(reading.parameters.covariances)
    return xr.DataArray(dense, coords, dims=tuple(coords), name="covariances")
