"""Sampling: NUTS in, a DataTree out."""

from bayesgmm.sampling.nuts import sample

__all__ = ["sample"]
