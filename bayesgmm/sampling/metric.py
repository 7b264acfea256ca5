"""The metric in which chains begin: θ = centre + W y, with W such that y has about unit scale."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from bayesgmm.em import Whitening, curvature_times
from bayesgmm.likelihood import Target, hessian

MOST_DENSE = 500
"""Dimensions up to which W is a matrix: its products take less time than the pass over the rows."""

N_STRETCHED = 24
"""Directions in which a metric by blocks takes the curvature itself."""

LEAST = 1e-2
"""The smallest curvature taken: where it is less, posterior scales are set by the tails."""


class Metric(Protocol):
    """W, its transpose and its inverse."""

    def __call__(self, y: np.ndarray) -> np.ndarray:
        """W y of vectors (…, n_dim)."""

    def transposed(self, gradient: np.ndarray) -> np.ndarray:
        """Wᵀ gradient, (n_dim,): the gradient in y of one in θ."""

    def inverse(self, step: np.ndarray) -> np.ndarray:
        """W⁻¹ step, (n_dim,)."""


def metric_at(target: Target, centre: np.ndarray) -> Metric:
    """The metric of the curvature at a point (Laplace), with the Jacobian.

    A direction in which the density is flat or curves upwards there takes its absolute curvature,
    no less than a hundredth.
    """
    return (Dense if len(centre) <= MOST_DENSE else Blocks).at(target, centre)


@dataclass(frozen=True, eq=False)
class Dense:
    """W in full, (n_dim, n_dim): the curvature is exactly the identity in y."""

    matrix: np.ndarray

    @classmethod
    def at(cls, target: Target, centre: np.ndarray) -> "Dense":
        values, vectors = np.linalg.eigh(-hessian(target, centre, jacobian=True))
        return cls(np.ascontiguousarray(vectors / np.sqrt(np.maximum(np.abs(values), LEAST))))

    def __call__(self, y: np.ndarray) -> np.ndarray:
        return y @ self.matrix.T

    def transposed(self, gradient: np.ndarray) -> np.ndarray:
        return self.matrix.T @ gradient

    def inverse(self, step: np.ndarray) -> np.ndarray:
        return np.linalg.solve(self.matrix, step)


@dataclass(frozen=True, eq=False)
class Blocks:
    """W by blocks, one for the weights, for every mean and every spread, stretched where they err.

    The blocks whiten the complete-data information. Where components overlap, the rows do not say
    whose they are, and the posterior is wider in a few directions across blocks: those that
    Lanczos's method finds to have the least curvature are stretched to their own.
    """

    blocks: Whitening
    directions: np.ndarray
    """(n_dim, n), orthonormal in the coordinates of the blocks."""
    stretch: np.ndarray
    """(n,): posterior standard deviations there."""

    @classmethod
    def at(cls, target: Target, centre: np.ndarray) -> "Blocks":
        blocks, n_dim = Whitening.at(target.at(centre, jacobian=True)), len(centre)

        def gradient(y: np.ndarray) -> np.ndarray:
            return target.at(y, jacobian=True).gradient

        def product(u: np.ndarray) -> np.ndarray:
            return -curvature_times(gradient, centre, blocks, u)

        operator = LinearOperator((n_dim, n_dim), matvec=product, dtype=np.float64)
        begin = np.random.default_rng(0).standard_normal(n_dim)
        try:
            found = eigsh(
                operator, N_STRETCHED, which="SA", v0=begin, ncv=3 * N_STRETCHED, maxiter=3, tol=0.1
            )
        except ArpackNoConvergence as far:
            found = far.eigenvalues, far.eigenvectors
        values, directions = found
        return cls(blocks, directions, 1 / np.sqrt(np.maximum(np.abs(values), LEAST)))

    def __call__(self, y: np.ndarray) -> np.ndarray:
        return np.apply_along_axis(self._times, -1, y)

    def transposed(self, gradient: np.ndarray) -> np.ndarray:
        return self._stretched(self.blocks.transposed(gradient), self.stretch)

    def inverse(self, step: np.ndarray) -> np.ndarray:
        return self._stretched(self.blocks.inverse(step), 1 / self.stretch)

    def _times(self, y: np.ndarray) -> np.ndarray:
        return self.blocks(self._stretched(y, self.stretch))

    def _stretched(self, y: np.ndarray, factor: np.ndarray) -> np.ndarray:
        return y + self.directions @ ((factor - 1) * (y @ self.directions))
