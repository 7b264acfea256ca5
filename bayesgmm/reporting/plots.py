"""Figures of a posterior: ellipses, the EM trace, marginal posteriors, assignments.

Every figure gives a component the same colour. Nothing here touches pyplot or a global state.
"""

import re

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke

from bayesgmm.reporting.tables import dense, estimate

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
"""Okabe & Ito's colours, told apart with every common colour blindness."""

MARKERS = ("o", "^", "s", "D", "v", "P")
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)))
GREY = "#8a8a8a"
INK = "#333333"

MAX_MARKERS = 2000
"""More rows than this are thinned to this many markers, and the figure says so."""

MAX_FEATURES = 5
"""A pair grid shows at most this many features, those that separate the components best."""


def colour(component: int) -> str:
    """Colour of a component, the same in every figure; from the ninth on they come again."""
    return PALETTE[component % len(PALETTE)]


def marker(component: int) -> str:
    """Marker of a component; changes where its colour comes again."""
    return MARKERS[component // len(PALETTE) % len(MARKERS)]


def dash(component: int):
    """Line style of a component; changes where its colour comes again."""
    return DASHES[component // len(PALETTE) % len(DASHES)]


def plot_mixture(post, *, ax=None, n_draws=50):
    """The data, the MAP's components and those of posterior draws.

    One feature: a histogram under the densities of the MAP and of the draws, whole and per
    component. Two: the data with the MAP's ellipses at Mahalanobis distance 1, 2 and 3 (in two
    dimensions 39 %, 86 % and 99 % of a component) and the draws' at 2. More: a grid of all pairs,
    of the five best separated features if there are more than five.

    Parameters
    ----------
    post : xarray.DataTree
        What ``sample`` returned; relabelled first if it is not yet.
    ax : matplotlib Axes, or an array of them, optional
        Where to draw; an array of shape (p − 1, p − 1) for a grid of p features.
    n_draws : int
        Posterior draws shown, evenly spaced over all chains.

    Returns
    -------
    matplotlib Axes, or an array of them, shape (p − 1, p − 1)
        In a notebook, ``ax.figure`` shows it.
    """
    post = _relabelled(post)
    x, features = _data(post)
    point, draws = estimate(post), _draws(post, n_draws)
    if x.shape[1] == 1:
        ax = _axes(ax, (1, 1), (7.5, 4.5))[0, 0]
        return _mixture_1d(ax, x[:, 0], features[0], point, draws, _row_weights(post))
    chosen = _separating(post, x)[:MAX_FEATURES] if x.shape[1] > MAX_FEATURES else None
    chosen = np.arange(x.shape[1]) if chosen is None else np.sort(chosen)
    side = len(chosen) - 1
    size = (7.5, 5.5) if side == 1 else (2.4 * side + 1.8, 2.2 * side + 0.6)
    grid = _axes(ax, (side, side), size)
    rows = _shown(len(x))
    for i in range(side):
        for j in range(side):
            if j > i:
                grid[i, j].set_axis_off()
                continue
            pair = chosen[j], chosen[i + 1]
            _pair(grid[i, j], x, rows, point, draws, pair)
            _label_pair(grid, i, j, features, pair)
    note = _thinned(len(x))
    if len(chosen) < x.shape[1]:
        note = f"{len(chosen)} of {x.shape[1]} features shown. {note}"
    grid[0, 0].set_title(note, fontsize="small", loc="left", color=INK)
    corner = grid[0, -1]
    handles = _mixture_handles(post, point, draws, bool(len(rows)))
    where = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)} if side == 1 else {"loc": "upper right"}
    corner.legend(handles=handles, frameon=False, fontsize="small", **where)
    return grid[0, 0] if side == 1 else grid


