"""Label switching undone."""

from bayesgmm.labels.permutations import ecr as ecr
from bayesgmm.labels.permutations import stephens as stephens
from bayesgmm.labels.relabelling import as_drawn as as_drawn
from bayesgmm.labels.relabelling import label_agreement as label_agreement
from bayesgmm.labels.relabelling import relabel as relabel
from bayesgmm.labels.relabelling import relabelled as relabelled
from bayesgmm.labels.stephens_sweeps import within as within
