"""The figure of convergence: ArviZ's traces and ranks of what matters most."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.lines import Line2D

from bayesgmm.draws import Posterior, names
from bayesgmm.figures.style import INK, axes_of, beside, name_size, plain, wrapped
from bayesgmm.labels import relabelled

CHAINS = ("#332288", "#44AA99", "#AA4499", "#999933", "#88CCEE", "#882255", "#117733", "#DDCC77")
"""Tol's muted colours: told apart with every colour blindness, and none is a component's."""
N_EACH = 3
"""Quantities shown without labels, and as many with: those of the worst R-hat."""


def plot_convergence(post: Posterior, *, x: Any = None, ax: Any = None) -> Any:
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
    chosen, r_hat, ess = _chosen(reading)
    if not chosen:
        raise ValueError(
            "post has nothing to show: no quantity varies from draw to draw, or a chain has fewer "
            "draws than R-hat needs. Draw more."
        )
    grid = axes_of(ax, (len(chosen), 2), (10, 1.75 * len(chosen) + 0.5))
    # ArviZ names variables in coordinates, and a slash would be a path there.
    plain_names = {name: f"q{i}" for i, name in enumerate(chosen)}
    halves = reading.n_chains == 1
    chains = chosen[names.CHAIN].values
    chosen = chosen.assign_coords({names.CHAIN: np.arange(len(chains))})
    tree = xr.DataTree.from_dict({names.POSTERIOR: chosen.rename(plain_names)})
    if names.STATISTICS in reading.tree.children and not halves:
        statistics = reading.group(names.STATISTICS)
        tree[names.STATISTICS] = xr.DataTree(statistics.assign_coords(chosen[[]].coords))
    off: dict[str, Any] = {"title": False, "xlabel": False}
    plots: tuple[tuple[Any, str], ...] = (
        (azp.plot_trace, "ticklabels"),
        (azp.plot_rank, "remove_axis"),
    )
    for column, (plot, own) in zip(grid.T, plots, strict=True):
        where = _collection(tree[names.POSTERIOR].to_dataset(), column)
        plot(tree, plot_collection=where, visuals={**off, own: False}, backend="matplotlib")
    for i, name in enumerate(chosen):
        left, right = grid[i]
        left.set_title(
            f"{wrapped(name, 60)}:  R-hat {r_hat[name]:.3f}, bulk ESS {ess[name]:,.0f}",
            loc="left",
            fontsize=name_size(name, 30) if len(name) > 30 else "medium",
            color=INK,
            parse_math=False,
        )
        right.axhline(0, color=INK, lw=0.8, zorder=0)
        right.set_ylabel("Δ ECDF")
        left.yaxis.set_major_formatter("{x:.7g}")
        for text in list(right.texts):  # ArviZ's p-value lies on the curves
            right.set_title(text.get_text().strip(), loc="right", fontsize="small", color=INK)
            text.remove()
        for axes in (left, right):
            axes.tick_params(labelbottom=i == len(chosen) - 1)
            plain(axes)
    grid[-1, 0].set_xlabel("draw")
    grid[-1, 1].set_xlabel("fractional rank of the chain's draws")
    beside(grid[0, 1], _chain_handles(chains, halves))
    return grid


def _collection(values, column):
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
    shades = _shades(values.sizes[names.CHAIN])
    return PlotCollection(values, viz, aes=aes, backend="matplotlib", color=shades)


def _shades(n_chains):
    return [CHAINS[c % len(CHAINS)] for c in range(n_chains)]


def _chain_handles(chains, halves):
    labels = [f"chain {c}" for c in chains]
    if halves:
        labels = ["first half", "second half"]
    return [
        Line2D([], [], color=shade, lw=2, label=label)
        for label, shade in zip(labels, _shades(len(labels)), strict=True)
    ]


def _chosen(reading):
    """The quantities shown, (chain, draw) each, their R-hat and their effective sample size."""
    from bayesgmm.posterior import functionals, labelled_parameters, mixing, varying, with_few_rows

    parts, tables = [], []
    for values in (
        functionals(with_few_rows(reading), progress=False),
        labelled_parameters(reading),
    ):
        values = varying(values)
        table = mixing(values).sort_values("r_hat", ascending=False, kind="stable")
        level = [n for n in ("log_posterior", "log_likelihood") if n in table.index][:1]
        worst = [*level, *(n for n in table.index if n not in level)][:N_EACH]
        parts.append(values[worst])
        tables.append(table.loc[worst])
    r_hat = {n: v for t in tables for n, v in t["r_hat"].items()}
    ess = {n: v for t in tables for n, v in t["ess_bulk"].items()}
    return xr.merge(parts), r_hat, ess
