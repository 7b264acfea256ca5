"""What a prior takes from the data, what it refuses, and how it moves with the data's units."""

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.data.bulk import Bulk
from bayesgmm.mixture import structure_named

FAMILIES = [bg.NormalInverseWishart, bg.FraleyRaftery, bg.NormalLKJ]
families = pytest.mark.parametrize("family", FAMILIES)


def rows(n=60, d=3, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)


def resolved(prior, x, k=2, weight=None):
    return prior.resolved(x, np.ones(len(x)) if weight is None else weight, k, "full")


# Defaults


@pytest.mark.parametrize("d", [1, 3])
def test_fraley_and_rafterys_defaults_are_theirs(d):
    x = rows(d=d)
    prior = resolved(bg.FraleyRaftery(), x, 4)
    np.testing.assert_array_equal(prior.concentration, [2.0] * 4)
    np.testing.assert_allclose(prior.mean, x.mean(axis=0))
    assert prior.mean_concentration == 0.01
    assert prior.df == d + 2
    expected = np.atleast_2d(np.cov(x.T, ddof=1)) / 4 ** (2 / d)
    np.testing.assert_allclose(prior.scale, expected, rtol=1e-12)


@pytest.mark.parametrize("covariance", ["full", "diag", "spherical"])
@pytest.mark.parametrize("df", [None, 9.0])
def test_the_inverse_covariance_is_expected_to_be_that_within_components(covariance, df):
    x = rows()
    prior = bg.NormalInverseWishart(df=df).resolved(x, np.ones(len(x)), 3, covariance)
    bulk = Bulk.of(x, np.ones(len(x)), structure_named(covariance))
    np.testing.assert_array_equal(prior.concentration, [2.0] * 3)
    np.testing.assert_allclose(prior.mean, bulk.centre)
    assert prior.df == (5 if df is None else df)
    np.testing.assert_allclose(prior.scale, prior.df * bulk.within(3))


def test_the_priors_mean_pulls_less_where_clusters_lie_far_apart():
    rng = np.random.default_rng(5)
    centre = np.repeat([[0.0, 0.0], [1.0, 0.0]], 100, axis=0)
    noise = rng.normal(size=(200, 2))
    near, far = (resolved(bg.NormalInverseWishart(), a * centre + noise) for a in (4, 1000))
    assert near.mean_concentration == 0.01
    # Half the distance is one standard deviation of the rows.
    np.testing.assert_allclose(far.mean_concentration, 1 / 500**2, rtol=0.4)


def test_separate_defaults_are_residual_scales_within_components():
    x = rows()
    prior, bulk = resolved(bg.NormalLKJ(), x, 4), Bulk.of(x, np.ones(len(x)))
    np.testing.assert_array_equal(prior.concentration, [2.0] * 4)
    np.testing.assert_allclose(prior.mean, bulk.centre)
    precision = np.linalg.inv(bulk.within(4))
    np.testing.assert_allclose(prior.scale, 1 / np.sqrt(np.diag(precision)))
    np.testing.assert_allclose(prior.mean_scale, 2.5 * np.sqrt(np.diag(bulk.covariance)))
    assert (prior.eta, prior.df) == (2, 4)


def test_half_normal_scales_are_those_of_the_features():
    x = rows()
    prior, bulk = resolved(bg.NormalLKJ(half_normal=True), x, 4), Bulk.of(x, np.ones(60))
    np.testing.assert_allclose(prior.scale, np.sqrt(np.diag(bulk.covariance)))
    assert prior.df is None
    with pytest.raises(ValueError, match="df and half_normal are both given"):
        bg.NormalLKJ(df=3, half_normal=True)
    with pytest.raises(TypeError, match="half_normal must be True or False"):
        bg.NormalLKJ(half_normal=1)


@families
def test_defaults_count_a_row_as_often_as_its_weight_says(family):
    x = rows()
    weight = np.random.default_rng(2).integers(0, 4, size=len(x))
    a = resolved(family(), x, weight=weight.astype(float))
    b = resolved(family(), np.repeat(x, weight, axis=0))
    for name in ("mean", "scale"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-9)


@families
def test_defaults_keep_their_digits_far_from_zero(family):
    x = np.round(rows() * 2**20) / 2**20  # exact after the shift
    a, b = resolved(family(), x), resolved(family(), x + 2.0**28)
    np.testing.assert_allclose(b.scale, a.scale, rtol=1e-7)
    np.testing.assert_allclose(b.mean - 2.0**28, a.mean, atol=1e-7)


def test_fraley_and_rafterys_defaults_stream_over_many_rows():
    x = rows(n=200_003, d=2)
    prior = resolved(bg.FraleyRaftery(), x, 1)
    np.testing.assert_allclose(prior.scale, np.cov(x.T), rtol=1e-11)


