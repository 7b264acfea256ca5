"""Point estimation: starts, EM, polish and the catalogue of modes. May not import PyMC or ArviZ."""

from bayesgmm.em.estimate import Mode, PointEstimate
from bayesgmm.em.fit import fit_map, fit_ml

__all__ = ["Mode", "PointEstimate", "fit_map", "fit_ml"]
