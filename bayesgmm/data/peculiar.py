"""What is peculiar about rows that can be fitted all the same, in sentences for a status."""

from collections.abc import Iterator

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

    ``centre`` and ``scale``, (n_features,), are those of the bulk of the rows, in the data's units;
    ``sample_weight`` is (n_obs,).
    """
    return [*_far_rows(obs, sample_weight, centre, scale), *_coarse_columns(obs)]


def _far_rows(
    obs: Observations, sample_weight: np.ndarray, centre: np.ndarray, scale: np.ndarray
) -> Iterator[str]:
    parts = chunks(obs.values, obs.n_features)
    is_far = [(np.abs(part / scale - centre / scale) > FAR).any(axis=1) for part in parts]
    far = np.flatnonzero(np.concatenate(is_far) & (sample_weight > 0))
    named = []
    for i in far[:NAMED]:
        row = obs.values[i]
        distance = np.abs(row / scale - centre / scale)
        j = distance.argmax()
        named.append(
            f"row {obs.rows[i]} ({obs.features[j]!r} is {row[j]:.6g}, {distance[j]:.3g} standard "
            "deviations from the centre)"
        )
    if named:
        yield (
            f"Absurdly far out: {joined(named, NAMED, len(far))}. Look at them: a component may "
            "serve them alone. If they are errors, leave them out."
        )


def _coarse_columns(obs: Observations) -> Iterator[str]:
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
    if coarse:
        yield (
            f"Coarse: {joined(coarse, NAMED)}. A component may settle on one value, and there "
            "only the prior keeps its variance from 0."
        )
