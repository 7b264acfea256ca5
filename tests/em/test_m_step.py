"""The M-step is the maximiser of the expected complete log posterior, under every structure."""

import numpy as np
import pytest
from oracles import (
    ISOTROPIC,
    MATRICES,
    SHARED,
    STRUCTURES,
    brute_force,
    central_differences,
    covariances,
    log_prior,
    prior_by_component,
    random_parameters,
    random_rows,
)
from scipy import optimize, stats

import bayesgmm as bg
from bayesgmm.em.m_step import Pseudodata
from bayesgmm.em.m_step import m_step as maximise
from bayesgmm.likelihood.passes import mixture_moments
from bayesgmm.mixture import FLOOR, Components
from bayesgmm.mixture.parameters import MixtureParameters

K, D = 3, 2
structures = pytest.mark.parametrize("covariance", STRUCTURES)
PRIOR = bg.NormalInverseWishart(
    np.array([1.0, 2.0, 4.5]), np.array([1.0, -2.0]), 0.7, 6.5, np.array([[2.0, 0.6], [0.6, 1.0]])
)


def m_step(x, before, prior, weight=None):
    moments = mixture_moments(x, before.log_weights, before.means, before.factor, weight)
    mixture, new = (
        Components(before.log_weights, before.means, before.structure.kind(factor))
        for factor in (before.factor, np.empty_like(before.factor))
    )
    new = new._replace(
        log_weights=np.empty(len(before.weights)), means=np.empty(before.means.shape)
    )
    pseudodata = Pseudodata.of(prior, before.structure, len(before.weights), np.eye(D))
    maximise(moments, mixture, pseudodata, new)
    return MixtureParameters(before.covariance, np.exp(new.log_weights), new.means, new.factor[0])


def expected_log_posterior(x, r, parameters, prior):
    """Σ_n Σ_k r_nk log w_k N(x_n | μ_k, Σ_k) + log prior, by SciPy."""
    value = 0.0 if prior is None else log_prior(prior, parameters)
    for k, cov in enumerate(covariances(parameters)):
        normal = stats.multivariate_normal(parameters.means[k], cov)
        value += r[:, k] @ (normal.logpdf(x) + np.log(parameters.weights[k]))
    return float(value)


def to_vector(p):
    if p.covariance == "proportional":
        root = np.exp(np.log(np.diagonal(p.factor, axis1=1, axis2=2)).mean(axis=1))
        spread = np.concatenate([np.log(root), (p.factor[0] / root[0])[np.tril_indices(D)]])
    elif p.factor.ndim == 3:
        i, j = np.tril_indices(D)
        spread = np.where(i == j, np.log(np.abs(p.factor[:, i, j])), p.factor[:, i, j])
    else:
        spread = np.log(p.factor)
    return np.concatenate([np.log(p.weights), p.means.ravel(), spread.ravel()])


def from_vector(v, like):
    weights = np.exp(v[:K]) / np.exp(v[:K]).sum()
    means, spread = v[K : K + K * D].reshape(K, D), v[K + K * D :]
    if like.factor.ndim == 2:
        return MixtureParameters(
            like.covariance, weights, means, np.exp(spread).reshape(like.factor.shape)
        )
    i, j = np.tril_indices(D)
    if like.covariance == "proportional":
        shape = np.zeros((D, D))
        shape[i, j] = np.where(i == j, np.abs(spread[K:]), spread[K:])
        factor = np.exp(spread[:K])[:, None, None] * shape
        return MixtureParameters(like.covariance, weights, means, factor)
    entries = spread.reshape(len(like.factor), -1)
    factor = np.zeros_like(like.factor)
    factor[:, i, j] = np.where(i == j, np.exp(entries), entries)
    return MixtureParameters(like.covariance, weights, means, factor)


@pytest.fixture
def scene(covariance):
    rng = np.random.default_rng(11)
    before = random_parameters(rng, covariance, K, D)
    x = random_rows(rng, before, 40)
    return x, before, brute_force(x, before)[1].astype(float)


