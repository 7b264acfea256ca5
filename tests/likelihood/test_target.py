"""The target: SciPy's value, its own gradient, Jacobians as determinants, and absurd points."""

import numpy as np
import pytest
from oracles import (
    ISOTROPIC,
    MATRICES,
    STRUCTURES,
    central_differences,
    log_likelihood,
    log_prior,
    random_parameters,
    random_rows,
)

import bayesgmm as bg
from bayesgmm.likelihood.target import Target, hessian, unconstrain

structures = pytest.mark.parametrize("covariance", STRUCTURES)
families = pytest.mark.parametrize("family", ["conjugate", "separate", "flat"])
jacobians = pytest.mark.parametrize("jacobian", [False, True])


def prior_of(family, x, weight, k, covariance):
    if family == "flat":
        return None
    kind = bg.NormalInverseWishart if family == "conjugate" else bg.NormalLKJ
    return kind(concentration=np.linspace(0.8, 3, k)).resolved(x, weight, k, covariance)


def scene(covariance, family, k=3, d=2, n=40, seed=1):
    """A target, the parameters at a random point, and that point."""
    rng = np.random.default_rng(seed)
    parameters = random_parameters(rng, covariance, k, d)
    x = random_rows(rng, parameters, n)
    weight = rng.choice([0.5, 1.0, 2.0], size=n)
    prior = prior_of(family, x, weight, k, covariance)
    target = Target.of(covariance, k, x, weight, prior)
    return target, prior, parameters, unconstrain(parameters)


@structures
@pytest.mark.parametrize(("k", "d"), [(1, 1), (1, 3), (4, 1), (3, 4)])
def test_constrain_and_unconstrain_invert_each_other(covariance, k, d):
    target, _, parameters, y = scene(covariance, "flat", k, d)
    assert y.shape == (target.n_dim,)
    again = target.constrain(y)
    for name in ("weights", "means", "factor"):
        np.testing.assert_allclose(getattr(again, name), getattr(parameters, name), rtol=1e-13)
    rng = np.random.default_rng(2)
    for _ in range(10):
        v = 3 * rng.normal(size=target.n_dim)
        np.testing.assert_allclose(unconstrain(target.constrain(v)), v, rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(target.constrain(v).weights.sum(), 1)


@structures
def test_many_points_are_constrained_as_each_is(covariance):
    target, _, _, y = scene(covariance, "flat")
    ys = y + np.random.default_rng(3).normal(size=(7, len(y)))
    all_at_once = target.constrain(ys)
    for i, v in enumerate(ys):
        p = target.constrain(v)
        np.testing.assert_allclose(all_at_once.weights[i], p.weights, rtol=1e-14)
        np.testing.assert_array_equal(all_at_once.means[i], p.means)
        np.testing.assert_array_equal(all_at_once.factor[i], p.factor)


@structures
@families
@pytest.mark.parametrize(("k", "d"), [(1, 1), (3, 1), (1, 2), (3, 3)])
def test_the_value_is_scipys(covariance, family, k, d):
    target, prior, parameters, y = scene(covariance, family, k, d)
    expected = log_likelihood(target.evidence.values, parameters, target.evidence.each)
    expected += 0.0 if prior is None else log_prior(prior, parameters)
    value, _ = target(y, jacobian=False)
    np.testing.assert_allclose(value, expected, rtol=1e-11)


@structures
@families
@jacobians
@pytest.mark.parametrize(("k", "d"), [(1, 1), (2, 3), (4, 2)])
def test_the_gradient_is_that_of_the_value(covariance, family, jacobian, k, d):
    target, _, _, y = scene(covariance, family, k, d)
    rng = np.random.default_rng(4)
    for v in (y, y + 0.5 * rng.normal(size=len(y))):
        differences = central_differences(lambda u: target(u, jacobian)[0], v, 1e-4)
        gradient = target(v, jacobian)[1]
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(gradient, differences, rtol=1e-6, atol=1e-8 * scale)


@structures
@pytest.mark.parametrize(("k", "d"), [(1, 1), (2, 1), (3, 1), (1, 2), (3, 2), (2, 3), (1, 4)])
def test_the_jacobian_is_the_determinant_of_the_transform(covariance, k, d):
    target, _, _, y = scene(covariance, "flat", k, d, n=d + 2)
    rows, columns = np.tril_indices(d)

    def free_parameters(v):
        """w without its last, the distinct entries of the spread, μ."""
        p = target.constrain(v)
        spread = p.spread
        if covariance == "proportional":  # the matrix of mean volume, and the volumes over it
            log_volumes = np.linalg.slogdet(spread)[1] / d
            ratios = log_volumes - log_volumes.mean()
            common = spread[0] * np.exp(-ratios[0])
            spread = np.concatenate([ratios[:-1], common[rows, columns]])
        elif covariance in MATRICES:
            spread = spread[..., rows, columns]
        return np.concatenate([p.weights[:-1], spread.ravel(), p.means.ravel()])

    derivative = central_differences(free_parameters, y, 1e-3)
    _, log_determinant = np.linalg.slogdet(derivative)
    if covariance == "proportional":
        # Π dλ_k λ̄^(d(d+1)/2 − 1) dC, of those variables.
        log_volumes = np.linalg.slogdet(target.constrain(y).spread)[1] / d
        log_determinant += log_volumes.sum() + np.log(k) - log_volumes.mean()
    extra = target(y, jacobian=True)[0] - target(y, jacobian=False)[0]
    np.testing.assert_allclose(extra, log_determinant, atol=1e-8)


@structures
@families
@jacobians
@pytest.mark.parametrize("value", [1e3, 1e6, 1e300, np.inf, np.nan])
def test_an_absurd_point_has_log_density_minus_infinity_and_gradient_zero_or_is_finite(
    covariance, family, jacobian, value
):
    target, _, _, y = scene(covariance, family)
    points = [np.full_like(y, value), np.full_like(y, -value)]
    points += [
        np.where(np.arange(len(y)) == i, s * value, y) for i in range(len(y)) for s in (1, -1)
    ]
    for point in points:
        log_density, gradient = target(point, jacobian)
        if log_density == -np.inf:
            assert not gradient.any()
        else:
            assert np.isfinite(value)
            assert np.isfinite(log_density)
            assert np.isfinite(gradient).all()


@structures
@families
def test_everything_at_a_million_is_impossible(covariance, family):
    target, _, _, y = scene(covariance, family)
    for sign in (1, -1):
        value, gradient = target(np.full_like(y, sign * 1e6))
        assert value == -np.inf
        assert not gradient.any()


@structures
@families
@jacobians
def test_a_row_of_weight_two_is_the_row_twice(covariance, family, jacobian):
    rng = np.random.default_rng(5)
    parameters = random_parameters(rng, covariance, 3, 2)
    x = random_rows(rng, parameters, 50)
    weight = rng.integers(0, 4, size=50)
    repeated = np.repeat(x, weight, axis=0)
    ones = np.ones(len(repeated))
    y = unconstrain(parameters)
    a = Target.of(
        covariance, 3, x, weight, prior_of(family, x, weight.astype(float), 3, covariance)
    )
    b = Target.of(covariance, 3, repeated, ones, prior_of(family, repeated, ones, 3, covariance))
    np.testing.assert_allclose(a(y, jacobian)[0], b(y, jacobian)[0], rtol=1e-12)
    np.testing.assert_allclose(a(y, jacobian)[1], b(y, jacobian)[1], rtol=1e-9, atol=1e-9)


@structures
@pytest.mark.parametrize("family", ["conjugate", "separate"])
@jacobians
def test_permuted_components_have_the_same_density(covariance, family, jacobian):
    rng = np.random.default_rng(6)
    parameters = random_parameters(rng, covariance, 4, 2)
    x = random_rows(rng, parameters, 60)
    kind = bg.NormalInverseWishart if family == "conjugate" else bg.NormalLKJ
    prior = kind().resolved(x, np.ones(60), 4, covariance)
    target = Target.of(covariance, 4, x, np.ones(60), prior)
    values = [
        target(unconstrain(parameters.permuted(order)), jacobian)[0]
        for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 2, 3, 0])
    ]
    np.testing.assert_allclose(values, values[0], rtol=1e-13)


