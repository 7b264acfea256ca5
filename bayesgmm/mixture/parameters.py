"""Weights, means and spread of a mixture: of one point, or of many, such as draws."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bayesgmm.mixture.families import Gaussian
from bayesgmm.mixture.structures import Structure, structure_named
from bayesgmm.mixture.structures import factor as factors
from bayesgmm.runtime import inner

SMALLEST = 1e-300
"""Weights below count as this much, so that their logarithm is a number."""


class Components(NamedTuple):
    """The parameters of a mixture in compiled code, or the gradient in them."""

    log_weights: np.ndarray
    """(n_components,), in nats."""
    means: np.ndarray
    """(n_components, n_features)"""
    factor: Any
    """As :mod:`bayesgmm.mixture.structures.factor` has it."""
    family: Any = Gaussian()
    """As :mod:`bayesgmm.mixture.families.family` has it."""


@inner
def zeros_like(mixture):
    """A mixture of the same shape, all zeros: room for another, or for a gradient."""
    weights, means = np.zeros(mixture.log_weights.shape), np.zeros(mixture.means.shape)
    return Components(weights, means, factors.zeros_like(mixture.factor), mixture.family)


@dataclass(frozen=True, eq=False)
class MixtureParameters:
    """Weights, means and spread of a Gaussian mixture, with any leading axes, the same for all.

    ``covariance`` names the structure, ``weights`` is (…, n_components), ``means`` (…,
    n_components, n_features) in the data's units, and ``factor`` the spread's factor in the layout
    of its structure: Cholesky factors or standard deviations, in the data's units. One point has no
    leading axis; draws have one, chains one after another.
    """

    covariance: str
    weights: np.ndarray
    means: np.ndarray
    factor: np.ndarray

    @classmethod
    def from_spread(
        cls, covariance: str, weights: ArrayLike, means: ArrayLike, spread: ArrayLike
    ) -> "MixtureParameters":
        """Parameters from the spread as the model and the tree hold it (squared units)."""
        weights, means = np.asarray(weights, dtype=float), np.asarray(means, dtype=float)
        return cls(covariance, weights, means, structure_named(covariance).from_spread(spread))

    def __len__(self) -> int:
        """Points along the first leading axis."""
        return len(self.weights) if self.weights.ndim > 1 else 1

    def __getitem__(self, index: Any) -> "MixtureParameters":
        """Those of an index into the leading axes."""
        arrays = (self.weights, self.means, self.factor)
        return MixtureParameters(self.covariance, *(a[index] for a in arrays))

    @property
    def structure(self) -> Structure:
        return structure_named(self.covariance)

    @property
    def n_components(self) -> int:
        return int(self.means.shape[-2])

    @property
    def n_features(self) -> int:
        return int(self.means.shape[-1])

    @property
    def n_parameters(self) -> int:
        """Free parameters of a point: K − 1 weights, K d means, and the spread's."""
        k, d = self.n_components, self.n_features
        return k - 1 + k * d + self.structure.n_free(k, d)

    @property
    def log_weights(self) -> np.ndarray:
        """Log mixing proportions (nats), finite even where a weight underflows."""
        return np.log(self.weights.clip(SMALLEST))

    @property
    def spread(self) -> np.ndarray:
        """The spread as the model and the tree hold it, in the data's squared units."""
        return self.structure.to_spread(self.factor)

    @property
    def covariances(self) -> np.ndarray:
        """Dense covariance matrices, (…, n_components, n_features, n_features)."""
        return self.structure.covariances(self.factor, *self.means.shape[-2:])

    @property
    def variances(self) -> np.ndarray:
        """Of every component and feature, (…, n_components, n_features), squared units."""
        return self.structure.variances(self.factor, *self.means.shape[-2:])

    def permuted(self, order: np.ndarray) -> "MixtureParameters":
        """The same mixtures with component ``order[…, c]`` in place ``c``; one order serves all."""
        order = np.asarray(order)

        def ordered(values: np.ndarray) -> np.ndarray:
            if order.ndim == 1:
                return np.take(values, order, axis=self.weights.ndim - 1)
            index = order.reshape(order.shape + (1,) * (values.ndim - order.ndim))
            return np.ascontiguousarray(np.take_along_axis(values, index, axis=order.ndim - 1))

        factor = self.factor if self.structure.shared else ordered(self.factor)
        return MixtureParameters(
            self.covariance, ordered(self.weights), ordered(self.means), factor
        )

    def in_order(self) -> "tuple[MixtureParameters, np.ndarray]":
        """Draws with every draw's components sorted, the heaviest first, and their places.

        Ties in weight are broken by mean and spread, so that a permutation of the components of any
        draw changes nothing in the result, to the last digit.

        Returns
        -------
        draws : MixtureParameters
        order : int array, shape (n_draws, n_components)
            ``order[s, c]``, the component of draw s that is c here.
        """
        keys = [-self.weights[..., None], self.means]
        if not self.structure.shared:
            keys.append(self.factor.reshape(*self.weights.shape, -1))
        table = np.moveaxis(np.concatenate(keys, axis=2), 2, 0)
        order = np.lexsort(table[::-1], axis=-1)
        return self.permuted(order), order

    def affine(self, scale: np.ndarray, shift: np.ndarray) -> "MixtureParameters":
        """The mixture of ``scale * x + shift`` if this is the mixture of x; per feature, scale > 0.

        An isotropic spread takes one common scale.
        """
        factor = self.structure.scaled(self.factor, scale)
        means = self.means * scale + shift
        return MixtureParameters(self.covariance, self.weights, means, factor)
