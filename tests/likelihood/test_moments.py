"""The moments record: SciPy, sums over rows, row weights, symmetry, and refusals."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import STRUCTURES, covariances, lower_factors, random_parameters, random_rows
from scipy import stats

from bayesgmm.likelihood.passes import mixture_moments, responsibilities, row_log_density

structures = pytest.mark.parametrize("covariance", STRUCTURES)
FIELDS = ("log_likelihood", "nk", "s", "S")


def arguments(parameters):
    return parameters.log_weights, parameters.means, parameters.factor


def assert_same(a, b, tolerance=1e-12):
    for name in FIELDS:
        mine, theirs = np.asarray(getattr(a, name)), np.asarray(getattr(b, name))
        assert mine.shape == theirs.shape
        scale = max(1.0, np.abs(theirs).max())
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=tolerance * scale, err_msg=name)


@structures
@pytest.mark.parametrize("d", [1, 2, 5])
def test_one_component_is_scipys_normal(covariance, d):
    rng = np.random.default_rng(d)
    parameters = random_parameters(rng, covariance, 1, d)
    x = random_rows(rng, parameters, 300)
    normal = stats.multivariate_normal(parameters.means[0], covariances(parameters)[0])
    np.testing.assert_allclose(row_log_density(x, *arguments(parameters)), normal.logpdf(x))
    np.testing.assert_array_equal(responsibilities(x, *arguments(parameters)), np.ones((300, 1)))
    moments = mixture_moments(x, *arguments(parameters))
    z = np.linalg.solve(lower_factors(parameters)[0], (x - parameters.means[0]).T).T
    np.testing.assert_allclose(moments.log_likelihood, normal.logpdf(x).sum())
    np.testing.assert_allclose(moments.nk, [300])
    np.testing.assert_allclose(moments.s[0], z.sum(axis=0), atol=1e-10)
    second = z.T @ z if moments.S.ndim == 3 else (z**2).sum(axis=0)
    np.testing.assert_allclose(moments.S[0], second, atol=1e-10)


@structures
@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 700), max_size=4), k=st.integers(1, 4), seed=st.integers(0, 2**32)
)
def test_any_split_of_the_rows_adds_to_the_whole(covariance, cuts, k, seed):
    rng = np.random.default_rng(seed)
    parameters = random_parameters(rng, covariance, k, 2)
    x = random_rows(rng, parameters, 700)
    weight = rng.uniform(0, 3, size=700)
    whole = mixture_moments(x, *arguments(parameters), sample_weight=weight)
    edges = [0, *sorted(cuts), 700]
    parts = [
        mixture_moments(x[a:b], *arguments(parameters), sample_weight=weight[a:b])
        for a, b in itertools.pairwise(edges)
    ]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    assert_same(total, whole)


def test_adding_leaves_the_terms_as_they_were():
    rng = np.random.default_rng(1)
    parameters = random_parameters(rng, "full", 2, 2)
    x = random_rows(rng, parameters, 50)
    a, b = (mixture_moments(part, *arguments(parameters)) for part in (x[:20], x[20:]))
    before = [np.copy(getattr(a, name)) for name in FIELDS]
    _ = a + b
    for name, value in zip(FIELDS, before, strict=True):
        np.testing.assert_array_equal(getattr(a, name), value)


def test_moments_add_only_to_moments_of_the_same_mixture():
    rng = np.random.default_rng(2)
    two, three = (random_parameters(rng, "full", k, 2) for k in (2, 3))
    diag = random_parameters(rng, "diag", 2, 2)
    x = rng.normal(size=(10, 2))
    moments = mixture_moments(x, *arguments(two))
    for other in (three, diag):
        with pytest.raises(ValueError) as caught:
            moments + mixture_moments(x, *arguments(other))
        assert "(2, 2, 2)" in str(caught.value)
    for stranger in (0, (1.0, 2.0), None):
        with pytest.raises(TypeError):
            moments + stranger
        with pytest.raises(TypeError):
            stranger + moments


@structures
@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(4)), seed=st.integers(0, 2**32))
def test_permuted_components_permute_the_output(covariance, order, seed):
    rng = np.random.default_rng(seed)
    parameters = random_parameters(rng, covariance, 4, 3)
    x = random_rows(rng, parameters, 100)
    order = np.array(order)
    moments = mixture_moments(x, *arguments(parameters))
    permuted = mixture_moments(x, *arguments(parameters.permuted(order)))
    np.testing.assert_allclose(permuted.log_likelihood, moments.log_likelihood, rtol=1e-13)
    for name in ("nk", "s", "S"):
        np.testing.assert_allclose(
            getattr(permuted, name), getattr(moments, name)[order], atol=1e-10
        )
    table = responsibilities(x, *arguments(parameters))
    np.testing.assert_allclose(
        responsibilities(x, *arguments(parameters.permuted(order))), table[:, order], atol=1e-14
    )


@structures
def test_a_row_of_weight_two_is_the_row_twice_and_of_weight_zero_is_absent(covariance):
    rng = np.random.default_rng(3)
    parameters = random_parameters(rng, covariance, 3, 2)
    x = random_rows(rng, parameters, 600)
    weight = rng.integers(0, 4, size=600)
    weighted = mixture_moments(x, *arguments(parameters), sample_weight=weight)
    repeated = mixture_moments(np.repeat(x, weight, axis=0), *arguments(parameters))
    assert_same(weighted, repeated)
    np.testing.assert_allclose(weighted.nk.sum(), weight.sum())


@structures
def test_moments_are_linear_in_fractional_weights(covariance):
    rng = np.random.default_rng(4)
    parameters = random_parameters(rng, covariance, 2, 2)
    x = random_rows(rng, parameters, 300)
    weight = rng.uniform(size=300)
    part = mixture_moments(x, *arguments(parameters), sample_weight=weight)
    rest = mixture_moments(x, *arguments(parameters), sample_weight=1 - weight)
    assert_same(part + rest, mixture_moments(x, *arguments(parameters)))


def test_second_moments_of_matrix_structures_are_symmetric():
    rng = np.random.default_rng(5)
    parameters = random_parameters(rng, "full", 3, 4)
    moments = mixture_moments(random_rows(rng, parameters, 300), *arguments(parameters))
    np.testing.assert_array_equal(moments.S, np.swapaxes(moments.S, 1, 2))
    assert (np.linalg.eigvalsh(moments.S) > 0).all()


@structures
def test_rows_may_come_in_any_layout_and_stay_as_they_were(covariance):
    rng = np.random.default_rng(6)
    parameters = random_parameters(rng, covariance, 2, 3)
    x = random_rows(rng, parameters, 300)
    expected = mixture_moments(x, *arguments(parameters))
    wide = np.zeros((600, 6))
    wide[::2, ::2] = x
    for layout in (np.asfortranarray(x), wide[::2, ::2], x[::-1].copy()[::-1]):
        assert_same(mixture_moments(layout, *arguments(parameters)), expected)
        assert layout.flags.writeable
    assert x.flags.writeable
    single = x.astype(np.float32)
    assert_same(
        mixture_moments(single, *arguments(parameters)),
        mixture_moments(single.astype(float), *arguments(parameters)),
    )


def test_no_rows_have_no_moments():
    parameters = random_parameters(np.random.default_rng(7), "full", 2, 3)
    moments = mixture_moments(np.empty((0, 3)), *arguments(parameters))
    assert moments.log_likelihood == 0
    assert not moments.nk.any()


@pytest.mark.parametrize("function", [mixture_moments, row_log_density, responsibilities])
@pytest.mark.parametrize(
    ("name", "value", "expected", "received"),
    [
        ("x", np.zeros(5), "(n_obs, n_features)", "(5,)"),
        ("x", np.zeros((5, 3, 1)), "(n_obs, n_features)", "(5, 3, 1)"),
        ("means", np.zeros((2, 4)), "(2, 3)", "(2, 4)"),
        ("means", np.zeros(3), "(2, 3)", "(3,)"),
        ("factor", np.ones((2, 2, 2)), "(2, 3, 3)", "(2, 2, 2)"),
        ("factor", np.ones((3, 3, 3)), "(1, 3, 3)", "(3, 3, 3)"),
        ("factor", np.ones(3), "(2, 1)", "(3,)"),
    ],
)
def test_a_wrong_shape_names_the_argument_what_was_expected_and_what_came(
    function, name, value, expected, received
):
    given = {
        "x": np.zeros((5, 3)),
        "log_weights": np.log([0.5, 0.5]),
        "means": np.zeros((2, 3)),
        "factor": np.ones((2, 3)),
    }
    with pytest.raises(ValueError) as caught:
        function(**{**given, name: value})
    message = str(caught.value)
    assert message.startswith(name + " ")
    assert expected in message
    assert received in message


def test_weights_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"sample_weight must have shape \(5,\); got \(4,\)"):
        mixture_moments(
            np.zeros((5, 1)), [0.0], np.zeros((1, 1)), np.ones((1, 1)), sample_weight=np.ones(4)
        )
