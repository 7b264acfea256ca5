"""Lower Cholesky factors in compiled code."""

from typing import NamedTuple

import numpy as np

from bayesgmm.mixture.structures.floor import is_above, raise_to_floor
from bayesgmm.runtime import (
    cholesky,
    inner,
    inner_fast,
    solve_lower,
    solve_lower_transposed,
    times_lower,
)


@inner
def unpack_triangle(lower, y, at):
    """Write a lower triangle whose coordinates begin at ``y[at]``; returns where they end."""
    for i in range(len(lower)):
        for j in range(len(lower)):
            lower[i, j] = 0.0
        for j in range(i):
            lower[i, j] = y[at + j]
        lower[i, i] = np.exp(y[at + i])
        at += i + 1
    return at


@inner
def add_inverse_wishart(lower, power, scale, slopes, m, v):
    """−power · log |L| − ½ ‖M‖² with M = L⁻¹ chol(Ψ); adds its gradient in L.

    That of the second is tril(L⁻ᵀ M Mᵀ). ``m`` and ``v`` are room for vectors.
    """
    value, d = 0.0, len(lower)
    for i in range(d):
        value -= power * np.log(lower[i, i])
        slopes[i, i] -= power / lower[i, i]
    for column in range(d):
        for i in range(d):
            m[i] = scale[i, column]
        solve_lower(lower, m)
        for i in range(d):
            v[i] = m[i]
        solve_lower_transposed(lower, v)
        for i in range(d):
            value -= 0.5 * m[i] ** 2
            for j in range(i + 1):
                slopes[i, j] += v[i] * m[j]
    return value


@inner
def pack_triangle(lower, y, at):
    """Write a lower triangle's coordinates from ``y[at]``; returns where they end."""
    for i in range(len(lower)):
        for j in range(i):
            y[at + j] = lower[i, j]
        y[at + i] = np.log(lower[i, i])
        at += i + 1
    return at


@inner_fast
def add_square(lower, covariance):
    """Add L Lᵀ to the lower triangle of a matrix."""
    for i in range(len(lower)):
        for j in range(i + 1):
            value = 0.0
            for m in range(j + 1):
                value += lower[i, m] * lower[j, m]
            covariance[i, j] += value


@inner_fast
def add_scatter(lower, n, s, S, shift, pull, out):
    """Add the scatter of completed rows about a mean moved by ``shift``, and ``pull pullᵀ``.

    It is L (S − s tᵀ − t sᵀ + N t tᵀ) Lᵀ with t = L⁻¹ shift; only its lower triangle is written.
    """
    d = len(s)
    t, half = np.empty(d), np.empty((d, d))
    for i in range(d):
        t[i] = shift[i]
    solve_lower(lower, t)
    for i in range(d):
        for j in range(d):
            half[i, j] = 0.0
        for m in range(i + 1):
            entry, by_t, by_s = lower[i, m], lower[i, m] * (n * t[m] - s[m]), lower[i, m] * t[m]
            for j in range(i + 1):
                half[i, j] += entry * S[m, j] + by_t * t[j] - by_s * s[j]
        for j in range(i + 1):
            value = pull[i] * pull[j]
            for m in range(j + 1):
                value += half[i, m] * lower[j, m]
            out[i, j] += value


