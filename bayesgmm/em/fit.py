"""``fit_map`` and ``fit_ml``: many starts, and the catalogue of the modes they reach."""

import numpy as np

from bayesgmm.data import Observations, Rows, training_data
from bayesgmm.em.catalogue import Summit
from bayesgmm.em.estimate import Mode, PointEstimate, Stage
from bayesgmm.em.given import Start, given_start
from bayesgmm.em.objective import Objective
from bayesgmm.em.search import N_STARTS, Search, search
from bayesgmm.em.status import status_of
from bayesgmm.likelihood import Point, responsibilities
from bayesgmm.mixture import GaussianMixture, MixtureParameters, checked_mixture
from bayesgmm.runtime import arguments, one_blas_thread, sum_over_chunks

MOST_STARTS = 1_000_000
"""The end of every start is kept in memory."""


def fit_map(
    mixture: GaussianMixture,
    x: Rows,
    *,
    sample_weight: Rows | None = None,
    start: Start | None = None,
    n_starts: int | None = None,
    max_iter: int = 1000,
    tol: float = 1e-8,
    random_seed: int | None = None,
    progress: bool = True,
) -> PointEstimate:
    """The posterior's mode: maximum a posteriori by EM from many starts.

    The mode is that of the joint density of (w, μ, Σ) in these coordinates, without the Jacobian of
    any transform, as ``pm.find_MAP`` has it: a mode depends on its coordinates.

    Parameters
    ----------
    mixture : GaussianMixture
    x : array, data frame, or path of a .csv, .parquet or .npy file, (n_obs, n_features)
        Rows in any units; results are in the same. A memory-mapped array is never copied.
    sample_weight : (n_obs,), optional
        How many times each row counts; weight 2 is the row twice.
    start : PointEstimate, MixtureParameters, or array, optional
        Where the first start begins: another estimate, its parameters, labels (n_obs,) from 0 to
        n_components − 1, or responsibilities (n_obs, n_components). With ``n_starts=1`` it is the
        only one, and the fit ends at the mode above it.
    n_starts : int, optional
        Starts, of several kinds: trees, k-means++, short runs from random rows. By default 20, and
        up to 200 while fewer than 5 lead to the best mode and passes, over few of many rows, are
        cheap beside the rest of the fit.
    max_iter : int
        Iterations per start.
    tol : float
        Gradient norm, dimensionless and per row, at which a climb is converged.
    random_seed : int, optional
    progress : bool

    Returns
    -------
    PointEstimate
        Components in order of decreasing weight, those that the prior's numbers tell apart in the
        prior's places.

    Notes
    -----
    Under ``NormalLKJ(half_normal=True)`` the density of Σ grows without bound as a component
    collapses; as in :func:`fit_ml`, modes on the eigenvalue floor are left out and ``status`` says
    so.

    Raises
    ------
    ValueError, TypeError
        Rows, weights or settings are unfit; the message names the argument or column. Also if the
        prior's concentration is below 1: then no interior mode exists.

    References
    ----------
    .. [1] Dempster, Laird & Rubin (1977), J. R. Stat. Soc. B 39, 1–38.
    .. [2] Fraley & Raftery (2007), Journal of Classification 24, 155–181.
    """
    concentration = checked_mixture(mixture).prior.concentration
    if concentration is not None and np.min(concentration) < 1:
        raise ValueError(
            f"concentration of the prior is {concentration!r}, and below 1 the posterior has no "
            "interior mode: its density grows without bound as a weight goes to 0. "
            "Try concentration=1 or more, or bg.sample, which needs no mode."
        )
    return _fit(
        mixture, x, sample_weight, start, n_starts, max_iter, tol, random_seed, progress, flat=False
    )


def fit_ml(
    mixture: GaussianMixture,
    x: Rows,
    *,
    sample_weight: Rows | None = None,
    start: Start | None = None,
    n_starts: int | None = None,
    max_iter: int = 1000,
    tol: float = 1e-8,
    random_seed: int | None = None,
    progress: bool = True,
) -> PointEstimate:
    """Maximum likelihood by EM from many starts; the declared prior is ignored.

    A Gaussian mixture's likelihood has no maximum: it grows without bound as a component collapses
    onto a few rows. In every direction each component's variance is kept at or above 1e-6 of that
    of the bulk of the rows, and the best mode *off* that floor is returned; ``status`` says when
    starts met the floor, or when a component of the mode returned is suspiciously narrow.

    Parameters, returns and errors as in :func:`fit_map`. ``log_posterior`` is None and ``trace`` is
    the log likelihood.

    References
    ----------
    .. [1] Dempster, Laird & Rubin (1977), J. R. Stat. Soc. B 39, 1–38.
    """
    checked_mixture(mixture)
    return _fit(
        mixture, x, sample_weight, start, n_starts, max_iter, tol, random_seed, progress, flat=True
    )


