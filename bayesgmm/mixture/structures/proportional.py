"""Covariance matrices of one shape and orientation, with a volume for every component.

Σ_k = λ_k C with det C = 1, mclust's VEE [1]_. The prior of full matrices restricted to such, a
product of inverse-Wishart densities, has λ_k | C ~ InverseGamma(ν d / 2, tr(Ψ C⁻¹) / 2) and
p(C) ∝ tr(Ψ C⁻¹)^(−K ν d / 2) with respect to the measure dC that affine maps leave alone. Densities
are with respect to Π dλ_k and dC times λ̄^(d (d + 1) / 2 − 1), λ̄ the geometric mean: of one
component, and of one feature, they are those of full matrices.

References
----------
.. [1] Celeux & Govaert (1995), Pattern Recognition 28, 781–793.
"""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.special import gammaln, multigammaln

from bayesgmm.mixture.structures.cholesky import Cholesky, floored
from bayesgmm.mixture.structures.factor import add_fisher, add_normals, times_transposed
from bayesgmm.mixture.structures.protocol import FLOOR
from bayesgmm.mixture.structures.triangles import Triangles, add_inverse_wishart
from bayesgmm.runtime import inner

MOST, ENOUGH = 500, 1e-13
"""Turns of the M-step between volumes and shape; it ends at such a relative change."""


@inner
def _log_volume(lower):
    """log λ of λ C, from its Cholesky factor."""
    value = 0.0
    for i in range(len(lower)):
        value += np.log(lower[i, i])
    return 2 * value / len(lower)


class ScaledShape(NamedTuple):
    """Cholesky factors √λ_k L with L Lᵀ = C, in compiled code; see ``factor.py``.

    Coordinates are the log volumes, and L's entries row by row, but for the last: logarithms on the
    diagonal, which sum to zero.
    """

    blocks: np.ndarray
    """(n_components, n_features, n_features)"""

    def zeros_like(self):
        return ScaledShape(np.zeros(self.blocks.shape))

    def times_transposed(self, k, v):
        times_transposed(Triangles(self.blocks), k, v)

    def add_fisher(self, nk, s, S, g_means, g):
        add_fisher(Triangles(self.blocks), nk, s, S, g_means, Triangles(g.blocks))

    def add_normals(self, means, centres, kappa, g_means, g):
        return add_normals(
            Triangles(self.blocks), means, centres, kappa, g_means, Triangles(g.blocks)
        )

    def unpack_spread(self, y, at):
        n_components, d, _ = self.blocks.shape
        shape, last, here = self.blocks[0], 0.0, at + n_components
        for i in range(d):
            for j in range(d):
                shape[i, j] = y[here + j] if j < i else 0.0
            if i < d - 1:
                last -= y[here + i]
            shape[i, i] = np.exp(y[here + i] if i < d - 1 else last)
            here += i + 1
        for k in range(n_components - 1, -1, -1):
            root = np.exp(0.5 * y[at + k])
            for i in range(d):
                for j in range(i + 1):
                    self.blocks[k, i, j] = root * shape[i, j]
                for j in range(i + 1, d):
                    self.blocks[k, i, j] = 0.0
        return here - 1

    def pack_spread(self, g, gradient, at):
        n_components, d, _ = self.blocks.shape
        slopes, here = np.zeros((d, d)), at + n_components
        for k in range(n_components):
            root, gradient[at + k] = np.exp(0.5 * _log_volume(self.blocks[k])), 0.0
            for i in range(d):
                for j in range(i + 1):
                    gradient[at + k] += 0.5 * g.blocks[k, i, j] * self.blocks[k, i, j]
                    slopes[i, j] += root * g.blocks[k, i, j]
        root = np.exp(0.5 * _log_volume(self.blocks[0]))
        last = slopes[d - 1, d - 1] * self.blocks[0, d - 1, d - 1] / root
        for i in range(d):
            for j in range(i):
                gradient[here + j] = slopes[i, j]
            if i < d - 1:
                gradient[here + i] = slopes[i, i] * self.blocks[0, i, i] / root - last
            here += i + 1
        return here - 1

    def add_spread_jacobian(self, d, g):
        # d log 2 + log (d / 2) + Σ_k log λ_k + (d (d + 1) / 2 − 1) log λ̄ + Σ_i (d − i + 2) log L_ii
        # with i from 1.
        n_components = len(self.blocks)
        value = d * np.log(2.0) + np.log(0.5 * d)
        each = 1 + (0.5 * d * (d + 1) - 1) / n_components
        for k in range(n_components):
            value += each * _log_volume(self.blocks[k])
            for i in range(d):
                g.blocks[k, i, i] += each * 2 / d / self.blocks[k, i, i]
        volume = _log_volume(self.blocks[0])
        for i in range(d):
            value += (d - i + 1) * (np.log(self.blocks[0, i, i]) - 0.5 * volume)
            g.blocks[0, i, i] += (d - i + 1 - 0.5 * (d + 3)) / self.blocks[0, i, i]
        return value

    def add_conjugate(self, df, scale, g):
        n_components, d, _ = self.blocks.shape
        power, value = df[0] + (2 + (d * (d + 1) - 2) / n_components) / d, 0.0
        m, v = np.empty(d), np.empty(d)
        for k in range(n_components):
            value += add_inverse_wishart(self.blocks[k], power, scale[0], g.blocks[k], m, v)
        return value


