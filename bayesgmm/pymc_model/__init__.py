"""The same mixture in PyMC: likelihood, priors, the declared model."""

from bayesgmm.pymc_model.inverse_wishart import InverseWishart as InverseWishart
from bayesgmm.pymc_model.marginal_mixture import MarginalMixture as MarginalMixture
from bayesgmm.pymc_model.model import declare as declare
from bayesgmm.pymc_model.proportional_wishart import ProportionalWishart as ProportionalWishart
from bayesgmm.pymc_model.residual_lkj import ResidualLKJ as ResidualLKJ
from bayesgmm.pymc_model.scaled_lkj import ScaledLKJ as ScaledLKJ
