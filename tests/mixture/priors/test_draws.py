"""Draws from the prior have its distribution: exact marginals, and the score's mean of zero."""

from dataclasses import replace

import numpy as np
import pytest
from oracles import ISOTROPIC, MATRICES, SEPARABLE, SHARED, STRUCTURES, prior_by_component
from prior_draws import draw_prior
from scipy import stats

import bayesgmm as bg
from bayesgmm.likelihood.target import Target, unconstrain
from bayesgmm.mixture.parameters import MixtureParameters

K, D, N = 3, 3, 3000
CONJUGATE = bg.NormalInverseWishart(
    np.array([0.7, 2.0, 4.0]),
    np.array([1.0, -2.0, 0.5]),
    0.2,
    6.5,
    np.array([[2.0, 0.6, 0.1], [0.6, 1.0, -0.3], [0.1, -0.3, 0.5]]),
)
SEPARATE = bg.NormalLKJ(
    np.array([0.7, 2.0, 4.0]),
    np.array([1.0, -2.0, 0.5]),
    np.array([2.0, 0.3, 1.0]),
    np.array([0.5, 1.0, 3.0]),
    1.7,
    5.0,
)
HALF_NORMAL = replace(SEPARATE, df=None, half_normal=True)
ONE = ("concentration", "mean", "mean_scale")
PRIORS = {"conjugate": CONJUGATE, "separate": SEPARATE, "half-normal": HALF_NORMAL}
structures = pytest.mark.parametrize("covariance", STRUCTURES)
separable = pytest.mark.parametrize("covariance", SEPARABLE)
families = pytest.mark.parametrize("family", PRIORS)


@pytest.fixture(scope="module")
def draws():
    """Draws as mixtures, by structure and family."""
    rng = np.random.default_rng(20250101)
    return {
        (covariance, family): [
            MixtureParameters(covariance, *draw_prior(prior, covariance, K, D, rng))
            for _ in range(N)
        ]
        for covariance in STRUCTURES
        for family, prior in PRIORS.items()
        if covariance != "proportional" or family == "conjugate"
    }


def agrees(sample, distribution):
    """Kolmogorov and Smirnov, at a level that some sixty fixed-seed tests pass if all is right."""
    p_value = stats.kstest(sample, distribution.cdf).pvalue
    assert p_value > 1e-4, p_value


@structures
@families
def test_weights_are_dirichlet(draws, covariance, family):
    weights = np.array([p.weights for p in draws[covariance, family]])
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    for k, a in enumerate(CONJUGATE.concentration):
        agrees(weights[:, k], stats.beta(a, CONJUGATE.concentration.sum() - a))


@structures
def test_conjugate_variances_are_inverse_gamma(draws, covariance):
    sample = np.array([p.covariances for p in draws[covariance, "conjugate"]])
    psi = np.diag(CONJUGATE.scale)
    if covariance == "proportional":  # the law of the shape is another: by its own test
        return
    # The marginal of an inverse Wishart's diagonal loses d − 1 degrees of freedom.
    df = CONJUGATE.df - (D - 1 if covariance in MATRICES else 0)
    for j in range(D):
        scale = psi.mean() if covariance in ISOTROPIC else psi[j]
        agrees(sample[:, 1, j, j], stats.invgamma(df / 2, scale=scale / 2))


def test_the_scale_of_proportional_covariances_is_inverse_chi_square(draws):
    sample = np.array([p.covariances for p in draws["proportional", "conjugate"]])
    traces = np.trace(np.linalg.solve(sample, CONJUGATE.scale), axis1=2, axis2=3)
    for k in range(K):
        agrees(traces[:, k], stats.chi2(CONJUGATE.df * D))


def test_conjugate_matrices_have_the_inverse_wisharts_partial_correlations(draws):
    # Precisions are Wishart, so that their leading minors give chi-squared variables.
    sample = np.array([p.covariances[0] for p in draws["full", "conjugate"]])
    lower = np.linalg.cholesky(np.linalg.inv(CONJUGATE.scale))
    standard = np.linalg.inv(lower) @ np.linalg.inv(sample) @ np.linalg.inv(lower).T
    bartlett = np.linalg.cholesky(standard)
    for i in range(D):
        agrees(bartlett[:, i, i] ** 2, stats.chi2(CONJUGATE.df - i))
        for j in range(i):
            agrees(bartlett[:, i, j], stats.norm())


@structures
def test_conjugate_means_are_normal_given_the_spread(draws, covariance):
    several = draws[covariance, "conjugate"]
    z = [
        np.linalg.solve(np.linalg.cholesky(p.covariances), (p.means - CONJUGATE.mean)[..., None])
        for p in several
    ]
    z = np.sqrt(CONJUGATE.mean_concentration) * np.array(z)[..., 0]
    for j in range(D):
        agrees(z[:, :, j].ravel(), stats.norm())


