"""What compiled code asks of a family of components: the density of a whitened distance.

A family is a NamedTuple of its numbers, and each function here is the method of its name that the
tuple's class has.
"""

from bayesgmm.runtime import generic, generic_fast


@generic
def log_normaliser(family, d):
    """Log density (nats) at the centre of d features, where the spread is the identity."""


@generic_fast
def log_density(family, log_constant, square):
    """Log density (nats) at a squared distance, where it is ``log_constant`` at the centre."""
