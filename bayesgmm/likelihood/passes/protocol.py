"""What a pass over the rows owes the package."""

from typing import Protocol

import numpy as np

from bayesgmm.likelihood.moments import MixtureMoments
from bayesgmm.mixture import Components


class Pass(Protocol):
    """The same rows under one mixture after another; parameters are those of scaled rows."""

    def __call__(self, mixture: Components) -> MixtureMoments:
        """Log likelihood and whitened moments."""

    def log_density(self, mixture: Components) -> np.ndarray:
        """Of every row, (n_obs,), in nats."""

    def responsibilities(self, mixture: Components) -> np.ndarray:
        """Probability of each component for every row, (n_obs, n_components)."""
