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

from bayesgmm.mixture.structures.cholesky import (
    Cholesky,
    entries_of,
    lower_triangle,
    triangle_pull,
    triangle_step,
)
from bayesgmm.mixture.structures.factor import (
    add_fisher,
    add_normals,
    is_on_floor,
    times,
    times_transposed,
)
from bayesgmm.mixture.structures.floor import raise_to_floor, volume_at_floor
from bayesgmm.mixture.structures.triangles import (
    Triangles,
    add_inverse_wishart,
    add_scatter,
)
from bayesgmm.runtime import cholesky, inner, solve_lower, solve_lower_transposed

MOST, ENOUGH = 500, 1e-13
"""Turns of the M-step between volumes and shape; it ends at such a relative change."""


@inner
def _log_volume(lower):
    """log λ of λ C, from its Cholesky factor."""
    value = 0.0
    for i in range(len(lower)):
        value += np.log(lower[i, i])
    return 2 * value / len(lower)


@inner
def _whitened_trace(lower, scatter, column):
    """tr((L Lᵀ)⁻¹ scatter), of which the lower triangle is read."""
    trace, d = 0.0, len(lower)
    for j in range(d):
        for i in range(d):
            column[i] = scatter[i, j] if i > j else scatter[j, i]
        solve_lower(lower, column)
        solve_lower_transposed(lower, column)
        trace += column[j]
    return trace


