"""How numerical code is compiled: once per machine, free of Python's lock. Imports nothing of ours.

Division by zero gives infinity, as in NumPy: compiled code never raises, and its loops vectorise.
"""

import numba

compiled = numba.njit(nogil=True, cache=True, error_model="numpy")

# Sums over rows may be reordered and products fused; infinities and NaN keep their meaning.
compiled_fast = numba.njit(
    nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz", "arcp"}
)

# Products may be fused, but sums keep their order: for arithmetic that relies on rounding.
compiled_exact = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
