"""Blocks of rows with at most five features, whose work a core does in its registers.

The loops are written once and compiled for each number of features, so that the inner ones unroll
and the one over rows vectorises. Value (i, b) of a block lies at i · BLOCK + b: strides that the
compiler knows save it most checks of what overlaps.
"""

from numba.cpython.unsafe.tuple import tuple_setitem

from bayesgmm.mixture import family
from bayesgmm.runtime import inner_fast

BLOCK = 256
"""Rows of a block: with a few components its work arrays fit the L1 cache."""

WIDEST = 5
"""Features up to which these loops are used."""


def loading(d):
    """Copies a block of rows, centred and scaled, into (feature, row) order."""

    def load(flat, start, size, shift, inv_scale, rows):
        for b in range(size):
            for i in range(d):
                rows[i * BLOCK + b] = (flat[(start + b) * d + i] - shift[i]) * inv_scale[i]

    return load


@inner_fast
def rank(of_family, log_constant, density, highest, size):
    """Turn squares into log densities, and keep every row's highest."""
    for b in range(size):
        density[b] = family.log_density(of_family, log_constant, density[b])
        highest[b] = highest[b] if highest[b] > density[b] else density[b]


@inner_fast
def scale(values, factor, size):
    """Multiply values by a factor for every row; returns their sum."""
    total = 0.0
    for b in range(size):
        values[b] *= factor[b]
        total += values[b]
    return total


def whitening(d):
    """z = L⁻¹ (x − μ) of a block, its log density, and the highest one so far."""

    def whiten(kinds, rows, size, mean, reduced, log_constant, z, density, highest):
        for b in range(size):
            square = 0.0
            for i in range(d):
                v = (rows[i * BLOCK + b] - mean[i]) * reduced[i * d + i]
                for j in range(i):
                    v -= reduced[i * d + j] * z[j * BLOCK + b]
                z[i * BLOCK + b] = v
                square += v * v
            density[b] = family.log_density(kinds[2], log_constant, square)
            highest[b] = highest[b] if highest[b] > density[b] else density[b]

    return whiten


def _band(first, stop):
    """Sums for features first … stop − 1, and their products with all up to themselves.

    Before them comes the sum of the weights.
    """
    nothing = (0.0,) * (1 + sum(i + 2 for i in range(first, stop)))

    @inner_fast
    def add(size, density, share, z, s, S):
        sums = nothing
        for b in range(size):
            weight, t = density[b] * share[b], 1
            sums = tuple_setitem(sums, 0, sums[0] + weight)
            for i in range(first, stop):
                v = weight * z[i * BLOCK + b]
                sums = tuple_setitem(sums, t, sums[t] + v)
                t += 1
                for j in range(i + 1):
                    sums = tuple_setitem(sums, t, sums[t] + v * z[j * BLOCK + b])
                    t += 1
        t = 1
        for i in range(first, stop):
            s[i] += sums[t]
            t += 1
            for j in range(i + 1):
                S[i, j] += sums[t]
                t += 1
        return sums[0]

    return add


def adding(d):
    """Adds a block's weighted moments, S on and below its diagonal; returns the sum of weights.

    Three features at a time: more sums than that do not stay in registers.
    """
    head, tail = _band(0, min(d, 3)), _band(3, max(d, 3))

    def add_moments(kinds, size, density, share, z, s, S):
        total = head(size, density, share, z, s, S)
        if d > 3:
            tail(size, density, share, z, s, S)
        return total

    return add_moments
