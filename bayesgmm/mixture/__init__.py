"""What is declared: the mixture, its structures, its priors; and the parameters of one."""

from bayesgmm.mixture.declaration import GaussianMixture, checked_mixture
from bayesgmm.mixture.families import Gaussian, family
from bayesgmm.mixture.parameters import Components, MixtureParameters, zeros_like
from bayesgmm.mixture.priors import (
    LOG_2PI,
    FraleyRaftery,
    NormalInverseWishart,
    NormalLKJ,
    Prior,
    add_log_density,
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
    "Components",
    "Deviations",
    "FraleyRaftery",
    "Gaussian",
    "GaussianMixture",
    "MixtureParameters",
    "NormalInverseWishart",
    "NormalLKJ",
    "Prior",
    "ScaledShape",
    "Structure",
    "Triangles",
    "add_log_density",
    "checked_mixture",
    "exchangeable_groups",
    "factor",
    "family",
    "gains_of_places",
    "laid_out",
    "prior_numbers",
    "structure_named",
    "zeros_like",
]
