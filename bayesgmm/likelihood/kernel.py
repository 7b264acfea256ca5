"""The compiled pass over the rows: block by block, component by row, releasing the GIL.

Rows are read as ``(x − shift) * inv_scale``, so that parameters may live in centred, scaled
coordinates without a copy of the data. A block's work arrays fit the L2 cache, its rows run
along the fastest axis, and every inner loop is one the compiler turns into vector instructions.
"""

import numpy as np

from bayesgmm.compiled import compiled, compiled_fast
from bayesgmm.likelihood.arithmetic import add_log, exponentiate

BLOCK = 256

LOG_2PI = np.log(2 * np.pi)
# A quadratic form beyond this is cut, so that the farthest outlier still has a finite density.
FARTHEST = 1e300


@compiled_fast
def _load(x, start, size, shift, inv_scale, rows):
    """Copy a block of rows, centred and scaled, into (feature, row) order."""
    for i in range(x.shape[1]):
        for b in range(size):
            rows[i, b] = (x[start + b, i] - shift[i]) * inv_scale[i]


@compiled_fast
def _whiten(rows, size, mean, factor, k, z, density, log_weight):
    """z = L_k⁻¹ (x − μ_k) for a block by forward substitution, and its log density.

    Two features at a time: what bounds these loops is loads and stores, not sums, and a loop over
    two z_i and four z_j loads six values for eight products.
    """
    d = rows.shape[0]
    constant = log_weight - 0.5 * d * LOG_2PI
    block = min(k, factor.shape[0] - 1)
    for i in range(0, d - 1, 2):
        if factor.ndim == 3:
            p0, p1 = 1.0 / factor[block, i, i], 1.0 / factor[block, i + 1, i + 1]
        else:
            last = factor.shape[1] - 1
            p0, p1 = 1.0 / factor[k, min(i, last)], 1.0 / factor[k, min(i + 1, last)]
        constant += np.log(p0) + np.log(p1)
        m0, m1, coupling = mean[i], mean[i + 1], 0.0
        if factor.ndim == 3:
            coupling = factor[block, i + 1, i] * p1
        if i == 0:
            for b in range(size):
                first = (rows[0, b] - m0) * p0
                second = (rows[1, b] - m1) * p1 - coupling * first
                z[0, b] = first
                z[1, b] = second
                density[b] = first * first + second * second
        elif factor.ndim == 3:
            u, v = factor[block, i], factor[block, i + 1]
            u0, u1, v0, v1 = u[0] * p0, u[1] * p0, v[0] * p1, v[1] * p1
            for b in range(size):
                z[i, b] = (rows[i, b] - m0) * p0 - u0 * z[0, b] - u1 * z[1, b]
                z[i + 1, b] = (rows[i + 1, b] - m1) * p1 - v0 * z[0, b] - v1 * z[1, b]
            _eliminate_two(z, i, u, v, p0, p1, size)
            for b in range(size):
                second = z[i + 1, b] - coupling * z[i, b]
                z[i + 1, b] = second
                density[b] += z[i, b] * z[i, b] + second * second
        else:
            for b in range(size):
                first, second = (rows[i, b] - m0) * p0, (rows[i + 1, b] - m1) * p1
                z[i, b] = first
                z[i + 1, b] = second
                density[b] += first * first + second * second
    if d % 2 == 1:
        constant += _whiten_last(rows, size, mean[d - 1], factor, k, z, density)
    for b in range(size):
        density[b] = constant - 0.5 * min(density[b], FARTHEST)


@compiled_fast
def _eliminate_two(z, i, u, v, p0, p1, size):
    """z_i and z_{i+1} less their terms in z_j, 2 ≤ j < i, for even i; u and v are rows of L."""
    j = 2
    while i - j >= 4:
        u0, u1, u2, u3 = u[j] * p0, u[j + 1] * p0, u[j + 2] * p0, u[j + 3] * p0
        v0, v1, v2, v3 = v[j] * p1, v[j + 1] * p1, v[j + 2] * p1, v[j + 3] * p1
        for b in range(size):
            z0, z1, z2, z3 = z[j, b], z[j + 1, b], z[j + 2, b], z[j + 3, b]
            z[i, b] -= u0 * z0 + u1 * z1 + u2 * z2 + u3 * z3
            z[i + 1, b] -= v0 * z0 + v1 * z1 + v2 * z2 + v3 * z3
        j += 4
    if i - j == 2:
        u0, u1, v0, v1 = u[j] * p0, u[j + 1] * p0, v[j] * p1, v[j + 1] * p1
        for b in range(size):
            z0, z1 = z[j, b], z[j + 1, b]
            z[i, b] -= u0 * z0 + u1 * z1
            z[i + 1, b] -= v0 * z0 + v1 * z1


