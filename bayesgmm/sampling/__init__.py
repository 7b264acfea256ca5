"""Sampling: NUTS in, a DataTree out."""

from bayesgmm.sampling.memory import check_memory
from bayesgmm.sampling.nuts import sample
from bayesgmm.sampling.resumption import resume

__all__ = ["check_memory", "resume", "sample"]
