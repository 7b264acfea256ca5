"""The likelihood: the compiled pass over the rows and its moments. May not import PyMC or ArviZ."""

from bayesgmm.likelihood.moments import (
    MixtureMoments,
    mixture_moments,
    responsibilities,
    row_log_density,
)
from bayesgmm.likelihood.rows import row_blocks, row_densities

__all__ = [
    "MixtureMoments",
    "mixture_moments",
    "responsibilities",
    "row_blocks",
    "row_densities",
    "row_log_density",
]