@families
def test_what_is_given_is_kept_and_a_number_stands_for_every_entry(family):
    x = rows()
    prior = resolved(family(concentration=1.5, mean=0.5, scale=[1.0, 2.0, 3.0]), x)
    np.testing.assert_array_equal(prior.concentration, [1.5, 1.5])
    np.testing.assert_array_equal(prior.mean, [0.5] * 3)
    expected = [1.0, 2.0, 3.0] if family is bg.NormalLKJ else np.diag([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(prior.scale, expected)


def test_a_given_scale_matrix_is_kept():
    scale = np.array([[2.0, 0.3], [0.3, 1.0]])
    prior = resolved(bg.NormalInverseWishart(scale=scale, df=7, mean_concentration=3), rows(d=2))
    np.testing.assert_array_equal(prior.scale, scale)
    assert (prior.df, prior.mean_concentration) == (7, 3)


def test_numbers_may_be_given_by_component():
    given = {
        "mean": np.arange(6.0).reshape(2, 3),
        "mean_concentration": np.array([0.1, 2.0]),
        "df": np.array([4.0, 9.0]),
        "scale": np.array([np.eye(3), 2 * np.eye(3)]),
    }
    prior = resolved(bg.NormalInverseWishart(**given), rows())
    for name, value in given.items():
        np.testing.assert_array_equal(getattr(prior, name), value)
    separate = resolved(bg.NormalLKJ(mean=given["mean"], mean_scale=1 + given["mean"]), rows())
    np.testing.assert_array_equal(separate.mean, given["mean"])
    np.testing.assert_array_equal(separate.mean_scale, 1 + given["mean"])


def test_numbers_by_component_are_those_of_every_component():
    prior = resolved(bg.NormalInverseWishart(df=[4.0, 9.0], scale=[1.0, 2.0, 3.0]), rows())
    laid = prior.by_component
    np.testing.assert_array_equal(laid.df, [4.0, 9.0])
    np.testing.assert_array_equal(laid.scale, [np.diag([1.0, 2.0, 3.0])] * 2)
    np.testing.assert_array_equal(laid.mean, [prior.mean] * 2)
    np.testing.assert_array_equal(laid.mean_concentration, [0.01, 0.01])


def test_a_prior_given_in_full_needs_no_rows_to_scale_by():
    constant = np.ones((1, 2))
    full = bg.NormalInverseWishart(2.0, 0.0, 0.1, 4.0, np.eye(2))
    np.testing.assert_array_equal(resolved(full, constant).scale, np.eye(2))
    separate = bg.NormalLKJ(2.0, 0.0, 1.0, 1.0, 2.0)
    np.testing.assert_array_equal(resolved(separate, constant).scale, [1.0, 1.0])


@families
def test_a_resolved_prior_is_its_own_resolution(family):
    x = rows()
    once = resolved(family(), x)
    twice = resolved(once, x)
    assert type(once) is family
    assert family().scaled
    assert not once.scaled
    for name in ("concentration", "mean", "scale"):
        np.testing.assert_array_equal(getattr(twice, name), getattr(once, name))


# Ill-posed rows


@pytest.mark.parametrize("units", [np.ones(3), np.array([1e-8, 1.0, 1e8])])
def test_collinear_features_fall_back_to_the_diagonal_in_any_units(units):
    rng = np.random.default_rng(3)
    a = rng.normal(size=(50, 2))
    x = np.column_stack([a, a @ [1.0, -2.0]]) * units
    prior = resolved(bg.FraleyRaftery(), x, 2)
    np.testing.assert_allclose(prior.scale, np.diag(x.var(axis=0, ddof=1)) / 2 ** (2 / 3))


@pytest.mark.parametrize("units", [np.ones(2), np.array([1e-8, 1e8]), np.array([1e8, 1e-8])])
def test_features_in_very_different_units_are_not_collinear(units):
    x = rows(d=2) * units
    prior = resolved(bg.FraleyRaftery(), x, 2)
    np.testing.assert_allclose(prior.scale, np.cov(x.T) / 2, rtol=1e-10)
    assert prior.scale[0, 1] != 0


@pytest.mark.parametrize("n", [2, 3, 4])
def test_too_few_rows_for_the_features_fall_back_to_the_diagonal(n):
    x = rows(n=n, d=4)
    prior = resolved(bg.FraleyRaftery(), x, 2)
    np.testing.assert_allclose(prior.scale, np.diag(x.var(axis=0, ddof=1)) / np.sqrt(2))


@families
def test_weights_too_small_to_estimate_a_scale_are_refused(family):
    x = rows()
    with pytest.raises(ValueError, match=r"sample_weight.*sums to 1"):
        resolved(family(), x, weight=np.full(len(x), 1 / len(x)))


# Bad numbers


@families
@pytest.mark.parametrize("name", ["concentration", "mean", "scale"])
@pytest.mark.parametrize(
    "value", [np.nan, np.inf, [1.0, np.nan], "two", "2", True, 1j, [[1.0], [2.0, 3.0]], []]
)
def test_a_number_that_is_none_is_refused_by_name(family, name, value):
    with pytest.raises((ValueError, TypeError)) as caught:
        family(**{name: value})
    assert str(caught.value).startswith(f"{name} must be a finite number or array")
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("family", "name", "value"),
    [
        (bg.NormalInverseWishart, "concentration", 0.0),
        (bg.NormalInverseWishart, "concentration", [1.0, -1.0]),
        (bg.NormalInverseWishart, "mean_concentration", 0),
        (bg.NormalInverseWishart, "df", -1),
        (bg.NormalLKJ, "concentration", 0.0),
        (bg.NormalLKJ, "mean_scale", 0.0),
        (bg.NormalLKJ, "scale", [1.0, 0.0]),
        (bg.NormalLKJ, "eta", 0.0),
    ],
)
def test_a_number_that_must_be_positive_is_refused_by_name(family, name, value):
    with pytest.raises(ValueError) as caught:
        family(**{name: value})
    assert str(caught.value) == f"{name} must be positive; got {value!r}."


@pytest.mark.parametrize(
    ("family", "name"),
    [
        (bg.NormalInverseWishart, "concentration"),
        (bg.NormalInverseWishart, "mean_concentration"),
        (bg.NormalInverseWishart, "df"),
        (bg.NormalLKJ, "eta"),
        (bg.NormalLKJ, "df"),
    ],
)
def test_more_rows_than_numbers_can_hold_are_refused_by_name(family, name):
    with pytest.raises(ValueError, match=rf"^{name} must be at most 1e\+12; got 1e\+308\."):
        family(**{name: 1e308})
    family(**{name: 1e12})


@pytest.mark.parametrize(
    ("prior", "words"),
    [
        (bg.NormalInverseWishart(concentration=[1.0, 1.0, 1.0]), ["concentration", "(2,)", "(3,)"]),
        (bg.NormalInverseWishart(mean=[0.0, 0.0]), ["mean", "(3,)", "(2,)"]),
        (bg.NormalInverseWishart(scale=np.eye(2)), ["scale", "(3, 3)", "(2, 2)"]),
        (bg.NormalInverseWishart(df=2.0), ["df", "n_features - 1 = 2", "got 2", "Try df=5"]),
        (bg.NormalInverseWishart(scale=-np.eye(3)), ["scale", "positive definite"]),
        (bg.NormalInverseWishart(scale=np.ones((3, 3))), ["scale", "positive definite"]),
        (bg.NormalInverseWishart(scale=np.eye(3) + np.eye(3, k=1) / 2), ["scale", "symmetric"]),
        (bg.NormalInverseWishart(scale=0.0), ["scale", "positive definite"]),
        (bg.NormalInverseWishart(mean=np.zeros((3, 3))), ["mean", "(3,) or (2, 3)", "(3, 3)"]),
        (bg.NormalInverseWishart(df=[9.0, 9.0, 9.0]), ["df", "number", "(2,)", "(3,)"]),
        (bg.NormalInverseWishart(df=[9.0, 2.0]), ["df", "n_features - 1 = 2", "got 2"]),
        (
            bg.NormalInverseWishart(mean_concentration=[1.0, 2.0, 3.0]),
            ["mean_concentration", "number", "(2,)", "(3,)"],
        ),
        (bg.NormalInverseWishart(scale=np.ones((3, 3, 3))), ["scale", "(2, 3, 3)", "(3, 3, 3)"]),
        (
            bg.NormalInverseWishart(scale=[np.eye(3), -np.eye(3)]),
            ["scale", "positive definite", "-1"],
        ),
        (bg.NormalLKJ(scale=[1.0, 1.0]), ["scale", "(3,)", "(2,)"]),
        (bg.NormalLKJ(mean_scale=[1.0, 1.0]), ["mean_scale", "(3,)", "(2,)"]),
    ],
)
def test_numbers_that_do_not_fit_the_data_are_refused_by_name(prior, words):
    with pytest.raises(ValueError) as caught:
        resolved(prior, rows())
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize("scale", [1e-16, 1e16])
def test_positive_definiteness_is_judged_in_the_matrixs_own_units(scale):
    units = np.sqrt([scale, 1.0, 1 / scale])
    matrix = np.array([[2.0, 0.9, 0.1], [0.9, 1.0, 0.2], [0.1, 0.2, 1.0]]) * np.outer(units, units)
    np.testing.assert_array_equal(
        resolved(bg.NormalInverseWishart(scale=matrix), rows()).scale, matrix
    )


# Units


@families
def test_the_affine_image_is_the_prior_of_the_affine_data(family):
    x = rows()
    scale, shift = np.array([1e-3, 2.0, 1e4]), np.array([5.0, -1.0, 1e5])
    moved = resolved(family(), x).affine(scale, shift)
    direct = resolved(family(), x * scale + shift)
    for name in ("concentration", "mean", "scale"):
        np.testing.assert_allclose(getattr(moved, name), getattr(direct, name), rtol=1e-8)
    if family is bg.NormalLKJ:
        np.testing.assert_allclose(moved.mean_scale, direct.mean_scale, rtol=1e-8)


# Words


def test_a_prior_shows_what_was_given_and_nothing_else():
    assert repr(bg.NormalInverseWishart()) == "NormalInverseWishart()"
    assert (
        repr(bg.NormalInverseWishart(1, df=5)) == "NormalInverseWishart(concentration=1.0, df=5.0)"
    )
    assert repr(bg.NormalLKJ(eta=2)) == "NormalLKJ(eta=2.0)"
