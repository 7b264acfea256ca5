"""Small data sets, priors and plain SciPy densities that several rooms' tests share."""

import numpy as np
import pytensor
from pytensor.compile.mode import Mode
from scipy import stats
from scipy.special import betaln, logsumexp

import bayesgmm as bg
from bayesgmm.mixture import MixtureParameters
from bayesgmm.prior.draws import draw_prior

FAST = Mode(linker="py", optimizer="fast_compile")
"""Compiles in seconds what the default mode takes a minute for."""

STRUCTURES = ("full", "tied", "diag", "spherical")
PRIORS = {"conjugate": bg.NormalInverseWishart(), "separate": bg.NormalLKJ()}


def rows(n_obs=40, n_features=3, seed=0):
    """Two groups of rows whose features differ in location, scale and correlation."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_obs, n_features))
    x[:, -1] += 0.6 * x[:, 0]
    x[: n_obs // 3] += 3
    return (x * [1.0, 20.0, 0.1][:n_features]) + [5.0, -40.0, 7.0][:n_features]


def draw_parameters(mixture, x, sample_weight, rng):
    """A random point of the prior that the mixture has at these rows, in the data's units."""
    prior = mixture.prior.resolved(x, sample_weight, mixture.n_components)
    n_features = x.shape[1]
    drawn = draw_prior(prior, mixture.covariance, mixture.n_components, n_features, rng)
    return MixtureParameters(mixture.covariance, *drawn)


def log_density(x, weights, means, covariances):
    """Log density of every row by SciPy, one component after another; weights (K,) or (n, K)."""
    terms = [
        stats.multivariate_normal(mean, covariance).logpdf(x)
        for mean, covariance in zip(means, covariances, strict=True)
    ]
    terms = np.reshape(terms, (len(means), len(x))).T
    return logsumexp(np.log(weights) + terms, axis=1)


def responsibilities(x, weights, means, covariances):
    """Probability of every component for every row by SciPy, (n, K)."""
    joint = np.array(
        [
            w * np.atleast_1d(stats.multivariate_normal(mean, covariance).pdf(x))
            for w, mean, covariance in zip(weights, means, covariances, strict=True)
        ]
    )
    return (joint / joint.sum(axis=0)).T


def log_prior(parameters, covariance, prior):
    """Log density of (w, μ, Σ) under a resolved prior, by SciPy and the published normalisers."""
    weights, means, dense = parameters.weights, parameters.means, parameters.covariances
    value = 0.0
    if len(weights) > 1:
        value += stats.dirichlet(prior.concentration).logpdf(weights)
    blocks = dense[:1] if covariance == "tied" else dense
    if isinstance(prior, bg.NormalInverseWishart):
        value += sum(_conjugate_block(block, covariance, prior) for block in blocks)
        for mean, cov in zip(means, dense, strict=True):
            law = stats.multivariate_normal(prior.mean, cov / prior.mean_concentration)
            value += law.logpdf(mean)
        return value
    value += sum(_separate_block(block, covariance, prior) for block in blocks)
    return value + stats.norm(prior.mean, prior.mean_scale).logpdf(means).sum()


def _conjugate_block(block, covariance, prior):
    if covariance in ("full", "tied"):
        return stats.invwishart(prior.df, prior.scale).logpdf(block)
    scale, variance = np.diag(prior.scale), np.diag(block)
    if covariance == "spherical":
        scale, variance = scale.mean(), variance[0]
    return stats.invgamma(prior.df / 2, scale=scale / 2).logpdf(variance).sum()


def _separate_block(block, covariance, prior):
    sd, scale = np.sqrt(np.diag(block)), prior.scale
    if covariance == "spherical":
        sd, scale = sd[:1], np.sqrt(np.mean(prior.scale**2))
    # From s to s², or with the correlations from (s, R) to Σ.
    value = (stats.halfnorm(scale=scale).logpdf(sd) - np.log(2 * sd)).sum()
    if covariance in ("diag", "spherical"):
        return value
    d = len(sd)
    correlation = block / np.outer(sd, sd)
    value += (prior.eta - 1) * np.linalg.slogdet(correlation)[1] - lkj_log_volume(prior.eta, d)
    return value - (d - 1) * np.log(sd).sum()


def lkj_log_volume(eta, d):
    """Log of ∫ |R|^(η−1) dR, by the first vine formula of Lewandowski, Kurowicka & Joe (2009)."""
    total = 0.0
    for k in range(1, d):
        shape = eta + (d - 1 - k) / 2
        # d − k partial correlations of order k − 1, each with density ∝ (1 − r²)^(shape − 1).
        total += (d - k) * ((2 * shape - 1) * np.log(2) + betaln(shape, shape))
    return total


def compiled(model, outputs, mode=FAST):
    """A function of the model's value variables, in their order."""
    return pytensor.function(model.value_vars, outputs, mode=mode)


def pieces(model, y):
    """A flat vector cut into the model's value variables."""
    shapes = [model.initial_point()[v.name].shape for v in model.value_vars]
    ends = np.cumsum([int(np.prod(s)) for s in shapes])
    assert ends[-1] == len(y)
    parts = np.split(y, ends[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def value_and_gradient(model, jacobian):
    """The model's log density and its gradient, as graphs."""
    logp = model.logp(jacobian=jacobian)
    return [logp, *pytensor.grad(logp, model.value_vars)]


def flat(arrays):
    return np.concatenate([np.ravel(a) for a in arrays])


def close(actual, expected, rtol=1e-9):
    """Relative agreement; entries near zero are judged by the size of the largest."""
    actual, expected = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    scale = np.abs(expected).max(initial=0.0)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * scale)
