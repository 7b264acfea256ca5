"""The compiled pass over the rows: block by block, component by row, releasing the GIL.

Rows are read as ``(x − shift) * inv_scale``, so that parameters may live in centred, scaled
coordinates without a copy of the data. A block's work arrays fit the L2 cache, its rows run
along the fastest axis, and every inner loop is one the compiler turns into vector instructions.
"""

import numba
import numpy as np

BLOCK = 256

# Sums over rows may be reordered; infinities and NaN keep their meaning.
FAST = {"reassoc", "contract", "nsz", "arcp"}

LOG_2PI = np.log(2 * np.pi)
# A quadratic form beyond this is cut, so that the farthest outlier still has a finite density.
FARTHEST = 1e300


@numba.njit(nogil=True, cache=True, fastmath=FAST)
def _exp_in_place(values, size, powers):
    """Replace values ≤ 0 by their exponentials, to 1 ulp; below −700 counts as −700.

    exp(v) = 2^m exp(r), |r| ≤ ½ log 2, with a Taylor polynomial of degree 13 (error 4e-18). Plain
    arithmetic in place of a library call per value, so that the loop vectorises.
    """
    for b in range(size):
        v = max(values[b], -700.0)
        m = np.floor(v * 1.4426950408889634 + 0.5)
        r = v - m * 0.693145751953125
        r -= m * 1.4286068203094173e-06
        p = 1.6059043836821613e-10
        p = p * r + 2.08767569878681e-09
        p = p * r + 2.505210838544172e-08
        p = p * r + 2.755731922398589e-07
        p = p * r + 2.7557319223985893e-06
        p = p * r + 2.48015873015873e-05
        p = p * r + 0.0001984126984126984
        p = p * r + 0.001388888888888889
        p = p * r + 0.008333333333333333
        p = p * r + 0.041666666666666664
        p = p * r + 0.16666666666666666
        p = p * r + 0.5
        p = p * r + 1.0
        p = p * r + 1.0
        values[b] = p
        powers[b] = (np.int64(m) + 1023) << 52
    scale = powers.view(np.float64)
    for b in range(size):
        values[b] *= scale[b]


@numba.njit(nogil=True, cache=True, fastmath=FAST)
def _load(x, start, size, shift, inv_scale, rows):
    """Copy a block of rows, centred and scaled, into (feature, row) order."""
    for i in range(x.shape[1]):
        for b in range(size):
            rows[i, b] = (x[start + b, i] - shift[i]) * inv_scale[i]


@numba.njit(nogil=True, cache=True, fastmath=FAST)
def _whiten(rows, size, mean, factor, k, z, squared):
    """z = L_k⁻¹ (x − μ_k) for a block by forward substitution, and its squared length.

    Returns Σ log L_ii.
    """
    d = rows.shape[0]
    log_det = 0.0
    for b in range(size):
        squared[b] = 0.0
    for i in range(d):
        for b in range(size):
            z[i, b] = rows[i, b] - mean[i]
        if factor.ndim == 3:
            block = min(k, factor.shape[0] - 1)
            for j in range(i):
                entry = factor[block, i, j]
                for b in range(size):
                    z[i, b] -= entry * z[j, b]
            pivot = factor[block, i, i]
        else:
            pivot = factor[k, min(i, factor.shape[1] - 1)]
        inverse = 1.0 / pivot
        log_det += np.log(pivot)
        for b in range(size):
            z[i, b] *= inverse
            squared[b] += z[i, b] * z[i, b]
    return log_det


@numba.njit(nogil=True, cache=True, fastmath=FAST)
def _responsibilities(rows, size, log_weights, means, factor, z, density, row_log_density, powers):
    """Whiten a block against every component; densities become responsibilities in place."""
    n_components, d = means.shape
    for k in range(n_components):
        log_det = _whiten(rows, size, means[k], factor, k, z[k], density[k])
        constant = log_weights[k] - log_det - 0.5 * d * LOG_2PI
        for b in range(size):
            density[k, b] = constant - 0.5 * min(density[k, b], FARTHEST)
    highest, total = row_log_density, powers[1].view(np.float64)
    for b in range(size):
        highest[b] = density[0, b]
        total[b] = 0.0
    for k in range(1, n_components):
        for b in range(size):
            highest[b] = max(highest[b], density[k, b])
    for k in range(n_components):
        for b in range(size):
            density[k, b] -= highest[b]
        _exp_in_place(density[k], size, powers[0])
        for b in range(size):
            total[b] += density[k, b]
    for b in range(size):
        highest[b] += np.log(total[b])
        total[b] = 1.0 / total[b]
    for k in range(n_components):
        for b in range(size):
            density[k, b] *= total[b]


@numba.njit(nogil=True, cache=True, fastmath=FAST)
def _add_moments(size, weighted, z, product, k, nk, s, S):
    """Add one component's share of a block to N_k, s_k and S_k."""
    total = 0.0
    for b in range(size):
        total += weighted[b]
    nk[k] += total
    for i in range(z.shape[0]):
        first = 0.0
        for b in range(size):
            product[b] = weighted[b] * z[i, b]
            first += product[b]
        s[k, i] += first
        if S.ndim == 3:
            for j in range(i + 1):
                second = 0.0
                for b in range(size):
                    second += product[b] * z[j, b]
                S[k, i, j] += second
        else:
            second = 0.0
            for b in range(size):
                second += product[b] * z[i, b]
            S[k, i] += second


@numba.njit(nogil=True, cache=True)
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
    powers = np.empty((2, BLOCK), np.int64)
    product = np.empty(BLOCK)
    log_likelihood = 0.0
    for start in range(0, n_obs, BLOCK):
        size = min(BLOCK, n_obs - start)
        _load(x, start, size, shift, inv_scale, rows)
        _responsibilities(
            rows, size, log_weights, means, factor, z, density, row_log_density, powers
        )
        part = 0.0
        for b in range(size):
            part += sample_weight[start + b] * row_log_density[b]
        log_likelihood += part
        for k in range(n_components):
            for b in range(size):
                density[k, b] *= sample_weight[start + b]
            _add_moments(size, density[k], z[k], product, k, nk, s, S)
    if S.ndim == 3:
        for k in range(n_components):
            for i in range(d):
                for j in range(i):
                    S[k, j, i] = S[k, i, j]
    return log_likelihood


@numba.njit(nogil=True, cache=True)
def fill_rows(x, shift, inv_scale, log_weights, means, factor, log_density, responsibilities):
    """Write every row's log density (n,) and, unless given no columns, responsibilities (n, K)."""
    n_obs, d = x.shape
    n_components = len(log_weights)
    rows = np.empty((d, BLOCK))
    z = np.empty((n_components, d, BLOCK))
    density = np.empty((n_components, BLOCK))
    row_log_density = np.empty(BLOCK)
    powers = np.empty((2, BLOCK), np.int64)
    for start in range(0, n_obs, BLOCK):
        size = min(BLOCK, n_obs - start)
        _load(x, start, size, shift, inv_scale, rows)
        _responsibilities(
            rows, size, log_weights, means, factor, z, density, row_log_density, powers
        )
        log_density[start : start + size] = row_log_density[:size]
        for k in range(responsibilities.shape[1]):
            responsibilities[start : start + size, k] = density[k, :size]


@numba.njit(nogil=True, cache=True)
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
