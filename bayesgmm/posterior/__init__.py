"""What the draws say: summaries, prediction, diagnosis."""

from bayesgmm.posterior.advice import AMBIGUOUS
from bayesgmm.posterior.agreement import mixing, varying
from bayesgmm.posterior.diagnosis import LEAST_DRAWS, Diagnosis, diagnose, labelled_parameters
from bayesgmm.posterior.label_free import functionals, with_few_rows, without_labels
from bayesgmm.posterior.prediction import (
    density,
    log_likelihood,
    posterior_predictive,
    predict_proba,
)
from bayesgmm.posterior.summaries import (
    INTERVAL,
    ambiguity_note,
    covariances,
    summary,
    summary_table,
)

__all__ = [
    "AMBIGUOUS",
    "INTERVAL",
    "LEAST_DRAWS",
    "Diagnosis",
    "ambiguity_note",
    "covariances",
    "density",
    "diagnose",
    "functionals",
    "labelled_parameters",
    "log_likelihood",
    "mixing",
    "posterior_predictive",
    "predict_proba",
    "summary",
    "summary_table",
    "varying",
    "with_few_rows",
    "without_labels",
]
