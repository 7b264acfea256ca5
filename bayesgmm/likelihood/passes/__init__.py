"""Passes over the rows, by what the rows are and where: one file per kind."""

from bayesgmm.likelihood.passes.numba_pass import (
    NumbaPass,
    mixture_moments,
    responsibilities,
    row_log_density,
)
from bayesgmm.likelihood.passes.protocol import Pass

__all__ = ["NumbaPass", "Pass", "mixture_moments", "responsibilities", "row_log_density"]
