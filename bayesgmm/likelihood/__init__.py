"""The likelihood: one compiled pass over the rows, its moments, and the target."""

from bayesgmm.likelihood import kernel as kernel
from bayesgmm.likelihood.arithmetic import add_log as add_log
from bayesgmm.likelihood.evidence import CompleteRows as CompleteRows
from bayesgmm.likelihood.few_features import WIDEST as WIDEST
from bayesgmm.likelihood.kernel import accumulate_moments as accumulate_moments
from bayesgmm.likelihood.moments import MixtureMoments as MixtureMoments
from bayesgmm.likelihood.passes import mixture_moments as mixture_moments
from bayesgmm.likelihood.passes import responsibilities as responsibilities
from bayesgmm.likelihood.passes import row_log_density as row_log_density
from bayesgmm.likelihood.passes import rows_at_once as rows_at_once
from bayesgmm.likelihood.rows import row_blocks as row_blocks
from bayesgmm.likelihood.rows import row_densities as row_densities
from bayesgmm.likelihood.target import Point as Point
from bayesgmm.likelihood.target import Target as Target
from bayesgmm.likelihood.target import assemble as assemble
from bayesgmm.likelihood.target import gradient_norm as gradient_norm
from bayesgmm.likelihood.target import hessian as hessian
from bayesgmm.likelihood.target import pack as pack
from bayesgmm.likelihood.target import unconstrain as unconstrain
from bayesgmm.likelihood.target import unpack as unpack