@compiled_fast
def _whiten_last(rows, size, mean, factor, k, z, density):
    """The last feature where their number is odd; returns minus the log of its pivot."""
    i = rows.shape[0] - 1
    block = min(k, factor.shape[0] - 1)
    if factor.ndim == 3:
        pivot = 1.0 / factor[block, i, i]
    else:
        pivot = 1.0 / factor[k, min(i, factor.shape[1] - 1)]
    if i == 0:
        for b in range(size):
            z[0, b] = (rows[0, b] - mean) * pivot
            density[b] = z[0, b] * z[0, b]
        return np.log(pivot)
    for b in range(size):
        z[i, b] = (rows[i, b] - mean) * pivot
    if factor.ndim == 3:
        u = factor[block, i]
        j = 0
        while i - j >= 4:
            u0, u1, u2, u3 = u[j] * pivot, u[j + 1] * pivot, u[j + 2] * pivot, u[j + 3] * pivot
            for b in range(size):
                z[i, b] -= u0 * z[j, b] + u1 * z[j + 1, b] + u2 * z[j + 2, b] + u3 * z[j + 3, b]
            j += 4
        if i - j == 2:
            u0, u1 = u[j] * pivot, u[j + 1] * pivot
            for b in range(size):
                z[i, b] -= u0 * z[j, b] + u1 * z[j + 1, b]
    for b in range(size):
        density[b] += z[i, b] * z[i, b]
    return np.log(pivot)


@compiled_fast
def _responsibilities(
    rows, size, log_weights, means, factor, z, density, row_log_density, work, bits
):  # fmt: skip
    """Whiten a block against every component; densities become responsibilities, but for a factor.

    Leaves every row's log density, and in ``work[1]`` the factor that its responsibilities lack.
    """
    n_components = len(means)
    for k in range(n_components):
        _whiten(rows, size, means[k], factor, k, z[k], density[k], log_weights[k])
    highest, total, inverse = row_log_density, work[0], work[1]
    for b in range(size):
        highest[b] = density[0, b]
        total[b] = 0.0
    for k in range(1, n_components):
        for b in range(size):
            highest[b] = max(highest[b], density[k, b])
    for k in range(n_components):
        exponentiate(density[k], highest, total, size, bits)
    for b in range(size):
        inverse[b] = 1.0 / total[b]
    add_log(total, size, bits, highest)


@compiled_fast
def _add_moments(size, share, weight, z, k, nk, s, S):
    """Add one component's part of a block to N_k, s_k and S_k, two features at a time.

    ``share`` times ``weight`` is a row's weighted responsibility; it replaces ``share``.
    """
    d = z.shape[0]
    total = 0.0
    for b in range(size):
        share[b] *= weight[b]
        total += share[b]
    nk[k] += total
    for i in range(0, d - 1, 2):
        s0, s1, t00, t10, t11 = 0.0, 0.0, 0.0, 0.0, 0.0
        for b in range(size):
            z0, z1 = z[i, b], z[i + 1, b]
            first, second = share[b] * z0, share[b] * z1
            s0 += first
            s1 += second
            t00 += first * z0
            t10 += second * z0
            t11 += second * z1
        s[k, i] += s0
        s[k, i + 1] += s1
        if S.ndim == 3:
            S[k, i, i] += t00
            S[k, i + 1, i] += t10
            S[k, i + 1, i + 1] += t11
            _add_products(size, share, z, i, S[k])
        else:
            S[k, i] += t00
            S[k, i + 1] += t11
    if d % 2 == 1:
        s0, t00 = 0.0, 0.0
        for b in range(size):
            first = share[b] * z[d - 1, b]
            s0 += first
            t00 += first * z[d - 1, b]
        s[k, d - 1] += s0
        if S.ndim == 3:
            S[k, d - 1, d - 1] += t00
            _add_last_products(size, share, z, S[k])
        else:
            S[k, d - 1] += t00


@compiled_fast
def _add_products(size, share, z, i, out):
    """out_ij += Σ_b share_b z_ib z_jb for rows i, i + 1 and j < i, eight sums to a loop."""
    j = 0
    while i - j >= 4:
        t0, t1, t2, t3, r0, r1, r2, r3 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for b in range(size):
            first, second = share[b] * z[i, b], share[b] * z[i + 1, b]
            z0, z1, z2, z3 = z[j, b], z[j + 1, b], z[j + 2, b], z[j + 3, b]
            t0 += first * z0
            t1 += first * z1
            t2 += first * z2
            t3 += first * z3
            r0 += second * z0
            r1 += second * z1
            r2 += second * z2
            r3 += second * z3
        for column, t, r in ((j, t0, r0), (j + 1, t1, r1), (j + 2, t2, r2), (j + 3, t3, r3)):
            out[i, column] += t
            out[i + 1, column] += r
        j += 4
    if i - j == 2:
        t0, t1, r0, r1 = 0.0, 0.0, 0.0, 0.0
        for b in range(size):
            first, second = share[b] * z[i, b], share[b] * z[i + 1, b]
            t0 += first * z[j, b]
            t1 += first * z[j + 1, b]
            r0 += second * z[j, b]
            r1 += second * z[j + 1, b]
        for column, t, r in ((j, t0, r0), (j + 1, t1, r1)):
            out[i, column] += t
            out[i + 1, column] += r


