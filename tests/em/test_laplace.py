"""Weights of modes: Laplace in the model's own coordinates, integrals by SciPy, exact masses."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from oracles import log_likelihood, log_prior
from scipy import stats
from scipy.special import gammaln, logsumexp, multigammaln, softmax

import bayesgmm as bg
from bayesgmm.em import laplace, mode_weights
from bayesgmm.mixture.parameters import MixtureParameters


def fit(mixture, x, **settings):
    return bg.fit_map(mixture, x, random_seed=1, progress=False, n_starts=40, **settings)


def quantiles(size, centre, sd):
    """Rows that lie as a normal's do, without chance."""
    return centre + sd * stats.norm.ppf((np.arange(size) + 0.5) / size)


def three_clumps():
    """(130, 1): two components may share them in two ways."""
    return np.concatenate([quantiles(60, 0, 1), quantiles(30, 6, 1), quantiles(40, 13, 1)])[:, None]


def of_one_feature(theta, k):
    """The mixture at (w₁ … w_{K−1}, μ, σ²)."""
    weights, means, variances = np.split(theta, [k - 1, 2 * k - 1])
    weights = np.append(weights, 1 - weights.sum())
    return MixtureParameters("full", weights, means[:, None], np.sqrt(variances)[:, None, None])


def theta_of(parameters):
    p = parameters
    return np.concatenate([p.weights[:-1], p.means[:, 0], p.variances[:, 0]])


def distinct_images(parameters):
    """How many points the permutations of the components take a mixture to."""
    table = np.round(np.stack(list(by_component(parameters)), axis=1), 2)
    return len({table[list(p)].tobytes() for p in itertools.permutations(range(len(table)))})


def by_component(parameters):
    sd = np.sqrt(parameters.variances[:, 0])
    yield from (parameters.weights, parameters.means[:, 0], sd)


def second_derivatives(function, at, step):
    """By differences of the function itself."""
    n, eye = len(at), np.diag(step)
    result = np.empty((n, n))
    for i, j in itertools.combinations_with_replacement(range(n), 2):
        corners = [
            a * b * function(at + a * eye[i] + b * eye[j])
            for a, b in itertools.product([1, -1], repeat=2)
        ]
        result[i, j] = result[j, i] = sum(corners) / (4 * step[i] * step[j])
    return result


@pytest.mark.parametrize(("data", "k"), [("clumps", 2), ("galaxies", 5)])
def test_it_is_laplaces_approximation_in_weights_means_and_variances(data, k, request):
    x = three_clumps() if data == "clumps" else request.getfixturevalue(data)
    mixture = bg.GaussianMixture(k)
    estimate, prior = fit(mixture, x), mixture.resolved_prior(x)
    assert len(estimate.modes) > 1

    def log_posterior(theta):
        parameters = of_one_feature(theta, k)
        return log_likelihood(x, parameters) + log_prior(prior, parameters)

    log_masses = []
    for mode in estimate.modes:
        p, theta = mode.parameters, theta_of(mode.parameters)
        nk = x.shape[0] * p.weights
        sd = np.concatenate([
            p.weights[:-1] / np.sqrt(nk[:-1]), np.sqrt(p.variances[:, 0] / nk),
            p.variances[:, 0] * np.sqrt(2 / nk),
        ])  # fmt: skip
        curvature = -second_derivatives(log_posterior, theta, 3e-3 * sd)
        log_masses.append(
            log_posterior(theta)
            - 0.5 * np.linalg.slogdet(curvature)[1]
            + np.log(distinct_images(p))
        )
    np.testing.assert_allclose(mode_weights(estimate, x), softmax(log_masses), rtol=1e-3)
    if data == "galaxies":  # where some modes have components in one place
        assert len({distinct_images(mode.parameters) for mode in estimate.modes}) > 1


def test_it_is_the_share_of_the_integral_about_each_mode():
    """By importance sampling from t densities about the modes, in logit w, μ and log σ²."""
    x, mixture = three_clumps(), bg.GaussianMixture(2)
    estimate, prior = fit(mixture, x), mixture.resolved_prior(x)
    assert len(estimate.modes) == 2

    def log_density(u):
        w, means, variances = 1 / (1 + np.exp(-u[:, 0])), u[:, 1:3], np.exp(u[:, 3:])
        terms = stats.norm(means[:, :, None], np.sqrt(variances)[:, :, None]).logpdf(x[:, 0])
        terms += np.log(np.stack([w, 1 - w], axis=1))[:, :, None]
        value = logsumexp(terms, axis=1).sum(axis=1)
        value += stats.beta(*prior.concentration * np.ones(2)).logpdf(w)
        value += stats.invgamma(prior.df / 2, scale=prior.scale.item() / 2).logpdf(variances).sum(1)
        spread = np.sqrt(variances / prior.mean_concentration)
        value += stats.norm(prior.mean.item(), spread).logpdf(means).sum(axis=1)
        return value + np.log(w * (1 - w)) + u[:, 3:].sum(axis=1)

    proposals = []
    for mode in estimate.modes:
        w, means, variances = (
            mode.parameters.weights,
            *map(np.ravel, (mode.parameters.means, mode.parameters.variances)),
        )
        nk = len(x) * w
        at = np.concatenate([[np.log(w[0] / w[1])], means, np.log(variances)])
        spread = np.concatenate([[1 / (len(x) * w.prod())], variances / nk, 2 / nk])
        proposals.append(stats.multivariate_t(at, np.diag(2 * spread), df=6))
    rng = np.random.default_rng(3)
    u = np.concatenate([p.rvs(20_000, random_state=rng) for p in proposals])
    drawn_from = np.array([p.logpdf(u) for p in proposals])
    log_ratio = log_density(u) - logsumexp(drawn_from, axis=0)
    nearest = drawn_from.argmax(axis=0)
    shares = softmax([logsumexp(log_ratio[nearest == i]) for i in range(2)])
    effective = [
        np.exp(2 * logsumexp(r) - logsumexp(2 * r))
        for r in (log_ratio[nearest == i] for i in range(2))
    ]
    assert min(effective) > 5000
    assert shares.min() > 0.1
    np.testing.assert_allclose(mode_weights(estimate, x), shares, atol=0.02)


