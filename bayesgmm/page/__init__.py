"""The report: a page, and every number of it as JSON."""

from bayesgmm.page import tables as tables
from bayesgmm.page.page import report as report
from bayesgmm.page.page import write_outputs as write_outputs
