"""The whitened target as a C function: chains call it without a turn at Python's lock.

With few rows the hand-over of the lock between chains costs more than the pass over the rows.
"""

import functools
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from bayesgmm.likelihood import MixtureMoments, accumulate_moments, assemble, unpack
from bayesgmm.mixture import Components, laid_out, zeros_like
from bayesgmm.mixture import factor as factors
from bayesgmm.runtime import compiled, compiled_for_c, inner, inner_fast

FLOATS = types.CPointer(types.float64)


class Given(NamedTuple):
    """What a call is given beside y."""

    rows: Any
    """The evidence in compiled code."""
    centre: np.ndarray
    whitening: np.ndarray
    shape: Any
    """A mixture of the shape and class of the parameters in compiled code."""
    prior: Any
    """Its numbers in compiled code."""


KINDS: dict[str, types.Type] = {}
"""Types of what calls are given, by their names: a name is what a function's code is kept by."""


def _without_owner(context, builder, kind, value):
    """The value with arrays that own nothing: what keeps them alive is elsewhere."""
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value=value)
        for owner in ("meminfo", "parent"):
            setattr(array, owner, cgutils.get_null_value(getattr(array, owner).type))
        return array._getvalue()
    if isinstance(kind, types.BaseTuple):
        parts = cgutils.unpack_tuple(builder, value)
        return context.make_tuple(
            builder,
            kind,
            [_without_owner(context, builder, k, v) for k, v in zip(kind, parts, strict=True)],
        )
    return value


@intrinsic
def _store(typing_context, address, value):
    """Write a value to an address."""

    def write(context, builder, signature, arguments):
        kind = context.get_value_type(value)
        bare = _without_owner(context, builder, value, arguments[1])
        builder.store(bare, builder.inttoptr(arguments[0], kind.as_pointer()))
        return context.get_dummy_value()

    return types.void(types.intp, value), write


@intrinsic(prefer_literal=True)
def _load(typing_context, address, name):
    """The value of a type in ``KINDS`` at an address."""
    kind = KINDS[name.literal_value]

    def read(context, builder, signature, arguments):
        pointer = context.get_value_type(kind).as_pointer()
        return builder.load(builder.inttoptr(arguments[0], pointer))

    return kind(types.intp, name), read


@intrinsic
def _size_of(typing_context, value):
    """Bytes of a value where it is stored."""

    def size(context, builder, signature, arguments):
        return context.get_constant(
            types.intp, context.get_abi_sizeof(context.get_value_type(value))
        )

    return types.intp(value), size


@compiled
def _stored_size(value):
    return _size_of(value)


@compiled
def _stored(address, value):
    _store(address, value)


# Loops in place of NumPy's operators, which take seconds to compile.
@inner_fast
def _from_whitened(y, centre, whitening, theta):
    """θ = centre + whitening · y."""
    for i in range(len(theta)):
        theta[i] = centre[i]
        for j in range(len(theta)):
            theta[i] += whitening[i, j] * y[j]


@inner
def _to_whitened(theta_gradient, whitening, gradient):
    """The gradient in y from that in θ."""
    for j in range(len(theta_gradient)):
        gradient[j] = 0.0
    for i in range(len(theta_gradient)):
        for j in range(len(theta_gradient)):
            gradient[j] += whitening[i, j] * theta_gradient[i]


@functools.cache
def _log_density(name):
    """The log density and its gradient as nutpie calls them, given a value of this type."""

    @compiled_for_c(types.intc(types.uintp, FLOATS, FLOATS, FLOATS, types.intp))
    def log_density(n_dim, y, gradient, value, address):
        given = _load(address, name)
        mixture = zeros_like(given.shape)
        theta, theta_gradient = np.empty(n_dim), np.empty(n_dim)
        _from_whitened(y, given.centre, given.whitening, theta)
        unpack(theta, mixture)
        layout = Components(
            mixture.log_weights, mixture.means, laid_out(mixture.factor[0]), mixture.family
        )
        jacobian = np.bool_(True)  # a literal would have it compiled once more
        n_components, d = mixture.means.shape
        nk, s = np.zeros(n_components), np.zeros((n_components, d))
        S = factors.second_moments(layout.factor, n_components, d)
        log_likelihood = accumulate_moments(given.rows, layout, nk, s, S)
        moments = MixtureMoments(log_likelihood, nk, s, S)
        value[0] = assemble(moments, given.prior, jacobian, mixture, theta_gradient)
        _to_whitened(theta_gradient, given.whitening, gradient)
        # A positive code rejects the step; a negative one would end the chain.
        return 0 if np.isfinite(value[0]) else 1

    return log_density


@functools.cache
def _copy():
    """What is kept of a draw: the vector itself."""

    @compiled_for_c(types.intc(types.uintp, types.uintp, FLOATS, FLOATS, types.intp))
    def copy(n_dim, n_kept, y, kept, address):
        for i in range(n_dim):
            kept[i] = y[i]
        return 0

    return copy


def native_model(target, centre, whitening, initial_point):
    """A target at θ = centre + whitening · y as a model that nutpie samples, variable ``y``."""
    from nutpie.compile_pymc import CompiledPyMCModel

    n_dim = len(centre)
    given = Given(target.rows, centre, whitening, target.room(), target.numbers)
    kind = numba.typeof(given)
    KINDS[str(kind)] = kind
    struct = np.zeros(_stored_size(given) // 8 + 1)
    _stored(struct.ctypes.data, given)
    return CompiledPyMCModel(
        compiled_logp_func=_log_density(str(kind)),
        compiled_expand_func=_copy(),
        initial_point_func=initial_point,
        user_data=struct,
        shared_data={"given": given},  # kept alive while the struct points at it
        shared_var_keys={},
        n_expanded=n_dim,
        shape_info=(["y"], [slice(n_dim)], [(n_dim,)]),
        logp_func=None,
        expand_func=None,
        dims={},
        _n_dim=n_dim,
        _shapes={"y": (n_dim,)},
        _coords={},
    )
