"""The figure of the components: posterior densities of weights and means."""

from typing import Any

import numpy as np
from matplotlib.lines import Line2D

from bayesgmm.draws import Posterior
from bayesgmm.figures.style import (
    INK,
    INTERVAL_NAME,
    TAILS,
    axes_of,
    colour,
    dash,
    name_size,
    outlined,
    wrapped,
)
from bayesgmm.labels import relabelled


def plot_components(post: Posterior, *, x: Any = None, ax: Any = None) -> Any:
    """Posterior densities of the weights and of every feature's mean, one ridge per component.

    Each ridge is scaled to the same height; the bar under it is the central 94 % interval, the
    diamond the MAP. A single component has weight 1 and no panel for it.

    Parameters
    ----------
    post : xarray.DataTree
        What ``sample`` returned; relabelled first if it is not yet.
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    ax : array of matplotlib Axes, optional
        Where to draw; as many as there are quantities: the weights and each feature's mean.

    Returns
    -------
    array of matplotlib Axes, one per quantity
    """
    reading = relabelled(post, x)
    point, draws = reading.map, reading.parameters
    weights, means, n_components = draws.weights, draws.means, draws.n_components
    quantities = [] if n_components == 1 else [("weight", weights, point and point.weights)]
    quantities += [
        (f"mean of {name}", means[:, :, j], None if point is None else point.means[:, j])
        for j, name in enumerate(reading.features)
    ]
    n_cols = 1 if len(quantities) <= 3 else 2 if len(quantities) <= 8 else 3
    n_rows = -(-len(quantities) // n_cols)
    height = (0.42 * n_components + 0.9) * n_rows + 0.3
    if ax is None:
        grid = axes_of(None, (n_rows, n_cols), (max(7.0, 4.2 * n_cols), height)).ravel()
    else:
        grid = axes_of(ax, (1, len(quantities)), None).ravel()
    for axes in grid[len(quantities) :]:
        axes.set_axis_off()
    for axes, (name, values, at) in zip(grid, quantities, strict=False):
        _ridges(axes, values, at)
        axes.set_xlabel(wrapped(name, 40), parse_math=False, fontsize=name_size(name, 40))
    ink: dict[str, Any] = {"color": INK, "ls": ""}
    handles = [
        Line2D([], [], color=INK, lw=3.5, alpha=0.75, solid_capstyle="butt", label=INTERVAL_NAME),
        Line2D([], [], **ink, marker="|", markersize=9, markeredgewidth=1.6, label="median"),
    ]
    if point is not None:
        handles.append(Line2D([], [], **ink, marker="D", markerfacecolor="white", label="MAP"))
    grid[0].legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=3,
        frameon=False,
        fontsize="small",
        borderaxespad=0.1,
    )
    return grid[: len(quantities)]


def _ridges(ax, values, at):
    """Posterior densities of one quantity, values (n_draws, n_components), component 0 on top."""
    from arviz_stats.base import array_stats

    n_components = values.shape[1]
    for k in range(n_components):
        line, draws = n_components - 1 - k, values[:, k]
        if np.ptp(draws) > 0:
            grid, density, _ = array_stats.kde(draws)
            height = line + 0.72 * density / density.max()
            ax.fill_between(grid, line, height, color=colour(k), alpha=0.3, lw=0)
            ax.plot(grid, height, color=colour(k), ls=dash(k), lw=1.4, path_effects=outlined(k))
        low, middle, high = np.quantile(draws, [TAILS[0], 0.5, TAILS[1]])
        ax.hlines(line, low, high, color=colour(k), lw=3.5, path_effects=outlined(k))
        ax.plot(middle, line, marker="|", color=INK, markersize=9, markeredgewidth=1.6)
        if at is not None:
            diamond = {"marker": "D", "color": "white", "markeredgecolor": INK, "markersize": 4.5}
            ax.plot(at[k], line - 0.17, zorder=5, **diamond)
    ax.set_yticks(range(n_components), [f"component {k}" for k in reversed(range(n_components))])
    ax.set_ylim(-0.35, n_components - 0.1)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
