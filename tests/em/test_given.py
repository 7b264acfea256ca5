"""A start that is given: the fit begins there, and ends at the mode above it."""

import numpy as np
import pytest
from oracles import STRUCTURES

import bayesgmm as bg

structures = pytest.mark.parametrize("covariance", STRUCTURES)


def fit(x, covariance="full", k=3, **settings):
    settings = {"random_seed": 1, "progress": False, **settings}
    return bg.fit_map(bg.GaussianMixture(k, covariance), x, **settings)


def warm(x, start, covariance="full", k=3, **settings):
    return fit(x, covariance, k, start=start, n_starts=1, **settings)


@structures
def test_a_fit_that_begins_at_a_mode_is_there_at_once(covariance, old_faithful):
    mode = fit(old_faithful, covariance)
    for start in (mode, mode.parameters):
        again = warm(old_faithful, start, covariance)
        assert again.n_iter <= 2
        assert again.log_posterior == pytest.approx(mode.log_posterior, rel=1e-12)
        np.testing.assert_allclose(again.means, mode.means, rtol=1e-6)


@structures
def test_labels_and_responsibilities_of_a_mode_lead_back_to_it(covariance, penguins):
    mode = fit(penguins, covariance)
    for start in (
        mode.predict(penguins),
        list(mode.predict(penguins)),
        mode.predict_proba(penguins),
    ):
        again = warm(penguins, start, covariance)
        assert again.log_posterior == pytest.approx(mode.log_posterior, rel=1e-9)
        assert sum(stage.n_passes for stage in again.stages) < sum(s.n_passes for s in mode.stages)


@structures
def test_an_estimate_of_another_structure_is_a_start(covariance, old_faithful):
    other = "diag" if covariance == "full" else "full"
    again = warm(old_faithful, fit(old_faithful, other, 2), covariance, 2)
    assert again.converged
    assert again.log_posterior == pytest.approx(fit(old_faithful, covariance, 2).log_posterior)


def test_it_ends_at_the_mode_above_it_and_not_at_the_highest(old_faithful):
    modes = fit(old_faithful, k=3).modes
    assert len(modes) > 1
    for mode in modes:
        found = warm(old_faithful, mode.parameters)
        assert found.log_posterior == pytest.approx(mode.log_posterior)


def test_other_starts_follow_it(old_faithful):
    lowest = fit(old_faithful, k=3).modes[-1].parameters
    found = fit(old_faithful, k=3, start=lowest, n_starts=20)
    assert found.log_posterior == pytest.approx(fit(old_faithful, k=3).log_posterior)


def test_labels_may_be_of_the_original_table():
    table = np.random.default_rng(1).normal(size=(60, 2)) + np.repeat([[0.0], [6.0]], 30, axis=0)
    labels = np.repeat([1, 0], 30)
    table[::7] = np.nan
    rows = bg.observations(table, drop_missing=True)
    a, b = (warm(rows, start, k=2) for start in (labels, labels[rows.rows]))
    np.testing.assert_array_equal(a.means, b.means)


@pytest.mark.parametrize(
    ("start", "error", "words"),
    [
        ("two", TypeError, ["start", "str", "PointEstimate"]),
        ([[1], [1, 2]], TypeError, ["start", "list", "PointEstimate"]),
        (np.zeros(5, dtype=int), ValueError, ["start", "(5,)", "(272,)"]),
        (np.zeros((272, 3)), ValueError, ["start", "(272, 3)", "(272, 2)"]),
        (np.full(272, 2), ValueError, ["start[0]", "2", "np.unique"]),
        (np.full(272, -1), ValueError, ["start[0]", "-1"]),
        (np.full(272, 0.5), ValueError, ["start[0]", "0.5"]),
        (np.ones((272, 2)), ValueError, ["start[0]", "[1.0, 1.0]", "sum to 1"]),
        (np.full((272, 2), np.nan), ValueError, ["start[0]", "nan"]),
    ],
)
def test_a_start_that_is_none_is_refused(start, error, words, old_faithful):
    with pytest.raises(error) as caught:
        warm(old_faithful, start, k=2)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_an_estimate_of_another_size_is_refused(old_faithful, penguins):
    for other in (fit(old_faithful, k=3), fit(penguins, k=2)):
        with pytest.raises(ValueError, match=r"start has means of shape .* expected .* = \(2, 2\)"):
            warm(old_faithful, other, k=2)
