"""What the pass asks of the rows, by the block: their values, and how many times each counts.

A kind of evidence is a NamedTuple, and each function here is the method of its name that the
tuple's class has.
"""

from bayesgmm.runtime import generic


@generic
def n_rows(evidence, d):
    """How many rows of d features there are."""


@generic
def load(evidence, start, size, rows):
    """Copy rows, in the parameters' coordinates, into (feature, row) order."""


@generic
def weigh(evidence, start, size, weight):
    """Write how many times each row counts."""
