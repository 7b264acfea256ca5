"""Starts: valid, various, seeded, and blind to how rows of weight two are written."""

import numpy as np
import pytest
from oracles import STRUCTURES

import bayesgmm as bg
from bayesgmm.em import starts
from bayesgmm.em.objective import Objective
from bayesgmm.em.starts import draw_start

structures = pytest.mark.parametrize("covariance", STRUCTURES)


def objective_of(covariance, x, k=3, weight=None, flat=False):
    weight = np.ones(len(x)) if weight is None else weight
    return Objective.of(bg.GaussianMixture(k, covariance), x, weight, flat)


def three_groups(n=90):
    rng = np.random.default_rng(1)
    return np.repeat([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], n // 3, axis=0) + rng.normal(size=(n, 2))


@structures
@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("k", [1, 2, 7])
def test_every_start_is_a_mixture_of_finite_density(covariance, flat, k):
    objective = objective_of(covariance, three_groups(), k, flat=flat)
    for index in range(6):
        y = draw_start(objective, index, np.random.default_rng(index))
        assert y.shape == (objective.target.n_dim,)
        point = objective.at(y)
        assert np.isfinite(point.value)
        np.testing.assert_allclose(point.parameters.weights.sum(), 1)


def test_the_same_seed_gives_the_same_start_and_another_another():
    objective = objective_of("full", three_groups())
    a, b, c = (draw_start(objective, 1, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 1e-6


@structures
@pytest.mark.parametrize("index", range(4))
def test_most_seeded_starts_find_separate_groups(covariance, index):
    objective = objective_of(covariance, three_groups())
    starts_of = [draw_start(objective, index, np.random.default_rng(seed)) for seed in range(20)]
    assert np.mean([finds_the_groups(objective, y) for y in starts_of]) >= 0.7


def finds_the_groups(objective, y):
    means = objective.in_data_units(objective.at(y).parameters).means
    centres = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    return np.linalg.norm(means - centres[:, None], axis=2).min(axis=1).max() < 1.5


@structures
@pytest.mark.parametrize("index", range(6))
def test_a_row_of_weight_two_starts_as_the_row_twice(covariance, index):
    x = three_groups()
    weight = np.random.default_rng(2).integers(0, 4, size=len(x))
    a = objective_of(covariance, x, weight=weight.astype(float))
    b = objective_of(covariance, np.repeat(x, weight, axis=0))
    for seed in range(3):
        y, z = (draw_start(o, index, np.random.default_rng(seed)) for o in (a, b))
        np.testing.assert_allclose(y, z, atol=1e-8)


def test_rows_of_weight_zero_never_start_a_component():
    x = np.vstack([three_groups(), [[1e6, 1e6]]])
    objective = objective_of("full", x, weight=np.append(np.ones(90), 0.0))
    for index in range(9):
        y = draw_start(objective, index, np.random.default_rng(index))
        assert objective.in_data_units(objective.at(y).parameters).means.max() < 20


def test_many_rows_are_seeded_from_a_sample_of_them(monkeypatch):
    monkeypatch.setattr(starts, "SEEDING_ROWS", 30)
    objective = objective_of("full", three_groups(300))
    several = [draw_start(objective, 0, np.random.default_rng(seed)) for seed in range(10)]
    assert np.mean([finds_the_groups(objective, y) for y in several]) >= 0.7


@structures
@pytest.mark.parametrize("weighted", [False, True])
def test_no_two_components_start_alike(covariance, weighted):
    # EM keeps equal components equal: from such a start it climbs to a saddle.
    x = np.random.default_rng(3).normal(size=(7, 2))
    if weighted:
        x = np.repeat(x, 5, axis=0)
    objective = objective_of(covariance, x, 4)
    for index in range(60):
        p = objective.at(draw_start(objective, index, np.random.default_rng(index))).parameters
        distance = np.abs(p.means[:, None] - p.means).max(axis=2) + 9 * np.eye(4)
        assert distance.min() > 1e-9
