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
        inverse = np.linalg.inv(factor)
        precision = np.swapaxes(inverse, 1, 2) @ inverse
        counts = nk if len(factor) == k else [nk.sum()]
        for count, block in zip(counts, _spread_information(factor, precision), strict=True):
            put(count * block)
    else:
        precision = np.eye(d) / factor[:, None] ** 2
        # One column may serve several features; a variance of known rows has information N/2.
        put(np.diag(np.repeat(nk, factor.shape[1]) * (d / factor.shape[1]) / 2))
    for count, block in zip(nk, np.broadcast_to(precision, (k, d, d)), strict=True):
        put(count * block)
    return information


def _spread_information(factor, precision):
    """Information of one row about (log L_ii, L_ij), rows of each factor's triangle in turn.

    L⁻¹ dL has one column, the entry's own: that of two entries in one column, rows a and b, is
    (Σ⁻¹)_ab, and a diagonal entry has as much again with itself.
    """
    rows, columns = np.tril_indices(factor.shape[1])
    scale = np.where(rows == columns, factor[:, rows, columns], 1.0)
    shared = np.where(columns[:, None] == columns, precision[:, rows[:, None], rows], 0.0)
    return shared * scale[:, :, None] * scale[:, None] + np.diag(1.0 * (rows == columns))