@structures
@pytest.mark.parametrize("family", ["conjugate", "separate"])
def test_centred_and_scaled_coordinates_shift_the_density_by_a_constant(covariance, family):
    rng = np.random.default_rng(7)
    shift = np.array([20.0, -3.0])
    scale = np.full(2, 5.0) if covariance in ISOTROPIC else np.array([0.01, 300.0])
    here = random_parameters(rng, covariance, 2, 2)
    x = random_rows(rng, here, 50) * scale + shift
    kind = bg.NormalInverseWishart if family == "conjugate" else bg.NormalLKJ
    prior = kind().resolved(x, np.ones(50), 2, covariance)
    raw = Target.of(covariance, 2, x, np.ones(50), prior)
    inner = prior.affine(1 / scale, -shift / scale)
    centred = Target.of(covariance, 2, x, np.ones(50), inner, shift, scale)
    differences = []
    for _ in range(4):
        p = random_parameters(rng, covariance, 2, 2)
        a = raw(unconstrain(p.affine(scale, shift)))[0]
        differences.append(a - centred(unconstrain(p))[0])
    np.testing.assert_allclose(differences, differences[0], rtol=1e-10)


@structures
@pytest.mark.parametrize("family", ["conjugate", "separate"])
@jacobians
def test_the_hessian_is_the_gradients_derivative(covariance, family, jacobian):
    target, _, _, y = scene(covariance, family, 2, 2)
    curvature = hessian(target, y, jacobian)
    expected = central_differences(lambda v: target(v, jacobian)[1], y, 1e-3)
    np.testing.assert_array_equal(curvature, curvature.T)
    np.testing.assert_allclose(curvature, expected, atol=1e-7 * np.abs(expected).max())


def test_evaluation_leaves_the_point_and_the_rows_as_they_were():
    target, _, _, y = scene("full", "conjugate")
    before = y.copy(), target.evidence.values.copy()
    target(y)
    np.testing.assert_array_equal(y, before[0])
    np.testing.assert_array_equal(target.evidence.values, before[1])
