"""Tables, figures and the page of a fit. Import it only when something is to be shown."""

from bayesgmm.reporting.criteria import plot_compare_k
from bayesgmm.reporting.page import report, write_outputs
from bayesgmm.reporting.plots import (
    plot_assignments,
    plot_components,
    plot_mixture,
    plot_trace_em,
)

__all__ = [
    "plot_assignments",
    "plot_compare_k",
    "plot_components",
    "plot_mixture",
    "plot_trace_em",
    "report",
    "write_outputs",
]
