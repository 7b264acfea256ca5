"""PyTensor Ops over the compiled pass: row-wise log density, and its sum with the gradient.

A rewrite turns the sum of the first into the second, whose gradient reuses the moments of the
forward pass: value and gradient cost one pass over the rows. May not import ArviZ.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType, grad_not_implemented
from pytensor.graph.basic import Apply
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import Op
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_default_op_cache_key
from pytensor.tensor.math import Sum
from pytensor.tensor.rewriting.basic import register_canonicalize

from bayesgmm.data import Evidence
from bayesgmm.likelihood import WIDEST, CompleteRows, MixtureMoments, kernel
from bayesgmm.mixture import Components, Deviations, Gaussian, Triangles, laid_out, zeros_like
from bayesgmm.mixture import factor as factors
from bayesgmm.pymc_model.graph import Tensor
from bayesgmm.runtime import compiled, inner, sources

type Variables = Sequence[Any]

# PyTensor caches machine code by class and version only: any change of the sources is a new one.
VERSION = int.from_bytes(sources()[:4])

NEGLIGIBLE = 1e-290
"""Weights up to this count as zero in the gradient, where N_k / w_k would overflow."""

STEEPEST = 690.0
"""Largest log (nats) of a gradient in a weight of zero: sums of its exponential stay finite."""


@compiled
def check_sizes(x, sample_weight, weights, means, factor):
    """Refuse arrays, given by their shapes, beyond whose ends the pass would read."""
    (n, d), k = x, weights[0]
    if sample_weight[0] != n:
        raise ValueError(
            f"sample_weight of a MarginalMixture must have one number for each of the {n} rows; "
            f"got {sample_weight[0]}."
        )
    if means[0] != k or means[1] != d:
        raise ValueError(
            f"means of a MarginalMixture must have shape ({k}, {d}), as there are {k} weights "
            f"and rows of {d} features; got ({means[0]}, {means[1]}). "
            "Means per row have shape (n_obs, n_components, n_features)."
        )
    if len(factor) == 3:
        if (factor[0] != k and factor[0] != 1) or factor[1] != d or factor[-1] != d:
            raise ValueError(
                f"chol of a MarginalMixture must have shape ({k}, {d}, {d}) or ({d}, {d}); "
                f"got ({factor[0]}, {factor[1]}, {factor[-1]}). "
                "Per row it has shape (n_obs, n_components, n_features, n_features)."
            )
    elif (factor[0] != k and factor[0] != 1) or (factor[1] != d and factor[1] != 1):
        raise ValueError(
            f"sigma of a MarginalMixture must have shape ({k},) or ({k}, {d}); "
            f"got ({factor[0]}, {factor[1]}). "
            "Per row it has shape (n_obs, n_components, n_features)."
        )


@inner
def summed_density(x, sample_weight, weights, means, factor, shift, inv_scale):
    """Log likelihood (nats) and its gradient in w, μ and the factor, in one pass."""
    check_sizes(x.shape, sample_weight.shape, weights.shape, means.shape, factor.shape)
    mixture = Components(np.log(weights), means, laid_out(factor), Gaussian())
    gradient = zeros_like(mixture)
    g_weights, g_means, g_factor = gradient.log_weights, gradient.means, gradient.factor[0]
    if not np.all(weights >= 0):
        return np.asarray(-np.inf), g_weights, g_means, g_factor
    rows = CompleteRows(x.ravel(), sample_weight, shift, inv_scale)
    nk, s = np.zeros(len(weights)), np.zeros(means.shape)
    S = factors.second_moments(mixture.factor, *means.shape)
    log_likelihood = kernel.accumulate_moments(rows, mixture, nk, s, S)
    moments = MixtureMoments(log_likelihood, nk, s, S)
    kernel.add_fisher_gradient(moments, mixture, gradient)
    if weights.min() > NEGLIGIBLE:
        return np.asarray(log_likelihood), g_weights / weights, g_means, g_factor
    # ∂ℓ/∂w_k = N_k / w_k is 0 / 0 at zero, where it is Σ_n c_n N(x_n | k) / p(x_n).
    together, alone, nothing = np.empty(len(x)), np.empty(len(x)), np.empty((len(x), 0))
    kernel.fill_rows(rows, mixture, together, nothing)
    for k in range(len(weights)):
        if weights[k] > NEGLIGIBLE:
            g_weights[k] /= weights[k]
            continue
        block = laid_out(factor[k : k + 1] if len(factor) > 1 else factor)
        component = Components(np.zeros(1), means[k : k + 1], block, Gaussian())
        kernel.fill_rows(rows, component, alone, nothing)
        g_weights[k] = 0.0
        for n in range(len(x)):
            slope = np.exp(min(alone[n] - together[n], STEEPEST))
            g_weights[k] += sample_weight[n] * slope
    return np.asarray(log_likelihood), g_weights, g_means, g_factor


@inner
def weighted_rows(x, sample_weight, weights, means, factor, shift, inv_scale):
    """Log density of every row (nats) times its weight."""
    check_sizes(x.shape, sample_weight.shape, weights.shape, means.shape, factor.shape)
    log_density, nothing = np.full(len(x), -np.inf), np.empty((len(x), 0))
    if not np.all(weights >= 0):
        return log_density
    mixture = Components(np.log(weights), means, laid_out(factor), Gaussian())
    rows = CompleteRows(x.ravel(), sample_weight, shift, inv_scale)
    kernel.fill_rows(rows, mixture, log_density, nothing)
    return log_density * sample_weight


@inner
def row_slopes(x, sample_weight, weights, means, factor, shift, inv_scale):
    """Gradient of the log likelihood in the rows, (n_obs, n_features).

    Row n has −c_n Σ_k r_nk Σ_k⁻¹ (x_n − μ_k).
    """
    check_sizes(x.shape, sample_weight.shape, weights.shape, means.shape, factor.shape)
    (n_obs, d), n_components = x.shape, len(weights)
    slopes, v = np.zeros((n_obs, d)), np.empty(d)
    if not np.all(weights >= 0):
        return slopes
    log_density, r = np.empty(n_obs), np.empty((n_obs, n_components))
    mixture = Components(np.log(weights), means, laid_out(factor), Gaussian())
    kernel.fill_rows(
        CompleteRows(x.ravel(), sample_weight, shift, inv_scale), mixture, log_density, r
    )
    for n in range(n_obs):
        for k in range(n_components):
            for i in range(d):
                v[i] = x[n, i] - means[k, i]
            factors.solve(mixture.factor, k, v)
            factors.solve_transposed(mixture.factor, k, v)
            for i in range(d):
                slopes[n, i] -= sample_weight[n] * r[n, k] * v[i]
    return slopes


class _MixtureOp(Op):
    """Inputs: x (n, d), sample_weight (n,), weights (K,), means (K, d), and the factor, in the
    layout of :mod:`bayesgmm.mixture.structures`.

    Weights may be zero, and need not sum to one; under a negative one the density is zero.
    """

    __props__ = ()
    compiled_pass: Callable[..., Any]
    output_types: Callable[..., list[Tensor]]

    def make_node(self, *inputs: pt.TensorLike) -> Apply[Any]:
        tensors = [pt.as_tensor_variable(v).astype("float64") for v in inputs]
        return Apply(self, tensors, self.output_types(*tensors))

    def perform(self, node: Apply[Any], inputs: Variables, outputs: list[list[Any]]) -> None:
        x, *rest = map(np.ascontiguousarray, inputs)
        rows = CompleteRows.of(Evidence.of(x), isinstance(laid_out(rest[-1]), Triangles))
        results = self.compiled_pass(x, *rest, rows.shift, rows.inv_scale)
        for storage, result in zip(
            outputs, results if len(outputs) > 1 else [results], strict=True
        ):
            storage[0] = result


class MixtureRows(_MixtureOp):
    """Log density (nats) of every row of a Gaussian mixture, times the row's weight."""

    compiled_pass = staticmethod(weighted_rows)

    def output_types(self, x: Tensor, *_: Tensor) -> list[Tensor]:
        return [pt.vector(dtype="float64", shape=(x.type.shape[0],))]

    def infer_shape(self, node: Apply[Any], shapes: list[Any]) -> list[Any]:
        return [(shapes[0][0],)]

    def pullback(self, inputs: Variables, outputs: Variables, cotangents: Variables) -> list[Any]:
        x, sample_weight, *parameters = inputs
        # The gradient of Σ_n c_n log p(x_n) is that of the weighted log likelihood.
        weight = sample_weight * cotangents[0]
        gradients = mixture_sum.make_node(x, weight, *parameters).outputs[1:]
        slopes = mixture_row_slopes(x, weight, *parameters)
        return [slopes, _no_gradient(self, sample_weight), *gradients]


