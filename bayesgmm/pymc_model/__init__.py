"""The same mixture in PyMC: likelihood, priors, the declared model."""

from bayesgmm.pymc_model.inverse_wishart import InverseWishart
from bayesgmm.pymc_model.marginal_mixture import MarginalMixture
from bayesgmm.pymc_model.model import declare
from bayesgmm.pymc_model.proportional_wishart import ProportionalWishart
from bayesgmm.pymc_model.residual_lkj import ResidualLKJ
from bayesgmm.pymc_model.scaled_lkj import ScaledLKJ

__all__ = [
    "InverseWishart",
    "MarginalMixture",
    "ProportionalWishart",
    "ResidualLKJ",
    "ScaledLKJ",
    "declare",
]
