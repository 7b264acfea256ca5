"""The priors of a Gaussian mixture, one file per family: a new one is a file, and a row here.

May not import PyMC or ArviZ.
"""

from bayesgmm.mixture.priors.density import (
    LOG_2PI,
    add_log_density,
    add_log_prior,
    exchangeable_groups,
    gains_of_places,
    prior_numbers,
)
from bayesgmm.mixture.priors.normal_inverse_wishart import FraleyRaftery, NormalInverseWishart
from bayesgmm.mixture.priors.normal_lkj import NormalLKJ
from bayesgmm.mixture.priors.protocol import Prior

FAMILIES: dict[str, type[Prior]] = {
    family.__name__: family for family in (NormalInverseWishart, FraleyRaftery, NormalLKJ)
}
"""Every family by its name."""

__all__ = [
    "FAMILIES",
    "LOG_2PI",
    "FraleyRaftery",
    "NormalInverseWishart",
    "NormalLKJ",
    "Prior",
    "add_log_density",
    "add_log_prior",
    "exchangeable_groups",
    "gains_of_places",
    "prior_numbers",
]
