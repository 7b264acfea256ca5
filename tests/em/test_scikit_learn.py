"""A thin scikit-learn estimator over fits passes scikit-learn's own checks."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClusterMixin, DensityMixin
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

import bayesgmm as bg


class Mixture(ClusterMixin, DensityMixin, BaseEstimator):
    """What a user would write."""

    def __init__(self, n_components=2, covariance="diag", fit_by="fit_map", random_state=0):
        self.n_components = n_components
        self.covariance = covariance
        self.fit_by = fit_by
        self.random_state = random_state

    def fit(self, X, y=None):
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        mixture = bg.GaussianMixture(self.n_components, self.covariance)
        fit = getattr(bg, self.fit_by)
        self.estimate_ = fit(mixture, X, n_starts=5, random_seed=self.random_state, progress=False)
        self.labels_ = self.estimate_.predict(X)
        return self

    def predict(self, X):
        return self._of_rows("predict", X)

    def predict_proba(self, X):
        return self._of_rows("predict_proba", X)

    def score_samples(self, X):
        return self._of_rows("score_samples", X)

    def score(self, X, y=None):
        return self.score_samples(X).mean()

    def _of_rows(self, method, X):
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return getattr(self.estimate_, method)(X)


@parametrize_with_checks([Mixture(), Mixture(covariance="tied"), Mixture(fit_by="fit_ml")])
@pytest.mark.filterwarnings("ignore:x. ")
def test_it_passes_the_checks(estimator, check):
    check(estimator)
