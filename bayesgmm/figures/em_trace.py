"""The figure of EM's trace."""

import numpy as np

from bayesgmm.draws import Posterior, Reading, names
from bayesgmm.figures.style import INK, Grid, axes_of, colour, plain


def plot_trace_em(post: Posterior, *, ax: Grid | None = None) -> np.ndarray:
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
    grid: np.ndarray = axes_of(ax, (1, 2), (8, 3.6))[0]
    left, right = grid
    trace = np.asarray(group["trace"].values, dtype=float)
    trace = trace[np.isfinite(trace)]
    posterior = "log_posterior" in group and np.isfinite(float(group["log_posterior"]))
    name = "log posterior" if posterior else "log likelihood"
    steps, gap = np.arange(len(trace)), trace[-1] - trace
    line = {"color": colour(0), "marker": ".", "markersize": 4, "lw": 1.5}
    left.plot(steps, trace, **line)
    left.set(ylabel=f"{name} (nats)")
    left.ticklabel_format(axis="y", useOffset=False)
    above = gap > 0
    if above.any():
        right.semilogy(steps[above], gap[above], **line)
    else:
        middle = {"ha": "center", "va": "center", "transform": right.transAxes}
        right.text(0.5, 0.5, "no gap left: it began at its end", color=INK, **middle)
        right.set_yticks([])
    right.set(ylabel=f"{name} still to gain (nats)")
    for axes in grid:
        axes.set(xlabel="EM iteration", xlim=(-0.5, max(len(trace) - 0.5, 1.5)))
        axes.xaxis.get_major_locator().set_params(integer=True)
        plain(axes)
    return grid
