"""The figure of information criteria against the number of components."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayesgmm.figures.style import INK, axes_of, key, legend, lines, note, plain
from bayesgmm.mixture import STRUCTURES
from bayesgmm.runtime import arguments

NAMES = {"bic": "BIC", "icl": "ICL", "aic": "AIC", "log_likelihood": "log likelihood (nats)"}


def plot_compare_k(table: pd.DataFrame, criterion: str = "bic", *, ax: Axes | None = None) -> Axes:
    """How far every fit is from the best by a criterion, one line per covariance structure.

    Against the number of components, on a scale that is linear up to 10 (strong evidence, for BIC:
    Kass & Raftery 1995) and logarithmic beyond, so that hopeless fits do not hide the contest among
    good ones. A ring marks the best fit; fits that did not converge are hollow, and those that
    found no mode but collapsed ones are left out.

    Parameters
    ----------
    table : pandas.DataFrame
        What ``compare_k`` returned.
    criterion : {"bic", "icl", "aic", "log_likelihood"}
        Lower is better; the log likelihood is highest at the best.
    ax : matplotlib Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        The criterion is none of these, or the table is not that of ``compare_k``.
    """
    arguments.instance("table", table, pd.DataFrame, "Try table=bg.compare_k(x).")
    arguments.one_of("criterion", criterion, NAMES)
    if absent := {"n_components", "covariance", "converged", criterion} - set(table):
        names = ", ".join(sorted(absent))
        raise ValueError(f"table has no column {names}. Try table=bg.compare_k(x).")
    axes: Axes = axes_of(ax, (1, 1), (7.5, 4.5))[0, 0]
    table = table.sort_values("n_components")
    values = table[criterion].to_numpy(dtype=float)
    if not np.isfinite(values).any():
        raise ValueError(f"table has no {criterion}: every fit collapsed. Try fewer components.")
    best = int(np.nanargmax(values) if criterion == "log_likelihood" else np.nanargmin(values))
    gap = np.abs(values - values[best])
    size, converged = table["n_components"].to_numpy(), table["converged"].to_numpy(dtype=bool)
    keys = []
    # A structure has its colour whatever others are shown.
    for k, structure in enumerate(STRUCTURES):
        at = (table["covariance"] == structure).to_numpy()
        if not at.any():
            continue
        line = lines(k) | {"lw": 1.5}
        axes.plot(size[at], gap[at], **line)
        dots: dict[str, Any] = {"ls": "", "marker": "o", "markersize": 5, "color": line["color"]}
        axes.plot(size[at & converged], gap[at & converged], **dots)
        axes.plot(size[at & ~converged], gap[at & ~converged], **dots, markerfacecolor="white")
        keys.append(key(structure, marker="o", markersize=5, **line))
    ring: dict[str, Any] = {"ls": "", "marker": "o", "markersize": 13, "markeredgecolor": INK}
    ring |= {"markerfacecolor": "none", "markeredgewidth": 1.4}
    axes.plot(size[best], 0.0, **ring)
    keys.append(key(f"best: K = {size[best]}, {table['covariance'].iloc[best]}", **ring))
    if left_out := int(np.isnan(values).sum()):
        note(axes, f"{left_out} of {len(table)} fits collapsed and are left out")
    axes.set_yscale("symlog", linthresh=10)
    axes.set_ylim(bottom=-2)
    side = "below" if criterion == "log_likelihood" else "above"
    what = f"{NAMES[criterion]}: {side} the best, {values[best]:.1f}"
    axes.set(xlabel="number of components", ylabel=what)
    axes.set_xticks(sorted(table["n_components"].unique()))
    axes.yaxis.set_major_formatter("{x:g}")
    plain(axes)
    legend(axes, keys)
    return axes
