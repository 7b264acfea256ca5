"""Exponentials and logarithms of a block of values, as plain arithmetic that vectorises."""

import numpy as np
from numba import types
from numba.extending import intrinsic

from bayesgmm.runtime import inner_exact


def _reinterpret(source, target):
    """A compiled function that reads the bits of one 64-bit type as another."""

    @intrinsic
    def reinterpret(typing_context, value):
        def codegen(context, builder, signature, args):
            return builder.bitcast(args[0], context.get_value_type(target))

        return target(source), codegen

    return reinterpret


_bits_of = _reinterpret(types.float64, types.int64)
_float_of = _reinterpret(types.int64, types.float64)


@inner_exact
def exponentiate(values, highest, total, size):
    """Replace values by exp(values − highest) and add them to the total.

    Differences are ≤ 0, and count as −700 below it. exp(v) = 2^m exp(r), |r| ≤ ½ log 2, with a
    Chebyshev polynomial of degree 11 (error 2e-17): plain arithmetic in place of a library call per
    value, so that the loop vectorises. Adding 1.5 · 2^52 rounds to the integer m and leaves it in
    the low bits; sums must not be reordered here.
    """
    for b in range(size):
        v = values[b] - highest[b]
        v = -700.0 if v < -700.0 else v
        shifted = v * 1.4426950408889634 + 6755399441055744.0
        m = shifted - 6755399441055744.0
        r = v - m * 0.693145751953125
        r -= m * 1.4286068203094173e-06
        p = 2.510038549551032e-08
        p = p * r + 2.7620088445409746e-07
        p = p * r + 2.7557268459997064e-06
        p = p * r + 2.4801521295954376e-05
        p = p * r + 0.00019841269863053618
        p = p * r + 0.0013888888917213717
        p = p * r + 0.008333333333330062
        p = p * r + 0.04166666666662413
        p = p * r + 0.16666666666666669
        p = p * r + 0.5000000000000001
        p = p * r + 1.0
        power = _float_of((_bits_of(shifted) + 1023) << 52)
        values[b] = (p * r + 1.0) * power
        total[b] += values[b]


@inner_exact
def add_log(values, size, target):
    """Add the logarithms of positive values to the target, to 1 ulp.

    log(2^e m) = e log 2 + 2 artanh((m − 1) / (m + 1)) with ½√2 ≤ m < √2, where the odd series to
    degree 21 has an error of 2e-17.
    """
    for b in range(size):
        word = _bits_of(values[b]) + (0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
        m = _float_of((word & 0x000FFFFFFFFFFFFF) + 0x3FE6A09E667F3BCD)
        f = (m - 1.0) / (m + 1.0)
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
        exponent = np.float64((word >> 52) - 1023)
        target[b] += exponent * 0.6931471805599453 + (2.0 * f + 2.0 * f * g * p)
