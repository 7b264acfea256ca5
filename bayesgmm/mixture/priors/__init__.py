"""The prior of a Gaussian mixture: families, and their density.

May not import PyMC or ArviZ.
"""

from bayesgmm.mixture.priors.families import FraleyRaftery, NormalInverseWishart, NormalLKJ
from bayesgmm.mixture.priors.log_density import (
    LOG_2PI,
    PriorNumbers,
    add_log_prior,
    exchangeable_groups,
    gains_of_places,
    prior_numbers,
)

__all__ = [
    "LOG_2PI",
    "FraleyRaftery",
    "NormalInverseWishart",
    "NormalLKJ",
    "PriorNumbers",
    "add_log_prior",
    "exchangeable_groups",
    "gains_of_places",
    "prior_numbers",
]
