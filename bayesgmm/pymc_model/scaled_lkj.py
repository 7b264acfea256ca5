"""Covariance matrices of LKJ correlations and half-normal scales, batched."""

from typing import Any

import numpy as np
import pytensor.tensor as pt
from pymc.distributions.dist_math import check_parameters
from pymc.distributions.distribution import Continuous

from bayesgmm.pymc_model.graph import Batch, Drawn, Generator, Tensor
from bayesgmm.pymc_model.lkj import lkj_chol, lkj_log_volume, log_det, scaled_identity
from bayesgmm.pymc_model.matrix_rv import MatrixRV


class ScaledLKJRV(MatrixRV):
    name = "scaled_lkj"
    extended_signature = "[rng],[size],(p),()->[rng],(p,p)"
    _print_name = ("ScaledLKJ", "\\operatorname{ScaledLKJ}")

    @classmethod
    def drawn(cls, rng: Generator, batch: Batch, scale: Tensor, eta: Tensor) -> Drawn:
        p = scale.shape[-1]
        next_rng, sd = pt.random.halfnormal(
            0.0, scale, size=(*batch, p), rng=rng, return_next_rng=True
        )
        next_rng, chol = lkj_chol(next_rng, eta, batch, p)
        chol = sd[..., None] * chol
        return next_rng, chol @ chol.mT


class ScaledLKJ(Continuous):
    r"""Covariance matrices diag(s) R diag(s) with s_j ~ HalfNormal(scale_j) and R ~ LKJ(eta).

    A density of the matrix itself, batched.

    Parameters
    ----------
    scale : (..., p)
        Scales of the half-normals, in the data's units.
    eta : tensor_like
        1 is uniform over correlation matrices; larger values favour small correlations.

    References
    ----------
    .. [1] Lewandowski, Kurowicka & Joe (2009), Journal of Multivariate Analysis 100, 1989–2001.
    """

    rv_type = ScaledLKJRV
    rv_op = ScaledLKJRV.rv_op

    @classmethod
    def dist(cls, scale: pt.TensorLike, eta: pt.TensorLike = 2.0, **kwargs: Any) -> Tensor:
        eta = pt.as_tensor_variable(eta).astype("float64")
        return super().dist([pt.as_tensor_variable(scale), eta], **kwargs)

    def support_point(rv: Any, size: Tensor, scale: Tensor, *others: Tensor) -> Tensor:
        return scaled_identity(size, scale)

    def logp(value: Any, scale: Tensor, eta: Tensor) -> Tensor:
        p = scale.shape[-1]
        chol = pt.linalg.cholesky(value)
        variance = pt.diagonal(value, axis1=-2, axis2=-1)
        log_sd = 0.5 * pt.log(variance).sum(axis=-1)
        half_normal = 0.5 * np.log(2 / np.pi) - pt.log(scale) - 0.5 * variance / scale**2
        log_density = (
            half_normal.sum(axis=-1)
            + (eta - 1) * 2 * (log_det(chol) - log_sd)
            - lkj_log_volume(eta, p)
            - p * (np.log(2) + log_sd)
        )
        return check_parameters(log_density, eta > 0, msg="eta > 0")
