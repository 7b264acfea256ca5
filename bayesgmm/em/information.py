"""Complete-data information: the metric in which EM is gradient ascent with unit steps."""

import numpy as np


def complete_information(objective, point):
    """Information about the flat vector if the components of all rows were known, (n_dim, n_dim).

    Block-diagonal: for the weights n (diag(w) − w wᵀ) on the simplex; for the means N_k Σ_k⁻¹; for
    a spread N_k (Σ_{a≥b} E_ab² + Σ_a E_aa²) with E = L⁻¹ dL. Counts are raised by one row, as for
    a weak prior, so that it is positive definite. EM's step is nearly its inverse times the
    gradient [1]_.

    References
    ----------
    .. [1] Xu & Jordan (1996), Neural Computation 8, 129–151.
    """
    nk = point.moments.nk + 1
    factor = point.parameters.factor
    k, d = objective.n_components, objective.n_features
    information = np.zeros((len(point.y), len(point.y)))
    at = 0

    def put(block):
        nonlocal at
        information[at : at + len(block), at : at + len(block)] = block
        at += len(block)

    weights = nk / nk.sum()
    simplex = np.vstack([np.eye(k - 1), -np.ones(k - 1)])
    put(simplex.T @ (nk.sum() * (np.diag(weights) - np.outer(weights, weights))) @ simplex)
    if factor.ndim == 3:
        inverses = list(np.linalg.inv(factor))
        counts = nk if len(factor) == k else [nk.sum()]
        for lower, inverse, count in zip(factor, inverses, counts, strict=True):
            put(count * _spread_information(lower, inverse))
    else:
        inverses = [np.diag(np.broadcast_to(1 / sd, (d,))) for sd in factor]
        # One column may serve several features; a variance of known rows has information N/2.
        put(np.diag(np.repeat(nk, factor.shape[1]) * (d / factor.shape[1]) / 2))
    for component in range(k):
        inverse = inverses[min(component, len(inverses) - 1)]
        put(nk[component] * inverse.T @ inverse)
    return information


def _spread_information(lower, inverse):
    """Information of one row about (log L_ii, L_ij) of one factor, rows of the triangle in turn."""
    d = len(lower)
    rows, columns = np.tril_indices(d)
    change = np.zeros((len(rows), d, d))
    scale = np.where(rows == columns, lower[rows, columns], 1.0)
    change[np.arange(len(rows)), :, columns] = inverse[:, rows].T * scale[:, None]
    weighted = change * (np.tril(np.ones((d, d))) + np.eye(d))
    return np.tensordot(change, weighted, axes=([1, 2], [1, 2]))
