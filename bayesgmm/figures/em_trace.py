"""The figure of EM's trace."""

from typing import Any

import numpy as np

from bayesgmm.draws import Posterior, Reading, names
from bayesgmm.figures.style import (
    INK,
    axes_of,
    colour,
    plain,
)


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
