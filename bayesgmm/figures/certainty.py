"""The panels that show every row with its cluster, how certain that is, and whether in doubt."""

from collections.abc import Sized
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment
from scipy.special import softmax

from bayesgmm.draws import Reading
from bayesgmm.figures import style
from bayesgmm.figures.style import INK, colour, dots, key, lines, marker, rim, shown_rows
from bayesgmm.mixture import MixtureParameters

SHARING = "probability of sharing a component\nwith another row of the cluster"
OWN = "posterior probability of the component"


@dataclass(frozen=True, eq=False)
class Clustering:
    """A label per row, which is also its colour, and how sure it is; arrays (n_obs,)."""

    labels: np.ndarray
    certainty: np.ndarray
    meaning: str
    """What the certainty is."""
    marked: np.ndarray
    """Whether it is in doubt."""


def in_colours(labels: np.ndarray, components: np.ndarray, n_components: int) -> np.ndarray:
    """Labels of clusters changed to those of the components that they share most rows with.

    A cluster that is left without one gets a number of its own beyond the components.
    """
    n_clusters = labels.max() + 1
    shared = np.zeros((n_clusters, n_components))
    np.add.at(shared, (labels, components), 1)
    cluster, component = linear_sum_assignment(-shared)
    new = np.full(n_clusters, -1)
    new[cluster] = np.where(shared[cluster, component] > 0, component, -1)
    free = new < 0
    new[free] = n_components + np.arange(free.sum())
    return new.take(labels)


def rows_panel(ax: Axes, reading: Reading, clustering: Clustering) -> None:
    """Rows coloured by cluster, marked where in doubt.

    One feature: against their certainty. More: by the two that separate the components best, a
    marker's fill the fainter the less certain.
    """
    x, features, rows = reading.rows, reading.features, shown_rows(len(reading.rows))
    labels, certainty = clustering.labels[rows], clustering.certainty[rows]
    alone = len(features) == 1
    if alone:
        points = np.stack([x[rows, 0], certainty])
        style.write_name(ax.set_xlabel, features[0], 60)
        ax.set(ylabel=clustering.meaning, ylim=(-0.03, 1.05))
    else:
        first, second = np.sort(style.by_separation(reading)[:2])
        points = x[np.ix_(rows, [first, second])].T
        style.write_name(ax.set_xlabel, features[first], 34)
        style.write_name(ax.set_ylabel, features[second], 34)
    for k in np.unique(labels):
        mine = labels == k
        across, up = points[:, mine]
        if alone:
            ax.plot(across, up, zorder=3, markersize=4.5, markeredgewidth=0.6, **dots(k))
        else:
            shades = _faded(colour(k), certainty[mine])
            ax.scatter(across, up, 26, shades, marker=marker(k), edgecolors=rim(k), linewidths=0.9)
    doubtful = points[:, clustering.marked[rows]]
    ax.plot(*doubtful, zorder=4, **ring(doubtful.shape[1]))
    style.plain(ax)


def component_curves(ax: Axes, x: np.ndarray, draws: MixtureParameters) -> None:
    """Posterior mean probability of every component along one feature."""
    grid = np.linspace(x.min(), x.max(), 600)
    curves = softmax(style.log_densities_1d(grid, draws), axis=1).mean(axis=0)
    for k, curve in enumerate(curves):
        ax.plot(grid, curve, lw=1.3, alpha=0.7, **lines(k))


MANY = 60
"""More marked rows than this are dotted, for their rings would hide the data."""


def ring(count: int) -> dict[str, Any]:
    """How so many rows are marked."""
    dot = {"color": INK, "marker": "o", "ls": ""}
    if count > MANY:
        return dot | {"markersize": 2, "markeredgewidth": 0}
    return dot | {"markersize": 9, "markeredgewidth": 0.8, "markerfacecolor": "none"}


def _faded(shade: str, certainty: ArrayLike) -> np.ndarray:
    """The colour mixed with white: full at probability 1, white at one half and below."""
    share = np.clip(2 * np.asarray(certainty) - 1, 0, 1)[:, None] ** 2
    mixed: np.ndarray = share * np.array(to_rgb(shade)) + (1 - share)
    return mixed


def certainty_strip(ax: Axes, clustering: Clustering) -> None:
    """Each cluster's rows from the least to the most certain."""
    for k in np.unique(clustering.labels):
        values = np.sort(clustering.certainty[clustering.labels == k])
        share = (np.arange(len(values)) + 0.5) / len(values)
        few = shown_rows(len(values))
        mark = marker(k) if len(values) < 200 else ""
        ax.plot(share[few], values[few], marker=mark, markersize=3.5, lw=1.3, **lines(k))
    ax.set(
        xlabel="share of its rows, least certain first",
        ylabel=clustering.meaning,
        xlim=(-0.02, 1.02),
        ylim=(min(0.45, clustering.certainty.min() - 0.05), 1.03),
    )
    style.plain(ax)


def certainty_keys(marked: np.ndarray, words: str, fills: bool) -> list[Artist]:
    """The legend's last lines: what a fill means, and how many rows are marked."""
    form = {"marker": "o", "markersize": 6, "markeredgecolor": INK, "ls": ""}
    levels = ("1", "0.75", "0.5") if fills else ()
    shades = _faded(INK, [float(level) for level in levels])
    keys = [
        key(f"certainty {level}", color=tuple(shade), **form)
        for level, shade in zip(levels, shades, strict=True)
    ]
    count = int(marked.sum())
    label = f"{words}: {count:,} row{'' if count == 1 else 's'}"
    return [*keys, key(label, **ring(int(marked[shown_rows(len(marked))].sum())))]


def same_rows(values: Sized, n_obs: int, name: str) -> None:
    """Refuse values of other rows."""
    if len(values) != n_obs:
        raise ValueError(f"{name} must be of the posterior's {n_obs} rows; got {len(values)}.")
