"""The figure of the mixture: the data, the MAP's components and those of posterior draws."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Patch

from bayesgmm.data import Rows
from bayesgmm.draws import Posterior, Reading
from bayesgmm.figures import style
from bayesgmm.figures.style import GREY, INK, Grid, colour, key, legend, lines, shown_rows
from bayesgmm.labels import relabelled
from bayesgmm.mixture import MixtureParameters
from bayesgmm.runtime import arguments

MAX_FEATURES = 5
"""A pair grid shows at most this many features, those that separate the components best."""


def plot_mixture(
    post: Posterior, *, x: Rows | None = None, ax: Axes | Grid | None = None, n_draws: int = 50
) -> Axes | np.ndarray:
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
    rows, features, point = reading.rows, reading.features, reading.map
    if len(features) == 1:
        axes: Axes = style.axes_of(ax, (1, 1), (7.5, 4.5))[0, 0]
        _mixture_1d(axes, reading, style.spread_out(reading.parameters, 500))
        return axes
    draws = style.spread_out(reading.parameters, n_draws)
    chosen = np.sort(style.by_separation(reading)[:MAX_FEATURES])
    side = len(chosen) - 1
    size = (7.5, 5.5) if side == 1 else (2.4 * side + 1.8, 2.2 * side + 0.6)
    grid = style.axes_of(ax, (side, side), size)
    for (i, j), axes in np.ndenumerate(grid):
        if j > i:
            axes.set_axis_off()
            continue
        pair = [chosen[j], chosen[i + 1]]
        _pair_panel(axes, reading, draws, pair)
        _name_outer(grid, i, j, [features[f] for f in pair])
    n_shown, n_features = len(chosen), len(features)
    part = "" if n_shown == n_features else f"{n_shown} of {n_features} features shown. "
    style.note(grid[0, 0], part + style.thinned(len(rows)))
    keys = _component_keys(point, draws)
    if len(draws):
        keys.append(key(f"{len(draws)} posterior draws", color=INK, lw=0.8, alpha=0.4))
    keys.append(key("data", color=GREY, marker="o", ls="", markersize=3.5))
    if side == 1:
        axes = grid[0, 0]
        legend(axes, keys)
        return axes
    legend(grid[0, -1], keys, loc="upper right", bbox_to_anchor=None)
    return grid


def _name_outer(grid: np.ndarray, i: int, j: int, names: list[str]) -> None:
    """Feature names on the outer panels of a pair grid only."""
    width = 34 if grid.size == 1 else 20
    axes = grid[i, j]
    if i == len(grid) - 1:
        style.write_name(axes.set_xlabel, names[0], width)
    else:
        axes.tick_params(labelbottom=False)
    if j == 0:
        style.write_name(axes.set_ylabel, names[1], width)
    else:
        axes.tick_params(labelleft=False)


def _component_keys(point: MixtureParameters | None, draws: MixtureParameters) -> list[Artist]:
    """The legend's components, with the MAP's weights, else the posterior's."""
    weights = draws.weights.mean(axis=0) if point is None else point.weights
    return [key(f"component {k}, weight {w:.2f}", lw=2, **lines(k)) for k, w in enumerate(weights)]


def _mixture_1d(ax: Axes, reading: Reading, draws: MixtureParameters) -> None:
    """Histogram and densities of one feature."""
    x, point = reading.rows[:, 0], reading.map
    pad = 0.12 * np.ptp(x)
    low, high = x.min() - pad, x.max() + pad
    grid = np.linspace(low, high, 500) if point is None else style.fine_grid(low, high, point)
    heights, edges = np.histogram(x, _bins(x), weights=reading.sample_weight, density=True)
    ax.stairs(heights, edges, color=GREY, lw=1, zorder=1.5)
    _rug(ax, x)
    curves = np.exp(style.log_densities_1d(grid, draws))
    for k in range(curves.shape[1]):
        _band(ax, grid, curves[:, k], colour(k))
    tops = [heights.max(), _band(ax, grid, curves.sum(axis=1), INK)]
    keys = _component_keys(point, draws)
    if point is not None:
        best = np.exp(style.log_densities_1d(grid, point[None]))[0]
        whole: dict[str, Any] = {"color": INK, "lw": 2.2}
        ax.plot(grid, best.sum(axis=0), **whole)
        for k, curve in enumerate(best):
            ax.plot(grid, curve, lw=1.8, **lines(k))
        tops.append(best.sum(axis=0).max())
        keys.insert(0, key("mixture, MAP", **whole))
    keys.append(Patch(color=INK, alpha=0.25, lw=0, label=style.INTERVAL_NAME))
    keys.append(key("data, histogram", color=GREY, lw=1))
    ax.set(xlim=(low, high), ylim=(0, 1.1 * max(tops)), ylabel="density")
    ax.tick_params(axis="x", pad=8)
    style.write_name(ax.set_xlabel, reading.features[0], 60)
    style.note(ax, style.thinned(len(x)))
    legend(ax, keys)
    style.plain(ax)


def _rug(ax: Axes, x: np.ndarray) -> None:
    """A tick under the axis for every row shown."""
    rows = shown_rows(len(x))
    below: dict[str, Any] = {"transform": ax.get_xaxis_transform(), "clip_on": False}
    ax.plot(x[rows], np.full(len(rows), -0.02), "|", color=GREY, markersize=7, alpha=0.6, **below)


def _band(ax: Axes, grid: np.ndarray, curves: np.ndarray, shade: str) -> float:
    """The central interval at every point; its highest."""
    low, high = np.quantile(curves, style.TAILS, axis=0)
    ax.fill_between(grid, low, high, color=shade, alpha=0.25, lw=0)
    return float(high.max())


def _bins(x: np.ndarray) -> int:
    """Freedman & Diaconis' bin count, between 10 and 80 whatever the tails."""
    spread = np.subtract(*np.quantile(x, [0.75, 0.25]))
    if spread == 0:
        return 10
    return int(np.clip(np.ptp(x) * len(x) ** (1 / 3) / (2 * spread), 10, 80))


def _pair_panel(ax: Axes, reading: Reading, draws: MixtureParameters, pair: list[int]) -> None:
    """One panel: rows, the MAP's 1-2-3 σ ellipses, the draws' 2 σ ellipses, of two features."""
    x, point = reading.rows, reading.map
    rows = shown_rows(len(x))
    alpha = 0.55 if len(rows) < 1000 else 0.3
    across, up = x[np.ix_(rows, pair)].T
    ax.scatter(across, up, s=9, color=GREY, alpha=alpha, linewidths=0, zorder=1)
    covariances = draws.covariances
    for k in range(draws.n_components):
        rings = style.ellipses(draws.means[:, k], covariances[:, k], pair, 2)
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
    style.plain(ax)


def _bold_ellipses(ax: Axes, point: MixtureParameters, k: int, pair: list[int]) -> np.ndarray:
    """Draw one component of the MAP; the points of its outermost ellipse."""
    for radius, width in ((1, 2.0), (2, 1.6), (3, 1.2)):
        ring = style.ellipses(point.means[k][None], point.covariances[k][None], pair, radius)
        bold = LineCollection(ring, lw=width, zorder=3, **lines(k))
        ax.add_collection(bold, autolim=False)
    centre: dict[str, Any] = {"marker": "+", "markersize": 8, "markeredgewidth": 2, "zorder": 4}
    ax.plot(*point.means[k][pair], **centre, **lines(k))
    return ring[0]