@separable
def test_residual_variances_are_scaled_inverse_chi_square(draws, covariance):
    sample = np.array([p.covariances[-1] for p in draws[covariance, "separate"]])
    scale = SEPARATE.scale
    if covariance in ISOTROPIC:
        scale = np.full(D, np.sqrt(np.mean(scale**2)))
    precision = np.linalg.inv(sample)
    for j in range(D):
        agrees(SEPARATE.df * scale[j] ** 2 * precision[:, j, j], stats.chi2(SEPARATE.df))


@separable
def test_separate_scales_are_half_normal_where_asked(draws, covariance):
    sample = np.array([p.covariances for p in draws[covariance, "half-normal"]])
    sigma = SEPARATE.scale
    if covariance in ISOTROPIC:
        sigma = np.full(D, np.sqrt(np.mean(sigma**2)))
    for j in range(D):
        agrees(np.sqrt(sample[:, 2, j, j]), stats.halfnorm(scale=sigma[j]))


@pytest.mark.parametrize("covariance", ["full", "tied"])
@pytest.mark.parametrize("family", ["separate", "half-normal"])
def test_separate_correlations_are_lkj(draws, covariance, family):
    sample = np.array([p.covariances[0] for p in draws[covariance, family]])
    sd = np.sqrt(np.einsum("nii->ni", sample))
    b = SEPARATE.eta + (D - 2) / 2
    for i, j in ((0, 1), (0, 2), (1, 2)):
        r = sample[:, i, j] / sd[:, i] / sd[:, j]
        agrees((r + 1) / 2, stats.beta(b, b))
    # The squared multiple correlation of the last feature with the others.
    rest = 1 / (np.linalg.inv(sample)[:, 2, 2] * sample[:, 2, 2])
    agrees(rest, stats.beta(SEPARATE.eta, (D - 1) / 2))


@separable
def test_separate_means_are_independent_normals(draws, covariance):
    means = np.array([p.means for p in draws[covariance, "separate"]])
    for j in range(D):
        agrees(means[:, :, j].ravel(), stats.norm(SEPARATE.mean[j], SEPARATE.mean_scale[j]))


def test_components_are_drawn_apart_but_a_tied_spread_once(draws):
    for (covariance, _), several in draws.items():
        if covariance == "proportional":  # neither apart nor once
            continue
        variance = np.array([p.covariances[:, 0, 0] for p in several])
        rank = stats.spearmanr(variance[:, 0], variance[:, 1]).statistic
        assert (rank > 0.999) if covariance in SHARED else (abs(rank) < 0.08)


@structures
@families
def test_the_score_of_the_density_has_mean_zero_under_the_draws(draws, covariance, family):
    # ∫ ∇p = 0 ties draws and density together, in every coordinate at once.
    no_rows = np.zeros((1, D)), np.zeros(1)
    target = Target.of(covariance, K, *no_rows, PRIORS[family])
    scores = np.array([target(unconstrain(p))[1] for p in draws[covariance, family]])
    error = scores.std(axis=0, ddof=1) / np.sqrt(N)
    assert np.abs(scores.mean(axis=0) / error).max() < 4.5


@structures
def test_the_score_has_mean_zero_where_the_prior_tells_components_apart(covariance):
    rng = np.random.default_rng(20250102)
    prior = prior_by_component(rng, covariance, K, 2)
    target = Target.of(covariance, K, np.zeros((1, 2)), np.zeros(1), prior)
    scores = []
    for _ in range(N):
        drawn = MixtureParameters(covariance, *draw_prior(prior, covariance, K, 2, rng))
        scores.append(target(unconstrain(drawn))[1])
    error = np.std(scores, axis=0, ddof=1) / np.sqrt(N)
    assert np.abs(np.mean(scores, axis=0) / error).max() < 4.5


@structures
@families
def test_the_same_seed_gives_the_same_draw(covariance, family):
    first, second = (
        draw_prior(PRIORS[family], covariance, K, D, np.random.default_rng(7)) for _ in range(2)
    )
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


@structures
@families
def test_one_feature_and_one_component_draw_too(covariance, family):
    prior = (
        bg.NormalInverseWishart(np.ones(1), np.zeros(1), 1.0, 3.0, np.eye(1))
        if family == "conjugate"
        else replace(PRIORS[family], **{n: np.ones(1) for n in ONE}, scale=np.ones(1))
    )
    weights, means, factor = draw_prior(prior, covariance, 1, 1, np.random.default_rng(1))
    assert weights.shape == (1,)
    assert means.shape == (1, 1)
    assert factor.shape == ((1, 1, 1) if covariance in MATRICES else (1, 1))
