"""Figures of a mixture: densities and ellipses, the EM trace, marginal posteriors.

Every figure gives a component the same colour.
"""

from typing import Any

import numpy as np
from matplotlib.lines import Line2D

from bayesgmm import arguments
from bayesgmm.draws import Posterior, Reading, names
from bayesgmm.posterior.relabelling import relabelled
from bayesgmm.reporting.drawing import (
    GREY,
    INK,
    axes_of,
    beside,
    by_separation,
    colour,
    name_size,
    note,
    plain,
    shown_rows,
    spread_out,
    thinned,
    wrapped,
)
from bayesgmm.reporting.panels import (
    label_pair,
    mixture_1d,
    mixture_handles,
    pair_panel,
    ridges,
)

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


def plot_trace_em(post: Posterior, *, ax: Any = None) -> Any:
    """The log posterior at every EM iteration, and on a log scale how far it is from its end.

    Parameters
    ----------
    post : xarray.DataTree
        What ``sample`` returned.
    ax : array of two matplotlib Axes, optional
        Where to draw.

    Returns
    -------
    array of matplotlib Axes, shape (2,)

    Raises
    ------
    ValueError
        The tree has no ``map`` group with a trace.
    """
    group = Reading.of(post).group(names.MAP)
    if "trace" not in group:
        raise ValueError(
            "post must have a map group with an EM trace, as the tree of bg.sample(mixture, x) "
            "has; this one has none. A posterior of a model that was declared by hand has no trace."
        )
    left, right = axes_of(ax, (1, 2), (8, 3.6))[0]
    trace = np.asarray(group["trace"].values, dtype=float)
    trace = trace[np.isfinite(trace)]
    posterior = "log_posterior" in group and np.isfinite(float(group["log_posterior"]))
    name = "log posterior" if posterior else "log likelihood"
    steps = np.arange(len(trace))
    left.plot(steps, trace, color=colour(0), marker=".", markersize=4, lw=1.5)
    left.set(xlabel="EM iteration", ylabel=f"{name} (nats)")
    left.ticklabel_format(axis="y", useOffset=False)
    gap = trace[-1] - trace
    above = gap > 0
    if above.any():
        right.semilogy(steps[above], gap[above], color=colour(0), marker=".", markersize=4, lw=1.5)
    else:
        middle = {"ha": "center", "va": "center", "transform": right.transAxes}
        right.text(0.5, 0.5, "no gap left: it began at its end", color=INK, **middle)
        right.set_yticks([])
    right.set(xlabel="EM iteration", ylabel=f"{name} still to gain (nats)")
    for axes in (left, right):
        axes.set_xlim(-0.5, max(len(trace) - 0.5, 1.5))
        axes.xaxis.get_major_locator().set_params(integer=True)
        plain(axes)
    return np.array([left, right])


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
        ridges(axes, values, at)
        axes.set_xlabel(wrapped(name, 40), parse_math=False, fontsize=name_size(name, 40))
    ink: dict[str, Any] = {"color": INK, "ls": ""}
    handles = [
        Line2D([], [], color=INK, lw=3.5, alpha=0.75, solid_capstyle="butt", label="94 % interval"),
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
