"""Passes over the rows, by what the rows are and where: one file per kind."""

from bayesgmm.likelihood.passes.numba_pass import NumbaPass as NumbaPass
from bayesgmm.likelihood.passes.numba_pass import mixture_moments as mixture_moments
from bayesgmm.likelihood.passes.numba_pass import responsibilities as responsibilities
from bayesgmm.likelihood.passes.numba_pass import row_log_density as row_log_density
from bayesgmm.likelihood.passes.numba_pass import rows_at_once as rows_at_once
from bayesgmm.likelihood.passes.protocol import Pass as Pass
