"""What a posterior says: labels, clusterings, summaries, verdicts, probabilities, files."""

from bayesgmm.posterior.allocations import assignments
from bayesgmm.posterior.balls import CredibleBall, credible_ball
from bayesgmm.posterior.choice import compare_k, loo
from bayesgmm.posterior.comparison import Comparison, compare
from bayesgmm.posterior.occupied import occupied_components
from bayesgmm.posterior.partitions import Partition, partition
from bayesgmm.posterior.prediction import (
    density,
    log_likelihood,
    posterior_predictive,
    predict_proba,
)
from bayesgmm.posterior.relabelling import as_drawn, label_agreement, relabel
from bayesgmm.posterior.similarities import similarity
from bayesgmm.posterior.summaries import covariances, summary
from bayesgmm.posterior.switching import ecr, stephens
from bayesgmm.posterior.verdicts import Diagnosis, diagnose

__all__ = [
    "Comparison",
    "CredibleBall",
    "Diagnosis",
    "Partition",
    "as_drawn",
    "assignments",
    "compare",
    "compare_k",
    "covariances",
    "credible_ball",
    "density",
    "diagnose",
    "ecr",
    "label_agreement",
    "log_likelihood",
    "loo",
    "occupied_components",
    "partition",
    "posterior_predictive",
    "predict_proba",
    "relabel",
    "similarity",
    "stephens",
    "summary",
]
