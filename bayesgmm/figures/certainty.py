"""The panels that show every row with its cluster, how certain that is, and whether in doubt."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from scipy.optimize import linear_sum_assignment
from scipy.special import softmax

from bayesgmm.figures.style import (
    INK,
    by_separation,
    colour,
    dash,
    log_densities_1d,
    marker,
    name_axis,
    outlined,
    plain,
    rim,
    shown_rows,
)

SHARING = "probability of sharing a component\nwith another row of the cluster"
OWN = "posterior probability of the component"


@dataclass(frozen=True, eq=False)
class Clustering:
    """A label per row, which is also its colour, and how sure it is; arrays (n_obs,)."""

    labels: np.ndarray
    certainty: np.ndarray
    marked: np.ndarray
    """Whether it is in doubt."""


def in_colours(labels, components, n_components):
    """Labels of clusters changed to those of the components that they share most rows with.

    A cluster that is left without one gets a number of its own beyond the components.
    """
    n_clusters = labels.max() + 1
    shared = np.zeros((n_clusters, n_components))
    np.add.at(shared, (labels, components), 1)
    pairs = linear_sum_assignment(-shared)
    new = np.full(n_clusters, -1)
    for cluster, component in zip(*pairs, strict=True):
        if shared[cluster, component]:
            new[cluster] = component
    free = new < 0
    new[free] = n_components + np.arange(free.sum())
    return new[labels]


def rows_1d(ax, x, name, clustering):
    """Rows of one feature against their certainty."""
    rows = shown_rows(len(x))
    for k in np.unique(clustering.labels):
        mine = rows[clustering.labels[rows] == k]
        dots = {"marker": marker(k), "markersize": 4.5, "markeredgecolor": rim(k), "ls": ""}
        at = x[mine], clustering.certainty[mine]
        ax.plot(*at, color=colour(k), markeredgewidth=0.6, zorder=3, **dots)
    doubtful = rows[clustering.marked[rows]]
    _rings(ax, x[doubtful], clustering.certainty[doubtful])
    ax.set_ylim(-0.03, 1.05)
    name_axis(ax, "x", name, 60)
    plain(ax)


def component_curves(ax, x, draws):
    """Posterior mean probability of every component along one feature."""
    grid = np.linspace(x.min(), x.max(), 600)
    for k, curve in enumerate(softmax(log_densities_1d(grid, draws), axis=1).mean(axis=0)):
        line = {"color": colour(k), "path_effects": outlined(k)}
        ax.plot(grid, curve, ls=dash(k), lw=1.3, alpha=0.7, **line)


def rows_2d(ax, x, features, clustering, pair):
    """Rows by two features, coloured by cluster, filled by certainty, marked where in doubt."""
    rows = shown_rows(len(x))
    points = x[np.ix_(rows, pair)]
    labels, certainty = clustering.labels[rows], clustering.certainty[rows]
    for k in np.unique(labels):
        mine = labels == k
        style = {"marker": marker(k), "edgecolors": rim(k), "linewidths": 0.9}
        ax.scatter(*points[mine].T, s=26, c=_faded(colour(k), certainty[mine]), **style)
    _rings(ax, *points[clustering.marked[rows]].T)
    name_axis(ax, "x", features[pair[0]], 34)
    name_axis(ax, "y", features[pair[1]], 34)
    plain(ax)


MANY = 60
"""More marked rows than this are dotted, for their rings would hide the data."""


def _rings(ax, x, y):
    ax.plot(x, y, zorder=4, **_ring(len(x)))


def _ring(count: int) -> dict[str, Any]:
    """How so many rows are marked."""
    style: dict[str, Any] = {"color": INK, "marker": "o", "ls": ""}
    if count > MANY:
        return style | {"markersize": 2, "markeredgewidth": 0}
    return style | {"markersize": 9, "markeredgewidth": 0.8, "markerfacecolor": "none"}


def _faded(shade, certainty):
    """The colour mixed with white: full at probability 1, white at one half and below."""
    share = np.clip(2 * np.asarray(certainty) - 1, 0, 1)[:, None] ** 2
    return share * np.array(to_rgb(shade)) + (1 - share)


def certainty_strip(ax, clustering, what):
    """Each cluster's rows from the least to the most certain."""
    for k in np.unique(clustering.labels):
        values = np.sort(clustering.certainty[clustering.labels == k])
        share = (np.arange(len(values)) + 0.5) / len(values)
        few = shown_rows(len(values))
        style = {"marker": marker(k) if len(values) < 200 else "", "markersize": 3.5}
        line = {"ls": dash(k), "lw": 1.3, "path_effects": outlined(k)}
        ax.plot(share[few], values[few], color=colour(k), **style, **line)
    ax.set(
        xlabel="share of its rows, least certain first",
        ylabel=what,
        xlim=(-0.02, 1.02),
        ylim=(min(0.45, clustering.certainty.min() - 0.05), 1.03),
    )
    plain(ax)


def cluster_key(k, label):
    """The legend's marker for a cluster."""
    style: dict[str, Any] = {"marker": marker(k), "markeredgecolor": rim(k), "markersize": 6}
    return Line2D([], [], color=colour(k), ls="", label=label, **style)


def certainty_handles(marked, words, fills=True):
    """The legend's last lines: what a fill means, and how many rows are marked."""
    handles = []
    for level in ("1", "0.75", "0.5") if fills else ():
        shade = tuple(_faded(INK, [float(level)])[0])
        style: dict[str, Any] = {"marker": "o", "color": shade, "markeredgecolor": INK}
        handles.append(Line2D([], [], ls="", markersize=6, label=f"certainty {level}", **style))
    count = int(marked.sum())
    label = f"{words}: {count:,} row{'' if count == 1 else 's'}"
    shown = int(marked[shown_rows(len(marked))].sum())
    handles.append(Line2D([], [], label=label, **_ring(shown)))
    return handles


def same_rows(values, n_obs, name):
    """Refuse values of other rows."""
    if len(values) != n_obs:
        raise ValueError(f"{name} must be of the posterior's {n_obs} rows; got {len(values)}.")


def shown_pair(reading):
    """The two features shown."""
    return np.sort(by_separation(reading)[:2])
