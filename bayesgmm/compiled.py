"""How numerical code is compiled: once per machine, free of Python's lock. Imports nothing of ours.

Division by zero gives infinity, as in NumPy: compiled code never raises, and its loops vectorise.
What Python calls is ``compiled`` and kept on disk; what only compiled code calls is not, which
halves the time that its first use takes.
"""

import numba

PLAIN = {"nogil": True, "error_model": "numpy"}
# Sums over rows may be reordered and products fused; infinities and NaN keep their meaning.
FAST = {**PLAIN, "fastmath": {"reassoc", "contract", "nsz", "arcp"}}
# Products may be fused, but sums keep their order: for arithmetic that relies on rounding.
EXACT = {**PLAIN, "fastmath": {"contract"}}

compiled = numba.njit(cache=True, **PLAIN)
inner = numba.njit(**PLAIN)
inner_fast = numba.njit(**FAST)
inner_exact = numba.njit(**EXACT)
