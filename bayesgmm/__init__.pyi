# The public names, and where each lives; read at run time for lazy imports.
# isort: skip_file
from .data import Observations as Observations
from .data import observations as observations
from .mixture import GaussianMixture as GaussianMixture
from .prior import NormalInverseWishart as NormalInverseWishart
from .prior import NormalLKJ as NormalLKJ
from .em import Mode as Mode
from .em import PointEstimate as PointEstimate
from .em import fit_map as fit_map
from .em import fit_ml as fit_ml
from .distributions import InverseWishart as InverseWishart
from .distributions import MarginalMixture as MarginalMixture
from .distributions import ScaledLKJ as ScaledLKJ
from .model import declare as declare
from .sampling import sample as sample
from .posterior import assignments as assignments
from .posterior import covariances as covariances
from .posterior import density as density
from .posterior import load as load
from .posterior import log_likelihood as log_likelihood
from .posterior import predict_proba as predict_proba
from .posterior import relabel as relabel
from .posterior import save as save
from .posterior import summary as summary
from .reporting import report as report

__version__: str
from .reporting import plot_assignments as plot_assignments
from .reporting import plot_components as plot_components
from .reporting import plot_mixture as plot_mixture
from .reporting import plot_trace_em as plot_trace_em
