"""The conjugate prior's mode given the moments of one pass: the M-step of EM."""

import numpy as np

from bayesgmm.mixture import structure_named


def conjugate_mode(moments, means, factor, covariance, prior, metric):
    """The (w, μ, Σ) that maximise the expected complete log posterior.

    Maximises the joint density of (w, μ, Σ), no transform's Jacobian: the spread of a full
    structure is divided by ν + N_k + d + 2. With a flat prior this is maximum likelihood, and
    eigenvalues are kept at or above ``FLOOR``, which is then the exact constrained maximum; where
    volumes of proportional matrices meet it, a point no lower than the last.
    A component without rows goes to the prior's mode, or stays where it is if the prior is flat.

    Parameters
    ----------
    moments : MixtureMoments
        Whitened moments of the rows at (means, factor).
    means : float64 array, shape (n_components, n_features)
    factor : float64 array
        In the layout of the structure, or one that broadcasts to it.
    covariance : str
        The structure.
    prior : NormalInverseWishart or None
        Resolved; None is flat.
    metric : float64 array, shape (n_features, n_features)
        Lower Cholesky factor of the covariance that ``FLOOR`` is relative to, of unit diagonal.

    Returns
    -------
    weights, means, factor : as given.

    References
    ----------
    .. [1] Fraley & Raftery (2007), Journal of Classification 24, 155–181.
    .. [2] Gauvain & Lee (1994), IEEE Trans. Speech and Audio Processing 2, 291–298.
    """
    structure, nk, flat = structure_named(covariance), moments.nk, prior is None
    prior = None if flat else prior.by_component
    kappa = np.zeros(len(nk)) if flat else prior.mean_concentration
    extra = 0.0 if flat else prior.concentration - 1
    held, count = np.ones(len(nk), dtype=bool), nk
    if flat:
        # A component that holds nothing keeps its place. Its count is replaced by one only where it
        # would divide zero by zero.
        held = nk > 1e-10 * nk.sum()
        count = np.where(held, nk, 1.0)

    weights = np.maximum(nk + extra, 1e-16 * nk.sum())
    weights /= weights.sum()

    pull = 0.0 if flat else kappa[:, None] * (prior.mean - means)
    step = structure.times(factor, moments.s)
    new_means = means + (pull + step) / (kappa + count)[:, None]
    scatter = structure.scatter(moments, factor, new_means - means)
    if not flat:
        scatter = scatter + structure.square(np.sqrt(kappa)[:, None] * (new_means - prior.mean))
    nk = nk if structure.shared else count
    blocks = structure.conjugate_mode(scatter, nk, prior, factor, held, metric)
    if flat and not held.all():
        blocks = structure.kept(blocks, factor, held)
    return weights, new_means, structure.from_blocks(blocks)