class Triangles(NamedTuple):
    """Lower Cholesky factors, one for every component or one for all; see ``factor.py``."""

    blocks: np.ndarray
    """(n_components or 1, n_features, n_features)"""

    def zeros_like(self):
        return Triangles(np.zeros(self.blocks.shape))

    def second_moments(self, n_components, d):
        return np.zeros((n_components, d, d))

    def complete(self, S):
        for k in range(len(S)):
            for i in range(S.shape[1]):
                for j in range(i):
                    S[k, j, i] = S[k, i, j]

    def n_reduced(self, d):
        return d * d

    def reduce(self, k, d, reduced):
        # 1 / L_ii at i d + i and L_ij / L_ii at i d + j.
        lower, log_pivots = self.blocks[k if k < len(self.blocks) else 0], 0.0
        for i in range(d):
            pivot = 1.0 / lower[i, i]
            for j in range(i):
                reduced[i * d + j] = lower[i, j] * pivot
            reduced[i * d + i] = pivot
            log_pivots += np.log(pivot)
        return log_pivots

    def solve(self, k, v):
        solve_lower(self.blocks[k if k < len(self.blocks) else 0], v)

    def solve_transposed(self, k, v):
        solve_lower_transposed(self.blocks[k if k < len(self.blocks) else 0], v)

    def times(self, k, v):
        times_lower(self.blocks[k if k < len(self.blocks) else 0], v)

    def times_transposed(self, k, v):
        lower = self.blocks[k if k < len(self.blocks) else 0]
        for j in range(len(v)):
            v[j] *= lower[j, j]
            for i in range(j + 1, len(v)):
                v[j] += lower[i, j] * v[i]

    def add_normals(self, means, centres, kappa, g_means, g):
        value, d = 0.0, means.shape[1]
        u, v = np.empty(d), np.empty(d)
        for k in range(len(means)):
            block = k if k < len(self.blocks) else 0
            lower, slopes = self.blocks[block], g.blocks[block]
            for i in range(d):
                u[i] = means[k, i] - centres[k, i]
            solve_lower(lower, u)
            for i in range(d):
                value -= np.log(lower[i, i]) + 0.5 * kappa[k] * u[i] ** 2
                v[i] = kappa[k] * u[i]
            solve_lower_transposed(lower, v)
            for i in range(d):
                g_means[k, i] -= v[i]
                slopes[i, i] -= 1 / lower[i, i]
                for j in range(i + 1):
                    slopes[i, j] += v[i] * u[j]
        return value

    def add_fisher(self, nk, s, S, g_means, g):
        d = s.shape[1]
        v = np.empty(d)
        for k in range(len(nk)):
            block = k if k < len(self.blocks) else 0
            lower, slopes = self.blocks[block], g.blocks[block]
            for column in range(d + 1):
                for i in range(d - 1, -1 if column == d else column - 1, -1):
                    v[i] = s[k, i] if column == d else S[k, i, column]
                    if i == column:
                        v[i] -= nk[k]
                    for j in range(i + 1, d):
                        v[i] -= lower[j, i] * v[j]
                    v[i] /= lower[i, i]
                    if column == d:
                        g_means[k, i] += v[i]
                    else:
                        slopes[i, column] += v[i]

    # Coordinates: entries row by row, the logarithm of those on the diagonal

    def unpack_spread(self, y, at):
        for block in range(len(self.blocks)):
            at = unpack_triangle(self.blocks[block], y, at)
        return at

    def pack_spread(self, y, at):
        for block in range(len(self.blocks)):
            at = pack_triangle(self.blocks[block], y, at)
        return at

    def pull_back(self, g, gradient, at):
        for block in range(len(self.blocks)):
            lower, slopes = self.blocks[block], g.blocks[block]
            for i in range(len(lower)):
                for j in range(i):
                    gradient[at + j] = slopes[i, j]
                gradient[at + i] = slopes[i, i] * lower[i, i]
                at += i + 1
        return at

    def add_spread_jacobian(self, d, g):
        # d log 2 + Σ_i (d − i + 2) log L_ii with i from 1.
        value = 0.0
        for block in range(len(self.blocks)):
            value += d * np.log(2.0)
            for i in range(d):
                value += (d - i + 1) * np.log(self.blocks[block, i, i])
                g.blocks[block, i, i] += (d - i + 1) / self.blocks[block, i, i]
        return value

    def add_conjugate(self, df, scale, g):
        value, d = 0.0, self.blocks.shape[1]
        m, v = np.empty(d), np.empty(d)
        for k in range(len(self.blocks)):
            power = df[k] + d + 1
            value += add_inverse_wishart(self.blocks[k], power, scale[k], g.blocks[k], m, v)
        return value

    def maximise(self, moments, count, shift, pull, prior, new):
        n_blocks, d = len(self.blocks), self.blocks.shape[1]
        for block in range(n_blocks):
            first, last = (block, block + 1) if n_blocks > 1 else (0, len(count))
            total, covariance = prior.counts[block], new.blocks[block]
            for i in range(d):
                for j in range(i + 1):
                    covariance[i, j] = prior.scatter[block, i, j]
            for k in range(first, last):
                total += count[k]
                add_scatter(
                    self.blocks[block], moments.nk[k], moments.s[k], moments.S[k], shift[k],
                    pull[k], covariance,
                )  # fmt: skip
            for i in range(d):
                for j in range(i + 1):
                    covariance[i, j] = covariance[i, j] / total if total > 0 else 0.0
            if prior.floor > 0:
                if total > 0:
                    raise_to_floor(covariance, prior.metric, prior.floor)
                else:
                    add_square(self.blocks[block], covariance)
            cholesky(covariance)

    def is_on_floor(self, metric, floor):
        d = self.blocks.shape[1]
        covariance = np.empty((d, d))
        for block in range(len(self.blocks)):
            for i in range(d):
                for j in range(i + 1):
                    covariance[i, j] = 0.0
            add_square(self.blocks[block], covariance)
            if not is_above(covariance, metric, floor):
                return True
        return False
