# The public names, and where each lives; read at run time for lazy imports.
from .data import Observations as Observations
from .data import observations as observations
from .mixture import GaussianMixture as GaussianMixture
from .prior import NormalInverseWishart as NormalInverseWishart
from .prior import NormalLKJ as NormalLKJ
