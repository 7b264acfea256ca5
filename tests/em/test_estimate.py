"""A point estimate read by name: predictions, draws, tables."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from oracles import STRUCTURES, brute_force
from scipy import stats

import bayesgmm as bg

structures = pytest.mark.parametrize("covariance", STRUCTURES)
NAMES = ["eruptions", "waiting"]


@pytest.fixture(scope="module", params=STRUCTURES)
def estimate(request, old_faithful):
    frame = pd.DataFrame(old_faithful, columns=NAMES)
    mixture = bg.GaussianMixture(2, request.param)
    return bg.fit_map(mixture, frame, n_starts=3, random_seed=1, progress=False)


def test_it_knows_features_shapes_and_sizes(estimate):
    assert estimate.features == ("eruptions", "waiting")
    assert estimate.weights.shape == (2,)
    assert estimate.means.shape == (2, 2)
    assert estimate.covariances.shape == (2, 2, 2)
    assert estimate.n_obs == 272
    assert estimate.declaration.n_components == 2


def test_rows_are_scored_by_definition(estimate, old_faithful):
    log_density, r, *_ = brute_force(old_faithful, estimate.parameters)
    np.testing.assert_allclose(estimate.score_samples(old_faithful), log_density.astype(float))
    np.testing.assert_allclose(estimate.predict_proba(old_faithful), r.astype(float), atol=1e-13)
    np.testing.assert_array_equal(estimate.predict(old_faithful), r.argmax(axis=1))
    assert estimate.predict(old_faithful).dtype.kind == "i"


def test_the_scores_of_the_training_rows_sum_to_the_log_likelihood(estimate, old_faithful):
    total = estimate.score_samples(old_faithful).sum()
    np.testing.assert_allclose(total, estimate.log_likelihood, rtol=1e-12)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_new_rows_are_matched_by_name_where_they_have_names(estimate, frame, old_faithful):
    new = frame(
        {
            "waiting": old_faithful[:, 1],
            "other": old_faithful[:, 0],
            "eruptions": old_faithful[:, 0],
        }
    )
    expected = estimate.predict_proba(old_faithful)
    np.testing.assert_array_equal(estimate.predict_proba(new), expected)
    np.testing.assert_array_equal(estimate.predict_proba(bg.observations(new)), expected)
    with pytest.raises(ValueError, match="'waiting'"):
        estimate.score_samples(frame({"eruptions": old_faithful[:, 0]}))


def test_one_row_is_enough_and_a_wrong_width_is_refused(estimate, old_faithful):
    np.testing.assert_allclose(
        estimate.predict_proba(old_faithful[:1]), estimate.predict_proba(old_faithful)[:1]
    )
    with pytest.raises(ValueError, match="x has 1 numeric columns; expected the 2 features"):
        estimate.predict_proba(old_faithful[:, :1])


def test_a_far_row_is_predicted_without_fuss(estimate):
    far = np.array([[1e9, -1e9], [-1e12, 3.0]])
    assert np.isfinite(estimate.score_samples(far)).all()
    np.testing.assert_allclose(estimate.predict_proba(far).sum(axis=1), 1)


def test_drawn_rows_come_from_the_mixture(estimate):
    x, component = estimate.sample(4000, random_seed=3)
    assert x.shape == (4000, 2)
    assert component.shape == (4000,)
    count = np.bincount(component, minlength=2)
    assert stats.binomtest(int(count[0]), 4000, estimate.weights[0]).pvalue > 1e-4
    for k in range(2):
        lower = np.linalg.cholesky(estimate.covariances[k])
        z = np.linalg.solve(lower, (x[component == k] - estimate.means[k]).T)
        assert stats.kstest(z[0], "norm").pvalue > 1e-4
        assert stats.kstest(z[1], "norm").pvalue > 1e-4
        assert abs(np.corrcoef(z)[0, 1]) < 4 / np.sqrt(count[k])


def test_the_same_seed_draws_the_same_rows(estimate):
    a, b, c = (estimate.sample(5, random_seed=s)[0] for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 0


def test_the_table_names_weights_means_and_deviations_by_feature(estimate):
    table = estimate.to_dataframe()
    assert table.index.name == "component"
    assert list(table.columns) == [
        "weight", "mean[eruptions]", "sd[eruptions]", "mean[waiting]", "sd[waiting]",
    ]  # fmt: skip
    np.testing.assert_array_equal(table["weight"], estimate.weights)
    np.testing.assert_array_equal(table["mean[waiting]"], estimate.means[:, 1])
    np.testing.assert_allclose(table["sd[eruptions]"] ** 2, estimate.covariances[:, 0, 0])


def test_it_shows_its_value_and_its_status(estimate):
    text = repr(estimate)
    assert "2 components" in text
    assert "log_posterior" in text
    assert estimate.status in text


def test_it_is_frozen(estimate):
    with pytest.raises(AttributeError):
        estimate.status = "fine"


def test_one_feature_has_no_special_case(galaxies):
    fit = bg.fit_map(
        bg.GaussianMixture(3), galaxies[:, 0], n_starts=3, random_seed=1, progress=False
    )
    assert fit.covariances.shape == (3, 1, 1)
    assert fit.predict_proba(galaxies[:, 0]).shape == (82, 3)
    assert fit.sample(7)[0].shape == (7, 1)
    assert list(fit.to_dataframe().columns) == ["weight", "mean[x1]", "sd[x1]"]


def test_maximum_likelihood_shows_its_likelihood(old_faithful):
    fit = bg.fit_ml(bg.GaussianMixture(2), old_faithful, n_starts=2, random_seed=1, progress=False)
    assert fit.log_posterior is None
    assert "log_likelihood" in repr(fit)