def plot_trace_em(post, *, ax=None):
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
    if "map" not in post.children or "trace" not in post["map"]:
        raise ValueError(
            "post must have a map group with an EM trace, as the tree of bg.sample(mixture, x) "
            "has; this one has none. A posterior of a model that was declared by hand has no trace."
        )
    left, right = _axes(ax, (1, 2), (8, 3.6))[0]
    group = post["map"]
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
        right.text(0.5, 0.5, "no gap left: it began at its end", ha="center", va="center",
                   transform=right.transAxes, color=INK)
        right.set_yticks([])
    right.set(xlabel="EM iteration", ylabel=f"{name} still to gain (nats)")
    for axes in (left, right):
        axes.set_xlim(-0.5, max(len(trace) - 0.5, 1.5))
        axes.xaxis.get_major_locator().set_params(integer=True)
        _plain(axes)
    return np.array([left, right])


def plot_components(post, *, ax=None):
    """Posterior densities of the weights and of every feature's mean, one ridge per component.

    Each ridge is scaled to the same height; the bar under it is the central 94 % interval, the
    diamond the MAP. A single component has weight 1 and no panel for it.

    Parameters
    ----------
    post : xarray.DataTree
        What ``sample`` returned; relabelled first if it is not yet.
    ax : array of matplotlib Axes, optional
        Where to draw; as many as there are quantities: the weights and each feature's mean.

    Returns
    -------
    array of matplotlib Axes, one per quantity
    """
    post = _relabelled(post)
    point = estimate(post)
    weights, means, _ = _draws(post, None)
    features = _feature_names(post)
    n_components = weights.shape[1]
    quantities = [] if n_components == 1 else [("weight", weights, point and point.weights)]
    quantities += [
        (f"mean of {name}", means[:, :, j], None if point is None else point.means[:, j])
        for j, name in enumerate(features)
    ]
    n_cols = 1 if len(quantities) <= 3 else 2 if len(quantities) <= 8 else 3
    n_rows = -(-len(quantities) // n_cols)
    height = (0.42 * n_components + 0.9) * n_rows + 0.3
    if ax is None:
        grid = _axes(None, (n_rows, n_cols), (max(7.0, 4.2 * n_cols), height)).ravel()
    else:
        grid = _axes(ax, (1, len(quantities)), None).ravel()
    for axes in grid[len(quantities):]:
        axes.set_axis_off()
    for axes, (name, values, at) in zip(grid, quantities, strict=False):
        _ridges(axes, values, at)
        axes.set_xlabel(_wrap(name, 40), parse_math=False, fontsize=_name_size(name, 40))
    handles = [
        Line2D([], [], color=INK, lw=3.5, alpha=0.75, solid_capstyle="butt", label="94 % interval"),
        Line2D([], [], color=INK, marker="|", ls="", markersize=9, markeredgewidth=1.6, label="median"),
    ]
    if point is not None:
        handles.append(Line2D([], [], color="white", marker="D", ls="", markeredgecolor=INK, label="MAP"))
    grid[0].legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, frameon=False,
        fontsize="small", borderaxespad=0.1,
    )
    return grid[: len(quantities)]


def plot_assignments(post, *, ax=None):
    """Each row's posterior mean probability of its own component.

    One feature: the probability of every component against x, the rows as markers on the curve of
    their own component. Two: the data, a marker's fill the
    fainter the less certain its component. More: the same for the two features that separate the
    components best, and beside it each component's rows in order of certainty.

    Parameters
    ----------
    post : xarray.DataTree
        What ``sample`` returned; relabelled first if it is not yet.
    ax : matplotlib Axes, or an array of two with more than two features, optional
        Where to draw.

    Returns
    -------
    matplotlib Axes, or an array of two with more than two features
    """
    post = _relabelled(post)
    x, features = _data(post)
    probability = post["clustering"]["mean_probability"].transpose("obs", "component").values
    if x.shape[1] == 1:
        axes = _axes(ax, (1, 1), (7.5, 4.2))[0, 0]
        return _assignments_1d(axes, x[:, 0], features[0], probability, _draws(post, 400))
    n_axes = 1 if x.shape[1] == 2 else 2
    grid = _axes(ax, (1, n_axes), (7.5, 5.0) if n_axes == 1 else (11, 4.8))[0]
    pair = np.arange(2) if n_axes == 1 else np.sort(_separating(post, x)[:2])
    _assignments_2d(grid[0], x, features, probability, pair)
    if n_axes == 2:
        _certainty_strip(grid[1], probability)
    grid[-1].legend(
        handles=_assignment_handles(probability), loc="center left", bbox_to_anchor=(1.01, 0.5),
        frameon=False, fontsize="small",
    )
    return grid[0] if n_axes == 1 else grid


