"""A single labelling, and what each component of a draw costs in each of its places."""

import numpy as np

from bayesgmm.draws import Reading, names
from bayesgmm.labels.stephens_sweeps import MAX_THREADS, Load
from bayesgmm.mixture import MixtureParameters
from bayesgmm.runtime import in_order, progress_bar

PAIR_BYTES = 64 * 2**20
"""Memory for divergences of one block of draws from the MAP, component by component."""


def pivot_of(drawn: Reading) -> MixtureParameters | None:
    """The MAP as a single draw; without one the draw of highest log posterior, or None."""
    if drawn.map is not None:
        return drawn.map[None]
    statistics = drawn.group(names.STATISTICS)
    if names.LP not in statistics:
        return None
    lp = statistics[names.LP].transpose(*names.LEAD).values.ravel()
    return drawn.parameters[np.nanargmax(lp)][None]


def parameter_costs(draws: MixtureParameters, pivot: MixtureParameters) -> np.ndarray:
    """costs[s, j, c] (nats): divergence of component j of draw s from the pivot's component c."""
    k, d = draws.means.shape[1:]
    weights, means = pivot.weights[0], pivot.means[0]
    lower = np.linalg.cholesky(pivot.covariances[0])
    log_det = _log_det(lower)
    size = max(1, PAIR_BYTES // (8 * k * k * d * d))
    parts = []
    for start in range(0, len(draws), size):
        some = draws[start : start + size]
        theirs = np.linalg.cholesky(some.covariances)
        whiten = np.linalg.inv(theirs)
        spread = ((whiten[:, :, None] @ lower) ** 2).sum(axis=(3, 4))
        apart = some.means[:, :, None] - means
        distance = (np.einsum("sjab,sjcb->sjca", whiten, apart) ** 2).sum(axis=3)
        normal = 0.5 * (spread + distance - d + _log_det(theirs)[:, :, None] - log_det)
        parts.append(weights * (pivot.log_weights[0] - some.log_weights[:, :, None] + normal))
    return np.concatenate(parts)


def _log_det(lower: np.ndarray) -> np.ndarray:
    return 2 * np.log(np.diagonal(lower, axis1=-2, axis2=-1)).sum(axis=-1)


def mismatches(
    blocks: list[slice],
    load: Load[slice],
    draws: MixtureParameters,
    clustering: np.ndarray,
    show: bool,
) -> np.ndarray:
    """costs[s, j, c]: expected rows of the pivot's cluster c outside component j of draw s."""
    k = draws.n_components
    member = np.eye(k)[clustering]

    def work(block: slice) -> np.ndarray:
        p, weight = load(block)
        inside = member[block] * weight[:, None]
        outside: np.ndarray = inside.sum(axis=0) - np.swapaxes(p, 1, 2) @ inside
        return outside

    parts = in_order(work, progress_bar(blocks, "relabelling: pivot", show), MAX_THREADS)
    return sum(parts, np.zeros((len(draws), k, k)))
