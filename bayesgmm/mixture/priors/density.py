"""The log density of a prior in compiled code, and what follows from its numbers.

Densities are of (w, μ, Σ), the spread itself, whatever coordinates a caller works in.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import gammaln

from bayesgmm.mixture.families.gaussian import LOG_2PI as LOG_2PI
from bayesgmm.mixture.parameters import Components, zeros_like
from bayesgmm.mixture.priors.protocol import Prior
from bayesgmm.mixture.structures import Structure
from bayesgmm.runtime import generic, inner


class Flat(NamedTuple):
    """No prior, in compiled code."""

    concentration: np.ndarray
    """(n_components,), ones."""

    def add_log_density(self, mixture, gradient):
        return 0.0


@generic
def add_log_density(numbers, mixture, gradient):
    """Log prior density (nats) of a mixture; adds its gradient in log w, μ and the factor.

    ``numbers`` are a resolved prior's in compiled code; ``mixture`` and ``gradient`` are
    ``Components``.
    """


@inner
def add_log_prior(numbers, mixture, gradient):
    """:func:`add_log_density`, for Python to call."""
    return add_log_density(numbers, mixture, gradient)


@inner
def add_dirichlet(concentration, log_weights, g_weights):
    """Log density (nats) of the weights, but for a constant; adds its gradient in log w."""
    value = 0.0
    for k in range(len(log_weights)):
        value += (concentration[k] - 1) * log_weights[k]
        g_weights[k] += concentration[k] - 1
    return value


def dirichlet_normaliser(concentration: np.ndarray) -> float:
    """Log of the constant of a Dirichlet's density (nats)."""
    return float(gammaln(concentration.sum()) - gammaln(concentration).sum())


def prior_numbers(
    prior: Prior | None, structure: Structure, n_components: int, n_features: int
) -> Any:
    """A resolved prior in compiled code, for one structure; ``prior=None`` is flat."""
    if prior is None:
        return Flat(np.ones(n_components))
    return prior.numbers(structure, n_components, n_features)


def exchangeable_groups(numbers: Any) -> np.ndarray:
    """A number for every component, (n_components,): the same where the prior's numbers are."""
    k = len(numbers.concentration)
    by_component = [v.reshape(k, -1) for v in numbers if np.ndim(v) and len(v) == k]
    return np.unique(np.hstack(by_component), axis=0, return_inverse=True)[1]


def gains_of_places(
    log_weights: np.ndarray,
    means: np.ndarray,
    factor: np.ndarray,
    structure: Structure,
    numbers: Any,
) -> np.ndarray:
    """[j, c] (nats): what component j adds to the log prior if c, but for a constant of c."""
    k = len(log_weights)

    def of(values: Any, i: int) -> Any:
        return values[i : i + 1] if np.ndim(values) and len(values) == k else values

    gains = np.empty((k, k))
    for c in range(k):
        numbers_of_c = type(numbers)(*(of(v, c) for v in numbers))
        for j in range(k):
            parts = of(log_weights, j), of(means, j), structure.kind(of(factor, j))
            alone = Components(*parts)
            gains[j, c] = add_log_prior(numbers_of_c, alone, zeros_like(alone))
    return gains
