"""Rows under many mixtures, such as draws: log densities and responsibilities, by the block."""

import numpy as np

from bayesgmm.data import Evidence
from bayesgmm.likelihood.evidence import CompleteRows
from bayesgmm.likelihood.kernel import fill_rows
from bayesgmm.mixture import Components, Gaussian, MixtureParameters, laid_out
from bayesgmm.runtime import compiled

BLOCK_BYTES = 64 * 2**20
"""Memory for one block of responsibilities, over all draws."""


def row_blocks(draws: MixtureParameters, n_obs: int) -> list[slice]:
    """Slices of n_obs rows whose responsibilities under all draws fit the memory bound."""
    size = max(1, BLOCK_BYTES // (8 * len(draws) * draws.n_components))
    return [slice(i, min(i + size, n_obs)) for i in range(0, n_obs, size)]


def row_densities(draws: MixtureParameters, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log density and responsibilities of rows under every draw.

    Parameters
    ----------
    draws : MixtureParameters
        With one leading axis, (n_draws,).
    x : float64 array, shape (n, n_features)
        Rows, in the data's units; a block of them, see :func:`row_blocks`.

    Returns
    -------
    log_density : (n_draws, n), in nats.
    responsibilities : (n_draws, n, n_components)
    """
    log_density = np.empty((len(draws), len(x)))
    table = np.empty((len(draws), len(x), draws.n_components))
    rows = CompleteRows.of(Evidence.of(x), draws.structure.correlated)
    parameters = (draws.log_weights, draws.means, draws.factor)
    _fill_draws(rows, *map(np.ascontiguousarray, parameters), log_density, table)
    return log_density, table


@compiled
def _fill_draws(rows, log_weights, means, factor, log_density, table):
    for s in range(len(means)):
        mixture = Components(log_weights[s], means[s], laid_out(factor[s]), Gaussian())
        fill_rows(rows, mixture, log_density[s], table[s])
