"""How many components, first answers: information criteria, and leave-one-out cross-validation."""

import warnings
from collections.abc import Iterable
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from bayesgmm import arguments
from bayesgmm.data import training_data
from bayesgmm.draws import Posterior, Reading, names
from bayesgmm.em import fit_ml
from bayesgmm.likelihood import row_blocks, row_densities
from bayesgmm.mixture import GaussianMixture
from bayesgmm.progress import progress_bar
from bayesgmm.structure import STRUCTURES

if TYPE_CHECKING:
    import arviz_stats.utils
    import pandas as pd

CRITERIA = ("bic", "icl", "aic")

LOO_ROWS = 50
"""Rows smoothed between two steps of the progress bar."""


def compare_k(
    x: Any,
    n_components: int | Iterable[int] = range(1, 10),
    covariance: str | Iterable[str] = STRUCTURES,
    *,
    sample_weight: Any = None,
    n_starts: int = 20,
    random_seed: int | None = None,
    progress: bool = True,
) -> "pd.DataFrame":
    """BIC, ICL and AIC of maximum likelihood fits, per number of components and structure.

    Parameters
    ----------
    x : array, data frame, or path of a CSV or Parquet file, (n_obs, n_features)
    n_components : int or iterable of int
    covariance : str or iterable of str
        Structures: "full", "tied", "diag", "spherical".
    sample_weight : (n_obs,), optional
        How many times each row counts.
    n_starts : int
        Starts of every fit.
    random_seed : int, optional
        A fit does not depend on which others are asked for.
    progress : bool

    Returns
    -------
    pandas.DataFrame
        One row per fit, lowest BIC first: ``n_components``, ``covariance``, ``n_parameters``,
        ``log_likelihood`` (nats), ``bic``, ``icl``, ``aic`` (lower is better, as in scikit-learn;
        mclust's sign is opposite), ``best`` (the criteria that this fit is best by), ``converged``
        and ``status``, what to mind of the fit. A fit that found no mode but collapsed ones has no
        criteria. Sort it by any column, or draw it with ``plot_compare_k``.

    Raises
    ------
    ValueError, TypeError
        An argument is unfit; the message names it.

    Notes
    -----
    BIC looks for the density, ICL for well separated clusters: it adds to BIC twice the uncertainty
    of the rows' most probable components [1]_, and is never lower. AIC takes more components than
    either.

    References
    ----------
    .. [1] Biernacki, Celeux & Govaert (2000), IEEE Trans. Pattern Anal. Mach. Intell. 22, 719–725.
    """
    import pandas as pd

    sizes = arguments.listed("n_components", n_components, (int, np.integer), "integers")
    structures = arguments.listed("covariance", covariance, str, "strings")
    mixtures = [GaussianMixture(k, structure) for structure, k in product(structures, sizes)]
    rows, weight = training_data(x, sample_weight, max(m.n_components for m in mixtures))
    records: list[dict[str, Any]] = []
    try:
        for mixture in progress_bar(mixtures, "numbers of components: fits", progress):
            fit = fit_ml(
                mixture,
                rows,
                sample_weight=weight,
                n_starts=n_starts,
                random_seed=random_seed,
                progress=False,
            )
            if fit.interrupted:
                raise KeyboardInterrupt
            records.append(_record(mixture, fit))
    except KeyboardInterrupt:
        if not records:
            raise
        warnings.warn(
            f"Interrupted: {len(records)} of {len(mixtures)} fits are in the table.", stacklevel=2
        )
    table = pd.DataFrame(records)
    best = {c: table[c].idxmin() for c in CRITERIA if table[c].notna().any()}
    marks = [", ".join(c for c, at in best.items() if at == i) for i in table.index]
    table.insert(list(table).index("aic") + 1, "best", marks)
    return table.sort_values("bic", ignore_index=True)


def _record(mixture, fit):
    # The likelihood of a collapsed fit is as large as the floor lets it be, and means nothing.
    values = {"log_likelihood": fit.log_likelihood} | {c: getattr(fit, c) for c in CRITERIA}
    return {
        "n_components": mixture.n_components,
        "covariance": mixture.covariance,
        "n_parameters": fit.n_parameters,
        **(values if fit.modes else dict.fromkeys(values, np.nan)),
        "converged": fit.converged,
        "status": fit.status,
    }


def loo(
    post: Posterior, *, x: Any = None, progress: bool = True
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
    from arviz_stats.base import array_stats

    reading = Reading.of(post, x)
    draws, rows, weight = reading.in_order, reading.rows, reading.sample_weight
    count = np.asarray(weight).astype(int)
    if (count != weight).any():
        at = np.flatnonzero(count != weight)[0]
        raise ValueError(
            f"sample_weight of the posterior is {weight[at]} in row {at}; leaving out one row at a "
            "time needs whole numbers. Try rows without weights."
        )
    kept = np.flatnonzero(count)
    table = np.empty((*map(len, reading.lead.values()), len(kept)))
    for block in row_blocks(draws, len(kept)):
        log_density, _ = row_densities(draws, rows[kept[block]])
        table[..., block] = reading.by_chain(log_density)
    log_weights, pareto_k = np.empty_like(table), np.empty(len(kept))
    parts = [slice(i, i + LOO_ROWS) for i in range(0, len(kept), LOO_ROWS)]
    # The mean over rows: ArviZ takes one relative efficiency for all of them.
    reff = np.average(
        np.concatenate([_relative_efficiency(table[..., part]) for part in parts]),
        weights=count[kept],
    )
    for part in progress_bar(parts, "leave-one-out: rows", progress):
        smoothed, pareto_k[part] = array_stats.psislw(table[..., part], reff, axis=[0, 1])
        log_weights[..., part] = np.moveaxis(smoothed, 0, -1)
    dims, times = (*names.LEAD, names.OBS), count[kept]
    coords = reading.lead | {names.OBS: np.repeat(kept, times)}

    def standing(values):
        repeated = np.repeat(values, times, axis=-1)
        used = dims[-repeated.ndim :]
        return xr.DataArray(repeated, dims=used, coords={name: coords[name] for name in used})

    tree = xr.DataTree.from_dict({names.LOG_LIKELIHOOD: xr.Dataset({names.X: standing(table)})})
    return az.loo(
        tree,
        pointwise=True,
        reff=reff,
        log_weights=standing(log_weights),
        pareto_k=standing(pareto_k),
    )


def _relative_efficiency(log_likelihood):
    """Effective sample size over draws of the likelihood of rows, (chain, draw, n) → (n,)."""
    from arviz_stats.base import array_stats

    likelihood = np.exp(log_likelihood - log_likelihood.max(axis=(0, 1)))
    return array_stats.ess(likelihood, chain_axis=0, draw_axis=1, method="mean", relative=True)
