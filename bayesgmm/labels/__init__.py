"""Label switching undone."""

from bayesgmm.labels.permutations import ecr, stephens
from bayesgmm.labels.relabelling import as_drawn, label_agreement, relabel, relabelled
from bayesgmm.labels.stephens_sweeps import within

__all__ = ["as_drawn", "ecr", "label_agreement", "relabel", "relabelled", "stephens", "within"]
