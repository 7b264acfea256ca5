"""The figure of the assignments: every row's cluster, and how certain it is."""

import numpy as np
from matplotlib.axes import Axes

from bayesgmm.clusterings import Comparison, Partition
from bayesgmm.data import Rows
from bayesgmm.draws import Posterior
from bayesgmm.figures import style
from bayesgmm.figures.certainty import (
    OWN,
    SHARING,
    Clustering,
    certainty_keys,
    certainty_strip,
    component_curves,
    in_colours,
    rows_panel,
    same_rows,
)
from bayesgmm.figures.style import CERTAIN, Grid, dots, key
from bayesgmm.labels import relabelled
from bayesgmm.runtime import arguments


def plot_assignments(
    post: Posterior,
    clustering: Partition | Comparison | None = None,
    *,
    x: Rows | None = None,
    ax: Axes | Grid | None = None,
) -> Axes | np.ndarray:
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
    rows, probability, d = reading.rows, reading.mean_probability, len(reading.features)
    same_rows(rows, len(probability), "x")
    shown, names, words = _shown(clustering, probability)
    sizes = np.bincount(shown.labels, minlength=max(names) + 1)
    keys = [key(f"{name}: {sizes[k]:,} rows", markersize=6, **dots(k)) for k, name in names.items()]
    keys += certainty_keys(shown.marked, words, fills=d > 1 and len(names) > 1)
    n_axes, size = (1, (7.5, 4.2)) if d == 1 else (1, (7.5, 5.0)) if d == 2 else (2, (11, 4.8))
    grid: np.ndarray = style.axes_of(ax, (1, n_axes), size)[0]
    if d == 1 and shown.meaning is OWN:
        component_curves(grid[0], rows[:, 0], style.spread_out(reading.parameters, 400))
    rows_panel(grid[0], reading, shown)
    style.note(grid[0], style.thinned(len(rows)))
    if n_axes == 2:
        certainty_strip(grid[1], shown)
    style.legend(grid[-1], keys)
    return grid[0] if n_axes == 1 else grid


def _shown(
    clustering: Partition | Comparison | None, probability: np.ndarray
) -> tuple[Clustering, dict[int, str], str]:
    """The clustering to draw, its names by colour, and what is marked."""
    names = {k: f"component {k}" for k in range(probability.shape[1])}
    own, certainty = probability.argmax(axis=1), probability.max(axis=1)
    if clustering is None:
        shown = Clustering(own, certainty, OWN, certainty < CERTAIN)
        return shown, names, f"uncertain, below {CERTAIN}"
    if isinstance(clustering, Comparison):
        same_rows(clustering.rows, len(own), "clustering")
        disputed = clustering.rows["disputed"].to_numpy(dtype=bool)
        return Clustering(own, certainty, OWN, disputed), names, "disputed, MAP label"
    same_rows(clustering.labels, len(own), "clustering")
    labels = in_colours(clustering.labels, own, probability.shape[1])
    # The partition's own numbers, as other figures and its sizes have them.
    pairs = sorted(set(zip(clustering.labels.tolist(), labels.tolist(), strict=True)))
    names = {k: f"cluster {c}" for c, k in pairs}
    certainty = clustering.certainty
    shown = Clustering(labels, certainty, SHARING, certainty < 0.5)
    return shown, names, "uncertain, below 0.5"
