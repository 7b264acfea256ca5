"""Blocks of rows with more than five features: one or two of them against two or four at a time.

What bounds these loops is loads and stores, not sums: one over two features and four earlier ones
loads six values for eight products. Value (i, b) of a block lies at i · BLOCK + b.
"""

from numba.cpython.unsafe.tuple import tuple_setitem

from bayesgmm.likelihood.few_features import BLOCK, rank, scale
from bayesgmm.runtime import inner_fast


def _beginning(width):
    """z_i = (x_i − μ_i) / L_ii − L_i0 z_0 / L_ii − L_i1 z_1 / L_ii for neighbouring features i."""

    @inner_fast
    def begin(rows, size, mean, reduced, i, z):
        for b in range(size):
            for r in range(width):
                v = (rows[i + r, b] - mean[i + r]) * reduced[i + r, i + r]
                z[i + r, b] = v - reduced[i + r, 0] * z[0, b] - reduced[i + r, 1] * z[1, b]

    return begin


def _elimination(width, n):
    """z_i less its terms in z_j … z_{j+n−1}, for neighbouring features i."""
    nothing, row = (0.0,) * (width * n), (0.0,) * width

    @inner_fast
    def eliminate(size, reduced, i, j, z):
        entries = nothing
        for r in range(width):
            for c in range(n):
                entries = tuple_setitem(entries, r * n + c, reduced[i + r, j + c])
        for b in range(size):
            less = row
            for c in range(n):
                v = z[j + c, b]
                for r in range(width):
                    less = tuple_setitem(less, r, less[r] + entries[r * n + c] * v)
            for r in range(width):
                z[i + r, b] -= less[r]

    return eliminate


def _products(width, n):
    """S_ij += Σ_b share_b z_ib z_jb for neighbouring features i and j … j + n − 1 before them."""
    nothing = (0.0,) * (width * n)

    @inner_fast
    def add_products(size, share, z, i, j, S):
        sums = nothing
        for b in range(size):
            for r in range(width):
                v = share[b] * z[i + r, b]
                for c in range(n):
                    t = r * n + c
                    sums = tuple_setitem(sums, t, sums[t] + v * z[j + c, b])
        for r in range(width):
            for c in range(n):
                S[i + r, j + c] += sums[r * n + c]

    return add_products


_begin_1, _begin_2 = _beginning(1), _beginning(2)
_eliminate_1_4, _eliminate_1_2 = _elimination(1, 4), _elimination(1, 2)
_eliminate_2_4, _eliminate_2_2 = _elimination(2, 4), _elimination(2, 2)
_products_1_4, _products_1_2 = _products(1, 4), _products(1, 2)
_products_2_4, _products_2_2 = _products(2, 4), _products(2, 2)


def load_many(flat, start, size, shift, inv_scale, rows):
    """Copy a block of rows, centred and scaled, into (feature, row) order."""
    d = len(shift)
    for i in range(d):
        for b in range(size):
            rows[i * BLOCK + b] = (flat[(start + b) * d + i] - shift[i]) * inv_scale[i]


def whiten_many(kinds, rows, size, mean, reduced, log_constant, z, density, highest):
    """z = L⁻¹ (x − μ) of a block by forward substitution, and its log density."""
    d = len(mean)
    rows, z = rows.reshape(d, BLOCK), z.reshape(d, BLOCK)
    reduced = reduced.reshape(d, d)
    if d == 1:
        for b in range(size):
            z[0, b] = (rows[0, b] - mean[0]) * reduced[0, 0]
            density[b] = z[0, b] * z[0, b]
        rank(kinds[2], log_constant, density, highest, size)
        return
    for b in range(size):
        first = (rows[0, b] - mean[0]) * reduced[0, 0]
        second = (rows[1, b] - mean[1]) * reduced[1, 1] - reduced[1, 0] * first
        z[0, b] = first
        z[1, b] = second
        density[b] = first * first + second * second
    for i in range(2, d - 1, 2):
        _begin_2(rows, size, mean, reduced, i, z)
        for j in range(2, i - 3, 4):
            _eliminate_2_4(size, reduced, i, j, z)
        if i % 4 == 0:
            _eliminate_2_2(size, reduced, i, i - 2, z)
        coupling = reduced[i + 1, i]
        for b in range(size):
            first = z[i, b]
            second = z[i + 1, b] - coupling * first
            z[i + 1, b] = second
            density[b] += first * first + second * second
    if d % 2 == 1:
        i = d - 1
        _begin_1(rows, size, mean, reduced, i, z)
        for j in range(2, i - 3, 4):
            _eliminate_1_4(size, reduced, i, j, z)
        if i % 4 == 0:
            _eliminate_1_2(size, reduced, i, i - 2, z)
        for b in range(size):
            density[b] += z[i, b] * z[i, b]
    rank(kinds[2], log_constant, density, highest, size)


def add_moments_many(kinds, size, density, share, z, s, S):
    """Add a block's weighted moments, S on and below its diagonal; returns the sum of weights."""
    d, total = len(s), scale(density, share, size)
    z = z.reshape(d, BLOCK)
    for i in range(0, d - 1, 2):
        s0, s1, t00, t10, t11 = 0.0, 0.0, 0.0, 0.0, 0.0
        for b in range(size):
            z0, z1 = z[i, b], z[i + 1, b]
            first, second = density[b] * z0, density[b] * z1
            s0 += first
            s1 += second
            t00 += first * z0
            t10 += second * z0
            t11 += second * z1
        s[i] += s0
        s[i + 1] += s1
        S[i, i] += t00
        S[i + 1, i] += t10
        S[i + 1, i + 1] += t11
        for j in range(0, i - 3, 4):
            _products_2_4(size, density, z, i, j, S)
        if i % 4 == 2:
            _products_2_2(size, density, z, i, i - 2, S)
    if d % 2 == 1:
        i = d - 1
        s0, t00 = 0.0, 0.0
        for b in range(size):
            first = density[b] * z[i, b]
            s0 += first
            t00 += first * z[i, b]
        s[i] += s0
        S[i, i] += t00
        for j in range(0, i - 3, 4):
            _products_1_4(size, density, z, i, j, S)
        if i % 4 == 2:
            _products_1_2(size, density, z, i, i - 2, S)
    return total
