"""Kinds of evidence in compiled code: what is observed of rows. One file per kind."""

from bayesgmm.likelihood.evidence import protocol as protocol
from bayesgmm.likelihood.evidence.complete_rows import CompleteRows as CompleteRows