@structures
@pytest.mark.parametrize("family", ["conjugate", "by component", "flat"])
def test_it_is_a_stationary_point_that_every_perturbation_lowers(covariance, family, scene):
    x, before, r = scene
    by_component = prior_by_component(np.random.default_rng(14), covariance, K, D)
    prior = {"conjugate": PRIOR, "by component": by_component, "flat": None}[family]
    after = m_step(x, before, prior)

    def value(v):
        return expected_log_posterior(x, r, from_vector(v, after), prior)

    at = to_vector(after)
    assert np.abs(central_differences(value, at, 1e-4)).max() < 1e-6
    rng = np.random.default_rng(12)
    for size in (1e-3, 1e-2, 0.1, 1.0):
        for _ in range(10):
            assert value(at + size * rng.normal(size=len(at))) < value(at)


@structures
def test_scipys_optimiser_finds_no_higher_point(covariance, scene):
    x, before, r = scene
    after = m_step(x, before, PRIOR)
    found = optimize.minimize(
        lambda v: -expected_log_posterior(x, r, from_vector(v, after), PRIOR), to_vector(before)
    )
    assert -found.fun <= expected_log_posterior(x, r, after, PRIOR) + 1e-9
    best = from_vector(found.x, after)
    np.testing.assert_allclose(best.weights, after.weights, atol=1e-4)
    np.testing.assert_allclose(best.means, after.means, atol=1e-3)
    np.testing.assert_allclose(best.factor, after.factor, atol=1e-3)


@structures
def test_row_weights_count_rows(covariance, scene):
    x, before, _ = scene
    weight = np.random.default_rng(13).integers(0, 4, size=len(x))
    weighted = m_step(x, before, PRIOR, weight.astype(float))
    repeated = m_step(np.repeat(x, weight, axis=0), before, PRIOR)
    for name in ("weights", "means", "factor"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-10)


@pytest.mark.parametrize(
    ("covariance", "variances"),
    [
        # Ψ / (ν + d + 2); Ψ_jj / (ν + 3); tr(Ψ)/d / (ν + d + 2): the priors' joint modes.
        ("full", np.diag(PRIOR.scale) / 10.5),
        ("diag", np.diag(PRIOR.scale) / 9.5),
        ("spherical", np.full(2, 1.5 / 10.5)),
    ],
)
def test_an_empty_component_goes_to_the_priors_mode(covariance, variances):
    rng = np.random.default_rng(14)
    before = random_parameters(rng, covariance, K, D)
    x = random_rows(rng, before, 30)
    x = x[np.abs(x).max(axis=1) < 10]
    before.means[0] = 1e4
    after = m_step(x, before, PRIOR)
    # α − 1 = 0 for the first component: its mode has no mass.
    assert after.weights[0] < 1e-12
    np.testing.assert_allclose(after.means[0], PRIOR.mean, rtol=1e-8)
    np.testing.assert_allclose(np.diag(after.covariances[0]), variances, rtol=1e-8)
    if covariance == "full":
        np.testing.assert_allclose(after.covariances[0], PRIOR.scale / 10.5, rtol=1e-8)


@structures
def test_an_empty_component_keeps_its_mass_where_concentration_exceeds_one(covariance):
    rng = np.random.default_rng(15)
    before = random_parameters(rng, covariance, K, D)
    x = random_rows(rng, before, 30)
    x = x[np.abs(x).max(axis=1) < 10]
    before.means[1] = 1e4
    after = m_step(x, before, PRIOR)
    extra = PRIOR.concentration - 1
    np.testing.assert_allclose(after.weights[1], extra[1] / (len(x) + extra.sum()), rtol=1e-10)


@structures
def test_an_empty_component_stays_where_it_is_under_a_flat_prior(covariance):
    rng = np.random.default_rng(16)
    before = random_parameters(rng, covariance, K, D)
    x = random_rows(rng, before, 30)
    x = x[np.abs(x).max(axis=1) < 10]
    before.means[2] = 1e4
    after = m_step(x, before, None)
    assert 0 < after.weights[2] < 1e-12
    np.testing.assert_allclose(after.means[2], before.means[2])
    if covariance == "proportional":  # of which the shape is that of all
        one, two = (np.linalg.det(p.covariances[2]) for p in (after, before))
        assert one == pytest.approx(two)
    elif covariance not in SHARED:
        np.testing.assert_allclose(after.covariances[2], before.covariances[2])


