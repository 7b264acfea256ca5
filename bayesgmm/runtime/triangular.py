"""Small symmetric and triangular matrices in compiled code, in place."""

import numpy as np

from bayesgmm.runtime.jit import inner, inner_fast


@inner
def solve_lower(factor, b):
    """Replace b by ``factor⁻¹ b`` for a lower triangular factor."""
    for i in range(len(b)):
        for j in range(i):
            b[i] -= factor[i, j] * b[j]
        b[i] /= factor[i, i]


@inner
def solve_lower_transposed(factor, b):
    """Replace b by ``factor⁻ᵀ b`` for a lower triangular factor."""
    for i in range(len(b) - 1, -1, -1):
        for j in range(i + 1, len(b)):
            b[i] -= factor[j, i] * b[j]
        b[i] /= factor[i, i]


@inner
def times_lower(factor, b):
    """Replace b by ``factor b`` for a lower triangular factor."""
    for i in range(len(b) - 1, -1, -1):
        b[i] *= factor[i, i]
        for j in range(i):
            b[i] += factor[i, j] * b[j]


@inner_fast
def cholesky(a):
    """Replace a symmetric matrix by its lower Cholesky factor; returns whether it has one.

    Only the lower triangle is read.
    """
    for i in range(len(a)):
        for j in range(i + 1):
            value = a[i, j]
            for m in range(j):
                value -= a[i, m] * a[j, m]
            if j < i:
                a[i, j] = value / a[j, j]
                a[j, i] = 0.0
            elif value > 0:
                a[i, i] = np.sqrt(value)
            else:
                return False
    return True


@inner
def diagonalise(a, vectors):
    """Rotate a symmetric matrix until its diagonal holds its eigenvalues, by Jacobi's method [1]_.

    Row i of ``vectors`` becomes the eigenvector of ``a[i, i]``.

    References
    ----------
    .. [1] Golub & Van Loan (2013), Matrix Computations, 4th ed., section 8.5.
    """
    d = len(a)
    for i in range(d):
        for j in range(d):
            vectors[i, j] = 1.0 if i == j else 0.0
    for _ in range(50):
        largest = 0.0
        for p in range(d):
            for q in range(p):
                size = np.sqrt(abs(a[p, p] * a[q, q]))
                if abs(a[p, q]) <= 1e-16 * size or a[p, q] == 0.0:
                    continue
                largest = 1.0
                ratio = (a[q, q] - a[p, p]) / (2 * a[p, q])
                t = np.copysign(1.0, ratio) / (abs(ratio) + np.sqrt(1 + ratio * ratio))
                c = 1 / np.sqrt(1 + t * t)
                s = t * c
                for i in range(d):
                    x, y = a[i, p], a[i, q]
                    a[i, p], a[i, q] = c * x - s * y, s * x + c * y
                for i in range(d):
                    x, y = a[p, i], a[q, i]
                    a[p, i], a[q, i] = c * x - s * y, s * x + c * y
                    x, y = vectors[p, i], vectors[q, i]
                    vectors[p, i], vectors[q, i] = c * x - s * y, s * x + c * y
        if largest == 0.0:
            return
