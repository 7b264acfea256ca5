"""The compiled pass over the rows: block by block, component by row, releasing the GIL.

A block's work arrays fit the L2 cache, its rows run along the fastest axis, and every inner loop is
one the compiler turns into vector instructions.
"""

import numpy as np
from numba import types
from numba.extending import overload

from bayesgmm.likelihood.arithmetic import add_log, exponentiate
from bayesgmm.likelihood.evidence import protocol as observed
from bayesgmm.likelihood.few_features import BLOCK, adding, rank, scale, whitening
from bayesgmm.likelihood.many_features import add_moments_many, whiten_many
from bayesgmm.mixture import Deviations, family
from bayesgmm.mixture import factor as factors
from bayesgmm.runtime import FAST, compiled, inner, inner_fast


def _whiten(kinds, rows, size, mean, reduced, log_constant, z, density, highest):
    """z = L⁻¹ (x − μ) of a block, its log density, and the highest one so far."""


def _add_moments(kinds, size, density, share, z, s, S):
    """Add a block's weighted first and second moments of z, S on and below its diagonal.

    A row's weight is density · share; returns their sum.
    """


# Which loops a block goes through is settled by types, so that only those are compiled: those of
# ``kinds``, the rows' shift, the mixture's factor and its family. Of whole records every array
# would be counted as referred to, at every call.


@overload(_whiten, jit_options=FAST)
def _whiten_as(kinds, rows, size, mean, reduced, log_constant, z, density, highest):
    shift, factor, _ = kinds
    if factor.instance_class is Deviations:
        return _whiten_diagonal
    return whitening(len(shift)) if isinstance(shift, types.BaseTuple) else whiten_many


@overload(_add_moments, jit_options=FAST)
def _add_moments_as(kinds, size, density, share, z, s, S):
    shift, factor, _ = kinds
    if factor.instance_class is Deviations:
        return _add_diagonal
    return adding(len(shift)) if isinstance(shift, types.BaseTuple) else add_moments_many


def _whiten_diagonal(kinds, rows, size, mean, reduced, log_constant, z, density, highest):
    for i in range(len(mean)):
        origin, pivot = mean[i], reduced[i]
        for b in range(size):
            v = (rows[i * BLOCK + b] - origin) * pivot
            z[i * BLOCK + b] = v
            density[b] = v * v if i == 0 else density[b] + v * v
    rank(kinds[2], log_constant, density, highest, size)


def _add_diagonal(kinds, size, density, share, z, s, S):
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
def _reduced(mixture):
    """What whitening needs of every component, and its log density where z is zero."""
    (n_components, d), factor = mixture.means.shape, mixture.factor
    reduced = np.empty((n_components, factors.n_reduced(factor, d)))
    log_constant = np.empty(n_components)
    for k in range(n_components):
        log_constant[k] = mixture.log_weights[k] + family.log_normaliser(mixture.family, d)
        log_constant[k] += factors.reduce(factor, k, d, reduced[k])
    return reduced, log_constant


@inner
def _room(n_components, d):
    """Work arrays of a block: its rows, and z, density, highest and total."""
    return (
        np.empty(d * BLOCK), np.empty((n_components, d * BLOCK)), np.empty((n_components, BLOCK)),
        np.empty(BLOCK), np.empty(BLOCK),
    )  # fmt: skip


@inner_fast
def _responsibilities(
    kinds, means, size, reduced, log_constant, rows, z, density, highest, total
):  # fmt: skip
    """Whiten a block against every component; densities become responsibilities, but for a factor.

    Leaves in ``highest`` every row's largest log density, and in ``total`` what its
    responsibilities are to be divided by.
    """
    for b in range(size):
        highest[b], total[b] = -np.inf, 0.0
    for k in range(len(means)):
        _whiten(kinds, rows, size, means[k], reduced[k], log_constant[k], z[k], density[k], highest)
    for k in range(len(means)):
        exponentiate(density[k], highest, total, size)


@compiled
def accumulate_moments(evidence, mixture, nk, s, S):
    """Add the rows' whitened moments to nk, s, S and return their log likelihood (nats).

    ``evidence`` is as :mod:`bayesgmm.likelihood.evidence.protocol` has it, ``mixture`` is
    ``Components``. Arrays are filled, not returned: Ctrl-C while numba makes an object of Python
    would be lost, or end the process.
    """
    n_components, d = mixture.means.shape
    rows, z, density, highest, total = _room(n_components, d)
    share, weight = np.empty(BLOCK), np.empty(BLOCK)
    reduced, log_constant = _reduced(mixture)
    kinds = evidence.shift, mixture.factor, mixture.family
    n_obs, log_likelihood = observed.n_rows(evidence, d), 0.0
    for start in range(0, n_obs, BLOCK):
        size = BLOCK if n_obs - start > BLOCK else n_obs - start
        observed.load(evidence, start, size, rows)
        _responsibilities(
            kinds, mixture.means, size, reduced, log_constant, rows, z, density, highest, total
        )
        observed.weigh(evidence, start, size, weight)
        for b in range(size):
            share[b] = weight[b] / total[b]
        add_log(total, size, highest)
        log_likelihood += scale(highest, weight, size)
        for k in range(n_components):
            nk[k] += _add_moments(kinds, size, density[k], share, z[k], s[k], S[k])
    factors.complete(mixture.factor, S)
    return log_likelihood


@compiled
def fill_rows(evidence, mixture, log_density, responsibilities):
    """Write every row's log density (n,) and, unless given no columns, responsibilities (n, K)."""
    n_components, d = mixture.means.shape
    rows, z, density, highest, total = _room(n_components, d)
    reduced, log_constant = _reduced(mixture)
    kinds = evidence.shift, mixture.factor, mixture.family
    n_obs = observed.n_rows(evidence, d)
    for start in range(0, n_obs, BLOCK):
        size = BLOCK if n_obs - start > BLOCK else n_obs - start
        observed.load(evidence, start, size, rows)
        _responsibilities(
            kinds, mixture.means, size, reduced, log_constant, rows, z, density, highest, total
        )
        for k in range(responsibilities.shape[1]):
            for b in range(size):
                responsibilities[start + b, k] = density[k, b] / total[b]
        add_log(total, size, highest)
        for b in range(size):
            log_density[start + b] = highest[b]


@inner
def add_fisher_gradient(moments, mixture, gradient):
    """Add the log likelihood's gradient in log w, μ and the factor, by Fisher's identity.

    ∂ℓ/∂log w_k = N_k, ∂ℓ/∂μ_k = L_k⁻ᵀ s_k, ∂ℓ/∂L_k = tril(L_k⁻ᵀ (S_k − N_k I)); one standard
    deviation has ∂ℓ/∂σ = (S − N) / σ, summed over the features that share it.
    """
    for k in range(len(moments.nk)):
        gradient.log_weights[k] += moments.nk[k]
    factors.add_fisher(
        mixture.factor, moments.nk, moments.s, moments.S, gradient.means, gradient.factor
    )
