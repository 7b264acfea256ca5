"""Tables, figures and the page of a fit. Import it only when something is to be shown."""

from bayesgmm.reporting.clusters import plot_assignments, plot_comparison, plot_occupied
from bayesgmm.reporting.convergence import plot_convergence
from bayesgmm.reporting.criteria import plot_compare_k
from bayesgmm.reporting.heatmap import plot_similarity
from bayesgmm.reporting.page import report, write_outputs
from bayesgmm.reporting.plots import plot_components, plot_mixture, plot_trace_em

__all__ = [
    "plot_assignments",
    "plot_compare_k",
    "plot_comparison",
    "plot_components",
    "plot_convergence",
    "plot_mixture",
    "plot_occupied",
    "plot_similarity",
    "plot_trace_em",
    "report",
    "write_outputs",
]
