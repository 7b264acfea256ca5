"""How numerical code is compiled: once per machine, free of Python's lock.

Division by zero gives infinity, as in NumPy: compiled code never raises, and its loops vectorise.
What Python calls is ``compiled`` and kept on disk; what only compiled code calls is not, which
halves the time that its first use takes.
"""

from typing import Any

import numba
from numba.core.ccallback import CFunc
from numba.extending import overload

from bayesgmm.runtime.cache import DiskCache

# Inlined, for else code holds a copy of every function that it calls, and the process that compiles
# it calls other copies than a later one, with other last digits.
PLAIN = {"nogil": True, "error_model": "numpy", "forceinline": True}
# Sums over rows may be reordered and products fused; infinities and NaN keep their meaning.
FAST = {**PLAIN, "fastmath": {"reassoc", "contract", "nsz", "arcp"}}
# Products may be fused, but sums keep their order: for arithmetic that relies on rounding.
EXACT = {**PLAIN, "fastmath": {"contract"}}

inner = numba.njit(**PLAIN)
inner_fast = numba.njit(**FAST)
inner_exact = numba.njit(**EXACT)


def compiled(function: Any) -> Any:
    dispatcher = inner(function)
    dispatcher._cache = DiskCache(function)
    return dispatcher


def _generic(options: dict[str, Any]) -> Any:
    """For compiled code: the method of this name that the first argument's class has.

    The argument is a NamedTuple, by whose type it is settled, so that no other is compiled.
    """

    def decorate(stub: Any) -> Any:
        def choose(first: Any, *rest: Any) -> Any:
            return getattr(first.instance_class, stub.__name__)

        overload(stub, jit_options=options, strict=False)(choose)
        return stub

    return decorate


generic, generic_fast = _generic(PLAIN), _generic(FAST)


def compiled_for_c(signature: Any) -> Any:
    """What C calls, of one signature; kept on disk, too."""

    def compiled(function: Any) -> Any:
        callback: Any = CFunc(function, (signature.args, signature.return_type), {}, {})
        callback._cache = DiskCache(function)
        callback.compile()
        return callback

    return compiled
