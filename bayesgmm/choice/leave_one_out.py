"""Leave-one-out cross-validation of the mixture."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from bayesgmm.data import Rows
from bayesgmm.draws import Posterior, Reading, names
from bayesgmm.likelihood import row_blocks, row_densities
from bayesgmm.runtime import arguments, progress_bar

if TYPE_CHECKING:
    import arviz_stats.utils

LEAST_DRAWS = 25
"""A fifth of them is the tail, of which five are needed."""

LOO_ROWS = 50
"""Rows smoothed between two steps of the progress bar."""


def loo(
    post: Posterior, *, x: Rows | None = None, progress: bool = True
) -> "arviz_stats.utils.ELPDDataLOO":
    """ArviZ's leave-one-out cross-validation (PSIS-LOO) of the mixture, blind to labels.

    The log likelihood is marginal over the assignment, by row, and the relative efficiency that
    sets the length of the smoothed tails is that of exp(log likelihood). ``arviz.loo`` alone takes
    it from the parameters as labelled, so that swapped labels in some chains change its answer.

    Parameters
    ----------
    post : xarray.DataTree
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    progress : bool

    Returns
    -------
    arviz_stats.ELPDDataLOO
        With ``elpd_i`` and ``pareto_k`` by row: print it, or give several to ``arviz.compare``. A
        row of weight 2 is two rows, left out one at a time.

    Raises
    ------
    ValueError
        Row weights are not whole numbers: one cannot leave out a part of a row.

    Notes
    -----
    Memory is that of three numbers per draw and row.

    References
    ----------
    .. [1] Vehtari, Gelman & Gabry (2017), Statistics and Computing 27, 1413–1432.
    .. [2] Vehtari, Simpson, Gelman, Yao & Gabry (2024), J. Machine Learning Research 25 (72).
    """
    import arviz as az
    from arviz_stats.base.array import array_stats

    arguments.flag("progress", progress)
    reading = Reading.of(post, x)
    draws, rows, weight = reading.in_order, reading.rows, reading.sample_weight
    count = np.asarray(weight).astype(int)
    if (count != weight).any():
        at = np.flatnonzero(count != weight)[0]
        raise ValueError(
            f"sample_weight of the posterior is {weight[at]} in row {at}; leaving out one row at a "
            "time needs whole numbers. Try rows without weights."
        )
    if len(draws) < LEAST_DRAWS or not np.ptp(draws.means, axis=0).any():
        raise ValueError(
            f"post has {len(draws)} draws, or all of them are the same; the tails that leave-one-"
            f"out smooths need {LEAST_DRAWS} that differ. Draw more."
        )
    kept = np.flatnonzero(count)
    table = np.empty((*map(len, reading.lead.values()), len(kept)))
    for block in row_blocks(draws, len(kept)):
        log_density, _ = row_densities(draws, rows[kept[block]])
        table[..., block] = reading.by_chain(log_density)
    log_weights, pareto_k = np.empty_like(table), np.empty(len(kept))
    parts = [slice(i, i + LOO_ROWS) for i in range(0, len(kept), LOO_ROWS)]
    # The mean over rows: ArviZ takes one relative efficiency for all of them.
    each = np.concatenate([_relative_efficiency(table[..., part]) for part in parts])
    reff = np.average(each, weights=count[kept])
    for part in progress_bar(parts, "leave-one-out: rows", progress):
        smoothed, pareto_k[part] = array_stats.psislw(table[..., part], reff, axis=[0, 1])
        log_weights[..., part] = np.moveaxis(smoothed, 0, -1)
    times = count[kept]
    coords = [*reading.lead.items(), (names.OBS, np.repeat(kept, times))]

    def standing(values: np.ndarray) -> xr.DataArray:
        return xr.DataArray(np.repeat(values, times, axis=-1), coords[-values.ndim :])

    tree = xr.DataTree.from_dict({names.LOG_LIKELIHOOD: xr.Dataset({names.X: standing(table)})})
    found: arviz_stats.utils.ELPDDataLOO = az.loo(
        tree,
        pointwise=True,
        reff=reff,
        log_weights=standing(log_weights),
        pareto_k=standing(pareto_k),
    )
    return found


def _relative_efficiency(log_likelihood: np.ndarray) -> np.ndarray:
    """Effective sample size over draws of the likelihood of rows, (chain, draw, n) → (n,)."""
    from arviz_stats.base.array import array_stats

    likelihood = np.exp(log_likelihood - log_likelihood.max(axis=(0, 1)))
    axes = {"chain_axis": 0, "draw_axis": 1}
    each: np.ndarray = array_stats.ess(likelihood, **axes, method="mean", relative=True)
    return each
