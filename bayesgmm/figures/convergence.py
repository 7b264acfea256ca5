"""The figure of convergence: ArviZ's traces and ranks of what matters most."""

from typing import Any

import numpy as np
import xarray as xr

from bayesgmm.data import Rows
from bayesgmm.draws import Posterior, Reading, names
from bayesgmm.figures import style
from bayesgmm.figures.style import INK, Grid
from bayesgmm.labels import relabelled

CHAINS = ("#332288", "#44AA99", "#AA4499", "#999933", "#88CCEE", "#882255", "#117733", "#DDCC77")
"""Tol's muted colours: told apart with every colour blindness, and none is a component's."""
N_EACH = 3
"""Quantities shown without labels, and as many with: those of the worst R-hat."""


def plot_convergence(
    post: Posterior, *, x: Rows | None = None, ax: Grid | None = None
) -> np.ndarray:
    """ArviZ's trace and rank plot of the quantities that have converged least, one row each.

    First three that no relabelling can change: the log posterior (where the sampler kept it, else
    the log likelihood) and the two of the worst R-hat among the rest; then the three relabelled
    parameters of the worst R-hat. A single chain is shown half by half.

    Where chains agree, their traces lie on one another, and the ranks of each among all draws are
    as often low as high, so that its curve on the right, the empirical distribution of the ranks
    less the uniform one, stays near zero. Crosses mark suspicious ranks where ArviZ's test of
    uniformity, whose p is given, fails; ticks under a trace mark divergences.

    Parameters
    ----------
    post : xarray.DataTree
        What ``sample`` returned; relabelled first if it is not yet.
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    ax : array of matplotlib Axes, shape (n_quantities, 2), optional
        Where to draw.

    Returns
    -------
    array of matplotlib Axes, shape (n_quantities, 2)
        Traces on the left, ranks on the right.

    References
    ----------
    .. [1] Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Bayesian Analysis 16, 667–718.
    """
    import arviz_plots as azp

    reading = relabelled(post, x)
    chosen, mixed = _chosen(reading)
    if not chosen:
        raise ValueError(
            "post has nothing to show: no quantity varies from draw to draw, or a chain has fewer "
            "draws than R-hat needs. Draw more."
        )
    grid = style.axes_of(ax, (len(chosen), 2), (10, 1.75 * len(chosen) + 0.5))
    # ArviZ names variables in coordinates, and a slash would be a path there.
    plain_names = {name: f"q{i}" for i, name in enumerate(chosen)}
    halves = reading.n_chains == 1
    labels = [f"chain {c}" for c in chosen[names.CHAIN].values]
    chosen = chosen.assign_coords({names.CHAIN: np.arange(len(labels))})
    tree = xr.DataTree.from_dict({names.POSTERIOR: chosen.rename(plain_names)})
    if halves:
        labels = ["first half", "second half"]
    elif names.STATISTICS in reading.tree.children:
        statistics = reading.group(names.STATISTICS)
        tree[names.STATISTICS] = xr.DataTree(statistics.assign_coords(chosen[[]].coords))
    shades = [CHAINS[c % len(CHAINS)] for c in range(len(labels))]
    plots: Any = ((azp.plot_trace, "ticklabels"), (azp.plot_rank, "remove_axis"))
    for column, (plot, own) in zip(grid.T, plots, strict=True):
        where = _collection(tree[names.POSTERIOR].to_dataset(), column, shades)
        off = {"title": False, "xlabel": False, own: False}
        plot(tree, plot_collection=where, visuals=off, backend="matplotlib")
    for name, (left, right) in zip(map(str, chosen), grid, strict=True):
        numbers = f"R-hat {mixed[name]['r_hat']:.3f}, bulk ESS {mixed[name]['ess_bulk']:,.0f}"
        title = {"loc": "left", "fontsize": style.name_size(name, 30), "color": INK}
        left.set_title(f"{style.wrapped(name, 60)}:  {numbers}", parse_math=False, **title)
        right.axhline(0, color=INK, lw=0.8, zorder=0)
        right.set_ylabel("Δ ECDF")
        left.yaxis.set_major_formatter("{x:.7g}")
        for text in list(right.texts):  # ArviZ's p-value lies on the curves
            right.set_title(text.get_text().strip(), loc="right", fontsize="small", color=INK)
            text.remove()
    for axes in grid.flat:
        axes.tick_params(labelbottom=axes in grid[-1])
        style.plain(axes)
    grid[-1, 0].set_xlabel("draw")
    grid[-1, 1].set_xlabel("fractional rank of the chain's draws")
    keys = [style.key(label, color=c, lw=2) for label, c in zip(labels, shades, strict=True)]
    style.legend(grid[0, 1], keys)
    return grid


def _collection(values: xr.Dataset, column: np.ndarray, shades: list[str]) -> object:
    """ArviZ's record of which axes shows which quantity, chains in colour."""
    from arviz_plots import PlotCollection

    axes = {name: ((), np.array(a, dtype=object)) for name, a in zip(values, column, strict=True)}
    viz = xr.DataTree.from_dict(
        {
            "/": xr.Dataset({"figure": ((), np.array(column[0].figure, dtype=object))}),
            "/plot": xr.Dataset(axes),
        }
    )
    aes = {"color": ["chain"], "overlay": ["chain"]}
    return PlotCollection(values, viz, aes=aes, backend="matplotlib", color=shades)


def _chosen(reading: Reading) -> tuple[xr.Dataset, dict[str, Any]]:
    """The quantities shown, (chain, draw) each, and by their names what ``mixing`` says of them."""
    from bayesgmm.posterior import functionals, labelled_parameters, mixing, varying, with_few_rows

    parts: list[xr.Dataset] = []
    mixed: dict[str, Any] = {}
    for values in (
        functionals(with_few_rows(reading), progress=False),
        labelled_parameters(reading),
    ):
        values = varying(values)
        table = mixing(values).sort_values("r_hat", ascending=False, kind="stable")
        level = [n for n in ("log_posterior", "log_likelihood") if n in table.index][:1]
        worst = [*level, *(n for n in table.index if n not in level)][:N_EACH]
        parts.append(values[worst])
        mixed |= table.loc[worst].to_dict("index")
    return xr.merge(parts), mixed