# ---- the tree, as plain arrays ----


def _relabelled(post):
    if "clustering" in post.children and "mean_probability" in post["clustering"]:
        return post
    from bayesgmm.posterior import relabel

    return relabel(post)


def _data(post):
    """Observations (n_obs, n_features) and feature names."""
    x = post["observed_data"]["x"].values
    return (x[:, None] if x.ndim == 1 else x), _feature_names(post)


def _feature_names(post):
    return [str(name) for name in post["posterior"]["feature"].values]


def _row_weights(post):
    constants = post["constant_data"] if "constant_data" in post.children else {}
    return constants["sample_weight"].values if "sample_weight" in constants else None


def _draws(post, n_draws):
    """Weights, means and dense covariances of evenly spaced draws, or of all, chains stacked."""
    group = post["posterior"].to_dataset().stack(sample=("chain", "draw"), create_index=False)
    size = group.sizes["sample"]
    if n_draws is not None:
        group = group.isel(sample=np.unique(np.linspace(0, size - 1, min(n_draws, size)).astype(int)))
    weights = group["weights"].transpose("sample", "component").values
    means = group["means"].transpose("sample", "component", "feature").values
    if n_draws is None:
        return weights, means, None
    group = group.transpose("sample", ...)
    return weights, means, dense(group)


def _shown(n_obs):
    """Positions of at most ``MAX_MARKERS`` rows, drawn once and for all without replacement."""
    if n_obs <= MAX_MARKERS:
        return np.arange(n_obs)
    return np.sort(np.random.default_rng(0).choice(n_obs, MAX_MARKERS, replace=False))


def _thinned(n_obs):
    return "" if n_obs <= MAX_MARKERS else f"{MAX_MARKERS:,} of {n_obs:,} rows shown, drawn at random"


def _separating(post, x):
    """Features in order of how well they separate the components, best first.

    Variance of the component means over the variance within, both under the posterior means.
    """
    group = post["posterior"].to_dataset().mean(("chain", "draw"))
    weights = group["weights"].values
    means = group["means"].transpose("component", "feature").values
    between = weights @ (means - weights @ means) ** 2
    within = np.maximum(x.var(axis=0) - between, 1e-3 * x.var(axis=0))
    return np.argsort(-between / within, kind="stable")


# ---- axes and labels ----


def _axes(ax, shape, size):
    """The given axes in this shape, or those of a new figure."""
    if ax is None:
        figure = Figure(figsize=size, layout="constrained")
        return figure.subplots(*shape, squeeze=False)
    grid = np.atleast_1d(np.asarray(ax, dtype=object))
    if grid.size != shape[0] * shape[1]:
        raise ValueError(
            f"ax must hold {shape[0] * shape[1]} axes, shape {shape}, for this figure; "
            f"got {grid.size}. Leave ax out to have them made."
        )
    return grid.reshape(shape)


def _plain(axes):
    axes.spines[["top", "right"]].set_visible(False)


def _wrap(name, width):
    """The name broken into lines of at most ``width``, after a space, _ or other mark if it can."""
    lines = [""]
    for piece in re.findall(r"[^\W_]+[\W_]?|[\W_]", name):
        pieces = [piece[i : i + width] for i in range(0, len(piece), width)]
        for part in pieces:
            if len(lines[-1]) + len(part.rstrip()) > width and lines[-1]:
                lines.append("")
            lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def _name_size(name, width):
    return "medium" if len(name) <= width else "small"


def _name_axis(axes, which, name, width):
    label = axes.set_xlabel if which == "x" else axes.set_ylabel
    label(_wrap(name, width), parse_math=False, fontsize=_name_size(name, width))


