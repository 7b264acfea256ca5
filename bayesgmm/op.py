"""PyTensor Ops over the compiled pass: row-wise log density, and its sum with the gradient.

A rewrite turns the sum of the first into the second, whose gradient reuses the moments of the
forward pass: value and gradient cost one pass over the rows. May not import ArviZ.
"""

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType, grad_not_implemented
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_default_op_cache_key
from pytensor.tensor.math import Sum
from pytensor.tensor.rewriting.basic import register_canonicalize

from bayesgmm.cache import sources
from bayesgmm.compiled import inner
from bayesgmm.likelihood import kernel
from bayesgmm.likelihood.bands import WIDEST, coordinates

# PyTensor caches machine code by class and version only: any change of the sources is a new one.
VERSION = int.from_bytes(sources()[:4])


@inner
def summed_density(x, sample_weight, log_weights, means, factor, shift, inv_scale):
    """Log likelihood (nats) and its gradient in log w, μ and the factor, in one pass."""
    n_components, d = means.shape
    nk, s = np.zeros(n_components), np.zeros((n_components, d))
    if factor.ndim == 3:
        S = np.zeros((n_components, d, d))
    else:
        S = np.zeros((n_components, d))
    log_likelihood = kernel.accumulate_moments(
        x, sample_weight, shift, inv_scale, log_weights, means, factor, nk, s, S
    )
    g_weights, g_means = np.zeros(n_components), np.zeros((n_components, d))
    g_factor = np.zeros(factor.shape)
    kernel.add_fisher_gradient(nk, s, S, factor, g_weights, g_means, g_factor)
    return log_likelihood, g_weights, g_means, g_factor


@inner
def weighted_rows(x, sample_weight, log_weights, means, factor, shift, inv_scale):
    """Log density of every row (nats) times its weight."""
    log_density, nothing = np.empty(len(x)), np.empty((len(x), 0))
    kernel.fill_rows(x, shift, inv_scale, log_weights, means, factor, log_density, nothing)
    return log_density * sample_weight


class _MixtureOp(Op):
    """Inputs: x (n, d), sample_weight (n,), log_weights (K,), means (K, d), and the factor, in the
    layout of :mod:`bayesgmm.structure`."""

    __props__ = ()

    def make_node(self, *inputs):
        tensors = [pt.as_tensor_variable(v).astype("float64") for v in inputs]
        return Apply(self, tensors, self.output_types(*tensors))

    def output_types(self, *inputs):
        raise NotImplementedError


class MixtureRows(_MixtureOp):
    """Log density (nats) of every row of a Gaussian mixture, times the row's weight."""

    def output_types(self, x, *_):
        return [pt.vector(dtype="float64", shape=(x.type.shape[0],))]

    def infer_shape(self, node, shapes):
        return [(shapes[0][0],)]

    def perform(self, node, inputs, outputs):
        outputs[0][0] = weighted_rows(*_arguments(inputs))

    def pullback(self, inputs, outputs, cotangents):
        x, sample_weight, *parameters = inputs
        # The gradient of Σ_n c_n log p(x_n) is that of the weighted log likelihood.
        weight = sample_weight * cotangents[0]
        gradients = mixture_sum.make_node(x, weight, *parameters).outputs[1:]
        return [*_no_gradient(self, x, sample_weight), *gradients]


class MixtureSum(_MixtureOp):
    """Weighted log likelihood (nats) of a mixture, and its gradient in log w, μ and the factor."""

    def output_types(self, x, sample_weight, *parameters):
        return [pt.scalar(dtype="float64"), *(v.type() for v in parameters)]

    def infer_shape(self, node, shapes):
        return [(), *shapes[2:]]

    def perform(self, node, inputs, outputs):
        results = summed_density(*_arguments(inputs))
        for storage, result in zip(outputs, results, strict=True):
            storage[0] = np.asarray(result)

    def pullback(self, inputs, outputs, cotangents):
        x, sample_weight, *parameters = inputs
        if any(not isinstance(c.type, DisconnectedType) for c in cotangents[1:]):
            why = "second derivatives of a MarginalMixture are not available"
            pairs = enumerate(parameters, start=2)
            gradients = [grad_not_implemented(self, i, v, why) for i, v in pairs]
        else:
            gradients = [cotangents[0] * g for g in outputs[1:]]
        return [*_no_gradient(self, x, sample_weight), *gradients]


def _no_gradient(op, x, sample_weight):
    why = "the rows of a MarginalMixture must be observed, not estimated"
    return grad_not_implemented(op, 0, x, why), grad_not_implemented(op, 1, sample_weight, why)


mixture_rows, mixture_sum = MixtureRows(), MixtureSum()


def _arguments(inputs):
    x, *rest = map(np.ascontiguousarray, inputs)
    d = x.shape[1]
    return x, *rest, *coordinates(np.zeros(d), np.ones(d), rest[-1].ndim == 3)


def _identity(node):
    """Compiled: rows → the kernel's coordinates that change nothing; and the version of the code.

    Loops for few features need their number when they are compiled. As PyTensor's cache knows
    nothing of it, it is part of the version.
    """
    x, *_, factor = node.inputs
    d = x.type.shape[1]
    if d is None or factor.type.ndim == 2 or d > WIDEST:
        return numba_njit(lambda x: (np.zeros(x.shape[1]), np.ones(x.shape[1]))), VERSION * 10
    identity = coordinates(np.zeros(d), np.ones(d), matrix=True)
    return numba_njit(lambda x: identity), VERSION * 10 + d


@register_funcify_default_op_cache_key(MixtureRows)
def _funcify_rows(op, node, **kwargs):
    identity, version = _identity(node)

    @numba_njit
    def rows(x, sample_weight, log_weights, means, factor):
        return weighted_rows(
            np.ascontiguousarray(x),
            np.ascontiguousarray(sample_weight),
            np.ascontiguousarray(log_weights),
            np.ascontiguousarray(means),
            np.ascontiguousarray(factor),
            *identity(x),
        )

    return rows, version


@register_funcify_default_op_cache_key(MixtureSum)
def _funcify_sum(op, node, **kwargs):
    identity, version = _identity(node)

    @numba_njit
    def summed(x, sample_weight, log_weights, means, factor):
        value, g_weights, g_means, g_factor = summed_density(
            np.ascontiguousarray(x),
            np.ascontiguousarray(sample_weight),
            np.ascontiguousarray(log_weights),
            np.ascontiguousarray(means),
            np.ascontiguousarray(factor),
            *identity(x),
        )
        return np.asarray(value), g_weights, g_means, g_factor

    return summed, version


@register_canonicalize
@node_rewriter([Sum])
def local_sum_of_mixture_rows(fgraph, node):
    """Σ_n w_n log p(x_n) → the fused pass, which the gradient shares."""
    rows = node.inputs[0]
    if rows.owner is None or not isinstance(rows.owner.op, MixtureRows):
        return None
    return [mixture_sum.make_node(*rows.owner.inputs).outputs[0]]
