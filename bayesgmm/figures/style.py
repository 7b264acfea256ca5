"""What the figures share: colours, axes, labels."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import AbstractPathEffect, Normal, Stroke

from bayesgmm.draws import Reading
from bayesgmm.mixture import MixtureParameters
from bayesgmm.posterior import INTERVAL
from bayesgmm.runtime import arguments

Grid = np.ndarray | Sequence[Axes]
"""Several axes of matplotlib, as ``plt.subplots`` returns them."""

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
"""Okabe & Ito's colours, told apart with every common colour blindness."""

MARKERS = ("o", "^", "s", "D", "v", "P")
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)))
GREY = "#8a8a8a"
INK = "#333333"

MAX_MARKERS = 2000
"""More rows than this are thinned to this many markers, and the figure says so."""

TAILS = (1 - INTERVAL) / 2, (1 + INTERVAL) / 2
"""Probabilities of the ends of every interval shown."""

INTERVAL_NAME = f"{100 * INTERVAL:.0f} % interval"

CERTAIN = 0.9
"""A row whose component is less probable than this is uncertain."""


def colour(component: int) -> str:
    """Colour of a component, the same in every figure; from the ninth on they come again."""
    return PALETTE[component % len(PALETTE)]


def marker(component: int) -> str:
    """Marker of a component; changes where its colour comes again."""
    return MARKERS[component // len(PALETTE) % len(MARKERS)]


def dash(component: int) -> Any:
    """Line style of a component; changes where its colour comes again."""
    return DASHES[component // len(PALETTE) % len(DASHES)]


def outlined(component: int) -> list[AbstractPathEffect]:
    """A dark rim for lines whose colour is too light for white paper."""
    if colour(component) != "#F0E442":
        return []
    return [Stroke(linewidth=3, foreground="#555555"), Normal()]


def rim(component: int) -> str:
    """Edge colour of a component's marker."""
    return INK if outlined(component) else colour(component)


def lines(component: int) -> dict[str, Any]:
    """How a component's lines look."""
    shade = colour(component)
    return {"color": shade, "ls": dash(component), "path_effects": outlined(component)}


def dots(component: int) -> dict[str, Any]:
    """How a component's markers look."""
    shapes = {"marker": marker(component), "ls": ""}
    return shapes | {"color": colour(component), "markeredgecolor": rim(component)}


def key(label: str, **style: Any) -> Artist:
    """A line or a marker of the legend."""
    return Line2D([], [], label=label, **style)


def legend(ax: Axes, handles: list[Artist], **place: Any) -> None:
    """A legend, to the right of the axes unless it has another place."""
    place = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)} | place
    ax.legend(handles=handles, frameon=False, fontsize="small", **place)


def note(ax: Axes, text: str) -> None:
    """A remark above the axes."""
    ax.set_title(text, fontsize="small", loc="left", color=INK)


def axes_of(ax: object, shape: tuple[int, int], size: tuple[float, float]) -> np.ndarray:
    """The given axes in this shape, or those of a new figure."""
    if ax is None:
        return plt.subplots(*shape, figsize=size, layout="constrained", squeeze=False)[1]
    grid = np.atleast_1d(arguments.array("ax", ax, "O", "matplotlib Axes, or an array of them"))
    for axes in grid.flat:
        arguments.instance("ax", axes, Axes, "Leave ax out to have axes made.")
    if grid.size != shape[0] * shape[1]:
        raise ValueError(
            f"ax must hold {shape[0] * shape[1]} axes, shape {shape}, for this figure; "
            f"got {grid.size}. Leave ax out to have them made."
        )
    return grid.reshape(shape)


def plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)


def wrapped(name: str, width: int) -> str:
    """The name broken into lines of at most ``width``, after a space, _ or other mark if it can."""
    lines = [""]
    for piece in re.findall(r"[^\W_]+[\W_]?|[\W_]", name):
        pieces = [piece[i : i + width] for i in range(0, len(piece), width)]
        for part in pieces:
            if len(lines[-1]) + len(part.rstrip()) > width and lines[-1]:
                lines.append("")
            lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def name_size(name: str, width: int) -> str:
    return "medium" if len(name) <= width else "small"


def write_name(write: Callable[..., Any], name: str, width: int) -> None:
    """Hand a name to a setter of the axes, such as ``ax.set_xlabel``."""
    write(wrapped(name, width), parse_math=False, fontsize=name_size(name, width))


def spread_out(draws: MixtureParameters, n_draws: int) -> MixtureParameters:
    """So many of the draws, evenly spaced over all chains; all of them if there are no more."""
    return draws[np.unique(np.linspace(0, len(draws) - 1, min(n_draws, len(draws))).astype(int))]


def shown_rows(n_obs: int, most: int = MAX_MARKERS) -> np.ndarray:
    """Positions of at most ``most`` rows, drawn once and for all without replacement."""
    if n_obs <= most:
        return np.arange(n_obs)
    return np.sort(np.random.default_rng(0).choice(n_obs, most, replace=False))


def thinned(n_obs: int, most: int = MAX_MARKERS) -> str:
    return "" if n_obs <= most else f"{most:,} of {n_obs:,} rows shown, drawn at random"


def by_separation(reading: Reading) -> np.ndarray:
    """Features in order of how well they separate the posterior's components, best first."""
    draws = reading.parameters
    return separating(reading.rows, draws.weights.mean(axis=0), draws.means.mean(axis=0))


def separating(x: np.ndarray, weights: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Features in order of how well they separate the components, best first.

    Variance of the component means over the variance within.
    """
    between = weights @ (means - weights @ means) ** 2
    within = np.maximum(x.var(axis=0) - between, 1e-3 * x.var(axis=0))
    ratio: np.ndarray = -between / within
    return ratio.argsort(kind="stable")


def ellipses(
    means: np.ndarray, covariances: np.ndarray, pair: Sequence[int], radius: float
) -> list[np.ndarray]:
    """Points at one Mahalanobis distance from the mean, of two features' marginal: m of (91, 2)."""
    angle = np.linspace(0, 2 * np.pi, 91)
    circle = radius * np.stack([np.cos(angle), np.sin(angle)])
    chol = np.linalg.cholesky(covariances[:, pair][:, :, pair])
    return [*(means[:, pair][:, None] + np.swapaxes(chol @ circle, 1, 2))]


def fine_grid(low: float, high: float, point: MixtureParameters) -> np.ndarray:
    """Places along one feature; a narrow component has its own, to show its height."""
    sd = np.sqrt(point.variances)
    fine = (point.means + sd * np.linspace(-4, 4, 61)).ravel()
    return np.union1d(np.linspace(low, high, 500), fine[(fine >= low) & (fine <= high)])


def log_densities_1d(grid: np.ndarray, draws: MixtureParameters) -> np.ndarray:
    """Log of w_k N(grid | μ_k, σ_k²), shape (n_draws, n_components, len(grid))."""
    sd = np.sqrt(draws.variances)
    z = (grid - draws.means) / sd
    logs: np.ndarray = draws.log_weights[..., None] - 0.5 * z**2 - np.log(np.sqrt(2 * np.pi) * sd)
    return logs