def _label_pair(grid, i, j, features, pair):
    width = 34 if grid.size == 1 else 20
    axes = grid[i, j]
    if i == len(grid) - 1:
        _name_axis(axes, "x", features[pair[0]], width)
    else:
        axes.tick_params(labelbottom=False)
    if j == 0:
        _name_axis(axes, "y", features[pair[1]], width)
    else:
        axes.tick_params(labelleft=False)


def _outlined(component):
    """A dark rim for lines whose colour is too light for white paper."""
    return [Stroke(linewidth=3, foreground="#555555"), Normal()] if colour(component) == "#F0E442" else []


def _mixture_handles(post, point, draws, data):
    weights = draws[0].mean(axis=0) if len(draws[0]) else None
    if weights is None:
        weights = post["posterior"]["weights"].mean(("chain", "draw")).values
    if point is not None:
        weights = point.weights
    handles = [
        Line2D([], [], color=colour(k), ls=dash(k), lw=2, path_effects=_outlined(k),
               label=f"component {k}, weight {w:.2f}")
        for k, w in enumerate(weights)
    ]
    if len(draws[0]):
        handles.append(Line2D([], [], color=INK, lw=0.8, alpha=0.4, label=f"{len(draws[0])} posterior draws"))
    if data:
        handles.append(Line2D([], [], color=GREY, marker="o", ls="", markersize=3.5, label="data"))
    return handles


# ---- the mixture ----


def _mixture_1d(ax, x, name, point, draws, row_weights):
    low, high = x.min(), x.max()
    pad = 0.12 * (high - low)
    grid = [np.linspace(low - pad, high + pad, 500)]
    if point is not None:
        sd = np.sqrt(point.covariances[:, 0, 0])
        grid += [m + s * np.linspace(-4, 4, 61) for m, s in zip(point.means[:, 0], sd, strict=True)]
    grid = np.unique(np.concatenate(grid))
    grid = grid[(grid >= low - pad) & (grid <= high + pad)]
    heights, edges = np.histogram(x, bins=_bins(x), weights=row_weights, density=True)
    ax.stairs(heights, edges, fill=True, color="#dddddd", zorder=0)
    rows = _shown(len(x))
    ax.plot(x[rows], np.full(len(rows), -0.02), "|", color=GREY, markersize=7, alpha=0.6,
            transform=ax.get_xaxis_transform(), clip_on=False, zorder=1)
    tops = [heights.max()]
    curves = _densities_1d(grid, *draws)
    for k in range(curves.shape[1]):
        ax.add_collection(LineCollection(_lines(grid, curves[:, k]), colors=colour(k), alpha=0.12, lw=0.7))
    ax.add_collection(LineCollection(_lines(grid, curves.sum(axis=1)), colors=INK, alpha=0.1, lw=0.7))
    if len(curves):
        tops.append(np.quantile(curves.sum(axis=1).max(axis=1), 0.9))
    handles = [Line2D([], [], color=INK, lw=2.2, label="mixture")]
    if point is not None:
        best = _densities_1d(grid, point.weights[None], point.means[None], point.covariances[None])[0]
        ax.plot(grid, best.sum(axis=0), color=INK, lw=2.2)
        for k, line in enumerate(best):
            ax.plot(grid, line, color=colour(k), ls=dash(k), lw=1.8, path_effects=_outlined(k))
        tops.append(best.sum(axis=0).max())
        weights = point.weights
    else:
        weights = draws[0].mean(axis=0)
    handles += [
        Line2D([], [], color=colour(k), ls=dash(k), lw=2, path_effects=_outlined(k),
               label=f"component {k}, weight {w:.2f}")
        for k, w in enumerate(weights)
    ]
    if len(curves):
        handles.append(Line2D([], [], color=INK, lw=0.8, alpha=0.4, label=f"{len(curves)} posterior draws"))
    ax.set(xlim=(low - pad, high + pad), ylim=(0, 1.1 * max(tops)), ylabel="density")
    ax.tick_params(axis="x", pad=8)
    _name_axis(ax, "x", name, 60)
    ax.set_title(_thinned(len(x)), fontsize="small", loc="left", color=INK)
    ax.legend(handles=handles, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize="small")
    _plain(ax)
    return ax