class Proportional(Cholesky):
    """Cholesky factors, (n_components, n_features, n_features), of multiples of one matrix."""

    prior_words: ClassVar[str] = (
        "covariances a normal–inverse-Wishart prior, restricted to matrices of one shape"
    )
    kind: ClassVar[Any] = ScaledShape

    @property
    def one_prior(self):
        return True

    def n_free(self, n_components, n_features):
        return n_components + n_features * (n_features + 1) // 2 - 1

    def log_scale_power(self, log_scale, n_components):
        d = len(log_scale)
        return 2 / d * (n_components + d * (d + 1) / 2 - 1) * log_scale.sum()

    def log_coordinate_scale(self, log_scale, n_components):
        # Row i below the diagonal has the scale of feature i, over the geometric mean of all.
        return (np.arange(len(log_scale)) * (log_scale - log_scale.mean())).sum()

    def unconstrained(self, factor):
        d = factor.shape[-1]
        log_root = np.log(np.diagonal(factor, axis1=1, axis2=2)).mean(axis=1)
        shape = factor[0] * np.exp(-log_root[0])
        shape[np.diag_indices(d)] = np.log(np.diag(shape))
        return np.concatenate([2 * log_root, shape[np.tril_indices(d)][:-1]])

    def conjugate_mode(self, scatter, nk, prior, factor, held, metric):
        """By turns the volumes, given the shape, and the shape, given the volumes."""
        n_components, d = len(nk), scatter.shape[-1]
        count = d * nk
        if prior is not None:
            scatter = scatter + prior.scale
            count = count + d * (1 + prior.df) + 2 + (d * (d + 1) - 2) / n_components
        shape, volumes, best = (
            _unit(self.to_blocks(factor[0])),
            np.zeros(n_components),
            (-np.inf, None),
        )
        for _ in range(MOST):
            last = volumes
            traces = np.linalg.solve(shape, scatter).trace(axis1=1, axis2=2)
            volumes = traces / count
            if prior is None:
                lower = np.linalg.cholesky(shape)[None]
                volumes = np.maximum(volumes, FLOOR / self.smallest_eigenvalues(lower, metric))
                # Where volumes rest on the floor, a better shape may have a higher one.
                value = -(count * np.log(volumes) + traces / volumes)[held].sum()
                if value < best[0] - ENOUGH * abs(value):
                    return best[1]
                best = value, volumes[:, None, None] * shape
            if np.allclose(volumes, last, rtol=ENOUGH, atol=0):
                break
            pooled = (scatter / volumes[:, None, None]).sum(axis=0)
            if prior is None:  # of the smallest component
                pooled = floored(pooled[None] * (volumes.min() / nk.sum()), metric)[0]
            shape = _unit(pooled)
        # The last shape's smallest eigenvalue may lie below the floor that volumes were held to.
        return volumes[:, None, None] * shape if prior is not None else best[1]

    def conjugate_numbers(self, prior):
        n_components, d = len(prior.df), prior.scale.shape[-1]
        chol, nu = np.linalg.cholesky(prior.scale[:1]), prior.df[:1]
        total = n_components * nu[0]
        constant = total * np.log(np.diag(chol[0])).sum() - 0.5 * total * d * np.log(2)
        constant += gammaln(total * d / 2) - n_components * gammaln(nu[0] * d / 2)
        return nu, chol, constant - multigammaln(total / 2, d)

    def kept(self, blocks, factor, held):
        shape, volumes = _unit(blocks[np.argmax(held)]), _volumes(blocks)
        before = np.broadcast_to(_volumes(self.to_blocks(factor)), volumes.shape)
        return np.where(held, volumes, before)[:, None, None] * shape

    def information(self, factor, nk, n_features):
        d = n_features
        shape = factor[:1] * np.exp(-np.log(np.diagonal(factor[0])).mean())
        [of_triangle] = super().information(np.ascontiguousarray(shape), nk[None].sum(axis=1), d)
        # The last entry is minus the sum of the diagonal's others.
        free = np.eye(len(of_triangle))[:, :-1]
        i = np.arange(d - 1)
        free[-1, i * (i + 3) // 2] = -1.0
        return [np.diag(nk * d / 2), free.T @ of_triangle @ free]


def _volumes(blocks):
    return np.exp(np.linalg.slogdet(blocks)[1] / blocks.shape[-1])


def _unit(matrix):
    """The multiple of a matrix whose determinant is 1."""
    return matrix / _volumes(matrix)


PROPORTIONAL = Proportional(
    "proportional",
    "proportional_covariances",
    ("component", "feature", "feature_bis"),
    "covariance matrices of one shape and orientation, with a volume per component",
    shared=False,
)
