"""What is declared: the mixture, its structures, its priors; and the parameters of one."""

from bayesgmm.mixture.declaration import GaussianMixture, checked_mixture
from bayesgmm.mixture.parameters import MixtureParameters
from bayesgmm.mixture.priors import (
    LOG_2PI,
    FraleyRaftery,
    NormalInverseWishart,
    NormalLKJ,
    Prior,
    add_log_prior,
    exchangeable_groups,
    gains_of_places,
    prior_numbers,
)
from bayesgmm.mixture.structures import (
    FLOOR,
    STRUCTURES,
    Deviations,
    ScaledShape,
    Structure,
    Triangles,
    factor,
    laid_out,
    structure_named,
)

__all__ = [
    "FLOOR",
    "LOG_2PI",
    "STRUCTURES",
    "Deviations",
    "FraleyRaftery",
    "GaussianMixture",
    "MixtureParameters",
    "NormalInverseWishart",
    "NormalLKJ",
    "Prior",
    "ScaledShape",
    "Structure",
    "Triangles",
    "add_log_prior",
    "checked_mixture",
    "exchangeable_groups",
    "factor",
    "gains_of_places",
    "laid_out",
    "prior_numbers",
    "structure_named",
]
