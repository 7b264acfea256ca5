"""Rows and columns that a status names, and the clusters that stand all the same."""

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets
from sklearn.metrics import adjusted_rand_score

import bayesgmm as bg

TRUTH = np.repeat([0, 1], [600, 400])


def clusters():
    rng = np.random.default_rng(2)
    return rng.normal(size=(1000, 2)) + 4 * TRUTH[:, None]


def fitted(x, k, **settings):
    return bg.fit_map(bg.GaussianMixture(k), x, random_seed=1, progress=False, **settings)


@pytest.mark.parametrize(
    "bad", [[100.0, 100.0], [1000.0, 1000.0], [-999.0, 1.0], [9999.0, 9999.0], [1.0, -1e7]]
)
def test_one_bad_reading_is_named_and_the_clusters_stand(bad):
    x = clusters()
    mode = fitted(np.vstack([x, [bad]]), 3)
    assert adjusted_rand_score(TRUTH, mode.predict(x)) > 0.95
    name, value = max(zip(("x1", "x2"), bad, strict=True), key=lambda pair: abs(pair[1]))
    assert f"Absurdly far out: row 1000 ({name!r} is {value:.6g}, " in mode.status


@pytest.mark.parametrize("covariance", ["full", "tied"])
def test_a_row_too_far_for_a_covariance_matrix_is_refused(covariance):
    x = 1e8 + np.random.default_rng(4).normal(size=(20, 2))
    x[7] = -9999
    with pytest.raises(
        ValueError, match=r"'x\d' is -9999 in row 7, more than 2\.2.*e\+06 .*'diag'"
    ):
        bg.fit_map(bg.GaussianMixture(1, covariance), x, progress=False)
    with pytest.raises(ValueError, match="is -9999 in row 7"):
        bg.sample(bg.GaussianMixture(2, covariance), x, progress=False)
    mode = bg.fit_map(bg.GaussianMixture(2, "diag"), x, progress=False)
    assert mode.converged
    assert len(np.unique(mode.predict(x)[np.arange(20) != 7])) == 1


def test_many_far_rows_are_counted_and_those_of_no_weight_left_out():
    x = np.vstack([clusters(), 1e4 * np.arange(1.0, 9).repeat(2).reshape(8, 2)])
    weight = np.ones(len(x))
    weight[1000] = 0
    status = fitted(x, 3, n_starts=2, sample_weight=weight).status
    assert "row 1000" not in status
    assert "row 1001" in status
    assert "and 2 more" in status


def test_a_column_that_repeats_a_value_is_called_coarse():
    x = clusters()
    assert "Coarse" not in fitted(x, 2, n_starts=2).status
    x[::5, 1] = 7
    assert "Coarse: 'x2' (801 values, 7 in 20% of the rows)" in fitted(x, 2, n_starts=2).status


@pytest.mark.parametrize(("name", "least"), [("iris", 0.85), ("wine", 0.85), ("blobs", 0.95)])
def test_the_default_prior_keeps_clusters_apart_that_the_total_covariance_merges(name, least):
    if name == "blobs":
        x, truth = datasets.make_blobs(
            500, 10, centers=3, cluster_std=1.0, center_box=(-2, 2), random_state=13
        )
    else:
        x, truth = getattr(datasets, f"load_{name}")(return_X_y=True)
    merged = bg.GaussianMixture(3, prior=bg.FraleyRaftery())
    old = bg.fit_map(merged, x, random_seed=1, progress=False)
    assert adjusted_rand_score(truth, fitted(x, 3).predict(x)) > least
    assert adjusted_rand_score(truth, old.predict(x)) < 0.65


def test_columns_that_are_left_out_are_named_with_the_reason():
    x = clusters()
    frame = pd.DataFrame({"a": x[:, 0], "kind": "cat", "price": [f"{v:.1f}%" for v in x[:, 1]]})
    status = fitted(frame, 2, n_starts=2).status
    assert "Columns left out: 'kind' (" in status
    assert "'price' (" in status
