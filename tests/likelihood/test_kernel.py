"""The compiled pass: against long double, and where arithmetic gives way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import LONG, MATRICES, SHARED, STRUCTURES, brute_force, random_parameters, random_rows

from bayesgmm.likelihood.arithmetic import add_log, exponentiate
from bayesgmm.likelihood.evidence import CompleteRows
from bayesgmm.likelihood.few_features import BLOCK
from bayesgmm.likelihood.kernel import accumulate_moments, fill_rows
from bayesgmm.likelihood.passes import mixture_moments, responsibilities, row_log_density
from bayesgmm.mixture import Components, MixtureParameters, laid_out
from bayesgmm.runtime.threads import CHUNK

structures = pytest.mark.parametrize("covariance", STRUCTURES)


def arguments(parameters):
    return parameters.log_weights, parameters.means, parameters.factor


def exponentials(values):
    found, size = values.copy(), len(values)
    exponentiate(found, np.zeros(size), np.zeros(size), size)
    return found


def close(actual, expected, scale=None, tolerance=1e-12):
    """Equal to ``tolerance`` of the largest entry, or of ``scale``."""
    expected = np.asarray(expected)
    scale = np.abs(expected).max() if scale is None else scale
    difference = np.abs(np.asarray(actual) - expected).max()
    assert difference <= tolerance * max(float(scale), 1e-300), (difference, scale)


def check_against_brute_force(x, parameters, weight=None, tolerance=1e-12):
    log_density, r, nk, s, S = brute_force(x, parameters, weight)
    close(row_log_density(x, *arguments(parameters)), log_density, tolerance=tolerance)
    close(responsibilities(x, *arguments(parameters)), r, 1.0, tolerance)
    moments = mixture_moments(x, *arguments(parameters), sample_weight=weight)
    weight = np.ones(len(x)) if weight is None else weight
    close(moments.log_likelihood, weight @ log_density, weight @ np.abs(log_density), tolerance)
    if parameters.factor.ndim == 2:
        S = np.einsum("kii->ki", S)
    for mine, theirs in ((moments.nk, nk), (moments.s, s), (moments.S, S)):
        assert mine.shape == theirs.shape
        close(mine, theirs, max(np.abs(theirs).max(), np.abs(nk).max()), tolerance)


# By definition


@structures
@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 40), d=st.integers(1, 9), k=st.integers(1, 6), seed=st.integers(0, 2**32))
def test_a_pass_equals_long_double_by_definition(covariance, n, d, k, seed):
    rng = np.random.default_rng(seed)
    parameters = random_parameters(rng, covariance, k, d)
    weight = rng.choice([0.0, 0.25, 1.0, 2.0, 7.5], size=n)
    check_against_brute_force(random_rows(rng, parameters, n), parameters, weight)


@pytest.mark.parametrize("covariance", ["full", "tied"])
@pytest.mark.parametrize("d", [1, 2, 3, 4, 5])
def test_the_loops_for_any_number_of_features_serve_few_as_well(covariance, d):
    """PyTensor may not know the number of features when it compiles."""
    rng = np.random.default_rng(d)
    parameters = random_parameters(rng, covariance, 3, d)
    x = random_rows(rng, parameters, BLOCK + 7)
    expected = mixture_moments(x, *arguments(parameters))
    rows = CompleteRows(x.ravel(), np.ones(1), np.zeros(d), np.ones(d))
    *given, factor = arguments(parameters)
    mixture = Components(*given, laid_out(factor))
    sums = np.zeros(3), np.zeros((3, d)), np.zeros((3, d, d))
    close(accumulate_moments(rows, mixture, *sums), expected.log_likelihood)
    for mine, theirs in zip(sums, expected[1:], strict=True):
        close(mine, theirs, np.abs(expected.nk).max())
    log_density, table = np.empty(len(x)), np.empty((len(x), 3))
    fill_rows(rows, mixture, log_density, table)
    close(log_density, row_log_density(x, *arguments(parameters)))
    close(table, responsibilities(x, *arguments(parameters)), 1.0)


@structures
@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 6, 7, 12])
@pytest.mark.parametrize("n", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 17])
def test_blocks_of_rows_leave_no_seam(covariance, n, d):
    rng = np.random.default_rng(n + d)
    parameters = random_parameters(rng, covariance, 3, d)
    weight = rng.uniform(0, 2, size=n)
    check_against_brute_force(random_rows(rng, parameters, n), parameters, weight)


@structures
@pytest.mark.parametrize("n", [CHUNK, CHUNK + 1])
def test_chunks_of_rows_leave_no_seam(covariance, n):
    rng = np.random.default_rng(1)
    parameters = random_parameters(rng, covariance, 2, 2)
    check_against_brute_force(random_rows(rng, parameters, n), parameters, rng.uniform(size=n))


# Where arithmetic gives way


@structures
@pytest.mark.parametrize("offset", [1e8, -1e8])
@pytest.mark.parametrize("centred", [False, True])
def test_no_digit_is_lost_far_from_zero(covariance, offset, centred):
    rng = np.random.default_rng(3)
    near = random_parameters(rng, covariance, 3, 3)
    x = random_rows(rng, near, 500) + offset
    far = MixtureParameters(covariance, near.weights, near.means + offset, near.factor)
    _, _, nk, s, S = brute_force(x, far)
    if centred:
        # The rounded difference of two doubles this close is exact.
        inside = MixtureParameters(covariance, near.weights, far.means - offset, near.factor)
        moments = mixture_moments(x, *arguments(inside), shift=offset)
    else:
        moments = mixture_moments(x, *arguments(far))
    if covariance not in MATRICES:
        S = np.einsum("kii->ki", S)
    for mine, theirs in ((moments.nk, nk), (moments.s, s), (moments.S, S)):
        close(mine, theirs, len(x))


@structures
@pytest.mark.parametrize("unit", [1e-8, 1e8])
def test_no_digit_is_lost_in_tiny_or_huge_units(covariance, unit):
    rng = np.random.default_rng(3)
    parameters = random_parameters(rng, covariance, 3, 3)
    x = random_rows(rng, parameters, 300)
    scaled = parameters.affine(np.full(3, unit), np.zeros(3))
    check_against_brute_force(x * unit, scaled)


@structures
def test_shifted_and_scaled_rows_are_read_in_place(covariance):
    rng = np.random.default_rng(4)
    parameters = random_parameters(rng, covariance, 2, 3)
    z = random_rows(rng, parameters, 300)
    shift, scale = np.array([5.0, -2.0, 100.0]), np.array([0.1, 3.0, 20.0])
    x = z * scale + shift
    plain = mixture_moments((x - shift) / scale, *arguments(parameters))
    inside = mixture_moments(x, *arguments(parameters), shift=shift, scale=scale)
    for name in ("log_likelihood", "nk", "s", "S"):
        close(getattr(inside, name), getattr(plain, name))
    table = responsibilities(x, *arguments(parameters), shift=shift, scale=scale)
    close(table, responsibilities((x - shift) / scale, *arguments(parameters)))
    rows = row_log_density(x, *arguments(parameters), shift=shift, scale=scale)
    close(rows, row_log_density((x - shift) / scale, *arguments(parameters)))


@structures
@pytest.mark.parametrize("distance", [50.0, 1e6, 1e12, 1e100, 1e200])
def test_a_far_outlier_has_a_finite_density_and_certain_or_shared_responsibilities(
    covariance, distance
):
    rng = np.random.default_rng(5)
    parameters = random_parameters(rng, covariance, 3, 2)
    x = random_rows(rng, parameters, 20)
    x[7] = [distance, -distance]
    rows = row_log_density(x, *arguments(parameters))
    table = responsibilities(x, *arguments(parameters))
    assert np.isfinite(rows).all()
    assert np.isfinite(table).all()
    np.testing.assert_allclose(table.sum(axis=1), 1, rtol=1e-14)
    # A log density of −1e300 is −1e300 whichever component is nearest.
    log_density = brute_force(x, parameters)[0]
    expected = np.maximum(log_density, -0.5e300).astype(float)
    np.testing.assert_allclose(rows, expected, rtol=1e-12)
    if distance <= 1e100:
        moments = mixture_moments(x, *arguments(parameters))
        assert np.isfinite(moments.log_likelihood)
        assert all(np.isfinite(part).all() for part in (moments.nk, moments.s, moments.S))
        np.testing.assert_allclose(moments.nk.sum(), 20, rtol=1e-13)


@structures
@pytest.mark.parametrize("away", [45.0, 1e5])
def test_an_empty_component_holds_nothing_and_disturbs_nobody(covariance, away):
    rng = np.random.default_rng(6)
    parameters = random_parameters(rng, covariance, 3, 2)
    parameters.means[1] = away * 20
    x = random_rows(
        rng, parameters.permuted([0, 2]) if covariance not in SHARED else parameters, 200
    )
    x = x[np.abs(x).max(axis=1) < 100]
    moments = mixture_moments(x, *arguments(parameters))
    assert moments.nk[1] < 1e-280
    assert np.abs(moments.s[1]).max() < 1e-280
    check_against_brute_force(x, parameters)


@structures
def test_a_component_of_weight_zero_holds_nothing(covariance):
    rng = np.random.default_rng(7)
    parameters = random_parameters(rng, covariance, 3, 2)
    x = random_rows(rng, parameters, 50)
    moments = mixture_moments(x, np.log([0.5, 1e-300, 0.5]), parameters.means, parameters.factor)
    assert moments.nk[1] < 1e-250
    rest = parameters.permuted([0, 2])
    without = mixture_moments(x, np.log([0.5, 0.5]), rest.means, rest.factor)
    close(moments.log_likelihood, without.log_likelihood)


def test_exponentials_are_within_one_unit_in_the_last_place():
    rng = np.random.default_rng(8)
    values = np.concatenate(
        [
            -rng.uniform(0, 700, 200_000),
            -(10.0 ** rng.uniform(-320, 2.8, 200_000)),
            np.arange(-1000, 1) * np.log(2) / 2,  # where the range is split
            [0.0, -0.0, -700.0],
        ]
    )
    values = values[values >= -700]
    exact = np.exp(values.astype(LONG))
    found = exponentials(values)
    units = np.abs(found - exact) / np.spacing(exact.astype(float))
    assert units.max() <= 1


def test_exponentials_below_the_range_are_negligible_and_not_a_number_stays_so():
    values = exponentials(np.array([-700.5, -1e5, -1e300, -np.inf, np.nan]))
    assert (values[:4] > 0).all()
    assert (values[:4] < 1e-303).all()
    assert np.isnan(values[4])


def test_logarithms_are_exact_to_two_units_in_the_last_place():
    rng = np.random.default_rng(0)
    near_one = 1 + np.concatenate([[0.0], 10 ** rng.uniform(-16, 0, 1000)])
    values = np.concatenate([near_one, rng.uniform(1, 50, 10_000), [1e300, 1e-300]])
    exact = np.log(values.astype(LONG))
    found = np.zeros(len(values))
    add_log(values, len(values), found)
    units = np.abs(found - exact) / np.maximum(np.spacing(np.abs(exact.astype(float))), 1e-320)
    assert units.max() <= 2
