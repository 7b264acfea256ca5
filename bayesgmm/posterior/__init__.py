"""What a posterior says: labels, summaries, probabilities of components, files."""

from bayesgmm.posterior.files import load, save
from bayesgmm.posterior.prediction import assignments, density, log_likelihood, predict_proba
from bayesgmm.posterior.relabelling import relabel
from bayesgmm.posterior.summaries import covariances, summary

__all__ = [
    "assignments",
    "covariances",
    "density",
    "load",
    "log_likelihood",
    "predict_proba",
    "relabel",
    "save",
    "summary",
]
