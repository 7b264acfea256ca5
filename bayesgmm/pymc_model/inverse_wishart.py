"""The inverse-Wishart distribution, batched, in the coordinates of CholeskyCovTransform."""

from typing import Any

import numpy as np
import pytensor.tensor as pt
from pymc.distributions.dist_math import check_parameters
from pymc.distributions.distribution import Continuous
from pymc.distributions.shape_utils import rv_size_is_none
from pytensor.tensor.linalg import solve_triangular

from bayesgmm.pymc_model.graph import Batch, Drawn, Generator, Tensor
from bayesgmm.pymc_model.lkj import log_det
from bayesgmm.pymc_model.matrix_rv import MatrixRV


class InverseWishartRV(MatrixRV):
    name = "inverse_wishart"
    extended_signature = "[rng],[size],(),(p,p)->[rng],(p,p)"
    _print_name = ("InverseWishart", "\\operatorname{InverseWishart}")
    sized_by = 1

    @classmethod
    def drawn(cls, rng: Generator, batch: Batch, df: Tensor, scale_chol: Tensor) -> Drawn:
        p = scale_chol.shape[-1]
        # Bartlett: A Aᵀ ~ Wishart(ν, I), so that B Bᵀ with B = chol(Ψ) A⁻ᵀ is the inverse-Wishart.
        next_rng, chi_square = pt.random.chisquare(
            df[..., None] - pt.arange(p), size=(*batch, p), rng=rng, return_next_rng=True
        )
        next_rng, normal = pt.random.normal(size=(*batch, p, p), rng=next_rng, return_next_rng=True)
        a = pt.tril(normal, k=-1) + pt.sqrt(chi_square)[..., None] * pt.eye(p)
        # Bᵀ solves A Bᵀ = chol(Ψ)ᵀ.
        bt = solve_triangular(a, pt.broadcast_to(scale_chol.mT, a.shape), lower=True)
        return next_rng, bt.mT @ bt


class InverseWishart(Continuous):
    r"""Inverse-Wishart distribution of symmetric positive definite matrices, batched.

    .. math::

       p(\Sigma) \propto |\Sigma|^{-(\nu + p + 1)/2}
       \exp(-\tfrac12 \operatorname{tr} \Psi \Sigma^{-1})

    Parameters
    ----------
    df : tensor_like
        ν, above p − 1; any real number.
    scale : (..., p, p), optional
        Ψ, symmetric positive definite.
    scale_chol : (..., p, p), optional
        Its lower Cholesky factor, in place of ``scale``.

    Notes
    -----
    The mean is Ψ / (ν − p − 1) for ν > p + 1. Sampled in the coordinates of PyMC's
    ``CholeskyCovTransform``, with no Cholesky decomposition at run time.
    """

    rv_type = InverseWishartRV
    rv_op = InverseWishartRV.rv_op

    @classmethod
    def dist(
        cls,
        df: pt.TensorLike,
        scale: pt.TensorLike | None = None,
        *,
        scale_chol: pt.TensorLike | None = None,
        **kwargs: Any,
    ) -> Tensor:
        if (scale is None) == (scale_chol is None):
            raise ValueError("InverseWishart needs exactly one of scale and scale_chol.")
        chol: Any = scale_chol
        if scale is not None:
            chol = pt.linalg.cholesky(pt.as_tensor_variable(scale))
        df = pt.as_tensor_variable(df).astype("float64")
        return super().dist([df, pt.as_tensor_variable(chol)], **kwargs)

    def support_point(rv: Any, size: Tensor, df: Tensor, scale_chol: Tensor) -> Tensor:
        p = scale_chol.shape[-1]
        mode = scale_chol @ scale_chol.mT / (df + p + 1)[..., None, None]
        return mode if rv_size_is_none(size) else pt.full((*size, p, p), mode)

    def logp(value: Any, df: Tensor, scale_chol: Tensor) -> Tensor:
        p = scale_chol.shape[-1]
        chol = pt.linalg.cholesky(value)
        whitened = solve_triangular(chol, pt.broadcast_to(scale_chol, chol.shape), lower=True)
        log_density = (
            df * log_det(scale_chol)
            - df * p * 0.5 * np.log(2)
            - log_multigamma(df / 2, p)
            - (df + p + 1) * log_det(chol)
            - 0.5 * sum_of_squares(whitened)
        )
        return check_parameters(log_density, df > p - 1, msg="df > p - 1")


def log_multigamma(a: Tensor, p: Tensor) -> Tensor:
    """Log of the multivariate gamma function of a batch of values."""
    terms = pt.gammaln(a[..., None] - 0.5 * pt.arange(p)).sum(axis=-1)
    return terms + p * (p - 1) / 4 * np.log(np.pi)


def sum_of_squares(matrix: Tensor) -> Tensor:
    # Flattened first: a sum of squares over two axes runs into a faulty PyTensor rewrite.
    flat = matrix.reshape((*matrix.shape[:-2], matrix.shape[-2] * matrix.shape[-1]))
    return (flat * flat).sum(axis=-1)
