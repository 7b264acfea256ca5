"""Rows, priors, plain SciPy densities, and PyMC models compiled in seconds."""

import numpy as np
import pytensor
from prior_draws import draw_prior
from pytensor.compile.mode import Mode
from scipy import stats
from scipy.special import logsumexp

import bayesgmm as bg
from bayesgmm.mixture.parameters import MixtureParameters

FAST = Mode(linker="py", optimizer="fast_compile")
"""Compiles in seconds what the default mode takes a minute for."""

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
    prior = mixture.resolved_prior(x, sample_weight)
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
