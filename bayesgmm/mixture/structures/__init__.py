"""The covariance structures, one file per kind: a new one is a file, and a row here."""

from bayesgmm.mixture.structures import factor as factor
from bayesgmm.mixture.structures.cholesky import FULL, TIED
from bayesgmm.mixture.structures.deviations import DIAG, SPHERICAL, TIED_DIAG, TIED_SPHERICAL
from bayesgmm.mixture.structures.factor import laid_out as laid_out
from bayesgmm.mixture.structures.floor import FLOOR as FLOOR
from bayesgmm.mixture.structures.proportional import PROPORTIONAL
from bayesgmm.mixture.structures.proportional import ScaledShape as ScaledShape
from bayesgmm.mixture.structures.protocol import Structure as Structure
from bayesgmm.mixture.structures.table import Deviations as Deviations
from bayesgmm.mixture.structures.triangles import Triangles as Triangles
from bayesgmm.runtime import arguments

STRUCTURES: dict[str, Structure] = {
    s.name: s for s in (FULL, TIED, DIAG, SPHERICAL, TIED_DIAG, TIED_SPHERICAL, PROPORTIONAL)
}
"""Every structure by its name."""


def structure_named(name: str) -> Structure:
    """The structure of this name.

    Raises
    ------
    ValueError, TypeError
        There is none.
    """
    found = STRUCTURES.get(name) if isinstance(name, str) else None
    return found or STRUCTURES[arguments.one_of("covariance", name, STRUCTURES)]
