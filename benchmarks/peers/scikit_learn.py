"""scikit-learn's ``GaussianMixture``."""

import numpy as np
from sklearn.mixture import GaussianMixture


def em_iteration(x, start):
    """A call that makes one E step and one M step from ``start``: weights, means, covariances.

    These are the two steps of ``fit`` alone, without its checks, its start and its last E step.
    """
    mixture = GaussianMixture(start.n_components, covariance_type="full", reg_covar=0.0)
    factor = np.swapaxes(np.linalg.inv(start.factor), 1, 2)

    def iterate():
        mixture.weights_, mixture.means_ = start.weights, start.means
        mixture.precisions_cholesky_ = factor
        _, log_responsibilities = mixture._e_step(x)
        mixture._m_step(x, log_responsibilities)
        return mixture.weights_, mixture.means_, mixture.covariances_

    return iterate


def fit(x, n_components, n_starts, tol=1e-3):
    """A call that fits from so many starts until the log likelihood per row gains less than tol.

    The iterations it may take are so many that it always gets there.
    """
    mixture = GaussianMixture(
        n_components, n_init=n_starts, tol=tol, max_iter=100_000, random_state=1
    )
    return lambda: mixture.fit(x)
