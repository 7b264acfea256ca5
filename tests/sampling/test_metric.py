"""The metric in which chains begin, as a matrix and by blocks."""

import numpy as np
import pytest
from oracles import STRUCTURES

import bayesgmm as bg
from bayesgmm.em import Objective, curvature_times
from bayesgmm.likelihood import unconstrain
from bayesgmm.sampling import metric
from bayesgmm.sampling.metric import Blocks, Dense


def at_mode(covariance="full", k=2, d=2):
    """Target and mode of overlapping clusters."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, d)) + 2.5 * rng.integers(k, size=(300, 1))
    mixture = bg.GaussianMixture(k, covariance)
    fit = bg.fit_map(mixture, x, random_seed=1, progress=False)
    objective = Objective.of(mixture, x, None)
    here = fit.parameters.affine(1 / objective.scale, -objective.shift / objective.scale)
    return objective.target, unconstrain(here)


def curvature(target, centre, of):
    """Minus the second derivatives in y."""

    def gradient(theta):
        return target.at(theta, jacobian=True).gradient

    return -np.array([curvature_times(gradient, centre, of, y) for y in np.eye(len(centre))])


@pytest.fixture(autouse=True)
def few_stretched(monkeypatch):
    """Fewer directions than there are dimensions here."""
    monkeypatch.setattr(metric, "N_STRETCHED", 4)


@pytest.mark.parametrize("kind", [Dense, Blocks])
@pytest.mark.parametrize("covariance", STRUCTURES)
def test_transpose_and_inverse(covariance, kind):
    target, centre = at_mode(covariance)
    at = kind.at(target, centre)
    y, v, *more = np.random.default_rng(2).normal(size=(5, len(centre)))
    assert v @ at(y) == pytest.approx(y @ at.transposed(v), rel=1e-12)
    np.testing.assert_allclose(at.inverse(at(y)), y, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(at(np.array(more)), [at(u) for u in more], rtol=1e-12)


def test_few_dimensions_have_a_matrix_and_many_have_blocks(monkeypatch):
    target, centre = at_mode()
    assert isinstance(metric.metric_at(target, centre), Dense)
    monkeypatch.setattr(metric, "MOST_DENSE", 10)
    assert isinstance(metric.metric_at(target, centre), Blocks)


def test_a_matrix_makes_the_curvature_the_identity():
    target, centre = at_mode()
    found = curvature(target, centre, Dense.at(target, centre))
    np.testing.assert_allclose(found, np.eye(len(centre)), atol=1e-4)


def test_blocks_are_stretched_where_information_is_missing():
    target, centre = at_mode(k=3)
    at = Blocks.at(target, centre)
    unstretched, stretched = (
        np.linalg.eigvalsh(curvature(target, centre, w)) for w in (at.blocks, at)
    )
    assert unstretched[0] < 0.25
    np.testing.assert_allclose(1 / at.stretch**2, unstretched[:4], rtol=0.05)
    assert stretched[0] > 1.9 * unstretched[0]
    np.testing.assert_allclose(stretched[0], unstretched[4], rtol=0.1)


def test_both_sample_the_same_posterior(monkeypatch, old_faithful):
    mixture, found = bg.GaussianMixture(2), []
    for most in (metric.MOST_DENSE, 0):
        monkeypatch.setattr(metric, "MOST_DENSE", most)
        post = bg.sample(mixture, old_faithful, random_seed=1, progress=False)
        found.append(bg.summary(bg.relabel(post, progress=False), round_to="none"))
    dense, blocks = found
    error = np.hypot(dense["mcse_mean"], blocks["mcse_mean"])
    assert (np.abs(dense["mean"] - blocks["mean"]) < 4 * error).all()
    assert blocks["r_hat"].max() < 1.01
