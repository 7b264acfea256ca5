"""What is declared: the mixture, its structures, its priors; and the parameters of one."""

from bayesgmm.mixture.declaration import GaussianMixture, checked_mixture
from bayesgmm.mixture.parameters import MixtureParameters
from bayesgmm.mixture.priors import (
    LOG_2PI,
    FraleyRaftery,
    NormalInverseWishart,
    NormalLKJ,
    PriorNumbers,
    add_log_prior,
    exchangeable_groups,
    gains_of_places,
    prior_numbers,
)
from bayesgmm.mixture.structures import FLOOR, STRUCTURES, Structure, structure_named

__all__ = [
    "FLOOR",
    "LOG_2PI",
    "STRUCTURES",
    "FraleyRaftery",
    "GaussianMixture",
    "MixtureParameters",
    "NormalInverseWishart",
    "NormalLKJ",
    "PriorNumbers",
    "Structure",
    "add_log_prior",
    "checked_mixture",
    "exchangeable_groups",
    "gains_of_places",
    "prior_numbers",
    "structure_named",
]
