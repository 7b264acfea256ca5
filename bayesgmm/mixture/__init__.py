"""What is declared: the mixture, its structures, its priors; and the parameters of one."""

from bayesgmm.mixture.declaration import GaussianMixture as GaussianMixture
from bayesgmm.mixture.declaration import checked_mixture as checked_mixture
from bayesgmm.mixture.families import Gaussian as Gaussian
from bayesgmm.mixture.families import family as family
from bayesgmm.mixture.parameters import Components as Components
from bayesgmm.mixture.parameters import MixtureParameters as MixtureParameters
from bayesgmm.mixture.parameters import zeros_like as zeros_like
from bayesgmm.mixture.priors import LOG_2PI as LOG_2PI
from bayesgmm.mixture.priors import FraleyRaftery as FraleyRaftery
from bayesgmm.mixture.priors import NormalInverseWishart as NormalInverseWishart
from bayesgmm.mixture.priors import NormalLKJ as NormalLKJ
from bayesgmm.mixture.priors import Prior as Prior
from bayesgmm.mixture.priors import add_log_density as add_log_density
from bayesgmm.mixture.priors import exchangeable_groups as exchangeable_groups
from bayesgmm.mixture.priors import gains_of_places as gains_of_places
from bayesgmm.mixture.priors import prior_numbers as prior_numbers
from bayesgmm.mixture.priors import prior_of_dict as prior_of_dict
from bayesgmm.mixture.structures import FLOOR as FLOOR
from bayesgmm.mixture.structures import STRUCTURES as STRUCTURES
from bayesgmm.mixture.structures import Deviations as Deviations
from bayesgmm.mixture.structures import ScaledShape as ScaledShape
from bayesgmm.mixture.structures import Structure as Structure
from bayesgmm.mixture.structures import Triangles as Triangles
from bayesgmm.mixture.structures import factor as factor
from bayesgmm.mixture.structures import laid_out as laid_out
from bayesgmm.mixture.structures import structure_named as structure_named
