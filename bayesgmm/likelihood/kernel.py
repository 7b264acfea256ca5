"""The compiled pass over the rows: block by block, component by row, releasing the GIL.

Rows are read as ``(x − shift) * inv_scale``, so that parameters may live in centred, scaled
coordinates without a copy of the data. A block's work arrays fit the L2 cache, its rows run
along the fastest axis, and every inner loop is one the compiler turns into vector instructions.
"""

import numpy as np
from numba import types
from numba.extending import overload

from bayesgmm.likelihood.arithmetic import add_log, exponentiate
from bayesgmm.likelihood.few_features import BLOCK, adding, loading, rank, scale, whitening
from bayesgmm.likelihood.many_features import add_moments_many, load_many, whiten_many
from bayesgmm.mixture import Deviations
from bayesgmm.mixture import factor as factors
from bayesgmm.runtime import FAST, compiled, inner, inner_fast

LOG_2PI = np.log(2 * np.pi)


def _load(flat, start, size, shift, inv_scale, rows):
    """Copy a block of rows, centred and scaled, into (feature, row) order."""


def _whiten(factor, shift, rows, size, mean, reduced, log_constant, z, density, highest):
    """z = L⁻¹ (x − μ) of a block, its log density, and the highest one so far."""


def _add_moments(factor, shift, size, density, share, z, s, S):
    """Add a block's weighted first and second moments of z, S on and below its diagonal.

    A row's weight is density · share; returns their sum.
    """


# Which loops a block goes through is settled by types, so that only those are compiled: shift is a
# tuple where features are few, and the factor's class says what it holds.


@overload(_load, jit_options=FAST)
def _load_as(flat, start, size, shift, inv_scale, rows):
    return loading(len(shift)) if isinstance(shift, types.BaseTuple) else load_many


@overload(_whiten, jit_options=FAST)
def _whiten_as(factor, shift, rows, size, mean, reduced, log_constant, z, density, highest):
    if factor.instance_class is Deviations:
        return _whiten_diagonal
    return whitening(len(shift)) if isinstance(shift, types.BaseTuple) else whiten_many


@overload(_add_moments, jit_options=FAST)
def _add_moments_as(factor, shift, size, density, share, z, s, S):
    if factor.instance_class is Deviations:
        return _add_diagonal
    return adding(len(shift)) if isinstance(shift, types.BaseTuple) else add_moments_many


def _whiten_diagonal(factor, shift, rows, size, mean, reduced, log_constant, z, density, highest):
    for i in range(len(mean)):
        origin, pivot = mean[i], reduced[i]
        for b in range(size):
            v = (rows[i * BLOCK + b] - origin) * pivot
            z[i * BLOCK + b] = v
            density[b] = v * v if i == 0 else density[b] + v * v
    rank(log_constant, density, highest, size)


def _add_diagonal(factor, shift, size, density, share, z, s, S):
    total = scale(density, share, size)
    for i in range(len(s)):
        first, second = 0.0, 0.0
        for b in range(size):
            v = density[b] * z[i * BLOCK + b]
            first += v
            second += v * z[i * BLOCK + b]
        s[i] += first
        S[i] += second
    return total


@inner
def _reduce(factor, log_weights, d, reduced, log_constant):
    """What whitening needs of every component, and its log density where z is zero."""
    for k in range(len(log_weights)):
        log_constant[k] = log_weights[k] - 0.5 * d * LOG_2PI
        log_constant[k] += factors.reduce(factor, k, d, reduced[k])


@inner_fast
def _responsibilities(
    shift, rows, size, log_constant, means, factor, reduced, z, density, highest, total
):  # fmt: skip
    """Whiten a block against every component; densities become responsibilities, but for a factor.

    Leaves in ``highest`` every row's largest log density, and in ``total`` what its
    responsibilities are to be divided by.
    """
    for b in range(size):
        highest[b], total[b] = -np.inf, 0.0
    n_components = len(means)
    for k in range(n_components):
        _whiten(
            factor, shift, rows, size, means[k], reduced[k], log_constant[k], z[k], density[k],
            highest,
        )  # fmt: skip
    for k in range(n_components):
        exponentiate(density[k], highest, total, size)


