"""Full covariance matrices: one for every component, or one shared by all."""

from functools import cache
from typing import Any, ClassVar

import numpy as np
from scipy.special import multigammaln

from bayesgmm.mixture.structures.protocol import Structure, each
from bayesgmm.mixture.structures.triangles import Triangles


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

    def times_transposed(self, factor, z):
        return (np.swapaxes(factor, -1, -2) @ z[..., None])[..., 0]

    def solve(self, factor, z):
        return np.linalg.solve(factor, z[..., None])[..., 0]

    def pooled(self, covariance):
        return covariance

    def log_scale_power(self, log_scale, n_components):
        return self._n_blocks(n_components) * (len(log_scale) + 1) * log_scale.sum()

    def log_coordinate_scale(self, log_scale, n_components):
        # Row i of a factor below the diagonal has the scale of feature i; logarithms have none.
        return self._n_blocks(n_components) * (np.arange(len(log_scale)) * log_scale).sum()

    def pseudodata(self, prior):
        # log |Σ| has the factor −½ (ν + d + 1), and −½ from the mean of each of its components.
        n_components, d = prior.mean.shape
        n_blocks = self._n_blocks(n_components)
        return prior.scale[:n_blocks], prior.df[:n_blocks] + d + 1 + n_components // n_blocks

    def conjugate_numbers(self, prior):
        d, n_blocks = prior.scale.shape[-1], 1 if self.shared else len(prior.scale)
        scale, nu = np.linalg.cholesky(prior.scale[:n_blocks]), prior.df[:n_blocks]
        log_det = 2 * np.log(np.diagonal(scale, axis1=1, axis2=2)).sum(axis=1)
        constants = nu / 2 * (log_det - d * np.log(2)) - multigammaln(nu / 2, d)
        return nu, scale, constants.sum()

    def smallest_eigenvalues(self, factor, metric):
        whitened = np.linalg.solve(metric, factor)
        return np.linalg.svd(whitened, compute_uv=False)[:, -1] ** 2

    def from_whitened(self, factor, counts, n_features, u):
        blocks = factor[: self._n_blocks(len(factor))]
        return triangle_step(blocks, u.reshape(len(blocks), -1) * self._root(counts, n_features))

    def into_whitened(self, factor, counts, n_features, step):
        blocks = factor[: self._n_blocks(len(factor))]
        entries = entries_of(blocks, step.reshape(len(blocks), -1))
        return (entries / self._root(counts, n_features)).ravel()

    def to_whitened(self, factor, counts, n_features, gradient):
        blocks = factor[: self._n_blocks(len(factor))]
        entries = triangle_pull(blocks, gradient.reshape(len(blocks), -1))
        return (entries * self._root(counts, n_features)).ravel()

    def _root(self, counts, n_features):
        """1 / √N for every entry of a triangle, on the diagonal 1 / √(2 N)."""
        rows, columns, _ = lower_triangle(n_features)
        n = counts.sum(keepdims=True) if self.shared else counts
        return 1 / np.sqrt(np.where(rows == columns, 2.0, 1.0) * n[:, None])


def triangle_step(blocks, entries):
    """Steps of the coordinates of triangles L where dL = L E, of the entries of E, row by row."""
    rows, columns, diagonal = lower_triangle(blocks.shape[-1])
    E = np.zeros(blocks.shape)
    E[:, rows, columns] = entries
    step = (blocks @ E)[:, rows, columns]
    step[:, diagonal] = entries[:, diagonal]  # of logarithms
    return step.ravel()


def entries_of(blocks, step):
    """The entries of E, of the steps of the coordinates of triangles: the inverse."""
    rows, columns, _ = lower_triangle(blocks.shape[-1])
    dL = np.zeros(blocks.shape)
    dL[:, rows, columns] = step
    i = np.arange(blocks.shape[-1])
    dL[:, i, i] *= blocks[:, i, i]
    return np.linalg.solve(blocks, dL)[:, rows, columns]


def triangle_pull(blocks, gradient):
    """The gradient in the entries of E, of that in the coordinates: the transpose of the first."""
    rows, columns, _ = lower_triangle(blocks.shape[-1])
    G = np.zeros(blocks.shape)
    G[:, rows, columns] = gradient
    i = np.arange(blocks.shape[-1])
    G[:, i, i] /= blocks[:, i, i]
    return (np.swapaxes(blocks, 1, 2) @ G)[:, rows, columns]


@cache
def lower_triangle(d):
    """Row and column of every entry, row by row, and where those of the diagonal are."""
    rows, columns = np.tril_indices(d)
    return rows, columns, np.flatnonzero(rows == columns)


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
