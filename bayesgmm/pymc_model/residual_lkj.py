"""Covariance matrices of LKJ correlations and inverse-χ² residual variances, batched."""

from typing import Any

import pytensor.tensor as pt
from pymc.distributions.dist_math import check_parameters
from pymc.distributions.distribution import Continuous
from pytensor.tensor.linalg import solve_triangular

from bayesgmm.pymc_model.graph import Batch, Drawn, Generator, Tensor
from bayesgmm.pymc_model.lkj import lkj_chol, lkj_log_volume, log_det, scaled_identity
from bayesgmm.pymc_model.matrix_rv import MatrixRV


class ResidualLKJRV(MatrixRV):
    name = "residual_lkj"
    extended_signature = "[rng],[size],(p),(),()->[rng],(p,p)"
    _print_name = ("ResidualLKJ", "\\operatorname{ResidualLKJ}")

    @classmethod
    def drawn(cls, rng: Generator, batch: Batch, scale: Tensor, df: Tensor, eta: Tensor) -> Drawn:
        p = scale.shape[-1]
        next_rng, chi_square = pt.random.chisquare(
            df[..., None], size=(*batch, p), rng=rng, return_next_rng=True
        )
        residual = df[..., None] * scale**2 / chi_square
        next_rng, chol = lkj_chol(next_rng, eta, batch, p)
        inverse = solve_triangular(chol, pt.broadcast_to(pt.eye(p), chol.shape), lower=True)
        # (R⁻¹)_jj, by which the variance of a feature exceeds that of it given the others.
        sd = pt.sqrt(residual * (inverse * inverse).sum(axis=-2))
        chol = sd[..., None] * chol
        return next_rng, chol @ chol.mT


class ResidualLKJ(Continuous):
    r"""Covariance matrices of correlations R ~ LKJ(eta) and inverse-χ² residual variances.

    The variance of every feature given the others, 1 / (Σ⁻¹)_jj, is scaled inverse χ² with df
    degrees of freedom and scale_j². A density of the matrix itself, batched; it vanishes faster
    than any power as Σ becomes singular.

    Parameters
    ----------
    scale : (..., p)
        In the data's units: E[(Σ⁻¹)_jj] = 1 / scale_j².
    df : tensor_like
        Degrees of freedom, above 0.
    eta : tensor_like
        1 is uniform over correlation matrices; larger values favour small correlations.

    References
    ----------
    .. [1] Lewandowski, Kurowicka & Joe (2009), Journal of Multivariate Analysis 100, 1989–2001.
    """

    rv_type = ResidualLKJRV
    rv_op = ResidualLKJRV.rv_op

    @classmethod
    def dist(
        cls, scale: pt.TensorLike, df: pt.TensorLike, eta: pt.TensorLike = 2.0, **kwargs: Any
    ) -> Tensor:
        df, eta = (pt.as_tensor_variable(v).astype("float64") for v in (df, eta))
        return super().dist([pt.as_tensor_variable(scale), df, eta], **kwargs)

    def support_point(rv: Any, size: Tensor, scale: Tensor, *others: Tensor) -> Tensor:
        return scaled_identity(size, scale)

    def logp(value: Any, scale: Tensor, df: Tensor, eta: Tensor) -> Tensor:
        p = scale.shape[-1]
        chol = pt.linalg.cholesky(value)
        inverse = solve_triangular(chol, pt.broadcast_to(pt.eye(p), chol.shape), lower=True)
        precision = (inverse * inverse).sum(axis=-2)
        log_variance = pt.log(pt.diagonal(value, axis1=-2, axis2=-1))
        half = 0.5 * df[..., None]
        inverse_chi_square = (
            half * pt.log(half * scale**2 * precision)
            - pt.gammaln(half)
            - half * scale**2 * precision
        )
        log_density = (
            inverse_chi_square.sum(axis=-1)
            + (eta - 1) * 2 * log_det(chol)
            - lkj_log_volume(eta, p)
            - (0.5 * (p - 1) + eta) * log_variance.sum(axis=-1)
        )
        return check_parameters(log_density, df > 0, eta > 0, msg="df > 0, eta > 0")
