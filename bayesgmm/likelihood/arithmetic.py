"""Exponentials and logarithms of a block of values, as plain arithmetic that vectorises."""

import numpy as np

from bayesgmm.compiled import compiled_exact


@compiled_exact
def exponentiate(values, highest, total, size, bits):
    """Replace values by exp(values − highest) and add them to the total.

    Differences are ≤ 0, and count as −700 below it. exp(v) = 2^m exp(r), |r| ≤ ½ log 2, with a
    Taylor polynomial of degree 13 (error 4e-18): plain arithmetic in place of a library call per
    value, so that the loop vectorises. Adding 1.5 · 2^52 rounds to the integer m and leaves it in
    the low bits; sums must not be reordered here.
    """
    shifted = bits.view(np.float64)
    for b in range(size):
        v = max(values[b] - highest[b], -700.0)
        shifted[b] = v * 1.4426950408889634 + 6755399441055744.0
        m = shifted[b] - 6755399441055744.0
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
        values[b] = p * r + 1.0
    for b in range(size):
        bits[b] = (bits[b] + 1023) << 52
    for b in range(size):
        values[b] *= shifted[b]
        total[b] += values[b]


@compiled_exact
def add_log(values, size, bits, target):
    """Add the logarithms of positive values to the target, to 1 ulp; uses the values up.

    log(2^e m) = e log 2 + 2 artanh((m − 1) / (m + 1)) with ½√2 ≤ m < √2, where the odd series to
    degree 21 has an error of 2e-17.
    """
    mantissa = bits.view(np.float64)
    for b in range(size):
        mantissa[b] = values[b]
    for b in range(size):
        word = bits[b] + (0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
        bits[b] = (word & 0x000FFFFFFFFFFFFF) + 0x3FE6A09E667F3BCD
        values[b] = np.float64((word >> 52) - 1023)
    for b in range(size):
        f = (mantissa[b] - 1.0) / (mantissa[b] + 1.0)
        g = f * f
        p = 0.047619047619047616
        p = p * g + 0.05263157894736842
        p = p * g + 0.058823529411764705
        p = p * g + 0.06666666666666667
        p = p * g + 0.07692307692307693
        p = p * g + 0.09090909090909091
        p = p * g + 0.1111111111111111
        p = p * g + 0.14285714285714285
        p = p * g + 0.2
        p = p * g + 0.3333333333333333
        target[b] += values[b] * 0.6931471805599453 + (2.0 * f + 2.0 * f * g * p)
