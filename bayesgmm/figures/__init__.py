"""One figure, one file."""

from bayesgmm.figures import style
from bayesgmm.figures.assignments import plot_assignments
from bayesgmm.figures.compare_k import plot_compare_k
from bayesgmm.figures.comparison import plot_comparison
from bayesgmm.figures.components import plot_components
from bayesgmm.figures.convergence import plot_convergence
from bayesgmm.figures.em_trace import plot_trace_em
from bayesgmm.figures.mixture import plot_mixture
from bayesgmm.figures.occupied import plot_occupied
from bayesgmm.figures.similarity import plot_similarity
from bayesgmm.figures.style import CERTAIN, Rows, shown_rows

__all__ = [
    "CERTAIN",
    "Rows",
    "plot_assignments",
    "plot_compare_k",
    "plot_comparison",
    "plot_components",
    "plot_convergence",
    "plot_mixture",
    "plot_occupied",
    "plot_similarity",
    "plot_trace_em",
    "shown_rows",
    "style",
]
