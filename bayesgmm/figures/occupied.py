"""The figure of K₊, the number of components that hold rows."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from bayesgmm.clusterings import occupied_components
from bayesgmm.draws import Posterior
from bayesgmm.figures.style import GREY, INK, axes_of, plain


def plot_occupied(post: Posterior | ArrayLike, *, ax: Axes | None = None) -> Axes:
    """Posterior of K₊, the number of components that hold rows, with Monte Carlo errors.

    Parameters
    ----------
    post : xarray.DataTree, or int array, shape (n_draws, n_obs), or xarray.DataArray
        A posterior, assignments, or what ``occupied_components`` returned of them.
    ax : matplotlib Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib Axes
    """
    if not (isinstance(post, xr.DataArray) and "n_occupied" in post.dims):
        post = occupied_components(post, random_seed=1, progress=False)
    axes: Axes = axes_of(ax, (1, 1), (5.5, 3.6))[0, 0]
    number, probability, error = (v.values for v in (post["n_occupied"], post, post["mcse"]))
    axes.bar(number, probability, width=0.6, color=GREY)
    axes.errorbar(number, probability, 2 * error, fmt="none", ecolor=INK, capsize=4, lw=1.4)
    for at, p, e in zip(number, probability, np.nan_to_num(error), strict=True):
        if p > 0:
            label = f"{p:.2f}" if p >= 0.005 else "<0.01"
            look: dict[str, Any] = {"fontsize": "small", "color": INK, "ha": "center"}
            axes.annotate(label, (at, p + 2 * e), (0, 3), textcoords="offset points", **look)
    axes.set(
        xlabel="components that hold rows, K₊\n(± 2 Monte Carlo standard errors)",
        ylabel="posterior probability",
        xticks=number,
        xlim=(number[0] - 0.7, number[-1] + 0.7),
        ylim=(0, 1.12),
        yticks=np.linspace(0, 1, 6),
    )
    plain(axes)
    return axes
