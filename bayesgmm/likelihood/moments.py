"""The record of a pass over the rows: log likelihood and whitened moments."""

from typing import Any, NamedTuple

import numpy as np


class MixtureMoments(NamedTuple):
    """What one pass knows of the rows; records at the same parameters add."""

    log_likelihood: float
    """Nats."""
    nk: np.ndarray
    """Expected counts, (n_components,)."""
    s: np.ndarray
    """First moments of z = L⁻¹ (x − μ) under the responsibilities, (n_components, n_features)."""
    S: np.ndarray
    """Second moments, (n_components, n_features, n_features), or only their diagonals,
    (n_components, n_features), where the spread is variances."""

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, MixtureMoments):
            raise TypeError(f"moments add to moments; got {type(other).__name__}.")
        if self.S.shape != other.S.shape:
            raise ValueError(
                "moments add only for the same mixture; "
                f"got second moments of shapes {self.S.shape} and {other.S.shape}."
            )
        return MixtureMoments(
            self.log_likelihood + other.log_likelihood,
            self.nk + other.nk,
            self.s + other.s,
            self.S + other.S,
        )

    def __radd__(self, other: Any) -> Any:
        return self + other
