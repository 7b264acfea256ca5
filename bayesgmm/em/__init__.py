"""Point estimation: starts, EM, polish and the catalogue of modes."""

from bayesgmm.em.estimate import Mode, PointEstimate
from bayesgmm.em.fit import fit_map, fit_ml
from bayesgmm.em.objective import Objective
from bayesgmm.em.starts import draw_start

__all__ = ["Mode", "Objective", "PointEstimate", "draw_start", "fit_map", "fit_ml"]
