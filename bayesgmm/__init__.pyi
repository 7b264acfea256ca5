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
from .posterior import CredibleBall as CredibleBall
from .posterior import Diagnosis as Diagnosis
from .posterior import Partition as Partition
from .posterior import as_drawn as as_drawn
from .posterior import assignments as assignments
from .posterior import compare_k as compare_k
from .posterior import covariances as covariances
from .posterior import credible_ball as credible_ball
from .posterior import density as density
from .posterior import diagnose as diagnose
from .posterior import ecr as ecr
from .posterior import label_agreement as label_agreement
from .posterior import load as load
from .posterior import log_likelihood as log_likelihood
from .posterior import loo as loo
from .posterior import occupied_components as occupied_components
from .posterior import partition as partition
from .posterior import posterior_predictive as posterior_predictive
from .posterior import predict_proba as predict_proba
from .posterior import relabel as relabel
from .posterior import save as save
from .posterior import similarity as similarity
from .posterior import stephens as stephens
from .posterior import summary as summary
from .reporting import report as report

__version__: str
from .reporting import plot_assignments as plot_assignments
from .reporting import plot_compare_k as plot_compare_k
from .reporting import plot_components as plot_components
from .reporting import plot_mixture as plot_mixture
from .reporting import plot_trace_em as plot_trace_em
