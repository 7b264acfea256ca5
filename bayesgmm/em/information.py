"""Complete-data information: the metric in which EM is gradient ascent with unit steps."""

import numpy as np
from scipy.linalg import block_diag


def complete_information(point):
    """Information about the flat vector if the components of all rows were known, (n_dim, n_dim).

    Block-diagonal: for the weights n (diag(w) − w wᵀ) on the simplex; for the means N_k Σ_k⁻¹; for
    a spread N_k (Σ_{a≥b} E_ab² + Σ_a E_aa²) with E = L⁻¹ dL. Counts are raised by one row, as for
    a weak prior, so that it is positive definite. EM's step is nearly its inverse times the
    gradient [1]_.

    References
    ----------
    .. [1] Xu & Jordan (1996), Neural Computation 8, 129–151.
    """
    nk, parameters = point.moments.nk + 1, point.parameters
    k, d = parameters.means.shape
    weights = nk / nk.sum()
    simplex = np.vstack([np.eye(k - 1), -np.ones(k - 1)])
    inner = nk.sum() * (np.diag(weights) - np.outer(weights, weights))
    structure, factor = parameters.structure, parameters.factor
    precisions = structure.precisions(factor, k, d)
    return block_diag(
        simplex.T @ inner @ simplex,
        *structure.information(factor, nk, d),
        *(count * precision for count, precision in zip(nk, precisions, strict=True)),
    )
