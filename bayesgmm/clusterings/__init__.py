"""Partitions of the rows: the best, how sure, and the MAP's beside it."""

from bayesgmm.clusterings.allocations import assignments as assignments
from bayesgmm.clusterings.allocations import checked_assignments as checked_assignments
from bayesgmm.clusterings.allocations import occupied_components as occupied_components
from bayesgmm.clusterings.comparison import Comparison as Comparison
from bayesgmm.clusterings.comparison import compare as compare
from bayesgmm.clusterings.comparison import compared as compared
from bayesgmm.clusterings.credible_balls import CredibleBall as CredibleBall
from bayesgmm.clusterings.credible_balls import credible_ball as credible_ball
from bayesgmm.clusterings.partitions import N_RUNS as N_RUNS
from bayesgmm.clusterings.partitions import Partition as Partition
from bayesgmm.clusterings.partitions import partition as partition
from bayesgmm.clusterings.rand_index import adjusted_rand as adjusted_rand
from bayesgmm.clusterings.similarity_matrix import similarity as similarity
