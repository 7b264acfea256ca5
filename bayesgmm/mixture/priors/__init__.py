"""The priors of a Gaussian mixture, one file per family: a new one is a file, and a row here.

May not import PyMC or ArviZ.
"""

from bayesgmm.mixture.priors.density import LOG_2PI as LOG_2PI
from bayesgmm.mixture.priors.density import add_log_density as add_log_density
from bayesgmm.mixture.priors.density import add_log_prior as add_log_prior
from bayesgmm.mixture.priors.density import exchangeable_groups as exchangeable_groups
from bayesgmm.mixture.priors.density import gains_of_places as gains_of_places
from bayesgmm.mixture.priors.density import prior_numbers as prior_numbers
from bayesgmm.mixture.priors.normal_inverse_wishart import FraleyRaftery as FraleyRaftery
from bayesgmm.mixture.priors.normal_inverse_wishart import (
    NormalInverseWishart as NormalInverseWishart,
)
from bayesgmm.mixture.priors.normal_lkj import NormalLKJ as NormalLKJ
from bayesgmm.mixture.priors.protocol import Prior as Prior

FAMILIES: dict[str, type[Prior]] = {
    family.__name__: family for family in (NormalInverseWishart, FraleyRaftery, NormalLKJ)
}
"""Every family by its name."""
