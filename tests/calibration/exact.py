"""The exact posterior of a tiny mixture: every allocation of the rows, in closed form.

With a conjugate prior, p(x | z) is a product of normal–inverse-Wishart (or inverse-gamma) marginal
likelihoods and p(z) a Dirichlet-multinomial; what does not depend on labels is then a sum over
all K^n allocations z.
"""

from itertools import product

import arviz as az
import numpy as np
from scipy.special import gammaln, logsumexp, multigammaln

import bayesgmm as bg


def log_marginal(x, z, k, covariance, prior):
    """log p(x | z), weights, means and spread integrated out (nats)."""
    n, d = x.shape
    kappa, nu = prior.mean_concentration, prior.df
    scatters, counts = [], []
    for j in range(k):
        rows = x[z == j]
        size = len(rows)
        scatter = np.zeros((d, d))
        if size:
            mean = rows.mean(axis=0)
            off = mean - prior.mean
            scatter = (rows - mean).T @ (rows - mean)
            scatter += kappa * size / (kappa + size) * np.outer(off, off)
        scatters.append(scatter)
        counts.append(size)
    value = 0.5 * d * sum(np.log(kappa / (kappa + size)) for size in counts)
    psi, diagonal = prior.scale, np.diag(prior.scale)
    if covariance == "full":
        blocks = [_matrix(psi, s, nu, size) for s, size in zip(scatters, counts, strict=True)]
    elif covariance == "tied":
        blocks = [_matrix(psi, np.sum(scatters, axis=0), nu, n)]
    elif covariance == "tied_diag":
        blocks = [_variance(diagonal, np.diag(np.sum(scatters, axis=0)), nu, n).sum()]
    elif covariance == "tied_spherical":
        blocks = [_variance(diagonal.mean(), np.trace(np.sum(scatters, axis=0)), nu, d * n)]
    elif covariance == "diag":
        blocks = [
            _variance(diagonal, np.diag(s), nu, size).sum()
            for s, size in zip(scatters, counts, strict=True)
        ]
    else:
        pooled = diagonal.mean()
        blocks = [
            _variance(pooled, np.trace(s), nu, d * size)
            for s, size in zip(scatters, counts, strict=True)
        ]
    return value + sum(blocks)


def _matrix(psi, scatter, nu, count):
    """log ∫ IW(Σ | ν, Ψ) Π N(…) dΣ for ``count`` rows and their scatter, prior included."""
    d = len(psi)
    value = 0.5 * nu * np.linalg.slogdet(psi)[1]
    value -= 0.5 * (nu + count) * np.linalg.slogdet(psi + scatter)[1]
    value += multigammaln((nu + count) / 2, d) - multigammaln(nu / 2, d)
    return value - 0.5 * count * d * np.log(np.pi)


def _variance(psi, scatter, nu, count):
    value = 0.5 * nu * np.log(psi) - 0.5 * (nu + count) * np.log(psi + scatter)
    return value + gammaln((nu + count) / 2) - gammaln(nu / 2) - 0.5 * count * np.log(np.pi)


def log_allocation(z, k, concentration):
    """log p(z) of a Dirichlet-multinomial (nats)."""
    counts = np.bincount(z, minlength=k)
    total = concentration.sum()
    value = gammaln(total) - gammaln(total + len(z))
    return value + (gammaln(concentration + counts) - gammaln(concentration)).sum()


def exact_posterior(x, points, k, covariance, prior):
    """Label-free expectations given the rows: name → value.

    The probability that two rows share a component, E Σ w², and the predictive density at points.
    """
    n = len(x)
    allocations = np.array(list(product(range(k), repeat=n)))
    log_joint = np.array(
        [
            log_allocation(z, k, prior.concentration) + log_marginal(x, z, k, covariance, prior)
            for z in allocations
        ]
    )
    highest = log_joint.max()
    p = np.exp(log_joint - highest)
    evidence = highest + np.log(p.sum())
    p /= p.sum()
    values = {}
    for i in range(n):
        for j in range(i):
            values[f"rows {j} and {i} together"] = p @ (allocations[:, i] == allocations[:, j])
    counts = np.array([np.bincount(z, minlength=k) for z in allocations]) + prior.concentration
    total = counts.sum(axis=1)
    squares = (counts * (counts + 1)).sum(axis=1) / (total * (total + 1))
    values["sum of squared weights"] = p @ squares
    for point in points:
        more = np.vstack([x, point])
        terms = [
            log_allocation(z, k, prior.concentration) + log_marginal(more, z, k, covariance, prior)
            for z in np.array(list(product(range(k), repeat=n + 1)))
        ]
        values[f"density at {point}"] = np.exp(np.logaddexp.reduce(terms) - evidence)
    return values


def log_joint_density(x, weights, means, covariances):
    """log w_k N(x_n | μ_k, Σ_k) of many mixtures at once, (…, n, K)."""
    lower = np.linalg.cholesky(covariances)
    centred = np.asarray(x)[:, None] - means[..., None, :, :]
    z = np.linalg.solve(lower[..., None, :, :, :], centred[..., None])[..., 0]
    log_det = np.log(np.diagonal(lower, axis1=-2, axis2=-1)).sum(axis=-1)
    constant = np.log(weights) - log_det - 0.5 * means.shape[-1] * np.log(2 * np.pi)
    return constant[..., None, :] - 0.5 * (z**2).sum(axis=-1)


def sampled_posterior(post, x, points):
    """The same expectations' integrands at every draw of a tree: name → (chain, draw)."""
    weights = post["posterior"]["weights"].values
    means = post["posterior"]["means"].values
    dense = bg.covariances(post).values

    log_joint = log_joint_density(x, weights, means, dense)
    table = np.exp(log_joint - logsumexp(log_joint, axis=-1, keepdims=True))
    values = {}
    for i in range(len(x)):
        for j in range(i):
            values[f"rows {j} and {i} together"] = (table[..., i, :] * table[..., j, :]).sum(
                axis=-1
            )
    values["sum of squared weights"] = (weights**2).sum(axis=-1)
    density = np.exp(logsumexp(log_joint_density(points, weights, means, dense), axis=-1))
    for index, point in enumerate(points):
        values[f"density at {point}"] = density[..., index]
    return values


def z_scores(sampled, exact):
    """Differences in Monte Carlo standard errors: name → z."""
    scores = {}
    for name, value in exact.items():
        draws = sampled[name]
        error = draws.std(ddof=1) / np.sqrt(float(az.ess(draws, method="mean")))
        scores[name] = (draws.mean() - value) / error
    return scores


def without_jacobian(density, y):
    """A whitened target that lacks the Jacobian of the transforms, to be planted."""
    value, gradient = density.target(density.coordinates(y), jacobian=False)
    return value, density.metric.transposed(gradient)