def log_evidence(x, mean, kappa, df, scale):
    """Log marginal density of rows of one normal under an inverse-Wishart prior, (n, d)."""
    n, d = x.shape
    centre = x.mean(axis=0)
    after = scale + (x - centre).T @ (x - centre)
    after += kappa * n / (kappa + n) * np.outer(centre - mean, centre - mean)
    return (
        multigammaln((df + n) / 2, d) - multigammaln(df / 2, d)
        + 0.5 * df * np.linalg.slogdet(scale)[1] - 0.5 * (df + n) * np.linalg.slogdet(after)[1]
        + 0.5 * d * np.log(kappa / (kappa + n)) - 0.5 * n * d * np.log(np.pi)
    )  # fmt: skip


@pytest.mark.parametrize("covariance", ["full", "diag"])
def test_of_components_told_apart_it_is_the_exact_share_of_either_place(covariance):
    """Clusters so far apart that every row is sure of its own: the integral has a closed form."""
    rng = np.random.default_rng(5)
    clusters = rng.normal(size=(120, 2)) @ [[1, 0.4], [0, 0.8]], 40 + rng.normal(size=(80, 2))
    x = np.concatenate(clusters)
    concentration, means = np.array([5.0, 3.0]), np.array([[17.0, 17.0], [19.0, 19.0]])
    kappa, df, scale = 0.01, 6.0, 4 * np.eye(2)
    prior = bg.NormalInverseWishart(concentration, means, kappa, df, scale)
    mixture = bg.GaussianMixture(2, covariance, prior=prior)
    estimate = fit(mixture, x)
    # The search goes to the better places; the other mode is above a start in the worse.
    swapped = estimate.parameters.permuted(np.array([1, 0]))
    worse = bg.fit_map(mixture, x, start=swapped, n_starts=1, progress=False)
    if len(estimate.modes) == 1:
        estimate = replace(estimate, modes=estimate.modes + worse.modes)
    assert len(estimate.modes) == 2
    log_masses = []
    for mode in estimate.modes:
        places = np.argsort(mode.parameters.means[:, 0])  # of the first and the second cluster
        log_mass = gammaln(concentration + np.array([120, 80])[np.argsort(places)]).sum()
        for rows, place in zip(clusters, places, strict=True):
            parts = [[0, 1]] if covariance == "full" else [[0], [1]]
            log_mass += sum(
                log_evidence(rows[:, j], means[place][j], kappa, df, scale[np.ix_(j, j)])
                for j in parts
            )
        log_masses.append(log_mass)
    exact = softmax(log_masses)
    assert 0.05 < exact.min() < 0.4
    np.testing.assert_allclose(mode_weights(estimate, x), exact, rtol=0.03)


def test_a_single_mode_has_it_all(old_faithful):
    estimate = fit(bg.GaussianMixture(1), old_faithful)
    np.testing.assert_array_equal(mode_weights(estimate, old_faithful), [1.0])


def test_a_weight_of_two_is_the_row_twice_and_units_do_not_matter():
    x, mixture = three_clumps(), bg.GaussianMixture(2)
    twice = np.repeat(x, 2, axis=0)
    estimate = fit(mixture, twice)
    assert len(estimate.modes) == 2
    expected = mode_weights(estimate, twice)
    weight = np.full(len(x), 2.0)
    np.testing.assert_allclose(mode_weights(estimate, x, weight), expected, rtol=1e-6)
    elsewhere = 1e4 + 1000 * twice
    found = mode_weights(fit(mixture, elsewhere), elsewhere)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_what_is_no_peak_and_what_is_too_large_has_none(monkeypatch):
    x = three_clumps()
    estimate = fit(bg.GaussianMixture(2), x)
    hessian = laplace.hessian
    flat = iter([True, False])

    def flat_once(*arguments, **settings):
        curvature = hessian(*arguments, **settings)
        return curvature * (0 if next(flat) else 1)

    monkeypatch.setattr(laplace, "hessian", flat_once)
    np.testing.assert_array_equal(mode_weights(estimate, x), [np.nan, 1.0])
    monkeypatch.setattr(laplace, "MOST_DIMENSIONS", 4)
    assert np.isnan(mode_weights(estimate, x)).all()


def test_other_rows_and_maximum_likelihood_are_refused(old_faithful):
    mixture = bg.GaussianMixture(2)
    estimate = fit(mixture, old_faithful)
    with pytest.raises(ValueError, match="x has 1 numeric columns; expected the 2 features"):
        mode_weights(estimate, old_faithful[:, :1])
    with pytest.raises(ValueError, match="expected the rows and the weights that were fitted"):
        mode_weights(estimate, old_faithful[1:])
    with pytest.raises(ValueError, match="weights that were fitted"):
        mode_weights(estimate, old_faithful, np.arange(1, 273))
    likeliest = bg.fit_ml(mixture, old_faithful, n_starts=2, progress=False)
    with pytest.raises(ValueError, match=r"maximum likelihood.*bg\.fit_map"):
        mode_weights(likeliest, old_faithful)
    with pytest.raises(TypeError, match="estimate must be"):
        mode_weights(mixture, old_faithful)
