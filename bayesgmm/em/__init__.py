"""Point estimation: starts, EM, polish and the catalogue of modes."""

from bayesgmm.em.estimate import Mode as Mode
from bayesgmm.em.estimate import PointEstimate as PointEstimate
from bayesgmm.em.fit import fit_map as fit_map
from bayesgmm.em.fit import fit_ml as fit_ml
from bayesgmm.em.information import Whitening as Whitening
from bayesgmm.em.information import curvature_times as curvature_times
from bayesgmm.em.laplace import mode_weights as mode_weights
from bayesgmm.em.objective import Objective as Objective
from bayesgmm.em.starts import draw_start as draw_start
