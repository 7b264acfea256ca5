"""Sampling: NUTS in, a DataTree out."""

from bayesgmm.sampling.nuts import sample
from bayesgmm.sampling.resumption import resume

__all__ = ["resume", "sample"]
