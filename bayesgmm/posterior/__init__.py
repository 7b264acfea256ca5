"""What the draws say: summaries, prediction, diagnosis."""

from bayesgmm.posterior.advice import AMBIGUOUS as AMBIGUOUS
from bayesgmm.posterior.agreement import mixing as mixing
from bayesgmm.posterior.agreement import varying as varying
from bayesgmm.posterior.diagnosis import LEAST_DRAWS as LEAST_DRAWS
from bayesgmm.posterior.diagnosis import Diagnosis as Diagnosis
from bayesgmm.posterior.diagnosis import diagnose as diagnose
from bayesgmm.posterior.diagnosis import labelled_parameters as labelled_parameters
from bayesgmm.posterior.label_free import functionals as functionals
from bayesgmm.posterior.label_free import with_few_rows as with_few_rows
from bayesgmm.posterior.label_free import without_labels as without_labels
from bayesgmm.posterior.prediction import density as density
from bayesgmm.posterior.prediction import log_likelihood as log_likelihood
from bayesgmm.posterior.prediction import posterior_predictive as posterior_predictive
from bayesgmm.posterior.prediction import predict_proba as predict_proba
from bayesgmm.posterior.summaries import INTERVAL as INTERVAL
from bayesgmm.posterior.summaries import ambiguity_note as ambiguity_note
from bayesgmm.posterior.summaries import covariances as covariances
from bayesgmm.posterior.summaries import summary as summary
from bayesgmm.posterior.summaries import summary_table as summary_table
