"""The prior of a Gaussian mixture: families, density, conjugate mode and draws.

May not import PyMC or ArviZ.
"""

from bayesgmm.prior.families import NormalInverseWishart, NormalLKJ

__all__ = ["NormalInverseWishart", "NormalLKJ"]
