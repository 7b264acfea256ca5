"""The figure of the MAP's clustering beside the posterior's."""

import numpy as np

from bayesgmm.clusterings import Comparison, compare
from bayesgmm.data import Rows
from bayesgmm.draws import Posterior
from bayesgmm.figures.certainty import (
    SHARING,
    Clustering,
    certainty_keys,
    in_colours,
    rows_panel,
    same_rows,
)
from bayesgmm.figures.style import Grid, axes_of, dots, key, legend, note, thinned
from bayesgmm.labels import relabelled
from bayesgmm.runtime import arguments


def plot_comparison(
    post: Posterior,
    comparison: Comparison | None = None,
    *,
    x: Rows | None = None,
    ax: Grid | None = None,
) -> np.ndarray:
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
    n_obs, n_components = len(reading.rows), len(reading.components)
    if comparison is None:
        comparison = compare(reading, random_seed=1, progress=False)
    same_rows(comparison.rows, n_obs, "comparison")
    if comparison.map_labels.max() >= n_components:
        raise ValueError(
            f"comparison must be of the posterior's {n_components} components; got one of "
            f"{comparison.map_labels.max() + 1} or more. Try comparison=bg.compare(post)."
        )
    rows, best = comparison.rows, comparison.partition
    disputed = rows["disputed"].to_numpy(dtype=bool)
    of_map = np.asarray(comparison.map_labels)
    clusters = in_colours(best.labels, of_map, n_components)
    right = 1 - rows["p_wrong"].to_numpy()
    grid: np.ndarray = axes_of(ax, (1, 2), (11.5, 4.6))[0]
    for axes, name, labels, certainty, meaning in (
        (grid[0], "MAP", of_map, right, "probability that the MAP label is right"),
        (grid[1], "posterior", clusters, best.certainty, SHARING),
    ):
        rows_panel(axes, reading, Clustering(labels, certainty, meaning, disputed))
        n_clusters = len(np.unique(labels))
        heading = f"{name}: {n_clusters} cluster{'' if n_clusters == 1 else 's'}"
        note(axes, "\n".join(filter(None, [heading, thinned(n_obs)])))
    most = max(of_map.max(), clusters.max()) + 1
    counts = [np.bincount(labels, minlength=most) for labels in (of_map, clusters)]
    keys = []
    for k, (a, b) in enumerate(zip(*counts, strict=True)):
        name = f"component {k}" if k < n_components else "no component's"
        if a or b:
            keys.append(key(f"{name}: {a:,} by MAP, {b:,} by posterior", markersize=6, **dots(k)))
    fills = len(reading.features) > 1 and len(keys) > 1
    keys += certainty_keys(disputed, "disputed, MAP label", fills)
    legend(grid[1], keys)
    return grid
