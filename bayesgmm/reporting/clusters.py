"""Figures of the clustering: every row's certainty, MAP against posterior, occupied components."""

from typing import Any

import numpy as np
import xarray as xr

from bayesgmm import arguments
from bayesgmm.draws import Posterior
from bayesgmm.posterior import Comparison, Partition, compare, occupied_components
from bayesgmm.posterior.relabelling import relabelled
from bayesgmm.reporting.certainty import (
    Clustering,
    certainty_handles,
    certainty_strip,
    cluster_key,
    component_curves,
    in_colours,
    rows_1d,
    rows_2d,
)
from bayesgmm.reporting.drawing import (
    CERTAIN,
    GREY,
    INK,
    axes_of,
    beside,
    by_separation,
    note,
    plain,
    spread_out,
    thinned,
)

SHARING = "probability of sharing a component\nwith another row of the cluster"
OWN = "posterior probability of the component"


def plot_assignments(
    post: Posterior,
    clustering: Partition | Comparison | None = None,
    *,
    x: Any = None,
    ax: Any = None,
) -> Any:
    """Each row's cluster and how certain it is, with the disputed rows marked.

    One feature: rows against their certainty, on the curves of every component's probability. Two:
    the data, a marker's fill the fainter the less certain. More: the same for the two features that
    separate the components best, and beside it each cluster's rows in order of certainty.

    Parameters
    ----------
    post : xarray.DataTree
        What ``sample`` returned; relabelled first if it is not yet.
    clustering : Partition or Comparison, optional
        Of a ``Partition``: its clusters, in the colours of the components they share most rows
        with, and its certainty; disputed are rows that are less probably than not with the rest of
        their cluster. Of a ``Comparison``: the posterior's components, with the rows marked whose
        MAP label is disputed. By default the posterior's components; disputed are rows that
        belong to theirs with a probability below 0.9.
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    ax : matplotlib Axes, or an array of two with more than two features, optional
        Where to draw.

    Returns
    -------
    matplotlib Axes, or an array of two with more than two features

    Raises
    ------
    TypeError, ValueError
        The clustering is neither of these, or one of other rows.
    """
    if clustering is not None:
        kinds = (Partition, Comparison)
        arguments.instance("clustering", clustering, kinds, "Try clustering=bg.partition(post).")
    reading = relabelled(post, x)
    x, features, probability = reading.rows, reading.features, reading.mean_probability
    _same_rows(x, len(probability), "x")
    shown, names, rule, certainty = _shown(clustering, probability)
    sizes = np.bincount(shown.labels, minlength=max(names) + 1)
    handles = [cluster_key(k, f"{name}: {sizes[k]:,} rows") for k, name in names.items()]
    handles += certainty_handles(shown.disputed, rule, fills=x.shape[1] > 1 and len(names) > 1)
    if x.shape[1] == 1:
        axes = axes_of(ax, (1, 1), (7.5, 4.2))[0, 0]
        if certainty is OWN:
            component_curves(axes, x[:, 0], spread_out(reading.parameters, 400))
        rows_1d(axes, x[:, 0], features[0], shown)
        axes.set_ylabel(certainty)
        note(axes, thinned(len(x)))
        beside(axes, handles)
        return axes
    n_axes = 1 if x.shape[1] == 2 else 2
    grid = axes_of(ax, (1, n_axes), (7.5, 5.0) if n_axes == 1 else (11, 4.8))[0]
    rows_2d(grid[0], x, features, shown, _pair(reading))
    note(grid[0], thinned(len(x)))
    if n_axes == 2:
        certainty_strip(grid[1], shown, certainty)
    beside(grid[-1], handles)
    return grid[0] if n_axes == 1 else grid


