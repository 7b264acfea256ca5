"""Variances without correlations: by component or shared, by feature or one for all features."""

from typing import Any, ClassVar

import numpy as np
from scipy.special import gammaln

from bayesgmm.mixture.structures.protocol import Structure
from bayesgmm.mixture.structures.table import Deviations


class Diagonal(Structure):
    """Standard deviations, (n_rows, n_columns)."""

    correlated: ClassVar[bool] = False
    prior_words: ClassVar[str] = "variances a normal–inverse-gamma prior"
    kind: ClassVar[Any] = Deviations

    def factor_shape(self, n_components, n_features):
        return (1 if self.shared else n_components, 1 if self.isotropic else n_features)

    def n_free(self, n_components, n_features):
        n_rows, n_columns = self.factor_shape(n_components, n_features)
        return n_rows * n_columns

    def to_blocks(self, factor):
        return factor**2

    def from_blocks(self, blocks):
        return np.sqrt(blocks)

    def squeezed(self, blocks):
        blocks = blocks[..., 0] if self.isotropic else blocks
        return np.take(blocks, 0, axis=-1 if self.isotropic else -2) if self.shared else blocks

    def expanded(self, spread):
        spread = spread[..., None] if self.isotropic else spread
        return spread[..., None, :] if self.shared else spread

    def covariances(self, factor, n_components, n_features):
        return self.variances(factor, n_components, n_features)[..., None] * np.eye(n_features)

    def variances(self, factor, n_components, n_features):
        return np.broadcast_to(factor**2, (*factor.shape[:-2], n_components, n_features))

    def log_deviations(self, factor, n_components, n_features):
        return np.broadcast_to(np.log(factor), (*factor.shape[:-2], n_components, n_features))

    def scaled(self, factor, scale):
        return factor * (scale[:1] if self.isotropic else scale)

    def times(self, factor, z):
        return factor * z

    def times_transposed(self, factor, z):
        return factor * z

    def solve(self, factor, z):
        return z / factor

    def pooled(self, covariance):
        variances = np.diag(covariance)
        return np.diag(np.full_like(variances, variances.mean()) if self.isotropic else variances)

    def log_scale_power(self, log_scale, n_components):
        n_rows, n_columns = self.factor_shape(n_components, len(log_scale))
        return 2 * n_rows * log_scale[:n_columns].sum()

    def log_coordinate_scale(self, log_scale, n_components):
        return 0.0

    def pseudodata(self, prior):
        n_components, d = prior.mean.shape
        n_rows, n_columns = self.factor_shape(n_components, d)
        # log σ² has the factor −½ (ν + 2), and −½ for every mean and every value that it is of.
        means = (d // n_columns) * (n_components // n_rows)
        return self._scale(prior), prior.df[:n_rows] + 2 + means

    def _scale(self, prior):
        """Ψ in the layout of the factor."""
        n_rows = 1 if self.shared else len(prior.scale)
        scale = np.diagonal(prior.scale, axis1=1, axis2=2)[:n_rows]
        return np.ascontiguousarray(scale.mean(axis=1, keepdims=True) if self.isotropic else scale)

    def conjugate_numbers(self, prior):
        scale = self._scale(prior)
        nu = prior.df[: len(scale)]
        constants = nu[:, None] / 2 * np.log(scale / 2) - gammaln(nu / 2)[:, None]
        return nu, scale, constants.sum()

    def smallest_eigenvalues(self, factor, metric):
        return factor.min(axis=1) ** 2

    def from_whitened(self, factor, counts, n_features, u):
        # A variance of N known values has information N / 2 about its logarithm.
        n_columns = factor.shape[1]
        n = counts.sum(keepdims=True) if self.shared else counts
        return u / np.sqrt(np.repeat(n, n_columns) * (n_features / n_columns) / 2)

    def into_whitened(self, factor, counts, n_features, step):
        return step / self.from_whitened(factor, counts, n_features, np.ones_like(step))

    def to_whitened(self, factor, counts, n_features, gradient):
        return self.from_whitened(factor, counts, n_features, gradient)


DIAG = Diagonal(
    "diag",
    "variances",
    ("component", "feature"),
    "one variance per component and feature",
    shared=False,
    isotropic=False,
)
SPHERICAL = Diagonal(
    "spherical",
    "variances",
    ("component",),
    "one variance per component",
    shared=False,
    isotropic=True,
)
TIED_DIAG = Diagonal(
    "tied_diag",
    "feature_variances",
    ("feature",),
    "one variance per feature, shared by all components",
    shared=True,
    isotropic=False,
)
TIED_SPHERICAL = Diagonal(
    "tied_spherical",
    "variance",
    (),
    "one variance in all",
    shared=True,
    isotropic=True,
)
