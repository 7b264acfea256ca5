"""The figure of an estimate's modes: how good each is, and which rows it puts elsewhere."""

from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.layout_engine import ConstrainedLayoutEngine
from scipy.optimize import linear_sum_assignment

from bayesgmm.data import Rows, rows_like
from bayesgmm.em import Mode, PointEstimate, mode_weights
from bayesgmm.figures import style
from bayesgmm.figures.certainty import ring
from bayesgmm.figures.style import INK, Grid, colour, dots, key, lines, shown_rows
from bayesgmm.likelihood import responsibilities
from bayesgmm.mixture import MixtureParameters
from bayesgmm.runtime import arguments

MAX_PANELS = 6
"""Modes whose rows are shown, the best ones."""
MAX_LINES = 25
"""Modes that are listed, the best ones."""


def plot_modes(
    estimate: PointEstimate,
    x: Rows,
    *,
    sample_weight: Rows | None = None,
    ax: Axes | Grid | None = None,
) -> Axes | np.ndarray:
    """The modes of an estimate: how far each is below the best, and which rows it puts elsewhere.

    On the left one line per mode, the best at the top: nats below the best, how many starts reached
    it, and after ``fit_map`` its share of the posterior's mass by Laplace's approximation, which
    may be larger than that of a higher mode, and is unknown where the density is flat or of more
    than 400 parameters. Modes are numbered as in ``estimate.modes``, from 0.

    Beside it a panel for each of the best six: the rows in the colours of their clusters, given so
    that as many rows as can be have the colour that they have in the best mode; the others are
    marked. One feature: rows under the components' densities. Two: the data, with ellipses at
    Mahalanobis distance 2. More: the same of the two features that separate the best mode's
    components best. An estimate with one mode is one panel.

    Parameters
    ----------
    estimate : PointEstimate
        What ``fit_map`` or ``fit_ml`` returned.
    x : (n_obs, n_features)
        The rows that were fitted.
    sample_weight : (n_obs,), optional
        Their weights, if the fit had any.
    ax : matplotlib Axes, or an array of one more than there are panels, optional
        Where to draw; with one mode a single one.

    Returns
    -------
    matplotlib Axes, or an array of them, shape (1 + n_panels,)
        With several modes the list of them, and up to six panels.

    Raises
    ------
    ValueError, TypeError
        The estimate has no mode, or the rows are not those that were fitted.

    Examples
    --------
    >>> fit = bg.fit_map(bg.GaussianMixture(3), x)
    >>> bg.plot_modes(fit, x)
    """
    arguments.instance("estimate", estimate, PointEstimate, "Try estimate=bg.fit_map(mixture, x).")
    modes = estimate.modes
    if not modes:
        raise ValueError(
            "estimate has no mode: no climb converged at one. Try a fit with larger max_iter or "
            "n_starts, or see estimate.status."
        )
    values = rows_like(x, estimate.features, "x")
    posterior = estimate.log_posterior is not None
    shares = mode_weights(estimate, x, sample_weight) if posterior else None
    shown = modes[:MAX_PANELS]
    panels = _axes(ax, len(shown), len(modes))
    labels, orders = _matched(values, shown)
    pair = _pair(values, shown[0].parameters)
    moved = labels != labels[0]
    rows, columns = shown_rows(len(values)), _columns(len(shown))
    mark = _mark(int(moved[:, rows].sum(axis=1).max()), len(rows))
    for i, (panel, mode) in enumerate(zip(panels[-len(shown) :], shown, strict=True)):
        _rows(panel, values, pair, labels[i], moved[i], mark)
        point = mode.parameters.permuted(orders[i])
        if len(pair) == 1:
            _densities(panel, point)
        else:
            _ellipses(panel, point, pair)
        below = ax is not None or i + columns >= len(shown)
        left = ax is not None or i % columns == 0
        _name(panel, [estimate.features[f] for f in pair], below, left)
        style.note(panel, _words(i, modes[0].log_posterior - mode.log_posterior, moved[i].sum()))
    if len(modes) == 1:
        _note_only(panels[0], modes[0], len(values))
    else:
        kind = "posterior" if posterior else "likelihood"
        _list(panels[0], modes, shares, kind, len(values))
    style.legend(panels[-len(shown) :][columns - 1], _keys(labels, mark))
    return panels[0] if len(modes) == 1 else panels


