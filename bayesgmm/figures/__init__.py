"""One figure, one file."""

from bayesgmm.figures import style as style
from bayesgmm.figures.assignments import plot_assignments as plot_assignments
from bayesgmm.figures.compare_k import plot_compare_k as plot_compare_k
from bayesgmm.figures.comparison import plot_comparison as plot_comparison
from bayesgmm.figures.components import plot_components as plot_components
from bayesgmm.figures.convergence import plot_convergence as plot_convergence
from bayesgmm.figures.em_trace import plot_trace_em as plot_trace_em
from bayesgmm.figures.mixture import plot_mixture as plot_mixture
from bayesgmm.figures.modes import plot_modes as plot_modes
from bayesgmm.figures.occupied import plot_occupied as plot_occupied
from bayesgmm.figures.similarity import plot_similarity as plot_similarity
from bayesgmm.figures.style import CERTAIN as CERTAIN
from bayesgmm.figures.style import shown_rows as shown_rows
