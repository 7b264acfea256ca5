"""How numerical code is compiled: once per machine, free of Python's lock.

Division by zero gives infinity, as in NumPy: compiled code never raises, and its loops vectorise.
What Python calls is ``compiled`` and kept on disk; what only compiled code calls is not, which
halves the time that its first use takes.
"""

from typing import Any

import numba
from numba.core import cgutils
from numba.core.ccallback import CFunc
from numba.extending import intrinsic, overload

from bayesgmm.runtime.cache import DiskCache

PLAIN = {"nogil": True, "error_model": "numpy"}
# Sums over rows may be reordered and products fused; infinities and NaN keep their meaning. Such
# code is inlined, for else its callers hold copies of it that are optimised on their own, and the
# process that compiles them calls other copies than a later one, with other last digits.
FAST = {**PLAIN, "forceinline": True, "fastmath": {"reassoc", "contract", "nsz", "arcp"}}
# Products may be fused, but sums keep their order: for arithmetic that relies on rounding.
EXACT = {**PLAIN, "forceinline": True, "fastmath": {"contract"}}

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


def address_of(function: Any, *arguments: Any) -> int:
    """Where the code of a compiled function for such arguments begins, for :func:`calls`."""
    signature = tuple(numba.typeof(argument) for argument in arguments)
    function.compile(signature)
    found = function.overloads[signature]
    address: int = found.library.get_pointer_to_function(found.fndesc.llvm_func_name)
    return address


def calls(returns: Any) -> Any:
    """For compiled code: ``call(address, arguments)`` of a function that returns such a number.

    A function that is called by its name is compiled again into each that calls it, and with it
    all that it calls itself. The arguments, a tuple, must be of the very types of the address.
    """

    @intrinsic
    def call(typing_context: Any, address: Any, arguments: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            taken = list(signature.args[1].types)
            kind = context.call_conv.get_function_type(returns, taken).as_pointer()
            _, result = context.call_conv.call_function(
                builder, builder.inttoptr(args[0], kind), returns, taken,
                cgutils.unpack_tuple(builder, args[1]),
            )  # fmt: skip
            return result

        return returns(address, arguments), codegen

    return call
