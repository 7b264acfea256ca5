"""The figure of the assignments: every row's cluster, and how certain it is."""

from typing import Any

import numpy as np

from bayesgmm.clusterings import Comparison, Partition
from bayesgmm.draws import Posterior
from bayesgmm.figures.certainty import (
    OWN,
    SHARING,
    Clustering,
    certainty_handles,
    certainty_strip,
    cluster_key,
    component_curves,
    in_colours,
    rows_1d,
    rows_2d,
    same_rows,
    shown_pair,
)
from bayesgmm.figures.style import (
    CERTAIN,
    axes_of,
    beside,
    note,
    spread_out,
    thinned,
)
from bayesgmm.labels import relabelled
from bayesgmm.runtime import arguments


def plot_assignments(
    post: Posterior,
    clustering: Partition | Comparison | None = None,
    *,
    x: Any = None,
    ax: Any = None,
) -> Any:
    """Each row's cluster and how certain it is, with the rows in doubt marked.

    One feature: rows against their certainty, on the curves of every component's probability. Two:
    the data, a marker's fill the fainter the less certain. More: the same for the two features that
    separate the components best, and beside it each cluster's rows in order of certainty.

    Parameters
    ----------
    post : xarray.DataTree
        What ``sample`` returned; relabelled first if it is not yet.
    clustering : Partition or Comparison, optional
        Of a ``Partition``: its clusters, in the colours of the components they share most rows
        with, and its certainty; marked as uncertain are rows that are less probably than not with
        the rest of their cluster. Of a ``Comparison``: the posterior's components, with the rows
        marked whose MAP label is disputed. By default the posterior's components; marked as
        uncertain are rows that belong to theirs with a probability below 0.9.
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
    same_rows(x, len(probability), "x")
    shown, names, words, certainty = _shown(clustering, probability)
    sizes = np.bincount(shown.labels, minlength=max(names) + 1)
    handles = [cluster_key(k, f"{name}: {sizes[k]:,} rows") for k, name in names.items()]
    handles += certainty_handles(shown.marked, words, fills=x.shape[1] > 1 and len(names) > 1)
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
    rows_2d(grid[0], x, features, shown, shown_pair(reading))
    note(grid[0], thinned(len(x)))
    if n_axes == 2:
        certainty_strip(grid[1], shown, certainty)
    beside(grid[-1], handles)
    return grid[0] if n_axes == 1 else grid


UNCERTAIN = "uncertain, below 0.5"


def _shown(clustering, probability):
    """The clustering to draw, its names by colour, what is marked, and what certainty is."""
    names = {k: f"component {k}" for k in range(probability.shape[1])}
    own, certainty = probability.argmax(axis=1), probability.max(axis=1)
    if clustering is None:
        shown = Clustering(own, certainty, certainty < CERTAIN)
        return shown, names, f"uncertain, below {CERTAIN}", OWN
    if isinstance(clustering, Comparison):
        same_rows(clustering.rows, len(own), "clustering")
        disputed = clustering.rows["disputed"].to_numpy(dtype=bool)
        return Clustering(own, certainty, disputed), names, "disputed, MAP label", OWN
    same_rows(clustering.labels, len(own), "clustering")
    labels = in_colours(clustering.labels, own, probability.shape[1])
    uncertain = clustering.certainty < 0.5
    # The partition's own numbers, as other figures and its sizes have them.
    pairs = sorted(set(zip(clustering.labels.tolist(), labels.tolist(), strict=True)))
    names = {k: f"cluster {c}" for c, k in pairs}
    return Clustering(labels, clustering.certainty, uncertain), names, UNCERTAIN, SHARING
