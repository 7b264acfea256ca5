"""The figure of the mixture: the data, the MAP's components and those of posterior draws."""

from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayesgmm.draws import Posterior
from bayesgmm.figures.style import (
    GREY,
    INK,
    INTERVAL_NAME,
    TAILS,
    axes_of,
    beside,
    by_separation,
    colour,
    dash,
    key,
    log_densities_1d,
    name_axis,
    note,
    outlined,
    plain,
    shown_rows,
    spread_out,
    thinned,
)
from bayesgmm.labels import relabelled
from bayesgmm.runtime import arguments

MAX_FEATURES = 5
"""A pair grid shows at most this many features, those that separate the components best."""


def plot_mixture(post: Posterior, *, x: Any = None, ax: Any = None, n_draws: int = 50) -> Any:
    """The data, the MAP's components and those of posterior draws.

    One feature: a histogram under the density, whole and per component: the MAP's, and the central
    94 % interval of the posterior's at every point. Two: the data with the MAP's ellipses at
    Mahalanobis distance 1, 2 and 3 (in two dimensions 39 %, 86 % and 99 % of a component) and the
    draws' at 2. More: a grid of all pairs, of the five best separated features if there are more
    than five.

    Parameters
    ----------
    post : xarray.DataTree
        What ``sample`` returned; relabelled first if it is not yet.
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    ax : matplotlib Axes, or an array of them, optional
        Where to draw; an array of shape (p − 1, p − 1) for a grid of p features.
    n_draws : int
        Posterior draws whose ellipses are shown, evenly spaced over all chains. The intervals of
        one feature are those of up to 500.

    Returns
    -------
    matplotlib Axes, or an array of them, shape (p − 1, p − 1)
    """
    n_draws = arguments.integer("n_draws", n_draws, 0)
    reading = relabelled(post, x)
    x, features, point = reading.rows, reading.features, reading.map
    if x.shape[1] == 1:
        ax = axes_of(ax, (1, 1), (7.5, 4.5))[0, 0]
        draws = spread_out(reading.parameters, 500)
        return mixture_1d(ax, x[:, 0], features[0], point, draws, reading.sample_weight)
    draws = spread_out(reading.parameters, n_draws)
    chosen = np.sort(by_separation(reading)[:MAX_FEATURES])
    side = len(chosen) - 1
    size = (7.5, 5.5) if side == 1 else (2.4 * side + 1.8, 2.2 * side + 0.6)
    grid = axes_of(ax, (side, side), size)
    rows = shown_rows(len(x))
    for i in range(side):
        for j in range(side):
            if j > i:
                grid[i, j].set_axis_off()
                continue
            pair = chosen[j], chosen[i + 1]
            pair_panel(grid[i, j], x, rows, point, draws, pair)
            label_pair(grid, i, j, features, pair)
    part = "" if len(chosen) == x.shape[1] else f"{len(chosen)} of {x.shape[1]} features shown. "
    note(grid[0, 0], part + thinned(len(x)))
    handles = mixture_handles(point, draws)
    handles.append(Line2D([], [], color=GREY, marker="o", ls="", markersize=3.5, label="data"))
    if side == 1:
        beside(grid[0, 0], handles)
        return grid[0, 0]
    grid[0, -1].legend(handles=handles, loc="upper right", frameon=False, fontsize="small")
    return grid


def label_pair(grid, i, j, features, pair):
    """Feature names on the outer panels of a pair grid only."""
    width = 34 if grid.size == 1 else 20
    axes = grid[i, j]
    if i == len(grid) - 1:
        name_axis(axes, "x", features[pair[0]], width)
    else:
        axes.tick_params(labelbottom=False)
    if j == 0:
        name_axis(axes, "y", features[pair[1]], width)
    else:
        axes.tick_params(labelleft=False)


def component_handles(point, draws):
    """The legend's components, with the MAP's weights, else the posterior's."""
    weights = draws.weights.mean(axis=0) if point is None else point.weights
    return [key(k, f"component {k}, weight {w:.2f}") for k, w in enumerate(weights)]


def mixture_handles(point, draws):
    """The legend of the mixture: components, and draws."""
    handles = component_handles(point, draws)
    if len(draws):
        label = f"{len(draws)} posterior draws"
        handles.append(Line2D([], [], color=INK, lw=0.8, alpha=0.4, label=label))
    return handles