# The floor of maximum likelihood


def floored_scene(covariance):
    """Rows on a line, or one coordinate all but constant, so that the maximum meets the floor."""
    if covariance == "proportional":
        pytest.skip("a common shape that is singular is no component's collapse")
    rng = np.random.default_rng(17)
    before = random_parameters(rng, covariance, K, D)
    t = rng.normal(size=40)
    width = 1e-5 if covariance in ISOTROPIC else 1.0
    x = np.column_stack([width * t, width * t]) if covariance in MATRICES else None
    if x is None:
        x = np.column_stack([width * t, 1e-5 * rng.normal(size=40)])
    before.means[:] = [0.3, -0.2] if covariance in SHARED else before.means * width
    return x, before, brute_force(x, before)[1].astype(float)


@structures
def test_eigenvalues_are_kept_at_the_floor_and_no_allowed_point_is_higher(covariance):
    x, before, r = floored_scene(covariance)
    after = m_step(x, before, None)
    eigenvalues = np.linalg.eigvalsh(after.covariances)
    np.testing.assert_allclose(eigenvalues.min(), FLOOR, rtol=1e-6)
    best = expected_log_posterior(x, r, after, None)
    rng = np.random.default_rng(18)
    at = to_vector(after)
    for size in (1e-6, 1e-4, 1e-2, 0.3):
        for _ in range(20):
            other = allowed(from_vector(at + size * rng.normal(size=len(at)), after))
            assert expected_log_posterior(x, r, other, None) <= best + 1e-7


def allowed(p):
    """The parameters, eigenvalues raised to the floor."""
    if p.factor.ndim == 2:
        factor = np.maximum(p.factor, np.sqrt(FLOOR))
    else:
        values, vectors = np.linalg.eigh(p.factor @ np.swapaxes(p.factor, 1, 2))
        raised = np.maximum(values, FLOOR * (1 + 1e-9))
        factor = np.linalg.cholesky((vectors * raised[:, None]) @ np.swapaxes(vectors, 1, 2))
    return MixtureParameters(p.covariance, p.weights, p.means, factor)


@structures
def test_a_component_on_a_single_row_rests_on_the_floor(covariance):
    before = random_parameters(np.random.default_rng(19), covariance, 2, 2)
    before.means[:] = [[0.0, 0.0], [1e3, 1e3]]
    x = np.array([[0.0, 0.0], [0.5, 0.1], [-0.4, 0.3], [1e3, 1e3]])
    after = m_step(x, before, None)
    np.testing.assert_allclose(after.means[1], [1e3, 1e3])
    np.testing.assert_allclose(after.weights, [0.75, 0.25])
    if covariance == "proportional":
        assert np.linalg.eigvalsh(after.covariances[1])[0] == pytest.approx(FLOOR)
    elif covariance not in SHARED:
        np.testing.assert_allclose(after.covariances[1], FLOOR * np.eye(2), rtol=1e-9, atol=1e-15)


# Units


@structures
def test_the_step_is_equivariant(covariance):
    rng = np.random.default_rng(20)
    before = random_parameters(rng, covariance, K, D)
    x = random_rows(rng, before, 60)
    scale = np.full(2, 1e4) if covariance in ISOTROPIC else np.array([1e-4, 1e6])
    shift = np.array([3.0, -5.0]) * scale
    after = m_step(x, before, PRIOR).affine(scale, shift)
    moved = m_step(x * scale + shift, before.affine(scale, shift), PRIOR.affine(scale, shift))
    np.testing.assert_allclose(moved.weights, after.weights, rtol=1e-10)
    np.testing.assert_allclose(moved.means, after.means, rtol=1e-9)
    np.testing.assert_allclose(
        moved.covariances / np.outer(scale, scale), after.covariances / np.outer(scale, scale),
        rtol=1e-8, atol=1e-10,
    )  # fmt: skip