class ScaledShape(NamedTuple):
    """Cholesky factors √λ_k L with L Lᵀ = C, in compiled code; see ``factor.py``.

    Coordinates are the log volumes, and L's entries row by row, but for the last: logarithms on the
    diagonal, which sum to zero.
    """

    blocks: np.ndarray
    """(n_components, n_features, n_features)"""

    def zeros_like(self):
        return ScaledShape(np.zeros(self.blocks.shape))

    def times(self, k, v):
        times(Triangles(self.blocks), k, v)

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

    def pack_spread(self, y, at):
        n_components, d, _ = self.blocks.shape
        for k in range(n_components):
            y[at + k] = _log_volume(self.blocks[k])
        root, here = np.exp(-0.5 * y[at]), at + n_components
        for i in range(d):
            for j in range(i):
                y[here + j] = root * self.blocks[0, i, j]
            if i < d - 1:
                y[here + i] = np.log(root * self.blocks[0, i, i])
            here += i + 1
        return here - 1

    def pull_back(self, g, gradient, at):
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

    def maximise(self, moments, count, shift, pull, prior, new):
        """By turns the volumes, given the shape, and the shape, given the volumes."""
        n_components, d, _ = self.blocks.shape
        scatter, volumes = np.zeros(self.blocks.shape), np.empty(n_components)
        shape, column = np.empty((d, d)), np.empty(d)
        total, best = 0.0, -np.inf
        for k in range(n_components):
            total += moments.nk[k]
            volumes[k] = np.exp(_log_volume(self.blocks[k]))
            for i in range(d):
                for j in range(i + 1):
                    scatter[k, i, j] = prior.scatter[k, i, j]
                    shape[i, j] = self.blocks[0, i, j] / np.sqrt(volumes[0])
                    shape[j, i] = shape[i, j] if i == j else 0.0
            add_scatter(
                self.blocks[k], moments.nk[k], moments.s[k], moments.S[k], shift[k], pull[k],
                scatter[k],
            )  # fmt: skip
        for _ in range(MOST):
            least = volume_at_floor(shape, prior.metric, prior.floor)
            value, change = 0.0, 0.0
            for k in range(n_components):
                rows, volume = d * count[k] + prior.counts[k], volumes[k]
                if rows > 0:
                    trace = _whitened_trace(shape, scatter[k], column)
                    volume = trace / rows
                if volume < least:
                    volume = least
                if rows > 0:
                    value -= rows * np.log(volume) + trace / volume
                change = max(change, abs(volume - volumes[k]) / volume)
                volumes[k] = volume
            # Where volumes rest on the floor, a better shape may have a higher one.
            if prior.floor > 0 and value < best - ENOUGH * abs(value):
                return
            best, smallest = value, volumes.min()
            for k in range(n_components):
                for i in range(d):
                    for j in range(d):
                        new.blocks[k, i, j] = np.sqrt(volumes[k]) * shape[i, j]
            if change <= ENOUGH:
                return
            for i in range(d):
                for j in range(i + 1):
                    shape[i, j] = 0.0
                    for k in range(n_components):
                        shape[i, j] += scatter[k, i, j] * (smallest / volumes[k])
                    if prior.floor > 0:  # of the smallest component
                        shape[i, j] /= total
            if prior.floor > 0:
                raise_to_floor(shape, prior.metric, prior.floor)
            cholesky(shape)
            root = np.exp(-0.5 * _log_volume(shape))
            for i in range(d):
                for j in range(i + 1):
                    shape[i, j] *= root

    def is_on_floor(self, metric, floor):
        return is_on_floor(Triangles(self.blocks), metric, floor)


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

    def pseudodata(self, prior):
        n_components, d = prior.mean.shape
        return prior.scale, d * (1 + prior.df) + 2 + (d * (d + 1) - 2) / n_components

    def conjugate_numbers(self, prior):
        n_components, d = len(prior.df), prior.scale.shape[-1]
        chol, nu = np.linalg.cholesky(prior.scale[:1]), prior.df[:1]
        total = n_components * nu[0]
        constant = total * np.log(np.diag(chol[0])).sum() - 0.5 * total * d * np.log(2)
        constant += gammaln(total * d / 2) - n_components * gammaln(nu[0] * d / 2)
        return nu, chol, constant - multigammaln(total / 2, d)

    def from_whitened(self, factor, counts, n_features, u):
        k, shape = len(counts), _unit_shape(factor)
        entries, scale = self._entries(counts, n_features, u[k:])
        step = triangle_step(shape, (scale * entries)[None])
        return np.concatenate([u[:k] / np.sqrt(counts * n_features / 2), step[:-1]])

    def into_whitened(self, factor, counts, n_features, step):
        k, shape = len(counts), _unit_shape(factor)
        _, _, diagonal = lower_triangle(n_features)
        of_shape = np.append(step[k:], -step[k:][diagonal[:-1]].sum())
        _, scale = self._entries(counts, n_features, step[k:])
        entries = entries_of(shape, of_shape[None])[0] / scale
        entries[diagonal[:-1]] = entries[diagonal] @ _without_trace(n_features)
        return np.concatenate([step[:k] * np.sqrt(counts * n_features / 2), entries[:-1]])

    def to_whitened(self, factor, counts, n_features, gradient):
        k, shape = len(counts), _unit_shape(factor)
        padded = np.append(gradient[k:], 0.0)
        _, scale = self._entries(counts, n_features, gradient[k:])
        entries = scale * triangle_pull(shape, padded[None])[0]
        _, _, diagonal = lower_triangle(n_features)
        entries[diagonal[:-1]] = entries[diagonal] @ _without_trace(n_features)
        return np.concatenate([gradient[:k] / np.sqrt(counts * n_features / 2), entries[:-1]])

    def _entries(self, counts, n_features, u):
        """The entries of a triangle E without trace, and their scales."""
        _, _, diagonal = lower_triangle(n_features)
        entries = np.append(u, 0.0)
        entries[diagonal] = _without_trace(n_features) @ u[diagonal[:-1]]
        return entries, self._root(counts.sum(keepdims=True), n_features)[0]


def _unit_shape(factor):
    """The factor of the shape, (1, n_features, n_features)."""
    return factor[:1] * np.exp(-np.log(np.diagonal(factor[0])).mean())


def _without_trace(d):
    """An orthonormal basis of diagonals that sum to zero, (d, d − 1)."""
    return np.linalg.qr(np.vstack([np.eye(d - 1), -np.ones(d - 1)]))[0]


PROPORTIONAL = Proportional(
    "proportional",
    "proportional_covariances",
    ("component", "feature", "feature_bis"),
    "covariance matrices of one shape and orientation, with a volume per component",
    shared=False,
)