class MixtureSum(_MixtureOp):
    """Weighted log likelihood (nats) of a mixture, and its gradient in w, μ and the factor."""

    compiled_pass = staticmethod(summed_density)

    def output_types(self, x: Tensor, sample_weight: Tensor, *parameters: Tensor) -> list[Tensor]:
        return [pt.scalar(dtype="float64"), *(v.type() for v in parameters)]

    def infer_shape(self, node: Apply[Any], shapes: list[Any]) -> list[Any]:
        return [(), *shapes[2:]]

    def pullback(self, inputs: Variables, outputs: Variables, cotangents: Variables) -> list[Any]:
        if any(not isinstance(c.type, DisconnectedType) for c in cotangents[1:]):
            return _no_second_derivatives(self, inputs)
        slopes = cotangents[0] * mixture_row_slopes(*inputs)
        gradients = [cotangents[0] * g for g in outputs[1:]]
        return [slopes, _no_gradient(self, inputs[1]), *gradients]


class MixtureRowSlopes(_MixtureOp):
    """Gradient of the weighted log likelihood of a mixture in its rows, (n_obs, n_features)."""

    compiled_pass = staticmethod(row_slopes)

    def output_types(self, x: Tensor, *_: Tensor) -> list[Tensor]:
        return [x.type()]

    def infer_shape(self, node: Apply[Any], shapes: list[Any]) -> list[Any]:
        return [shapes[0]]

    def pullback(self, inputs: Variables, outputs: Variables, cotangents: Variables) -> list[Any]:
        return _no_second_derivatives(self, inputs)


