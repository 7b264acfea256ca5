"""The smallest eigenvalue allowed of a covariance matrix, in compiled code.

Eigenvalues are relative to metric · metricᵀ, ``metric`` lower triangular. Of a covariance matrix
only the lower triangle is read and written.
"""

import numpy as np
from numba import types
from numba.extending import overload

from bayesgmm.runtime import PLAIN, cholesky, diagonalise, inner, solve_lower, times_lower

FLOOR = 1e-6
"""Smallest eigenvalue of a maximum likelihood spread, relative to the covariance of the rows."""


def _unless_none(function, otherwise):
    """A stub that is the function, or a constant where the metric is None: no code is compiled."""

    def stub(covariance, metric, floor):
        pass

    @overload(stub, jit_options=PLAIN)
    def choose(covariance, metric, floor):
        if isinstance(metric, types.NoneType):
            return lambda covariance, metric, floor: otherwise
        return lambda covariance, metric, floor: function(covariance, metric, floor)

    return stub


@inner
def _is_above(covariance, metric, floor):
    d = len(metric)
    rest = np.empty((d, d))
    for i in range(d):
        for j in range(i + 1):
            rest[i, j] = covariance[i, j]
            for m in range(j + 1):
                rest[i, j] -= floor * metric[i, m] * metric[j, m]
    return cholesky(rest)


@inner
def _whiten(covariance, metric, rotated, vectors):
    """Leave the eigenvalues on the diagonal of ``rotated``, and their vectors in rows."""
    d = len(metric)
    for column in range(d):
        for i in range(d):
            row, at = (i, column) if i > column else (column, i)
            rotated[column, i] = covariance[row, at]
        solve_lower(metric, rotated[column])
    for i in range(d):
        solve_lower(metric, rotated[:, i])
    diagonalise(rotated, vectors)


@inner
def _raise_to_floor(covariance, metric, floor):
    if _is_above(covariance, metric, floor):
        return
    d = len(metric)
    rotated, vectors = np.empty((d, d)), np.empty((d, d))
    _whiten(covariance, metric, rotated, vectors)
    for i in range(d):
        for j in range(i + 1):
            covariance[i, j] = 0.0
    for m in range(d):
        value = rotated[m, m] if rotated[m, m] > floor else floor
        times_lower(metric, vectors[m])
        for i in range(d):
            for j in range(i + 1):
                covariance[i, j] += value * vectors[m, i] * vectors[m, j]


@inner
def _volume_at_floor(lower, metric, floor):
    d = len(lower)
    covariance, rotated, vectors = np.empty((d, d)), np.empty((d, d)), np.empty((d, d))
    for i in range(d):
        for j in range(i + 1):
            covariance[i, j] = 0.0
            for m in range(j + 1):
                covariance[i, j] += lower[i, m] * lower[j, m]
    _whiten(covariance, metric, rotated, vectors)
    smallest = rotated[0, 0]
    for i in range(d):
        smallest = min(smallest, rotated[i, i])
    return floor / smallest


is_above = _unless_none(_is_above, True)
"""Whether every eigenvalue of a covariance matrix is above the floor."""

raise_to_floor = _unless_none(_raise_to_floor, None)
"""Raise eigenvalues of a covariance matrix below the floor to it."""

volume_at_floor = _unless_none(_volume_at_floor, 0.0)
"""The multiple of L Lᵀ of which the smallest eigenvalue is at the floor, given L."""