@compiled
def accumulate_moments(x, sample_weight, shift, inv_scale, log_weights, means, factor, nk, s, S):
    """Add the rows' whitened moments to nk, s, S and return their log likelihood (nats).

    S is (n_components, d, d) where features are correlated, else its diagonal (n_components, d).
    ``factor`` is as :mod:`bayesgmm.mixture.structures.factor` has it. ``sample_weight`` has one
    weight for every row, or a single one for all.
    """
    n_obs, d = x.shape
    n_components = len(log_weights)
    flat, rows, z = x.ravel(), np.empty(d * BLOCK), np.empty((n_components, d * BLOCK))
    density, highest = np.empty((n_components, BLOCK)), np.empty(BLOCK)
    total, share, weight = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    reduced = np.empty((n_components, factors.n_reduced(factor, d)))
    log_constant = np.empty(n_components)
    _reduce(factor, log_weights, d, reduced, log_constant)
    log_likelihood = 0.0
    for start in range(0, n_obs, BLOCK):
        size = BLOCK if n_obs - start > BLOCK else n_obs - start
        for b in range(size):
            weight[b] = sample_weight[start + b if len(sample_weight) > 1 else 0]
        _load(flat, start, size, shift, inv_scale, rows)
        _responsibilities(
            shift, rows, size, log_constant, means, factor, reduced, z, density, highest, total
        )  # fmt: skip
        for b in range(size):
            share[b] = weight[b] / total[b]
        add_log(total, size, highest)
        log_likelihood += scale(highest, weight, size)
        for k in range(n_components):
            nk[k] += _add_moments(factor, shift, size, density[k], share, z[k], s[k], S[k])
    factors.complete(factor, S)
    return log_likelihood


@compiled
def fill_rows(x, shift, inv_scale, log_weights, means, factor, log_density, responsibilities):
    """Write every row's log density (n,) and, unless given no columns, responsibilities (n, K)."""
    n_obs, d = x.shape
    n_components = len(log_weights)
    flat, rows, z = x.ravel(), np.empty(d * BLOCK), np.empty((n_components, d * BLOCK))
    density, highest = np.empty((n_components, BLOCK)), np.empty(BLOCK)
    total, log_constant = np.empty(BLOCK), np.empty(n_components)
    reduced = np.empty((n_components, factors.n_reduced(factor, d)))
    _reduce(factor, log_weights, d, reduced, log_constant)
    for start in range(0, n_obs, BLOCK):
        size = BLOCK if n_obs - start > BLOCK else n_obs - start
        _load(flat, start, size, shift, inv_scale, rows)
        _responsibilities(
            shift, rows, size, log_constant, means, factor, reduced, z, density, highest, total
        )  # fmt: skip
        for k in range(responsibilities.shape[1]):
            for b in range(size):
                responsibilities[start + b, k] = density[k, b] / total[b]
        add_log(total, size, highest)
        for b in range(size):
            log_density[start + b] = highest[b]


@inner
def add_fisher_gradient(nk, s, S, factor, g_weights, g_means, g_factor):
    """Add the log likelihood's gradient in log w, μ and the factor, by Fisher's identity.

    ∂ℓ/∂log w_k = N_k, ∂ℓ/∂μ_k = L_k⁻ᵀ s_k, ∂ℓ/∂L_k = tril(L_k⁻ᵀ (S_k − N_k I)); one standard
    deviation has ∂ℓ/∂σ = (S − N) / σ, summed over the features that share it.
    """
    for k in range(len(nk)):
        g_weights[k] += nk[k]
    factors.add_fisher(factor, nk, s, S, g_means, g_factor)
