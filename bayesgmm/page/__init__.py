"""The report: a page, and every number of it as JSON."""

from bayesgmm.page import tables
from bayesgmm.page.page import report, write_outputs

__all__ = ["report", "tables", "write_outputs"]
