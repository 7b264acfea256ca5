"""The likelihood: one compiled pass over the rows, its moments, and the target."""

from bayesgmm.likelihood import kernel
from bayesgmm.likelihood.arithmetic import add_log
from bayesgmm.likelihood.evidence import CompleteRows
from bayesgmm.likelihood.few_features import WIDEST
from bayesgmm.likelihood.kernel import accumulate_moments
from bayesgmm.likelihood.moments import MixtureMoments
from bayesgmm.likelihood.passes import mixture_moments, responsibilities, row_log_density
from bayesgmm.likelihood.rows import row_blocks, row_densities
from bayesgmm.likelihood.target import Point, Target, assemble, hessian, unconstrain, unpack

__all__ = [
    "WIDEST",
    "CompleteRows",
    "MixtureMoments",
    "Point",
    "Target",
    "accumulate_moments",
    "add_log",
    "assemble",
    "hessian",
    "kernel",
    "mixture_moments",
    "responsibilities",
    "row_blocks",
    "row_densities",
    "row_log_density",
    "unconstrain",
    "unpack",
]
