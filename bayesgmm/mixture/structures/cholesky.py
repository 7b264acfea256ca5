"""Full covariance matrices: one for every component, or one shared by all."""

from functools import cache
from typing import Any, ClassVar

import numpy as np
from scipy.special import multigammaln

from bayesgmm.mixture.structures.protocol import FLOOR, Structure, each
from bayesgmm.mixture.structures.triangles import Triangles
from bayesgmm.runtime import compiled, solve_lower


class Cholesky(Structure):
    """Lower Cholesky factors, (n_blocks, n_features, n_features)."""

    correlated: ClassVar[bool] = True
    prior_words: ClassVar[str] = "covariances a normal–inverse-Wishart prior"
    kind: ClassVar[Any] = Triangles

    def _n_blocks(self, n_components):
        return 1 if self.shared else n_components

    def factor_shape(self, n_components, n_features):
        return (self._n_blocks(n_components), n_features, n_features)

    def n_free(self, n_components, n_features):
        return self._n_blocks(n_components) * n_features * (n_features + 1) // 2

    def to_blocks(self, factor):
        return factor @ np.swapaxes(factor, -1, -2)

    def from_blocks(self, blocks):
        return np.linalg.cholesky(blocks)

    def squeezed(self, blocks):
        return blocks[..., 0, :, :] if self.shared else blocks

    def expanded(self, spread):
        return spread[..., None, :, :] if self.shared else spread

    def covariances(self, factor, n_components, n_features):
        return each(self.to_blocks(factor), n_components, 3).copy()

    def variances(self, factor, n_components, n_features):
        return each((factor**2).sum(axis=-1), n_components, 2)

    def log_deviations(self, factor, n_components, n_features):
        return each(np.log(np.diagonal(factor, axis1=-2, axis2=-1)), n_components, 2)

    def scaled(self, factor, scale):
        return factor * scale[:, None]

    def times(self, factor, z):
        return (factor @ z[..., None])[..., 0]

    def pooled(self, covariance):
        return covariance

    def first_factor(self, metric, width, n_components):
        return (metric * width)[None]

    def log_scale_power(self, log_scale, n_components):
        return self._n_blocks(n_components) * (len(log_scale) + 1) * log_scale.sum()

    def log_coordinate_scale(self, log_scale, n_components):
        # Row i of a factor below the diagonal has the scale of feature i; logarithms have none.
        return self._n_blocks(n_components) * (np.arange(len(log_scale)) * log_scale).sum()

    def unconstrained(self, factor):
        rows, columns, diagonal = _lower_triangle(factor.shape[-1])
        entries = factor[:, rows, columns]
        entries[:, diagonal] = np.log(entries[:, diagonal])
        return entries.ravel()

    def scatter(self, moments, factor, shift):
        out = np.zeros(moments.S.shape)
        _add_scatter(factor, moments.nk, moments.s, moments.S, shift, out)
        return out

    def square(self, vectors):
        return vectors[:, :, None] * vectors[:, None, :]

    def conjugate_mode(self, scatter, nk, prior, factor, held, metric):
        d, n_components = scatter.shape[-1], len(nk)
        # log |Σ| has the factor −½ (ν + d + 1), and −½ from the mean of each of its components.
        if self.shared:
            psi, more = (0, 0) if prior is None else (prior.scale[0], prior.df[0] + d + 1)
            more += 0 if prior is None else n_components
            blocks = ((psi + scatter.sum(axis=0)) / (nk.sum() + more))[None]
        else:
            psi, more = (0, 0) if prior is None else (prior.scale, prior.df + d + 2)
            blocks = (psi + scatter) / (nk + more)[:, None, None]
        return floored(blocks, metric) if prior is None else blocks

    def conjugate_numbers(self, prior):
        d, n_blocks = prior.scale.shape[-1], 1 if self.shared else len(prior.scale)
        scale, nu = np.linalg.cholesky(prior.scale[:n_blocks]), prior.df[:n_blocks]
        log_det = 2 * np.log(np.diagonal(scale, axis1=1, axis2=2)).sum(axis=1)
        constants = nu / 2 * (log_det - d * np.log(2)) - multigammaln(nu / 2, d)
        return nu, scale, constants.sum()

    def smallest_eigenvalues(self, factor, metric):
        whitened = np.linalg.solve(metric, factor)
        return np.linalg.svd(whitened, compute_uv=False)[:, -1] ** 2

    def is_far_from_floor(self, factor, metric):
        return _far_from(FLOOR, np.linalg.solve(metric, factor))

    def information(self, factor, nk, n_features):
        """Of every block, count · (Σ_{a≥b} E_ab² + Σ_a E_aa²) with E = L⁻¹ dL.

        L⁻¹ dL has one column, the entry's own: that of two entries in one column, rows a and b, is
        (Σ⁻¹)_ab, and a diagonal entry has as much again with itself.
        """
        precision = self.precisions(factor, len(factor), n_features)
        counts = [nk.sum()] if self.shared else nk
        rows, columns, _ = _lower_triangle(n_features)
        scale = np.where(rows == columns, factor[:, rows, columns], 1.0)
        same = columns[:, None] == columns
        shared = np.where(same, precision[:, rows[:, None], rows], 0.0)
        blocks = shared * scale[:, :, None] * scale[:, None] + np.diag(1.0 * (rows == columns))
        return [count * block for count, block in zip(counts, blocks, strict=True)]

    def precisions(self, factor, n_components, n_features):
        inverse = np.linalg.inv(factor)
        return each(np.swapaxes(inverse, 1, 2) @ inverse, n_components, 3)


