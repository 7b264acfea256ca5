"""LKJ correlations as PyTensor graphs: what both priors with correlations share."""

import numpy as np
import pytensor.tensor as pt
from pymc.distributions.shape_utils import rv_size_is_none

from bayesgmm.pymc_model.graph import Batch, Drawn, Generator, Tensor


def lkj_chol(rng: Generator, eta: Tensor, batch: Batch, p: Tensor) -> Drawn:
    """The next generator, and lower Cholesky factors of LKJ(eta) correlation matrices."""
    # Canonical partial correlations of column j are 2 Beta(b_j, b_j) − 1.
    b = eta[..., None, None] + 0.5 * (p - 2 - pt.arange(p))
    b = pt.maximum(b, 0.5 * eta[..., None, None])  # the last column is not used
    next_rng, beta = pt.random.beta(b, b, size=(*batch, p, p), rng=rng, return_next_rng=True)
    partial = pt.tril(2 * beta - 1, k=-1)
    left = pt.sqrt(pt.cumprod(1 - partial**2, axis=-1))
    left = pt.concatenate([pt.ones_like(left[..., :1]), left[..., :-1]], axis=-1)
    return next_rng, (partial + pt.eye(p)) * left


def log_det(chol: Tensor) -> Tensor:
    """Half the log determinant of matrices, from their Cholesky factors."""
    return pt.log(pt.diagonal(chol, axis1=-2, axis2=-1)).sum(axis=-1)


def lkj_log_volume(eta: Tensor, p: Tensor) -> Tensor:
    """Log of ∫ |R|^(η−1) dR: Lewandowski et al. (2009), equation 16."""
    k = pt.arange(1, p)
    b = eta[..., None] + (p - k - 1) / 2
    powers = (2 * (eta[..., None] - 1) + p - k) * (p - k) * np.log(2)
    log_beta = 2 * pt.gammaln(b) - pt.gammaln(2 * b)
    return (powers + (p - k) * log_beta).sum(axis=-1)


def scaled_identity(size: Tensor, scale: Tensor) -> Tensor:
    """Diagonal matrices of variances scale², as many as ``size``."""
    p = scale.shape[-1]
    centre = (scale**2)[..., None] * pt.eye(p)
    return centre if rv_size_is_none(size) else pt.full((*size, p, p), centre)
