"""Small triangular systems in compiled code, solved in place."""

from bayesgmm.runtime.jit import inner


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
