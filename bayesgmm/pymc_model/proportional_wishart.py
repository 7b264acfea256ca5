"""The prior of proportional covariance matrices: a product of inverse-Wisharts, restricted."""

from typing import Any

import numpy as np
import pytensor.tensor as pt
from pymc.distributions.dist_math import check_parameters
from pymc.distributions.distribution import Continuous
from pymc.distributions.transforms import Transform, _default_transform
from pytensor.tensor.linalg import solve_triangular

from bayesgmm.pymc_model.graph import Batch, Drawn, Generator, Tensor
from bayesgmm.pymc_model.inverse_wishart import InverseWishart, log_multigamma, sum_of_squares
from bayesgmm.pymc_model.lkj import log_det
from bayesgmm.pymc_model.matrix_rv import MatrixRV


class ProportionalWishartRV(MatrixRV):
    name = "proportional_wishart"
    extended_signature = "[rng],[size],(),(p,p),(k)->[rng],(k,p,p)"
    _print_name = ("ProportionalWishart", "\\operatorname{ProportionalWishart}")

    @classmethod
    def drawn(
        cls, rng: Generator, batch: Batch, df: Tensor, scale_chol: Tensor, components: Tensor
    ) -> Drawn:
        if batch:
            raise NotImplementedError("ProportionalWishart has no batches; try one for each.")
        p, k = scale_chol.shape[-1], components.shape[0]
        # The shape of an inverse-Wishart with the degrees of freedom of all has theirs.
        pooled = InverseWishart.dist(k * df, scale_chol=scale_chol, rng=rng)
        next_rng, drawn = pooled.owner.outputs
        chol = pt.linalg.cholesky(drawn)
        chol = chol / pt.exp(log_det(chol) / p)
        half_trace = 0.5 * sum_of_squares(solve_triangular(chol, scale_chol, lower=True))
        next_rng, gamma = pt.random.gamma(
            df * p / 2, scale=1.0, size=(k,), rng=next_rng, return_next_rng=True
        )
        volumes = half_trace / gamma
        return next_rng, volumes[:, None, None] * (chol @ chol.mT)


class ProportionalWishart(Continuous):
    r"""Multiples of one covariance matrix: :math:`\Sigma_k = \lambda_k C` with :math:`|C| = 1`.

    .. math::

       p(\Sigma_1, \dots, \Sigma_K) \propto \bar\lambda^{-(p (p + 1) / 2 - 1)} \prod_k
       \lambda_k^{-(\nu p / 2 + 1)} \exp(-\tfrac12 \operatorname{tr} \Psi \Sigma_k^{-1})

    with respect to :math:`\prod_k d\lambda_k` and :math:`\bar\lambda^{p (p + 1) / 2 - 1} dC`,
    :math:`\bar\lambda` the geometric mean: of one component that of ``InverseWishart``.

    Parameters
    ----------
    df : tensor_like
        ν, above p − 1; any real number.
    scale_chol : (p, p)
        Lower Cholesky factor of Ψ.
    components : (n_components,)
        Any numbers: how many there are is how many components.

    Notes
    -----
    Sampled in coordinates of log volumes and of the Cholesky factor of C, without its last entry.
    """

    rv_type = ProportionalWishartRV
    rv_op = ProportionalWishartRV.rv_op

    @classmethod
    def dist(
        cls, df: pt.TensorLike, scale_chol: pt.TensorLike, components: pt.TensorLike, **kwargs: Any
    ) -> Tensor:
        df = pt.as_tensor_variable(df).astype("float64")
        tensors = [df, pt.as_tensor_variable(scale_chol), pt.as_tensor_variable(components)]
        return super().dist(tensors, **kwargs)

    def support_point(
        rv: Any, size: Tensor, df: Tensor, scale_chol: Tensor, components: Tensor
    ) -> Tensor:
        p = scale_chol.shape[-1]
        mode = scale_chol @ scale_chol.mT / (df + p + 1)
        return pt.ones_like(components)[:, None, None] * mode

    def logp(value: Any, df: Tensor, scale_chol: Tensor, components: Tensor) -> Tensor:
        p, k = scale_chol.shape[-1], components.shape[0]
        chol = pt.linalg.cholesky(value)
        whitened = solve_triangular(chol, pt.broadcast_to(scale_chol, chol.shape), lower=True)
        power = df + (2 + (p * (p + 1) - 2) / k) / p
        log_density = (
            k * df * (log_det(scale_chol) - p * 0.5 * np.log(2))
            + pt.gammaln(k * df * p / 2)
            - k * pt.gammaln(df * p / 2)
            - log_multigamma(k * df / 2, p)
            - (power * log_det(chol) + 0.5 * sum_of_squares(whitened)).sum()
        )
        return check_parameters(log_density, df > p - 1, msg="df > p - 1")


class ProportionalTransform(Transform):
    """Log volumes, and the Cholesky factor of the shape row by row, but for the last entry.

    On the diagonal stand logarithms, which sum to zero.
    """

    name = "proportional"
    ndim_supp = 1

    def __init__(self, n_components: Tensor, p: Any) -> None:
        self.n_components, self.p = n_components, p
        self.diagonal = pt.arange(1, p + 1).cumsum() - 1
        self.rows, self.columns = pt.tril_indices(p)

    def backward(self, value: Tensor, *inputs: Any) -> Tensor:
        k, p = self.n_components, self.p
        others = value[k:]
        last = -others[self.diagonal[:-1]].sum()
        entries = pt.concatenate([others, last[None]])
        entries = entries[self.diagonal].set(pt.exp(entries[self.diagonal]))
        entries = pt.exp(0.5 * value[:k])[:, None] * entries
        chol = pt.zeros((k, p, p))[..., self.rows, self.columns].set(entries)
        chol.tag.lower_triangular = True  # so that its product needs no decomposition
        return chol @ chol.mT

    def forward(self, value: Tensor, *inputs: Any) -> Tensor:
        chol = pt.linalg.cholesky(value)
        log_root = log_det(chol) / self.p
        shape = chol[0] * pt.exp(-log_root[0])
        entries = shape[self.rows, self.columns]
        entries = entries[self.diagonal].set(pt.log(entries[self.diagonal]))
        return pt.concatenate([2 * log_root, entries[:-1]])

    def log_jac_det(self, value: Tensor, *inputs: Any) -> Tensor:
        k, p = self.n_components, self.p
        others = value[k:]
        diagonal = others[self.diagonal[:-1]]
        # That of the last on the diagonal, whose power is 2, is minus the sum of the others.
        powers = pt.arange(p + 1, 2, -1) - 2
        volumes = value[:k]
        return (
            p * np.log(2.0)
            + pt.log(p / 2)
            + volumes.sum()
            + (p * (p + 1) / 2 - 1) * volumes.mean()
            + (powers * diagonal).sum()
        )


@_default_transform.register(ProportionalWishartRV)
def _(op: ProportionalWishartRV, rv: Tensor) -> ProportionalTransform:
    _, _, _, scale_chol, components = rv.owner.inputs
    return ProportionalTransform(components.shape[0], scale_chol.shape[-1])