def _columns(n_panels: int) -> int:
    """Panels side by side."""
    return n_panels if n_panels <= 3 else (n_panels + 1) // 2


def _axes(ax: object, n_panels: int, n_modes: int) -> np.ndarray:
    """The list's axes, if there are several modes, and those of the panels."""
    if n_modes == 1:
        one: np.ndarray = style.axes_of(ax, (1, 1), (7.0, 4.5))[0]
        return one
    if ax is not None:
        given: np.ndarray = style.axes_of(ax, (1, 1 + n_panels), (1, 1))[0]
        return given
    columns = _columns(n_panels)
    n_rows = -(-n_panels // columns)
    height = max(2.9 * n_rows + 0.3, 0.24 * min(n_modes, MAX_LINES) + 1.2)
    layout = ConstrainedLayoutEngine(w_pad=0.09)  # lest numbers of two panels meet
    figure = plt.figure(figsize=(4.6 + 2.9 * columns, height), layout=layout)
    spec = figure.add_gridspec(n_rows, 1 + columns, width_ratios=[0.8] + [1] * columns)
    axes = [figure.add_subplot(spec[:, 0])]
    axes += [figure.add_subplot(spec[i // columns, 1 + i % columns]) for i in range(n_panels)]
    return np.array(axes)


def _matched(values: np.ndarray, modes: tuple[Mode, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Every row's cluster in each mode, (n_modes, n_obs), by the names that the best mode has.

    And the component that bears each name, (n_modes, n_components): the names are given so that as
    many rows as can be keep theirs.
    """
    labels: list[np.ndarray] = []
    orders: list[np.ndarray] = []
    for mode in modes:
        p = mode.parameters
        own = responsibilities(values, p.log_weights, p.means, p.factor).argmax(axis=1)
        best = labels[0] if labels else own
        shared = np.zeros((p.n_components, p.n_components))
        np.add.at(shared, (best, own), 1)
        order = linear_sum_assignment(-shared)[1]
        labels.append(order.argsort()[own])
        orders.append(order)
    return np.array(labels), np.array(orders)


def _pair(values: np.ndarray, best: MixtureParameters) -> np.ndarray:
    """The features shown: two, or the only one."""
    return np.sort(style.separating(values, best.weights, best.means)[:2])


def _note_only(ax: Axes, mode: Mode, n_obs: int) -> None:
    """That there is one mode."""
    style.note(ax, f"the only mode found: {_starts(mode)}\n{style.thinned(n_obs)}".rstrip())


def _list(
    ax: Axes, modes: tuple[Mode, ...], shares: np.ndarray | None, kind: str, n_obs: int
) -> None:
    """Nats below the best, starts and shares of the mass, one line per mode."""
    listed = f"{MAX_LINES} of {len(modes)} modes shown" if len(modes) > MAX_LINES else ""
    style.note(ax, f"{listed}\n{style.thinned(n_obs)}".strip())
    modes = modes[:MAX_LINES]
    gaps = np.array([modes[0].log_posterior - mode.log_posterior for mode in modes])
    places = np.arange(len(modes))
    ax.hlines(places, 0, gaps, color=colour(0), lw=1.8)
    ax.plot(gaps, places, "o", color=colour(0), markersize=6, clip_on=False, zorder=3)
    beside: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "fontsize": "small"}
    beside |= {"va": "center", "color": INK}
    for i, mode in enumerate(modes):
        ax.text(1.05, i, _found(mode, None if shares is None else shares[i]), **beside)
    ax.set_yticks(places, [f"mode {i}" for i in places])
    ax.set(xlabel=f"log {kind} below the best (nats)", ylim=(len(modes) - 0.4, -0.6))
    ax.set_xlim(0, max(1.05 * gaps.max(), 1e-6))
    style.plain(ax)


def _found(mode: Mode, share: float | None) -> str:
    """How a mode was found, and its share of the mass."""
    if share is None:
        return _starts(mode)
    percent = 100 * share
    if np.isnan(share):
        weight = "weight unknown"
    elif percent < 0.1:
        weight = "weight < 0.1 %"
    else:
        weight = f"weight {percent:.{1 if percent < 10 else 0}f} %"
    return f"{weight}, {_starts(mode)}"


def _starts(mode: Mode) -> str:
    if mode.count == 0:
        return "by moving components"
    return f"{mode.count:,} start{'' if mode.count == 1 else 's'}"


def _words(i: int, gap: float, n_moved: int) -> str:
    """A panel's title."""
    if i == 0:
        return "mode 0: the best"
    rows = "1 row moves" if n_moved == 1 else f"{n_moved:,} rows move"
    return f"mode {i}: {gap:.1f} nats below,\n{rows}"


def _marker_size(n_rows: int) -> float:
    """Of so many rows in a small panel."""
    return 3.5 if n_rows < 500 else 1.8


def _mark(most: int, n_rows: int) -> dict[str, Any]:
    """How rows that move are marked, in all panels: rings, or dots smaller than the rows."""
    mark = ring(most)
    hollow = mark.get("markerfacecolor") == "none"
    return mark | {"markersize": 7 if hollow else 0.6 * _marker_size(n_rows)}


def _rows(
    ax: Axes,
    values: np.ndarray,
    pair: np.ndarray,
    labels: np.ndarray,
    moved: np.ndarray,
    mark: dict[str, Any],
) -> None:
    """Rows in the colours of their clusters, those that moved marked."""
    rows = shown_rows(len(values))
    points = values[np.ix_(rows, pair)].T
    if len(pair) == 1:  # a strip under the densities, each row at a height of its own
        height = np.random.default_rng(0).uniform(-0.24, -0.04, size=len(values))
        points = np.stack([points[0], height[rows]])
        ax.axhline(0, color=INK, lw=0.8)
    size: dict[str, Any] = {"markersize": _marker_size(len(rows)), "markeredgewidth": 0.3}
    for k in np.unique(labels[rows]):
        mine = labels[rows] == k
        ax.plot(*points[:, mine], zorder=3, **size, **dots(k))
    ax.plot(*points[:, moved[rows]], zorder=4, **mark)
    margin = 0.06 * np.ptp(values[:, pair], axis=0)
    low, high = values[:, pair].min(axis=0) - margin, values[:, pair].max(axis=0) + margin
    ax.set_xlim(low[0], high[0])
    if len(pair) == 2:
        ax.set_ylim(low[1], high[1])
    style.plain(ax)


def _densities(ax: Axes, point: MixtureParameters) -> None:
    """The components' densities along one feature, the highest of height 1."""
    grid = style.fine_grid(*ax.get_xlim(), point)
    curves = np.exp(style.log_densities_1d(grid, point[None]))[0]
    for k, curve in enumerate(curves):
        ax.plot(grid, curve / curves.max(), lw=1.5, **lines(k))
    ax.set(ylim=(-0.3, 1.06), yticks=[])
    ax.spines["left"].set_visible(False)


def _ellipses(ax: Axes, point: MixtureParameters, pair: np.ndarray) -> None:
    """An ellipse per component."""
    outlines = style.ellipses(point.means, point.covariances, list(pair), 2)
    for k, outline in enumerate(outlines):
        drawn = LineCollection([outline], lw=1.2, zorder=2, **lines(k))
        ax.add_collection(drawn, autolim=False)


def _name(ax: Axes, features: list[str], below: bool, left: bool) -> None:
    """Names of the features shown, where no panel below or to the left has them."""
    if below:
        style.write_name(ax.set_xlabel, features[0], 24)
    else:
        ax.tick_params(labelbottom=False)
    if len(features) == 2 and left:
        style.write_name(ax.set_ylabel, features[1], 24)
    elif not left:
        ax.tick_params(labelleft=False)


def _keys(labels: np.ndarray, mark: dict[str, Any]) -> list[Artist]:
    """The legend: clusters, with sizes where there is one mode, and the mark of moved rows."""
    names = {k: f"component {k}" for k in np.unique(labels)}
    if len(labels) == 1:
        names = {k: f"{name}: {(labels == k).sum():,} rows" for k, name in names.items()}
    keys = [key(name, markersize=5, **dots(k)) for k, name in names.items()]
    if len(labels) > 1:
        visible = mark | {"markersize": max(mark["markersize"], 3)}
        keys.append(key("in another cluster\nthan in mode 0", **visible))
    return keys
