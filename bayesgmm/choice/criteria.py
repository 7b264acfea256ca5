"""Information criteria of maximum likelihood fits: how many components, which structure."""

import warnings
from collections.abc import Iterable
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bayesgmm.data import Rows, training_data
from bayesgmm.em import PointEstimate, fit_ml
from bayesgmm.mixture import STRUCTURES, GaussianMixture
from bayesgmm.runtime import arguments, progress_bar

if TYPE_CHECKING:
    import pandas as pd

CRITERIA = ("bic", "icl", "aic")


def compare_k(
    x: Rows,
    n_components: int | Iterable[int] = range(1, 10),
    covariance: str | Iterable[str] = tuple(STRUCTURES),
    *,
    sample_weight: npt.ArrayLike | None = None,
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
        Names of structures, as :class:`GaussianMixture` takes them; default all.
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
    records: list[dict[str, object]] = []
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


def _record(mixture: GaussianMixture, fit: PointEstimate) -> dict[str, object]:
    # The likelihood of a collapsed fit is as large as the floor lets it be, and means nothing.
    values = {"log_likelihood": fit.log_likelihood} | {c: getattr(fit, c) for c in CRITERIA}
    return {
        "n_components": mixture.n_components,
        "covariance": mixture.covariance,
        "n_parameters": fit.n_parameters,
        **(dict.fromkeys(values, np.nan) if fit.collapsed else values),
        "converged": fit.converged,
        "status": fit.status,
    }
