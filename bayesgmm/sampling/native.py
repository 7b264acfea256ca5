"""The whitened target as a C function: chains call it without a turn at Python's lock.

With few rows the hand-over of the lock between chains costs more than the pass over the rows.
"""

import functools

import numba
import numpy as np
from numba import types
from numba.np.unsafe.ndarray import to_fixed_tuple

from bayesgmm.likelihood import WIDEST, accumulate_moments, assemble, unpack
from bayesgmm.mixture import PriorNumbers
from bayesgmm.runtime import compiled_for_c, inner, inner_fast

ARRAYS = (
    "x", "sample_weight", "shift", "inv_scale", "centre", "whitening",
    "concentration", "mean", "mean_concentration", "mean_scale", "df", "eta", "scale",
)  # fmt: skip

# What a call is given beside y: sizes, the prior's numbers, and the addresses of arrays.
STRUCT = np.dtype(
    [(name, np.int64) for name in ("n_obs", "n_weights", "n_components", "n_features")]
    + [(name, np.int64) for name in ("n_blocks", "n_columns", "family")]
    + [("log_normaliser", np.float64)]
    + [(name, np.intp) for name in ARRAYS]
)

FLOATS = types.CPointer(types.float64)
GIVEN = types.CPointer(numba.from_dtype(STRUCT))


@numba.extending.intrinsic
def _floats_at(typing_context, address):
    """The address of an array of floats as a pointer."""

    def cast(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(FLOATS))

    return FLOATS(types.intp), cast


@numba.extending.intrinsic
def _read_only(typing_context, array):
    """The array, not to be written to: the kernel is compiled for such rows only."""
    return array.copy(readonly=True)(array), lambda context, builder, signature, given: given[0]


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
def _log_density(matrices, n_few):
    """The log density and its gradient as nutpie calls them, for matrix factors or for vectors.

    ``n_few`` is the number of features where the kernel has loops for just that many, or else 0.
    """

    @compiled_for_c(types.intc(types.uintp, FLOATS, FLOATS, FLOATS, GIVEN))
    def log_density(n_dim, y, gradient, value, struct):
        given = numba.carray(struct, 1)[0]
        n_components, d = given.n_components, given.n_features
        shift = numba.carray(_floats_at(given.shift), d)
        inv_scale = numba.carray(_floats_at(given.inv_scale), d)
        if n_few > 0:
            coordinates = to_fixed_tuple(shift, n_few), to_fixed_tuple(inv_scale, n_few)
        else:
            coordinates = shift, inv_scale
        nk, s = np.zeros(n_components), np.zeros((n_components, d))
        layout: tuple[int, ...]
        if matrices:
            layout = (given.n_blocks, d, d)
            S = np.zeros((n_components, d, d))
        else:
            layout = (given.n_blocks, given.n_columns)
            S = np.zeros((n_components, d))
        factor = np.empty(layout)
        log_weights, means = np.empty(n_components), np.empty((n_components, d))
        theta, theta_gradient = np.empty(n_dim), np.empty(n_dim)
        whitening = numba.carray(_floats_at(given.whitening), (n_dim, n_dim))
        _from_whitened(y, numba.carray(_floats_at(given.centre), n_dim), whitening, theta)
        unpack(theta, log_weights, factor, means)
        log_likelihood = accumulate_moments(
            _read_only(numba.carray(_floats_at(given.x), (given.n_obs, d))),
            numba.carray(_floats_at(given.sample_weight), given.n_weights),
            coordinates[0], coordinates[1], log_weights, means, factor, nk, s, S,
        )  # fmt: skip
        prior = PriorNumbers(
            given.family,
            numba.carray(_floats_at(given.concentration), n_components),
            numba.carray(_floats_at(given.mean), (n_components, d)),
            numba.carray(_floats_at(given.mean_concentration), n_components),
            numba.carray(_floats_at(given.mean_scale), (n_components, d)),
            numba.carray(_floats_at(given.df), given.n_blocks),
            numba.carray(_floats_at(given.eta), given.n_blocks),
            numba.carray(_floats_at(given.scale), layout),
            given.log_normaliser,
        )
        jacobian = np.bool_(True)  # a literal would have ``assemble`` compiled once more
        value[0] = assemble(
            log_likelihood, nk, s, S, log_weights, means, factor, prior, jacobian, theta_gradient
        )
        _to_whitened(theta_gradient, whitening, gradient)
        # A positive code rejects the step; a negative one would end the chain.
        return 0 if np.isfinite(value[0]) else 1

    return log_density


@functools.cache
def _copy():
    """What is kept of a draw: the vector itself."""

    @compiled_for_c(types.intc(types.uintp, types.uintp, FLOATS, FLOATS, GIVEN))
    def copy(n_dim, n_kept, y, kept, struct):
        for i in range(n_dim):
            kept[i] = y[i]
        return 0

    return copy


def native_model(target, centre, whitening, initial_point):
    """A target at θ = centre + whitening · y as a model that nutpie samples, variable ``y``."""
    from nutpie.compile_pymc import CompiledPyMCModel

    n_dim, d, prior = len(centre), target.x.shape[1], target.numbers
    shape = target.structure.factor_shape(target.n_components, d)
    arrays = {
        "x": target.x,
        "sample_weight": target.sample_weight,
        "shift": target.shift,
        "inv_scale": 1 / target.scale,
        "centre": centre,
        "whitening": whitening,
    }
    given = {"n_obs": len(target.x), "n_weights": len(target.sample_weight)}
    given |= {"n_components": target.n_components, "n_features": d}
    given |= {"n_blocks": shape[0], "n_columns": shape[-1]} | prior._asdict() | arrays
    arrays = {name: np.ascontiguousarray(given[name], dtype=np.float64) for name in ARRAYS}
    struct = np.zeros((), STRUCT)
    for name, value in given.items():
        struct[name] = arrays[name].ctypes.data if name in arrays else value
    matrices = target.structure.correlated
    return CompiledPyMCModel(
        compiled_logp_func=_log_density(matrices, d if matrices and d <= WIDEST else 0),
        compiled_expand_func=_copy(),
        initial_point_func=initial_point,
        user_data=struct,
        shared_data=arrays,  # kept alive while the struct points at them
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