def mixture_1d(ax, x, name, point, draws, weights):
    """Histogram and densities of one feature; weights (n_obs,) of the rows, or None."""
    pad = 0.12 * np.ptp(x)
    low, high = x.min() - pad, x.max() + pad
    grid = np.linspace(low, high, 500)
    if point is not None:  # a narrow component needs its own points to show its height
        sd = np.sqrt(point.variances)
        fine = (point.means + sd * np.linspace(-4, 4, 61)).ravel()
        grid = np.union1d(grid, fine[(fine >= low) & (fine <= high)])
    heights, edges = np.histogram(x, bins=_bins(x), weights=weights, density=True)
    ax.stairs(heights, edges, color=GREY, lw=1, zorder=1.5)
    _rug(ax, x)
    curves = np.exp(log_densities_1d(grid, draws))
    for k in range(curves.shape[1]):
        _band(ax, grid, curves[:, k], colour(k))
    tops = [heights.max(), _band(ax, grid, curves.sum(axis=1), INK)]
    if point is not None:
        best = np.exp(log_densities_1d(grid, point[None]))
        ax.plot(grid, best[0].sum(axis=0), color=INK, lw=2.2)
        for k, line in enumerate(best[0]):
            ax.plot(grid, line, color=colour(k), ls=dash(k), lw=1.8, path_effects=outlined(k))
        tops.append(best[0].sum(axis=0).max())
    ax.set(xlim=(low, high), ylim=(0, 1.1 * max(tops)), ylabel="density")
    ax.tick_params(axis="x", pad=8)
    name_axis(ax, "x", name, 60)
    note(ax, thinned(len(x)))
    bars = Line2D([], [], color=GREY, lw=1, label="data, histogram")
    band = Patch(color=INK, alpha=0.25, lw=0, label=INTERVAL_NAME)
    handles = [*component_handles(point, draws), band, bars]
    if point is not None:
        handles.insert(0, Line2D([], [], color=INK, lw=2.2, label="mixture, MAP"))
    beside(ax, handles)
    plain(ax)
    return ax


def _rug(ax, x):
    """A tick under the axis for every row shown."""
    rows = shown_rows(len(x))
    below = {"transform": ax.get_xaxis_transform(), "clip_on": False}
    ax.plot(x[rows], np.full(len(rows), -0.02), "|", color=GREY, markersize=7, alpha=0.6, **below)


def _band(ax, grid, curves, shade):
    """The central interval at every point; its highest."""
    low, high = np.quantile(curves, TAILS, axis=0)
    ax.fill_between(grid, low, high, color=shade, alpha=0.25, lw=0)
    return high.max()


def _bins(x):
    """Freedman & Diaconis' bin count, between 10 and 80 whatever the tails."""
    spread = np.subtract(*np.quantile(x, [0.75, 0.25]))
    if spread == 0:
        return 10
    return int(np.clip(np.ptp(x) * len(x) ** (1 / 3) / (2 * spread), 10, 80))


def pair_panel(ax, x, rows, point, draws, pair):
    """One panel: rows, the MAP's 1-2-3 σ ellipses, the draws' 2 σ ellipses, of two features."""
    pair = list(pair)
    alpha = 0.55 if len(rows) < 1000 else 0.3
    ax.scatter(*x[np.ix_(rows, pair)].T, s=9, color=GREY, alpha=alpha, linewidths=0, zorder=1)
    covariances = draws.covariances
    for k in range(draws.n_components):
        rings = _ellipses(draws.means[:, k], covariances[:, k], pair, 2)
        faint = LineCollection(rings, colors=colour(k), alpha=0.13, lw=0.7, zorder=2)
        ax.add_collection(faint, autolim=False)
    low, high = x[:, pair].min(axis=0), x[:, pair].max(axis=0)
    room = 0.35 * (high - low)
    if point is not None:
        outermost = [_bold_ellipses(ax, point, k, pair) for k in range(len(point.means))]
        inside, outside = low - room, high + room
        low = np.minimum(low, np.maximum(np.min(outermost, axis=(0, 1)), inside))
        high = np.maximum(high, np.minimum(np.max(outermost, axis=(0, 1)), outside))
    margin = 0.03 * (high - low)
    ax.set_xlim(low[0] - margin[0], high[0] + margin[0])
    ax.set_ylim(low[1] - margin[1], high[1] + margin[1])
    plain(ax)


def _bold_ellipses(ax, point, k, pair):
    """Draw one component of the MAP; the points of its outermost ellipse."""
    style = {"colors": colour(k), "linestyles": [dash(k)], "path_effects": outlined(k), "zorder": 3}
    for radius, width in ((1, 2.0), (2, 1.6), (3, 1.2)):
        ring = _ellipses(point.means[k][None], point.covariances[k][None], pair, radius)
        ax.add_collection(LineCollection(ring, lw=width, **style), autolim=False)
    centre = {"marker": "+", "markersize": 8, "markeredgewidth": 2, "path_effects": outlined(k)}
    ax.plot(*point.means[k][pair], color=colour(k), zorder=4, **centre)
    return ring[0]


def _ellipses(means, covariances, pair, radius):
    """Points at one Mahalanobis distance from the mean, of two features' marginal: (m, 91, 2)."""
    angle = np.linspace(0, 2 * np.pi, 91)
    circle = radius * np.stack([np.cos(angle), np.sin(angle)])
    chol = np.linalg.cholesky(covariances[:, pair][:, :, pair])
    return means[:, pair][:, None] + np.swapaxes(chol @ circle, 1, 2)
