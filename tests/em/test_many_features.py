"""Fits in a hundred features and more, with fewer rows than features too; fifty components."""

import numpy as np
import pytest
from oracles import STRUCTURES
from scipy.stats import multivariate_normal
from sklearn.metrics import adjusted_rand_score

import bayesgmm as bg


def clusters(n, d, k, distance):
    """Rows about k centres, and whose they are."""
    rng = np.random.default_rng(1)
    labels = np.arange(n) % k
    return distance * rng.normal(size=(k, d))[labels] + rng.normal(size=(n, d)), labels


@pytest.mark.parametrize("covariance", STRUCTURES)
@pytest.mark.parametrize(("n", "d"), [(60, 100), (500, 100), (300, 200)])
def test_every_structure_is_fitted(covariance, n, d):
    """With fewer rows than features the prior keeps covariances proper."""
    x, labels = clusters(n, d, 2, distance=1.0)
    mixture = bg.GaussianMixture(2, covariance)
    fit = bg.fit_map(mixture, x, n_starts=3, random_seed=1, progress=False)
    assert fit.converged
    assert adjusted_rand_score(labels, fit.predict(x)) == 1
    assert np.linalg.eigvalsh(fit.covariances).min() > 0.01
    normals = [
        np.log(w) + multivariate_normal(m, c).logpdf(x)
        for w, m, c in zip(fit.weights, fit.means, fit.covariances, strict=True)
    ]
    expected = np.logaddexp(*normals).sum()
    assert fit.log_likelihood == pytest.approx(expected, rel=1e-9)


def test_simpler_structures_are_pointed_at_where_rows_are_few():
    x, _ = clusters(60, 20, 2, distance=3.0)

    def status(k, covariance):
        mixture = bg.GaussianMixture(k, covariance)
        return bg.fit_map(mixture, x, n_starts=3, random_seed=1, progress=False).status

    assert "60 rows are few for 461 free parameters: covariance='tied' and 'diag'" in status(
        2, "full"
    )
    assert "few for 251 free parameters: covariance='diag' has fewer." in status(2, "tied")
    assert "few for 230 free parameters: covariance='diag' has fewer." in status(1, "full")
    assert "rows are few" not in status(2, "diag")


@pytest.mark.slow
def test_fifty_components_are_all_found():
    x, labels = clusters(5000, 5, 50, distance=6.0)
    fit = bg.fit_map(bg.GaussianMixture(50), x, random_seed=1, progress=False)
    assert fit.converged
    assert adjusted_rand_score(labels, fit.predict(x)) > 0.99
