"""The complete-data information, and what is told of a point by products with the curvature."""

import numpy as np
import pytest
from oracles import STRUCTURES

import bayesgmm as bg
from bayesgmm.em import Objective, Whitening, curvature_times
from bayesgmm.em.information import largest_curvature
from bayesgmm.likelihood import hessian, unconstrain
from bayesgmm.mixture import MixtureParameters

every_structure = pytest.mark.parametrize("covariance", STRUCTURES)


def likelihood(covariance, x, k):
    return Objective.of(bg.GaussianMixture(k, covariance), x, None, flat=True)


def at_maximum(covariance, x, k):
    """The objective of the likelihood, and its maximum."""
    objective = likelihood(covariance, x, k)
    fit = bg.fit_ml(bg.GaussianMixture(k, covariance), x, random_seed=1, progress=False)
    here = fit.parameters.affine(1 / objective.scale, -objective.shift / objective.scale)
    return objective, objective.at(unconstrain(here))


def clusters(n, distance, d=3, k=3):
    rng = np.random.default_rng(1)
    sizes = 1 + 0.3 * np.arange(k)
    return np.concatenate([s * rng.normal(size=(n, d)) + distance * i for i, s in enumerate(sizes)])


@every_structure
def test_transpose_and_inverse(covariance):
    _, point = at_maximum(covariance, clusters(50, 20.0), 3)
    whitening = Whitening.at(point)
    u, v = np.random.default_rng(2).normal(size=(2, len(point.y)))
    assert v @ whitening(u) == pytest.approx(u @ whitening.transposed(v), rel=1e-12)
    np.testing.assert_allclose(whitening.inverse(whitening(u)), u, rtol=1e-12, atol=1e-12)


@every_structure
def test_where_clusters_are_apart_the_curvature_is_all_of_it(covariance):
    """No information is missing then: it is the identity in whitened coordinates."""
    objective, point = at_maximum(covariance, clusters(2000, 40.0), 3)
    whitening = Whitening.at(point)

    def gradient(y):
        return objective.at(y).gradient

    rows = [curvature_times(gradient, point.y, whitening, u) for u in np.eye(len(point.y))]
    # Of shape and volume together it is the expectation, which these rows only come near.
    error = 0.03 if covariance == "proportional" else 1e-3
    np.testing.assert_allclose(rows, -np.eye(len(point.y)), atol=error)


@pytest.mark.parametrize("d", [3, 6])
def test_the_largest_curvature_is_that_of_the_whole_matrix(d):
    objective, point = at_maximum("full", clusters(60, 2.0, d), 3)
    whitening = Whitening.at(point)
    found, direction, _ = largest_curvature(objective, point.y, whitening)
    W = np.array([whitening(u) for u in np.eye(len(point.y))]).T
    exact = np.linalg.eigvalsh(W.T @ hessian(objective.target, point.y, jacobian=False) @ W)[-1]
    assert found == pytest.approx(exact, abs=1e-2 * abs(exact))
    assert exact < 0
    assert np.linalg.norm(direction) == pytest.approx(1)


def test_components_in_one_place_are_on_a_saddle():
    """Two that share two clusters gain as they part: a gradient of zero, and a curvature above."""
    x = clusters(200, 6.0, d=1, k=2)
    objective = likelihood("full", x, 2)
    values = (x - objective.shift) / objective.scale
    one = MixtureParameters(
        "full",
        np.array([0.5, 0.5]),
        np.full((2, 1), values.mean()),
        np.full((2, 1, 1), values.std()),
    )
    point = objective.at(unconstrain(one))
    assert point.gradient_norm < 1e-12
    curvature, direction, _ = largest_curvature(objective, point.y, Whitening.at(point))
    assert curvature > 1e-3
    beside = objective.at(point.y + 0.1 * Whitening.at(point)(direction))
    assert beside.value > point.value


def test_a_climb_leaves_a_saddle():
    """A start that the M-step maps to two components in one place, from which EM never parts."""
    x = clusters(200, 6.0, d=1, k=2)
    halves = np.full((len(x), 2), 0.5)
    mixture = bg.GaussianMixture(2)
    left = bg.fit_ml(mixture, x, start=halves, n_starts=1, random_seed=1, progress=False)
    best = bg.fit_ml(mixture, x, random_seed=1, progress=False)
    assert left.converged
    assert left.log_likelihood == pytest.approx(best.log_likelihood, rel=1e-9)
    assert left.trace[0] < left.log_likelihood - 10


def test_modes_say_that_they_are_maxima(old_faithful):
    estimate = bg.fit_map(bg.GaussianMixture(3), old_faithful, random_seed=1, progress=False)
    assert len(estimate.modes) > 1
    objective = Objective.of(estimate.declaration, old_faithful, None)
    for mode in estimate.modes:
        here = mode.parameters.affine(1 / objective.scale, -objective.shift / objective.scale)
        curvature = hessian(objective.target, unconstrain(here), jacobian=False)
        assert mode.is_maximum
        assert np.linalg.eigvalsh(curvature)[-1] < 0
