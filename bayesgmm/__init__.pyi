# The public names, and where each lives; read at run time for lazy imports.
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