def _bins(x):
    """Freedman & Diaconis' bin count, between 10 and 80 whatever the tails."""
    spread = np.subtract(*np.quantile(x, [0.75, 0.25]))
    if spread == 0:
        return 10
    return int(np.clip(np.ptp(x) * len(x) ** (1 / 3) / (2 * spread), 10, 80))


def _densities_1d(grid, weights, means, covariances):
    """w_k N(grid | μ_k, σ_k²), shape (n_draws, n_components, len(grid))."""
    sd = np.sqrt(covariances[..., 0, 0])[..., None]
    z = (grid - means[..., 0][..., None]) / sd
    return weights[..., None] * np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * sd)


def _lines(grid, curves):
    return np.stack([np.broadcast_to(grid, curves.shape), curves], axis=-1)


def _pair(ax, x, rows, point, draws, pair):
    """One panel: rows, the MAP's 1-2-3 σ ellipses, the draws' 2 σ ellipses, of two features."""
    shown = x[np.ix_(rows, pair)]
    ax.scatter(*shown.T, s=9, color=GREY, alpha=0.55 if len(rows) < 1000 else 0.3, linewidths=0, zorder=1)
    _, means, covariances = draws
    n_components = means.shape[1]
    for k in range(n_components):
        rings = _ellipses(means[:, k], covariances[:, k], pair, 2.0)
        ax.add_collection(LineCollection(rings, colors=colour(k), alpha=0.13, lw=0.7, zorder=2), autolim=False)
    low, high = x[:, pair].min(axis=0), x[:, pair].max(axis=0)
    room = 0.35 * (high - low)
    inner, outer = [low], [high]
    if point is not None:
        for k in range(n_components):
            for radius, width in ((1, 2.0), (2, 1.6), (3, 1.2)):
                ring = _ellipses(point.means[k][None], point.covariances[k][None], pair, radius)
                inner.append(ring[0].min(axis=0))
                outer.append(ring[0].max(axis=0))
                ax.add_collection(
                    LineCollection(ring, colors=colour(k), lw=width, linestyles=[dash(k)], zorder=3,
                                   path_effects=_outlined(k) or None),
                    autolim=False,
                )
            ax.plot(*point.means[k][list(pair)], marker="+", color=colour(k), markersize=8,
                    markeredgewidth=2, path_effects=_outlined(k), zorder=4)
    low, high = np.maximum(np.min(inner, axis=0), low - room), np.minimum(np.max(outer, axis=0), high + room)
    margin = 0.03 * (high - low)
    ax.set_xlim(low[0] - margin[0], high[0] + margin[0])
    ax.set_ylim(low[1] - margin[1], high[1] + margin[1])
    _plain(ax)


def _ellipses(means, covariances, pair, radius):
    """Points at one Mahalanobis distance from the mean, of two features' marginal: (m, 91, 2)."""
    angle = np.linspace(0, 2 * np.pi, 91)
    circle = radius * np.stack([np.cos(angle), np.sin(angle)])
    pair = list(pair)
    chol = np.linalg.cholesky(covariances[:, pair][:, :, pair])
    return means[:, pair][:, None] + np.swapaxes(chol @ circle, 1, 2)


# ---- the components ----


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
            ax.plot(grid, height, color=colour(k), ls=dash(k), lw=1.4, path_effects=_outlined(k))
        low, middle, high = np.quantile(draws, [0.03, 0.5, 0.97])
        ax.hlines(line, low, high, color=colour(k), lw=3.5, path_effects=_outlined(k))
        ax.plot(middle, line, marker="|", color=INK, markersize=9, markeredgewidth=1.6)
        if at is not None:
            ax.plot(at[k], line - 0.17, marker="D", color="white", markeredgecolor=INK, markersize=4.5,
                    zorder=5)
    ax.set_yticks(range(n_components), [f"component {k}" for k in reversed(range(n_components))])
    ax.set_ylim(-0.35, n_components - 0.1)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)


