"""Blocks of rows with at most five features, whose work a core does in its registers.

The loops are written once and compiled for each number of features, so that the inner ones unroll
and the one over rows vectorises. Value (i, b) of a block lies at i · BLOCK + b: strides that the
compiler knows save it most checks of what overlaps.
"""

import numpy as np
from numba.cpython.unsafe.tuple import tuple_setitem

from bayesgmm.compiled import inner_fast

BLOCK = 256
"""Rows of a block: with a few components its work arrays fit the L1 cache."""

WIDEST = 5
"""Features up to which these loops are used."""


def coordinates(shift, inv_scale, matrix):
    """Shift and inverse scale, (n_features,) each, as the kernel takes them.

    Tuples, whose length the compiler knows, where these loops are to be used: few features, and a
    spread of matrices.
    """
    if matrix and len(shift) <= WIDEST:
        return tuple(map(float, shift)), tuple(map(float, inv_scale))
    return np.asarray(shift, dtype=np.float64), np.asarray(inv_scale, dtype=np.float64)


def loading(d):
    """Copies a block of rows, centred and scaled, into (feature, row) order."""

    def load(flat, start, size, shift, inv_scale, rows):
        for b in range(size):
            for i in range(d):
                rows[i * BLOCK + b] = (flat[(start + b) * d + i] - shift[i]) * inv_scale[i]

    return load


def whitening(d):
    """z = L⁻¹ (x − μ) of a block, and the sum of its squares."""

    def whiten(shift, rows, size, mean, factor, reduced, z, squares):
        for b in range(size):
            square = 0.0
            for i in range(d):
                v = (rows[i * BLOCK + b] - mean[i]) * reduced[i * d + i]
                for j in range(i):
                    v -= reduced[i * d + j] * z[j * BLOCK + b]
                z[i * BLOCK + b] = v
                square += v * v
            squares[b] = square

    return whiten


def _band(first, stop):
    """Sums for features first … stop − 1, and their products with all up to themselves."""
    nothing = (0.0,) * sum(i + 2 for i in range(first, stop))

    @inner_fast
    def add(size, share, z, s, S):
        sums = nothing
        for b in range(size):
            t = 0
            for i in range(first, stop):
                v = share[b] * z[i * BLOCK + b]
                sums = tuple_setitem(sums, t, sums[t] + v)
                t += 1
                for j in range(i + 1):
                    sums = tuple_setitem(sums, t, sums[t] + v * z[j * BLOCK + b])
                    t += 1
        t = 0
        for i in range(first, stop):
            s[i] += sums[t]
            t += 1
            for j in range(i + 1):
                S[i, j] += sums[t]
                t += 1

    return add


def adding(d):
    """Adds a block's share-weighted moments; S on and below its diagonal.

    Three features at a time: more sums than that do not stay in registers.
    """
    head, tail = _band(0, min(d, 3)), _band(3, max(d, 3))

    def add_moments(shift, size, share, z, s, S):
        head(size, share, z, s, S)
        if d > 3:
            tail(size, share, z, s, S)

    return add_moments