def _fit(
    mixture: GaussianMixture,
    x: Rows,
    sample_weight: Rows | None,
    start: Start | None,
    n_starts: int | None,
    max_iter: int,
    tol: float,
    random_seed: int | None,
    progress: bool,
    flat: bool,
) -> PointEstimate:
    if n_starts is not None:
        n_starts = arguments.integer("n_starts", n_starts, 1, MOST_STARTS)
    max_iter = arguments.integer("max_iter", max_iter)
    tol = arguments.number("tol", tol, above=0)
    random_seed = arguments.seed(random_seed)
    rows, weight = training_data(
        x, sample_weight, mixture.n_components, mixture.structure.correlated
    )
    objective = Objective.of(mixture, rows.values, weight, flat)
    with one_blas_thread():
        y = None if start is None else given_start(objective, rows, start)
        found = search(objective, y, n_starts, max_iter, tol, random_seed, progress)
        return _estimate(mixture, rows, found, n_starts or N_STARTS, tol)


def _estimate(
    mixture: GaussianMixture, rows: Observations, found: Search, n_starts: int, tol: float
) -> PointEstimate:
    objective, summits = found.objective, found.catalogue.summits
    flat = objective.prior is None
    best = found.catalogue.best or summits[0]
    end = best.best.end
    parameters = end.parameters.permuted(_order(objective, end))
    in_units = objective.in_data_units(parameters)
    log_likelihood = end.moments.log_likelihood + objective.log_likelihood_offset
    n_obs, size = objective.evidence.total, in_units.n_parameters
    bic = -2 * log_likelihood + size * np.log(n_obs)
    converged = end.gradient_norm <= tol and not best.on_floor
    return PointEstimate(
        declaration=mixture,
        features=rows.features,
        parameters=in_units,
        log_posterior=None if flat else end.value + objective.offset,
        log_likelihood=log_likelihood,
        trace=np.array(best.best.trace) + objective.offset,
        n_iter=len(best.best.trace),
        converged=bool(converged),
        status=status_of(found, rows, best, parameters, n_starts, tol),
        interrupted=found.interrupted,
        gradient_norm=end.gradient_norm,
        collapsed=best.on_floor,
        modes=tuple(_mode(objective, summit) for summit in summits if summit.is_mode(tol)),
        stages=tuple(Stage(*part, n_passes) for part, n_passes in found.passes.items()),
        n_obs=n_obs,
        bic=bic,
        icl=bic - 2 * _certainty(objective, parameters),
        aic=-2 * log_likelihood + 2 * size,
    )


def _mode(objective: Objective, summit: Summit) -> Mode:
    end = summit.best.end
    parameters = objective.in_data_units(end.parameters.permuted(_order(objective, end)))
    return Mode(end.value + objective.offset, summit.count, parameters, summit.best.is_maximum)


def _order(objective: Objective, end: Point) -> np.ndarray:
    """Components by decreasing weight, each in the places of its group."""
    order = np.empty(objective.n_components, dtype=int)
    places = np.argsort(objective.groups, kind="stable")
    order[places] = np.lexsort((-end.parameters.weights, objective.groups))
    return order


def _certainty(objective: Objective, parameters: MixtureParameters) -> float:
    """Σ_n log max_k r_nk over the rows (nats): 0 where every row is certain of its component."""

    def certainty_of(chunk: slice) -> float:
        table = responsibilities(
            evidence.values[chunk], parameters.log_weights, parameters.means, parameters.factor,
            objective.shift, objective.scale,
        )  # fmt: skip
        return float(evidence.each[chunk] @ np.log(table.max(axis=1)))

    evidence = objective.evidence
    return float(sum_over_chunks(certainty_of, len(evidence)))