# ---- the assignments ----


def _assignments_1d(ax, x, name, probability, draws):
    grid = np.linspace(x.min(), x.max(), 600)
    density = _densities_1d(grid, *draws)
    total = density.sum(axis=1, keepdims=True)
    curves = (density / np.where(total > 0, total, np.inf)).mean(axis=0)
    rows = _shown(len(x))
    own = probability.argmax(axis=1)
    n_components = probability.shape[1]
    for k in range(n_components):
        ax.plot(grid, curves[k], color=colour(k), ls=dash(k), lw=1.3, alpha=0.7, path_effects=_outlined(k))
        mine = rows[own[rows] == k]
        ax.plot(x[mine], probability[mine, k], marker=marker(k), ls="", color=colour(k), markersize=4.5,
                markeredgecolor=INK if _outlined(k) else colour(k), markeredgewidth=0.6)
    ax.set(ylim=(-0.03, 1.05), ylabel="posterior probability of the component")
    _name_axis(ax, "x", name, 60)
    ax.set_title(_thinned(len(x)), fontsize="small", loc="left", color=INK)
    counts = np.bincount(own, minlength=n_components)
    handles = [
        Line2D([], [], color=colour(k), ls=dash(k), marker=marker(k), markersize=5,
               label=f"component {k}: {counts[k]:,} rows")
        for k in range(n_components)
    ]
    ax.legend(handles=handles, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize="small")
    _plain(ax)
    return ax


def _assignments_2d(ax, x, features, probability, pair):
    rows = _shown(len(x))
    own, certainty = probability.argmax(axis=1)[rows], probability.max(axis=1)[rows]
    for k in range(probability.shape[1]):
        mine = own == k
        ax.scatter(
            *x[np.ix_(rows[mine], pair)].T, s=26, marker=marker(k), linewidths=0.9,
            c=_faded(colour(k), certainty[mine]),
            edgecolors=INK if _outlined(k) else colour(k),
        )
    _name_axis(ax, "x", features[pair[0]], 34)
    _name_axis(ax, "y", features[pair[1]], 34)
    ax.set_title(_thinned(len(x)), fontsize="small", loc="left", color=INK)
    _plain(ax)


def _faded(shade, certainty):
    """The colour mixed with white: full at probability 1, white at one half and below."""
    share = np.clip(2 * np.asarray(certainty) - 1, 0, 1)[:, None] ** 2
    return share * np.array(to_rgb(shade)) + (1 - share)


def _certainty_strip(ax, probability):
    own, certainty = probability.argmax(axis=1), probability.max(axis=1)
    for k in range(probability.shape[1]):
        values = np.sort(certainty[own == k])
        share = (np.arange(len(values)) + 0.5) / max(len(values), 1)
        few = _shown(len(values))
        ax.plot(share[few], values[few], marker=marker(k) if len(values) < 200 else "", markersize=3.5,
                ls=dash(k), lw=1.3, color=colour(k), path_effects=_outlined(k))
    ax.set(
        xlabel="share of the component's rows, least certain first",
        ylabel="probability of the row's own component",
        xlim=(-0.02, 1.02), ylim=(min(0.45, certainty.min() - 0.05), 1.03),
    )
    _plain(ax)


def _assignment_handles(probability):
    counts = np.bincount(probability.argmax(axis=1), minlength=probability.shape[1])
    handles = [
        Line2D([], [], color=colour(k), ls="", marker=marker(k), markersize=6,
               markeredgecolor=INK if _outlined(k) else colour(k), label=f"component {k}: {count:,} rows")
        for k, count in enumerate(counts)
    ]
    if len(counts) > 1:
        handles += [
            Line2D([], [], ls="", marker="o", markersize=6, markeredgecolor=INK,
                   color=tuple(_faded(INK, [float(p)])[0]), label=f"fill at probability {p}")
            for p in ("1", "0.75", "0.5")
        ]
    return handles
