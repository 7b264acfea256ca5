"""What a covariance structure owes the package: names, layouts, and algebra on its factor.

A structure is stored by its *factor*, in one of two layouts that the pass over the rows knows:
lower Cholesky factors (n_blocks, n_features, n_features), with one block per component or one in
all; or standard deviations (n_rows, n_columns), with rows for components and columns for features,
or one in all of either. Every method takes factors with any leading axes unless it says otherwise.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np


@dataclass(frozen=True)
class Structure(ABC):
    """A covariance structure."""

    name: str
    spread: str
    """Name of the spread in the PyMC model and in the tree."""
    dims: tuple[str, ...]
    """Named dimensions of the spread."""
    words: str
    """For a sentence: what there is of variances or covariance matrices."""
    shared: bool
    """Whether all components have one spread."""
    isotropic: bool = False
    """Whether features have one variance, and so one scale in common."""

    correlated: ClassVar[bool]
    """Whether features may covary."""
    prior_words: ClassVar[str]
    """For a sentence: the spread's conjugate prior."""
    kind: ClassVar[Any]
    """The factor in compiled code: a NamedTuple with the methods of ``factor.py``."""

    @property
    def one_prior(self):
        """Whether df and scale of a prior are one for all components."""
        return self.shared

    @abstractmethod
    def factor_shape(self, n_components, n_features):
        """Shape of the factor."""

    @abstractmethod
    def n_free(self, n_components, n_features):
        """Number of free parameters in the spread."""

    def spread_shape(self, n_components, n_features):
        """Shape of the spread as the model and the tree hold it."""
        sizes = {"component": n_components, "feature": n_features, "feature_bis": n_features}
        return tuple(sizes[dim] for dim in self.dims)

    def to_spread(self, factor):
        """The spread, in the data's squared units, as the model and the tree hold it."""
        return self.squeezed(self.to_blocks(factor))

    def from_spread(self, spread):
        """The factor of a spread.

        Raises
        ------
        numpy.linalg.LinAlgError
            A covariance matrix is not positive definite.
        """
        return self.from_blocks(self.expanded(np.asarray(spread, dtype=np.float64)))

    @abstractmethod
    def to_blocks(self, factor):
        """The spread in the layout of its factor, in the data's squared units."""

    @abstractmethod
    def from_blocks(self, blocks):
        """The factor of such blocks."""

    @abstractmethod
    def squeezed(self, blocks):
        """Blocks without the axes that a spread lacks."""

    @abstractmethod
    def expanded(self, spread):
        """The inverse."""

    @abstractmethod
    def covariances(self, factor, n_components, n_features):
        """Dense covariance matrices, (…, n_components, n_features, n_features)."""

    @abstractmethod
    def variances(self, factor, n_components, n_features):
        """(…, n_components, n_features), in the data's squared units."""

    @abstractmethod
    def log_deviations(self, factor, n_components, n_features):
        """Logs of the diagonal of a lower Cholesky factor, (…, n_components, n_features)."""

    @abstractmethod
    def scaled(self, factor, scale):
        """The factor of ``scale * x`` if this is that of x; scale (n_features,) > 0."""

    @abstractmethod
    def times(self, factor, z):
        """L z, in the data's units: z (…, n_features), one for every block or row of the factor."""

    @abstractmethod
    def times_transposed(self, factor, z):
        """Lᵀ z, as in :meth:`times`."""

    @abstractmethod
    def solve(self, factor, z):
        """L⁻¹ z, as in :meth:`times`."""

    @abstractmethod
    def pooled(self, covariance):
        """A covariance matrix of all components, (n_features, n_features), in this form."""

    # Changes of variables

    @abstractmethod
    def log_scale_power(self, log_scale, n_components):
        """Log Jacobian (nats) of the spread when features are scaled by exp(log_scale)."""

    @abstractmethod
    def log_coordinate_scale(self, log_scale, n_components):
        """The same of the unconstrained coordinates of the spread."""

    # EM

    @abstractmethod
    def pseudodata(self, prior):
        """What a conjugate prior adds to the scatter of the rows, and to their counts.

        ``prior`` is a resolved one with an axis of components. The scatter has the shape of the
        factor, the counts that of its first axis: the spread's mode is the one over the other.
        """

    @abstractmethod
    def conjugate_numbers(self, prior):
        """A resolved conjugate prior with an axis of components, as ``add_conjugate`` takes it.

        Returns df, scale, and the log (nats) of the constant of the spread's density.
        """

    @abstractmethod
    def smallest_eigenvalues(self, factor, metric):
        """Of every block, relative to metric · metricᵀ."""

    @abstractmethod
    def from_whitened(self, factor, counts, n_features, u):
        """Steps of the spread's coordinates, of steps u whose complete-data information is I."""

    @abstractmethod
    def into_whitened(self, factor, counts, n_features, step):
        """The inverse."""

    @abstractmethod
    def to_whitened(self, factor, counts, n_features, gradient):
        """The gradient in u, of the one in the spread's coordinates: the transpose of the first."""


def each(values, n_components, axes):
    """Values with an axis of one or n_components, ``axes`` from the end, repeated to the latter."""
    shape = list(values.shape)
    shape[-axes] = n_components
    return np.broadcast_to(values, shape)