@compiled_fast
def _add_last_products(size, share, z, out):
    """The last row of products where the number of features is odd."""
    i = z.shape[0] - 1
    j = 0
    while i - j >= 4:
        t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
        for b in range(size):
            first = share[b] * z[i, b]
            t0 += first * z[j, b]
            t1 += first * z[j + 1, b]
            t2 += first * z[j + 2, b]
            t3 += first * z[j + 3, b]
        for column, t in ((j, t0), (j + 1, t1), (j + 2, t2), (j + 3, t3)):
            out[i, column] += t
        j += 4
    if i - j == 2:
        t0, t1 = 0.0, 0.0
        for b in range(size):
            first = share[b] * z[i, b]
            t0 += first * z[j, b]
            t1 += first * z[j + 1, b]
        out[i, j] += t0
        out[i, j + 1] += t1


@compiled
def accumulate_moments(x, sample_weight, shift, inv_scale, log_weights, means, factor, nk, s, S):
    """Add the rows' whitened moments to nk, s, S and return their log likelihood (nats).

    S is (n_components, d, d) for matrix factors and its diagonal (n_components, d) for vectors.
    """
    n_obs, d = x.shape
    n_components = len(log_weights)
    rows = np.empty((d, BLOCK))
    z = np.empty((n_components, d, BLOCK))
    density = np.empty((n_components, BLOCK))
    row_log_density = np.empty(BLOCK)
    work, bits = np.empty((2, BLOCK)), np.empty(BLOCK, np.int64)
    log_likelihood = 0.0
    for start in range(0, n_obs, BLOCK):
        size = min(BLOCK, n_obs - start)
        _load(x, start, size, shift, inv_scale, rows)
        _responsibilities(
            rows, size, log_weights, means, factor, z, density, row_log_density, work, bits
        )
        part = 0.0
        for b in range(size):
            part += sample_weight[start + b] * row_log_density[b]
        log_likelihood += part
        for b in range(size):
            work[1, b] *= sample_weight[start + b]
        for k in range(n_components):
            _add_moments(size, density[k], work[1], z[k], k, nk, s, S)
    if S.ndim == 3:
        for k in range(n_components):
            for i in range(d):
                for j in range(i):
                    S[k, j, i] = S[k, i, j]
    return log_likelihood


@compiled
def fill_rows(x, shift, inv_scale, log_weights, means, factor, log_density, responsibilities):
    """Write every row's log density (n,) and, unless given no columns, responsibilities (n, K)."""
    n_obs, d = x.shape
    n_components = len(log_weights)
    rows = np.empty((d, BLOCK))
    z = np.empty((n_components, d, BLOCK))
    density = np.empty((n_components, BLOCK))
    row_log_density = np.empty(BLOCK)
    work, bits = np.empty((2, BLOCK)), np.empty(BLOCK, np.int64)
    for start in range(0, n_obs, BLOCK):
        size = min(BLOCK, n_obs - start)
        _load(x, start, size, shift, inv_scale, rows)
        _responsibilities(
            rows, size, log_weights, means, factor, z, density, row_log_density, work, bits
        )
        log_density[start : start + size] = row_log_density[:size]
        for k in range(responsibilities.shape[1]):
            for b in range(size):
                responsibilities[start + b, k] = density[k, b] * work[1, b]


@compiled
def add_fisher_gradient(nk, s, S, factor, g_weights, g_means, g_factor):
    """Add the log likelihood's gradient in log w, μ and the factor, by Fisher's identity.

    ∂ℓ/∂log w_k = N_k, ∂ℓ/∂μ_k = L_k⁻ᵀ s_k, ∂ℓ/∂L_k = tril(L_k⁻ᵀ (S_k − N_k I)); one standard
    deviation has ∂ℓ/∂σ = (S − N) / σ, summed over the features that share it.
    """
    n_components, d = s.shape
    for k in range(n_components):
        g_weights[k] += nk[k]
        if factor.ndim == 3:
            block = min(k, factor.shape[0] - 1)
            lower = factor[block]
            for column in range(d + 1):
                v = s[k].copy() if column == d else S[k, :, column].copy()
                if column < d:
                    v[column] -= nk[k]
                for i in range(d - 1, -1, -1):
                    for j in range(i + 1, d):
                        v[i] -= lower[j, i] * v[j]
                    v[i] /= lower[i, i]
                if column == d:
                    for i in range(d):
                        g_means[k, i] += v[i]
                else:
                    for i in range(column, d):
                        g_factor[block, i, column] += v[i]
        else:
            for i in range(d):
                column = min(i, factor.shape[1] - 1)
                g_means[k, i] += s[k, i] / factor[k, column]
                g_factor[k, column] += (S[k, i] - nk[k]) / factor[k, column]
