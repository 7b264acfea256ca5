"""What is peculiar about rows that can be fitted all the same, in sentences for a status."""

import numpy as np

from bayesgmm.data.names import joined
from bayesgmm.data.rows import Observations, chunks

FAR = 20
"""Standard deviations of the bulk from its centre beyond which a row is called absurdly far out."""
NAMED = 5
"""Rows that are named."""
REPEATED = 0.1
"""Share of the rows that one value of a column may have before the column is called coarse."""
LOOKED_AT = 4096
"""Rows in which repeated values are sought."""


def peculiarities(
    obs: Observations, sample_weight: np.ndarray, centre: np.ndarray, scale: np.ndarray
) -> list[str]:
    """Sentences on rows that lie absurdly far out, and on columns that repeat a value.

    Parameters
    ----------
    obs : Observations
    sample_weight : float64 array, shape (n_obs,)
    centre, scale : float64 arrays, shape (n_features,)
        Centre and standard deviations of the bulk of the rows, in the data's units.
    """
    return _far_rows(obs, sample_weight, centre, scale) + _coarse_columns(obs)


def _far_rows(obs, sample_weight, centre, scale):
    d, start, n_far = obs.n_features, 0, 0
    named: list[str] = []
    for part, weight in zip(chunks(obs.values, d), chunks(sample_weight, d), strict=True):
        distance = np.abs(part / scale - centre / scale)
        far = np.flatnonzero((distance > FAR).any(axis=1) & (weight > 0))
        n_far += len(far)
        for i in far[: NAMED - len(named)]:
            j = int(distance[i].argmax())
            named.append(
                f"row {obs.rows[start + i]} ({obs.features[j]!r} is {part[i, j]:.6g}, "
                f"{distance[i, j]:.3g} standard deviations from the centre)"
            )
        start += len(part)
    if not named:
        return []
    return [
        f"Absurdly far out: {joined(named, NAMED, n_far)}. Look at them: a component may serve "
        "them alone. If they are errors, leave them out."
    ]


def _coarse_columns(obs):
    rows = obs.values[:: max(1, obs.n_obs // LOOKED_AT)]
    coarse = []
    for j, name in enumerate(obs.features):
        values, counts = np.unique(rows[:, j], return_counts=True)
        most = counts.argmax()
        if counts[most] > max(1, REPEATED * len(rows)):
            coarse.append(
                f"{name!r} ({len(values)} values, {values[most]:.6g} in "
                f"{counts[most] / len(rows):.0%} of the rows)"
            )
    if not coarse:
        return []
    return [
        f"Coarse: {joined(coarse, NAMED)}. A component may settle on one value, and there "
        "only the prior keeps its variance from 0."
    ]