def plot_comparison(
    post: Posterior, comparison: Comparison | None = None, *, x: Any = None, ax: Any = None
) -> Any:
    """The MAP's clustering and the posterior's, side by side on the data; disputed rows marked.

    On the left every row has the colour of its MAP component, and certainty is the posterior
    probability that this label is right. On the right it has the colour of its cluster in the
    posterior's partition, the same as that of the component it shares most rows with, and certainty
    is the probability of sharing a component with another row of that cluster. One feature: rows
    against their certainty. Two: the data, a marker's fill the fainter the less certain. More: the
    two features that separate the components best.

    Parameters
    ----------
    post : xarray.DataTree
        What ``sample`` returned; relabelled first if it is not yet.
    comparison : Comparison, optional
        What ``compare`` returned for this posterior; by default it is made, with seed 1.
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    ax : array of two matplotlib Axes, optional
        Where to draw.

    Returns
    -------
    array of matplotlib Axes, shape (2,)

    Raises
    ------
    ValueError, TypeError
        It is no comparison, one of other rows, or the posterior has no MAP to compare.
    """
    if comparison is not None:
        advice = "Try comparison=bg.compare(post)."
        arguments.instance("comparison", comparison, Comparison, advice)
    reading = relabelled(post, x)
    x, features, n_components = reading.rows, reading.features, len(reading.components)
    if comparison is None:
        comparison = compare(reading, random_seed=1, progress=False)
    _same_rows(comparison.rows, len(x), "comparison")
    rows, best = comparison.rows, comparison.partition
    disputed = rows["disputed"].to_numpy(dtype=bool)
    of_map = np.asarray(comparison.map_labels)
    clusters = in_colours(best.labels, of_map, n_components)
    left = Clustering(of_map, 1 - rows["p_wrong"].to_numpy(), disputed)
    right = Clustering(clusters, best.certainty, disputed)
    grid = axes_of(ax, (1, 2), (11.5, 4.6))[0]
    for axes, shown, name in ((grid[0], left, "MAP"), (grid[1], right, "posterior")):
        if x.shape[1] == 1:
            rows_1d(axes, x[:, 0], features[0], shown)
            axes.set_ylabel("probability that the MAP label is right" if shown is left else SHARING)
        else:
            rows_2d(axes, x, features, shown, _pair(reading))
        n_clusters = len(np.unique(shown.labels))
        heading = f"{name}: {n_clusters} cluster{'' if n_clusters == 1 else 's'}"
        note(axes, "\n".join(filter(None, [heading, thinned(len(x))])))
    most = max(of_map.max(), clusters.max()) + 1
    counts = [np.bincount(labels, minlength=most) for labels in (of_map, clusters)]
    handles = [
        cluster_key(k, f"{_component(k, n_components)}: {a:,} by MAP, {b:,} by posterior")
        for k, (a, b) in enumerate(zip(*counts, strict=True))
        if a or b
    ]
    handles += certainty_handles(disputed, "MAP label", fills=x.shape[1] > 1 and len(handles) > 1)
    beside(grid[1], handles)
    return grid


def plot_occupied(post: Any, *, ax: Any = None) -> Any:
    """Posterior of K₊, the number of components that hold rows, with Monte Carlo errors.

    Parameters
    ----------
    post : xarray.DataTree, or int array, shape (n_draws, n_obs), or xarray.DataArray
        A posterior, assignments, or what ``occupied_components`` returned of them.
    ax : matplotlib Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib Axes
    """
    if not (isinstance(post, xr.DataArray) and "n_occupied" in post.dims):
        post = occupied_components(post, random_seed=1, progress=False)
    axes = axes_of(ax, (1, 1), (5.5, 3.6))[0, 0]
    number, probability, error = (v.values for v in (post["n_occupied"], post, post["mcse"]))
    axes.bar(number, probability, width=0.6, color=GREY)
    axes.errorbar(number, probability, 2 * error, fmt="none", ecolor=INK, capsize=4, lw=1.4)
    for at, p, e in zip(number, probability, np.nan_to_num(error), strict=True):
        if p > 0:
            label = f"{p:.2f}" if p >= 0.005 else "<0.01"
            axes.annotate(
                label,
                (at, p + 2 * e),
                (0, 3),
                textcoords="offset points",
                ha="center",
                fontsize="small",
                color=INK,
            )
    axes.set(
        xlabel="components that hold rows, K₊",
        ylabel="posterior probability",
        xticks=number,
        xlim=(number[0] - 0.7, number[-1] + 0.7),
        ylim=(0, 1.12),
        yticks=np.linspace(0, 1, 6),
    )
    note(axes, "bars: ± 2 Monte Carlo standard errors")
    plain(axes)
    return axes


def _shown(clustering, probability):
    """The clustering to draw, its names by colour, the rule of dispute, and what certainty is."""
    names = {k: f"component {k}" for k in range(probability.shape[1])}
    own, certainty = probability.argmax(axis=1), probability.max(axis=1)
    if clustering is None:
        shown = Clustering(own, certainty, certainty < CERTAIN)
        return shown, names, f"below {CERTAIN}", OWN
    if isinstance(clustering, Comparison):
        _same_rows(clustering.rows, len(own), "clustering")
        disputed = clustering.rows["disputed"].to_numpy(dtype=bool)
        return Clustering(own, certainty, disputed), names, "MAP label", OWN
    _same_rows(clustering.labels, len(own), "clustering")
    labels = in_colours(clustering.labels, own, probability.shape[1])
    disputed = clustering.certainty < 0.5
    # The partition's own numbers, as other figures and its sizes have them.
    pairs = sorted(set(zip(clustering.labels.tolist(), labels.tolist(), strict=True)))
    names = {k: f"cluster {c}" for c, k in pairs}
    return Clustering(labels, clustering.certainty, disputed), names, "below 0.5", SHARING


def _component(k, n_components):
    return f"component {k}" if k < n_components else "no component's"


def _same_rows(values, n_obs, name):
    if len(values) != n_obs:
        raise ValueError(f"{name} must be of the posterior's {n_obs} rows; got {len(values)}.")


def _pair(reading):
    """The two features shown."""
    return np.sort(by_separation(reading)[:2])
