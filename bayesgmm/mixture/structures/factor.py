"""What compiled code does with the factor of a spread, whatever its structure.

There a factor is a NamedTuple of one array, and each function here is the method of its name that
the tuple's class has: numba settles by the type which one that is, and compiles no other. ``k`` is
a component, ``d`` the number of features, ``g`` the gradient in the factor, a tuple of the same
class.
"""

from typing import Any

from numba.extending import overload

from bayesgmm.mixture.structures.table import Deviations
from bayesgmm.mixture.structures.triangles import Triangles
from bayesgmm.runtime import generic

LAYOUTS: dict[int, Any] = {3: Triangles, 2: Deviations}
"""The layouts that the pass over the rows knows, by their arrays' number of axes."""


def laid_out(array: Any) -> Any:
    """The factor in an array, for Python and for compiled code."""
    return LAYOUTS[array.ndim](array)


@overload(laid_out)
def _laid_out(array):
    layout = LAYOUTS[array.ndim]
    return lambda array: layout(array)


@generic
def zeros_like(factor):
    """A factor of the same shape, all zeros."""


@generic
def second_moments(factor, n_components, d):
    """Zeros for what a pass adds up of the second moments."""


@generic
def complete(factor, S):
    """Fill in what a pass leaves out of the second moments, by symmetry."""


@generic
def n_reduced(factor, d):
    """How many numbers :func:`reduce` writes."""


@generic
def reduce(factor, k, d, reduced):
    """Write what whitening needs, so that it has no divisions; returns −log |L_k|."""


@generic
def solve(factor, k, v):
    """v ← L_k⁻¹ v."""


@generic
def solve_transposed(factor, k, v):
    """v ← L_k⁻ᵀ v."""


@generic
def times(factor, k, v):
    """v ← L_k v."""


@generic
def times_transposed(factor, k, v):
    """v ← L_kᵀ v."""


@generic
def add_fisher(factor, nk, s, S, g_means, g):
    """Add ∂ℓ/∂μ_k = L_k⁻ᵀ s_k and ∂ℓ/∂L_k = L_k⁻ᵀ (S_k − N_k I), by Fisher's identity."""


@generic
def add_normals(factor, means, centres, kappa, g_means, g):
    """Σ_k log N(μ_k | m_k, Σ_k / κ_k) (nats), but for a constant; adds its gradient.

    Of a component it is −log |L| − ½ κ |u|² with u = L⁻¹ (μ − m), and so ∂/∂μ = −κ L⁻ᵀ u and
    ∂/∂L = tril(κ L⁻ᵀ u uᵀ) − diag(1 / L_ii).
    """


# Coordinates: the unconstrained vector that a structure stands for


@generic
def unpack_spread(factor, y, at):
    """Write the factor whose coordinates begin at ``y[at]``; returns where they end."""


@generic
def pack_spread(factor, y, at):
    """Write the factor's coordinates, from ``y[at]``; returns where they end."""


@generic
def pull_back(factor, g, gradient, at):
    """Write the gradient in the coordinates, from ``gradient[at]``; returns where it ends."""


@generic
def add_spread_jacobian(factor, d, g):
    """Log Jacobian (nats) of the spread in its coordinates; adds its gradient."""


# The conjugate prior


@generic
def add_conjugate(factor, df, scale, g):
    """Log density (nats) of the spread, but for a constant; adds its gradient."""


# EM


@generic
def maximise(factor, moments, count, shift, pull, prior, new):
    """Write to ``new`` the factor that maximises the expected complete log posterior.

    ``moments`` are those of a pass at ``factor``, ``shift`` is the step of the means, ``pull`` what
    is left between them and the prior's, times √κ, ``count`` their number of rows. ``prior`` holds
    pseudodata: ``scatter`` and ``counts``, see the structure, and ``floor`` and ``metric``: if the
    prior is flat, eigenvalues are kept at or above the floor, and a component of count zero keeps
    its factor.
    """


@generic
def is_on_floor(factor, metric, floor):
    """Whether an eigenvalue relative to metric · metricᵀ is at or below the floor."""
