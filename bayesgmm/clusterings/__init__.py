"""Partitions of the rows: the best, how sure, and the MAP's beside it."""

from bayesgmm.clusterings.allocations import assignments, checked_assignments
from bayesgmm.clusterings.comparison import Comparison, compare, compared
from bayesgmm.clusterings.credible_balls import CredibleBall, credible_ball
from bayesgmm.clusterings.occupied import occupied_components
from bayesgmm.clusterings.partitions import N_RUNS, Partition, partition
from bayesgmm.clusterings.rand_index import adjusted_rand
from bayesgmm.clusterings.similarity_matrix import similarity

__all__ = [
    "N_RUNS",
    "Comparison",
    "CredibleBall",
    "Partition",
    "adjusted_rand",
    "assignments",
    "checked_assignments",
    "compare",
    "compared",
    "credible_ball",
    "occupied_components",
    "partition",
    "similarity",
]
