"""What is declared, and the parameters of a mixture."""

from bayesgmm.mixture.declaration import GaussianMixture, checked_mixture
from bayesgmm.mixture.parameters import MixtureParameters

__all__ = ["GaussianMixture", "MixtureParameters", "checked_mixture"]
