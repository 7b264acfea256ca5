"""How the posterior's mass is shared among the modes of an estimate, by Laplace's approximation."""

import numpy as np
from scipy.special import gammaln, softmax

from bayesgmm.data import Rows, rows_like, training_data
from bayesgmm.em.catalogue import SAME_PLACE
from bayesgmm.em.estimate import Mode, PointEstimate
from bayesgmm.em.objective import Objective
from bayesgmm.likelihood import hessian, unconstrain
from bayesgmm.mixture import LOG_2PI, MixtureParameters
from bayesgmm.runtime import arguments, one_blas_thread

MOST_DIMENSIONS = 400
"""A mode takes two passes over the rows for each: more would take longer than the fit itself."""

ROUNDING = 1e-9
"""A curvature up to this share of the largest may be the error of second derivatives."""

SAME_ROWS = 1e-6
"""Log densities at a mode agree as closely (relative) where the rows are those of the fit."""


def mode_weights(estimate: PointEstimate, x: Rows, sample_weight: Rows | None = None) -> np.ndarray:
    """Each mode's share of the posterior's mass, by Laplace's approximation.

    A mode's mass is that of the normal density with its height and its curvature: a lower mode that
    is broader may hold more than the highest. Shares are relative to the modes that were found,
    and sum to 1.

    Parameters
    ----------
    estimate : PointEstimate
        What ``fit_map`` returned.
    x : (n_obs, n_features)
        The rows that were fitted.
    sample_weight : (n_obs,), optional
        Their weights, if the fit had any.

    Returns
    -------
    float64 array, shape (n_modes,)
        In the order of ``estimate.modes``; dimensionless. NaN for a mode that is no peak, because
        the density is flat or rises in some direction, and for all modes of a mixture of more than
        400 parameters.

    Raises
    ------
    ValueError, TypeError
        The estimate is one of ``fit_ml``; or the rows or weights are not those that were fitted.

    Notes
    -----
    The mass ∫ p(θ) dθ is that of p's expansion about its mode in θ = (w, μ, Σ), where ``fit_map``
    has it. In the target's coordinates y, log p(θ(y)) + log |∂θ/∂y| is the log density, and

        log p + log |∂θ/∂y| + ½ n log 2π − ½ log det(−H),   H = ∂² log p(θ(y)) / ∂y²,

    with H *without* the Jacobian: there the gradient of log p is zero, so that H is the curvature
    in θ changed to y, and the result is the same in whatever coordinates. The curvature of the
    density with Jacobian is of no use at this point, which is not its mode. The relative error is
    of order 1 / n_obs [1]_.

    Exchangeable components give every mode K! copies, but fewer where some of them coincide: a mode
    with r components in one place has K! / r!. Modes that overlap are each counted in full, and
    what a component of few rows has of mass far from its mode is not seen. Takes 2 n_parameters
    passes over the rows for each mode.

    References
    ----------
    .. [1] Tierney & Kadane (1986), J. Am. Stat. Assoc. 81, 82–86.
    """
    arguments.instance("estimate", estimate, PointEstimate, "Try estimate=bg.fit_map(mixture, x).")
    if estimate.log_posterior is None:
        raise ValueError(
            "estimate is one of maximum likelihood, whose modes hold no share of a posterior. "
            "Try estimate=bg.fit_map(mixture, x)."
        )
    mixture = estimate.declaration
    rows, weight = training_data(
        x, sample_weight, mixture.n_components, mixture.structure.correlated
    )
    objective = Objective.of(mixture, rows_like(rows, estimate.features, "x"), weight)
    with one_blas_thread():
        log_masses = np.array([_log_mass(objective, mode) for mode in estimate.modes])
    shares = np.full(len(log_masses), np.nan)
    known = np.isfinite(log_masses)
    if known.any():
        shares[known] = softmax(log_masses[known])
    return shares


def _log_mass(objective: Objective, mode: Mode) -> float:
    """Log of the posterior's mass at a mode (nats), but for a constant; NaN where it has none."""
    target = objective.target
    here = mode.parameters.affine(1 / objective.scale, -objective.shift / objective.scale)
    if not here.weights.all():
        return np.nan
    y = unconstrain(here)
    value = target(y, jacobian=False)[0] + objective.offset
    if not np.isclose(value, mode.log_posterior, rtol=SAME_ROWS, atol=SAME_ROWS):
        raise ValueError(
            f"x and sample_weight have a log posterior of {value:.6g} nats where the fit found "
            f"{mode.log_posterior:.6g}; expected the rows and the weights that were fitted. "
            "Try those, or a new bg.fit_map(mixture, x, sample_weight=…)."
        )
    if len(y) > MOST_DIMENSIONS:
        return np.nan
    curvatures = np.linalg.eigvalsh(-hessian(target, y, jacobian=False))
    if not curvatures[0] > ROUNDING * curvatures[-1]:
        return np.nan
    log_density, _ = target(y, jacobian=True)
    log_peak = log_density + 0.5 * len(y) * LOG_2PI - 0.5 * np.log(curvatures).sum()
    return float(log_peak - _log_symmetry(objective.groups, here))


def _log_symmetry(groups: np.ndarray, parameters: MixtureParameters) -> float:
    """Log of how many permutations of exchangeable components leave a mode where it is (nats)."""
    p = parameters
    distance = np.abs(p.weights[:, None] - p.weights)
    distance += np.abs(p.means[:, None] - p.means).max(axis=-1)
    distance += np.abs(p.covariances[:, None] - p.covariances).max(axis=(-1, -2))
    together = (distance <= SAME_PLACE) & (groups[:, None] == groups)
    sizes = np.bincount(together.argmax(axis=1))
    return float(gammaln(sizes + 1.0).sum())
