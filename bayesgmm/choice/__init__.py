"""How many components, and which structure."""

from bayesgmm.choice.criteria import compare_k as compare_k
from bayesgmm.choice.leave_one_out import loo as loo
