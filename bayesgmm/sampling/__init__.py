"""Sampling: NUTS in, a DataTree out."""

from bayesgmm.sampling.memory import check_memory as check_memory
from bayesgmm.sampling.nuts import sample as sample
from bayesgmm.sampling.resumption import resume as resume
