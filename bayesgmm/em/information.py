"""Complete-data information: the metric in which EM is gradient ascent with unit steps."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from bayesgmm.em.objective import Objective
from bayesgmm.likelihood import Point

FLAT = 1e-9
"""A curvature up to this share of the complete-data information is rounding."""
SMALL = 40
"""Dimensions in which the whole matrix takes no longer than its largest eigenvalue."""


@dataclass(frozen=True, eq=False)
class Whitening:
    """Coordinates u about a point, y = y₀ + W u, in which the complete-data information is I.

    It is the information about y if the components of all rows were known: for the weights
    n (diag(w) − w wᵀ) on the simplex; for the means N_k Σ_k⁻¹; for a spread
    N_k (Σ_{a≥b} E_ab² + Σ_a E_aa²) with E = L⁻¹ dL. There the curvature's eigenvalues are the
    shares of information that is not missing, in (0, 1] near a maximum, whatever the scales, and
    EM's step is nearly the gradient [1]_. W is never written down: it is a few triangular products.
    Counts are raised by one row, as for a weak prior, so that W is finite.

    References
    ----------
    .. [1] Xu & Jordan (1996), Neural Computation 8, 129–151.
    """

    point: Point
    counts: np.ndarray
    """(n_components,)"""
    simplex: np.ndarray
    """(n_components − 1,) squared: W of the weights."""

    @classmethod
    def at(cls, point: Point) -> "Whitening":
        counts = point.moments.nk + 1
        k, weights = len(counts), counts / counts.sum()
        free = np.vstack([np.eye(k - 1), -np.ones(k - 1)])
        information = counts.sum() * (np.diag(weights) - np.outer(weights, weights))
        root = np.linalg.cholesky(free.T @ information @ free)
        return cls(point, counts, np.linalg.inv(root).T)

    def __call__(self, u: np.ndarray) -> np.ndarray:
        """W u."""
        p, root = self.point.parameters, np.sqrt(self.counts)[:, None]
        of_weights, of_spread, of_means = self._parts(u)
        spread = p.structure.from_whitened(p.factor, self.counts, p.n_features, of_spread)
        means = p.structure.times(p.factor, of_means.reshape(p.means.shape) / root)
        return np.concatenate([self.simplex @ of_weights, spread, means.ravel()])

    def transposed(self, gradient: np.ndarray) -> np.ndarray:
        """Wᵀ gradient."""
        p, root = self.point.parameters, np.sqrt(self.counts)[:, None]
        of_weights, of_spread, of_means = self._parts(gradient)
        spread = p.structure.to_whitened(p.factor, self.counts, p.n_features, of_spread)
        means = p.structure.times_transposed(p.factor, of_means.reshape(p.means.shape)) / root
        return np.concatenate([self.simplex.T @ of_weights, spread, means.ravel()])

    def inverse(self, step: np.ndarray) -> np.ndarray:
        """W⁻¹ step."""
        p, root = self.point.parameters, np.sqrt(self.counts)[:, None]
        of_weights, of_spread, of_means = self._parts(step)
        spread = p.structure.into_whitened(p.factor, self.counts, p.n_features, of_spread)
        means = p.structure.solve(p.factor, of_means.reshape(p.means.shape)) * root
        return np.concatenate([np.linalg.solve(self.simplex, of_weights), spread, means.ravel()])

    def _parts(self, vector: np.ndarray) -> list[np.ndarray]:
        k, d = self.point.parameters.means.shape
        return np.split(vector, [k - 1, len(vector) - k * d])


def curvature_times(
    gradient: Callable[[np.ndarray], np.ndarray],
    y: np.ndarray,
    whitening: Whitening,
    u: np.ndarray,
) -> np.ndarray:
    """Wᵀ H W u, with H the second derivatives at y, by a central difference of the gradient."""
    direction = whitening(u)
    size = 6e-6 / np.abs(direction).max()  # the cube root of the rounding error
    change = gradient(y + size * direction) - gradient(y - size * direction)
    return whitening.transposed(change) / (2 * size)


def largest_curvature(
    objective: Objective, y: np.ndarray, whitening: Whitening
) -> tuple[float, np.ndarray, int]:
    """The largest eigenvalue of Wᵀ H W, below 0 at a maximum, its vector, and the passes it took.

    By Lanczos's method, from products with vectors alone.
    """
    n_dim, n_passes = len(y), 0

    def product(u: np.ndarray) -> np.ndarray:
        nonlocal n_passes
        n_passes += 2
        return curvature_times(lambda y: objective.at(y).gradient, y, whitening, u)

    if n_dim <= SMALL:
        values, vectors = np.linalg.eigh(np.array([product(u) for u in np.eye(n_dim)]))
    else:
        operator = LinearOperator((n_dim, n_dim), matvec=product, dtype=np.float64)
        start = np.random.default_rng(0).standard_normal(n_dim)
        try:
            values, vectors = eigsh(operator, 1, which="LA", v0=start, tol=1e-3, maxiter=20)
        except ArpackNoConvergence as far:
            values, vectors = far.eigenvalues, far.eigenvectors
            if not len(values):
                return -np.inf, start, n_passes
    return float(values[-1]), vectors[:, -1], n_passes
