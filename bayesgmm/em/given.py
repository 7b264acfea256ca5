"""A start that a user gives: an estimate, its parameters, labels, or responsibilities."""

from typing import Any

import numpy as np

from bayesgmm.data import Observations
from bayesgmm.em.estimate import PointEstimate
from bayesgmm.em.objective import Objective
from bayesgmm.em.starts import from_parts, from_responsibilities
from bayesgmm.likelihood import unconstrain
from bayesgmm.mixture import MixtureParameters

Start = PointEstimate | MixtureParameters | np.ndarray

EXPECTED = (
    "expected a PointEstimate, the MixtureParameters of one, labels (n_obs,) from 0 to "
    "n_components - 1, or responsibilities (n_obs, n_components)"
)


def given_start(objective: Objective, obs: Observations, start: Any) -> np.ndarray:
    """The vector of a start.

    Raises
    ------
    ValueError, TypeError
        The start is none of these, or of another number of components, features or rows.
    """
    if isinstance(start, PointEstimate):
        start = start.parameters
    if isinstance(start, MixtureParameters):
        return _from_parameters(objective, start)
    table = _table(objective.n_components, obs, start)
    rows = (objective.evidence.values - objective.shift) / objective.scale
    return from_responsibilities(objective, rows, objective.evidence.each, table)


def _from_parameters(objective: Objective, parameters: MixtureParameters) -> np.ndarray:
    expected = objective.target.shape
    if parameters.means.shape != expected:
        raise ValueError(
            f"start has means of shape {parameters.means.shape}; expected (n_components, "
            f"n_features) = {expected}. Try a fit of a mixture with n_components={expected[0]}."
        )
    here = parameters.affine(1 / objective.scale, -objective.shift / objective.scale)
    if here.covariance == objective.covariance:
        return unconstrain(here)
    nk = here.weights * objective.evidence.total
    return from_parts(objective, nk, here.means, nk[:, None, None] * here.covariances)


def _table(k: int, obs: Observations, start: Any) -> np.ndarray:
    """Responsibilities, (n_obs, n_components)."""
    try:
        given = np.asarray(start)
    except (TypeError, ValueError):
        given = np.asarray(None)
    if given.dtype.kind not in "iufb" or given.ndim not in (1, 2):
        raise TypeError(f"start is a {type(start).__name__}; {EXPECTED}.")
    if len(given) == obs.n_rows != obs.n_obs:
        given = given[obs.rows]
    shapes = {1: (obs.n_obs,), 2: (obs.n_obs, k)}
    if given.shape != shapes[given.ndim]:
        raise ValueError(f"start has shape {given.shape}; {EXPECTED}: {shapes[given.ndim]}.")
    if given.ndim == 1:
        wrong = ~np.isin(given, np.arange(k))
        if wrong.any():
            i = int(wrong.argmax())
            raise ValueError(
                f"start[{i}] is {given[i]}, which is no component; {EXPECTED}. "
                "Try np.unique(labels, return_inverse=True)[1]."
            )
        return np.eye(k)[given.astype(int)]
    given = given.astype(np.float64)
    wrong = ~((given >= 0).all(axis=1) & np.isclose(given.sum(axis=1), 1, atol=1e-6))
    if wrong.any():
        i = int(wrong.argmax())
        raise ValueError(
            f"start[{i}] is {given[i].tolist()}; expected probabilities that sum to 1. "
            "Try the predict_proba of an estimate."
        )
    return given
