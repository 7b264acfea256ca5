"""Kinds of evidence in compiled code: what is observed of rows. One file per kind."""

from bayesgmm.likelihood.evidence import protocol
from bayesgmm.likelihood.evidence.complete_rows import CompleteRows

__all__ = ["CompleteRows", "protocol"]
