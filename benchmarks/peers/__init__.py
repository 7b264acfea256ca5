"""What people would use instead, each written the way its own documentation shows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayesgmm.mixture.parameters import MixtureParameters


@dataclass(frozen=True)
class PeerDensity:
    """A peer's log posterior of a mixture, with its gradient.

    ``at(parameters)`` is the call to be timed: value and gradient in the peer's own coordinates.
    ``in_our_coordinates(parameters)`` is what that call computes, carried over to the coordinates
    of :class:`bayesgmm.target.Target`: value (nats, up to a constant) and gradient (n_dim,).
    """

    at: Callable[[MixtureParameters], Callable[[], object]]
    in_our_coordinates: Callable[[MixtureParameters], tuple[float, np.ndarray]]