def _no_gradient(op: Op, sample_weight: Tensor) -> Tensor:
    why = "sample_weight of a MarginalMixture must be known, not estimated"
    return grad_not_implemented(op, 1, sample_weight, why)


def _no_second_derivatives(op: Op, inputs: Variables) -> list[Any]:
    why = "second derivatives of a MarginalMixture are not available"
    return [grad_not_implemented(op, i, v, why) for i, v in enumerate(inputs)]


mixture_rows, mixture_sum, mixture_row_slopes = MixtureRows(), MixtureSum(), MixtureRowSlopes()


def _identity(node: Apply[Any]) -> tuple[Any, int]:
    """Compiled: rows → the kernel's coordinates that change nothing; and the version of the code.

    Loops for few features need their number when they are compiled. As PyTensor's cache knows
    nothing of it, it is part of the version.
    """
    x, *_, factor = node.inputs
    d = x.type.shape[1]
    if d is None or isinstance(laid_out(factor.type), Deviations) or d > WIDEST:
        return numba_njit(lambda x: (np.zeros(x.shape[1]), np.ones(x.shape[1]))), VERSION * 10
    identity = (0.0,) * d, (1.0,) * d
    return numba_njit(lambda x: identity), VERSION * 10 + d


@register_funcify_default_op_cache_key(_MixtureOp)
def _funcify(op: _MixtureOp, node: Apply[Any], **kwargs: Any) -> tuple[Any, int]:
    identity, version = _identity(node)
    compiled_pass = op.compiled_pass

    @numba_njit
    def run(x, sample_weight, weights, means, factor):
        return compiled_pass(
            np.ascontiguousarray(x),
            np.ascontiguousarray(sample_weight),
            np.ascontiguousarray(weights),
            np.ascontiguousarray(means),
            np.ascontiguousarray(factor),
            *identity(x),
        )

    return run, version


@register_canonicalize
@node_rewriter([Sum])
def local_sum_of_mixture_rows(fgraph: FunctionGraph, node: Apply[Any]) -> list[Any] | None:
    """Σ_n w_n log p(x_n) → the fused pass, which the gradient shares."""
    rows = node.inputs[0]
    if rows.owner is None or not isinstance(rows.owner.op, MixtureRows):
        return None
    return [mixture_sum.make_node(*rows.owner.inputs).outputs[0]]
