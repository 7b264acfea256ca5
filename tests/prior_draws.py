"""Draws from the prior."""

import numpy as np
from scipy import stats

from bayesgmm.mixture import structure_named
from bayesgmm.mixture.priors import NormalInverseWishart


def draw_prior(prior, covariance, n_components, n_features, rng):
    """One draw (weights, means, factor) from a resolved prior.

    Correlation matrices of the LKJ family are drawn by the onion method of
    Lewandowski, Kurowicka & Joe (2009).
    """
    d = n_features
    weights = rng.dirichlet(prior.concentration)
    shape = structure_named(covariance).factor_shape(n_components, d)
    conjugate = isinstance(prior, NormalInverseWishart)
    if conjugate:
        prior = prior.by_component
    if covariance == "proportional":
        nu, scale = prior.df[0], prior.scale[0]
        matrix = stats.invwishart.rvs(n_components * nu, scale, random_state=rng)
        shape = np.reshape(matrix, (d, d))
        shape = shape / np.linalg.det(shape) ** (1 / d)
        half_trace = np.trace(np.linalg.solve(shape, scale)) / 2
        volumes = half_trace / rng.gamma(nu * d / 2, size=n_components)
        factor = np.linalg.cholesky(volumes[:, None, None] * shape)
    elif conjugate and structure_named(covariance).correlated:
        blocks = zip(prior.df[: shape[0]], prior.scale, strict=False)
        drawn = [stats.invwishart.rvs(*block, random_state=rng) for block in blocks]
        factor = np.linalg.cholesky(np.reshape(drawn, shape))
    elif conjugate:
        diagonal = np.diagonal(prior.scale, axis1=1, axis2=2)
        isotropic = structure_named(covariance).isotropic
        scale = diagonal.mean(axis=1, keepdims=True) if isotropic else diagonal
        gamma = rng.gamma(prior.df[: shape[0], None] / 2, size=shape)
        factor = np.sqrt(scale[: shape[0]] / 2 / gamma)
    elif structure_named(covariance).correlated:
        lower = np.stack([_lkj_factor(prior.eta, d, rng) for _ in range(shape[0])])
        inverse = np.linalg.inv(lower)
        excess = 1.0 if prior.half_normal else np.sqrt((inverse**2).sum(axis=1))
        factor = (_scales(prior, prior.scale, shape[:2], rng) * excess)[..., None] * lower
    else:
        isotropic = structure_named(covariance).isotropic
        scale = np.sqrt(np.mean(prior.scale**2)) if isotropic else prior.scale
        factor = _scales(prior, scale, shape, rng)
    noise = rng.normal(size=(n_components, d))
    if conjugate:
        noise = (factor @ noise[..., None])[..., 0] if factor.ndim == 3 else factor * noise
        means = prior.mean + noise / np.sqrt(prior.mean_concentration)[:, None]
    else:
        means = prior.mean + noise * prior.mean_scale
    return weights, means, factor


def _scales(prior, scale, shape, rng):
    if prior.half_normal:
        return np.abs(rng.normal(size=shape)) * scale
    return scale * np.sqrt(prior.df / rng.chisquare(prior.df, size=shape))


def _lkj_factor(eta, d, rng):
    """Lower Cholesky factor of an LKJ(η) correlation matrix, row by row."""
    lower = np.zeros((d, d))
    lower[0, 0] = 1.0
    for i in range(1, d):
        radius_squared = rng.beta(i / 2, eta + (d - 1 - i) / 2)
        direction = rng.normal(size=i)
        lower[i, :i] = np.sqrt(radius_squared) * direction / np.linalg.norm(direction)
        lower[i, i] = np.sqrt(1 - radius_squared)
    return lower
