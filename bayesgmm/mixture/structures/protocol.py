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

FLOOR = 1e-6
"""Smallest eigenvalue of a maximum likelihood spread, relative to the covariance of the rows."""


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
    def pooled(self, covariance):
        """A covariance matrix of all components, (n_features, n_features), in this form."""

    @abstractmethod
    def first_factor(self, metric, width, n_components):
        """A factor of equally wide components, by which a start assigns rows; it broadcasts."""

    # Changes of variables

    @abstractmethod
    def log_scale_power(self, log_scale, n_components):
        """Log Jacobian (nats) of the spread when features are scaled by exp(log_scale)."""

    @abstractmethod
    def log_coordinate_scale(self, log_scale, n_components):
        """The same of the unconstrained coordinates of the spread."""

    @abstractmethod
    def unconstrained(self, factor):
        """The spread's unconstrained coordinates, flat, of one factor."""

    # EM

    @abstractmethod
    def scatter(self, moments, factor, shift):
        """Scatter of the completed rows about means moved by ``shift``, a term per component.

        (n_components, n_features, n_features), or its diagonal (n_components, n_features).
        """

    @abstractmethod
    def square(self, vectors):
        """Outer products of vectors (n_components, n_features), as a scatter."""

    @abstractmethod
    def conjugate_mode(self, scatter, nk, prior, factor, held, metric):
        """The blocks that maximise the expected complete log posterior.

        ``prior`` is a resolved conjugate one with an axis of components, or None if flat: then
        eigenvalues relative to metric · metricᵀ are at ``FLOOR`` or above. ``factor`` is that of
        the last step; ``held`` says which components hold rows.
        """

    @abstractmethod
    def conjugate_numbers(self, prior):
        """A resolved conjugate prior with an axis of components, as ``add_conjugate`` takes it.

        Returns df, scale, and the log (nats) of the constant of the spread's density.
        """

    def kept(self, blocks, factor, held):
        """The blocks, or those of the factor before in components that hold no rows."""
        held = held.reshape(-1, *[1] * (blocks.ndim - 1))
        return blocks if self.shared else np.where(held, blocks, self.to_blocks(factor))

    @abstractmethod
    def smallest_eigenvalues(self, factor, metric):
        """Of every block, relative to metric · metricᵀ."""

    def is_far_from_floor(self, factor, metric):
        """Whether a bound that costs little shows that no eigenvalue is near ``FLOOR``."""
        return False

    @abstractmethod
    def information(self, factor, nk, n_features):
        """Blocks of the spread's complete-data information about its unconstrained coordinates."""

    @abstractmethod
    def precisions(self, factor, n_components, n_features):
        """Inverses of the covariance matrices, (n_components, n_features, n_features)."""


def each(values, n_components, axes):
    """Values with an axis of one or n_components, ``axes`` from the end, repeated to the latter."""
    shape = list(values.shape)
    shape[-axes] = n_components
    return np.broadcast_to(values, shape)
