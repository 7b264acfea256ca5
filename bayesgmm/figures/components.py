"""The figure of the components: posterior densities of weights and means."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from bayesgmm.data import Rows
from bayesgmm.draws import Posterior
from bayesgmm.figures import style
from bayesgmm.figures.style import INK, Grid, colour, key, lines
from bayesgmm.labels import relabelled


def plot_components(
    post: Posterior, *, x: Rows | None = None, ax: Grid | None = None
) -> np.ndarray:
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
    quantities = [("weight", draws.weights, None if point is None else point.weights)]
    if draws.n_components == 1:
        quantities = []
    quantities += [
        (f"mean of {name}", draws.means[:, :, j], None if point is None else point.means[:, j])
        for j, name in enumerate(reading.features)
    ]
    n = len(quantities)
    n_cols = 1 if n <= 3 else 2 if n <= 8 else 3
    n_rows = -(-n // n_cols)
    size = max(7.0, 4.2 * n_cols), (0.42 * draws.n_components + 0.9) * n_rows + 0.3
    grid = style.axes_of(ax, (n_rows, n_cols) if ax is None else (1, n), size).ravel()
    for axes in grid[n:]:
        axes.set_axis_off()
    for axes, (name, values, at) in zip(grid, quantities, strict=False):
        _ridges(axes, values, at)
        style.write_name(axes.set_xlabel, name, 40)
    keys = [
        key(style.INTERVAL_NAME, color=INK, lw=3.5, alpha=0.75, solid_capstyle="butt"),
        key("median", color=INK, ls="", **MEDIAN),
    ]
    if point is not None:
        keys.append(key("MAP", color=INK, ls="", marker="D", markerfacecolor="white"))
    where = {"loc": "lower left", "bbox_to_anchor": (0, 1.0)}
    style.legend(grid[0], keys, ncols=3, borderaxespad=0.1, **where)
    return grid[:n]


MEDIAN: dict[str, Any] = {"marker": "|", "markersize": 9, "markeredgewidth": 1.6}


def _ridges(ax: Axes, values: np.ndarray, at: np.ndarray | None) -> None:
    """Posterior densities of one quantity, values (n_draws, n_components), component 0 on top."""
    from arviz_stats.base import array_stats

    n_components = values.shape[1]
    for k in range(n_components):
        line, draws = n_components - 1 - k, values[:, k]
        if np.ptp(draws) > 0:
            grid, density, _ = array_stats.kde(draws)
            height = line + 0.72 * density / density.max()
            ax.fill_between(grid, line, height, color=colour(k), alpha=0.3, lw=0)
            ax.plot(grid, height, lw=1.4, **lines(k))
        low, middle, high = np.quantile(draws, [style.TAILS[0], 0.5, style.TAILS[1]])
        ax.hlines(line, low, high, color=colour(k), lw=3.5, path_effects=style.outlined(k))
        ax.plot(middle, line, color=INK, **MEDIAN)
        if at is not None:
            ax.plot(at[k], line - 0.17, marker="D", color="white", mec=INK, ms=4.5, zorder=5)
    ax.set_yticks(range(n_components), [f"component {k}" for k in reversed(range(n_components))])
    ax.set_ylim(-0.35, n_components - 0.1)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