def floored(blocks, metric):
    """The blocks with their eigenvalues relative to metric · metricᵀ at ``FLOOR`` or above."""
    try:
        np.linalg.cholesky(blocks - FLOOR * metric @ metric.T)
        return blocks
    except np.linalg.LinAlgError:
        whitened = np.linalg.solve(metric, np.swapaxes(np.linalg.solve(metric, blocks), -1, -2))
    values, vectors = np.linalg.eigh(whitened)
    root = metric @ vectors * np.sqrt(np.maximum(values, FLOOR))[..., None, :]
    return root @ np.swapaxes(root, -1, -2)


@cache
def _lower_triangle(d):
    """Row and column of every entry, row by row, and where those of the diagonal are."""
    rows, columns = np.tril_indices(d)
    return rows, columns, np.flatnonzero(rows == columns)


@compiled
def _add_scatter(factor, nk, s, S, shift, out):
    """Add L (S − s tᵀ − t sᵀ + N t tᵀ) Lᵀ, t = L⁻¹ shift, of every component to what is zero."""
    n_components, d = s.shape
    t, core = np.empty(d), np.empty((d, d))
    for k in range(n_components):
        lower = factor[k if k < len(factor) else 0]
        for i in range(d):
            t[i] = shift[k, i]
        solve_lower(lower, t)
        for i in range(d):
            for j in range(d):
                core[i, j] = S[k, i, j] - s[k, i] * t[j] - t[i] * s[k, j] + nk[k] * t[i] * t[j]
        for i in range(d):
            for a in range(i + 1):
                for j in range(d):
                    out[k, i, j] += lower[i, a] * core[a, j]
        for i in range(d):
            for j in range(d - 1, -1, -1):
                value = 0.0
                for b in range(j + 1):
                    value += out[k, i, b] * lower[j, b]
                out[k, i, j] = value


@compiled
def _far_from(floor, factor):
    """By a bound that costs little: det Σ = λ₁ Π_{i>1} λ_i ≤ λ₁ (tr Σ / (d − 1))^(d − 1)."""
    d = factor.shape[1]
    for k in range(len(factor)):
        determinant, trace = 1.0, 0.0
        for i in range(d):
            determinant *= factor[k, i, i] ** 2
            for j in range(i + 1):
                trace += factor[k, i, j] ** 2
        others = (trace / (d - 1)) ** (d - 1) if d > 1 else 1.0
        if not determinant > 2 * floor * others:
            return False
    return True


FULL = Cholesky(
    "full",
    "covariances",
    ("component", "feature", "feature_bis"),
    "one covariance matrix per component",
    shared=False,
)
TIED = Cholesky(
    "tied",
    "covariance",
    ("feature", "feature_bis"),
    "one covariance matrix shared by all components",
    shared=True,
)
