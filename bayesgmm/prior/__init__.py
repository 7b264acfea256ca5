"""The prior of a Gaussian mixture: families, density, conjugate mode and draws.

May not import PyMC or ArviZ.
"""

from bayesgmm.prior.families import FraleyRaftery, NormalInverseWishart, NormalLKJ

__all__ = ["FraleyRaftery", "NormalInverseWishart", "NormalLKJ"]
