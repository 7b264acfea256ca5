"""The conjugate prior's mode given the moments of one pass: the M-step of EM."""

import numpy as np

from bayesgmm.structure import factor_from_spread

FLOOR = 1e-6
"""Smallest eigenvalue of a maximum likelihood spread, relative to the covariance of the rows."""


def conjugate_mode(moments, means, factor, covariance, prior, metric):
    """The (w, μ, Σ) that maximise the expected complete log posterior.

    Maximises the joint density of (w, μ, Σ), no transform's Jacobian: the spread of a full
    structure is divided by ν + N_k + d + 2. With a flat prior this is maximum likelihood, and
    eigenvalues are kept at or above ``FLOOR``, which is then the exact constrained maximum.
    A component without rows goes to the prior's mode, or stays where it is if the prior is flat.

    Parameters
    ----------
    moments : MixtureMoments
        Whitened moments of the rows at (means, factor).
    means : float64 array, shape (n_components, n_features)
    factor : float64 array
        In the layout of :mod:`bayesgmm.structure`.
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
    nk, d = moments.nk, means.shape[1]
    flat = prior is None
    prior = None if flat else prior.by_component
    kappa = np.zeros(len(nk)) if flat else prior.mean_concentration
    extra = 0.0 if flat else prior.concentration - 1
    # Flat: a component that holds nothing keeps its place. Its count is replaced by one only where
    # it would divide zero by zero.
    held = nk > 1e-10 * nk.sum()
    count = np.where(held | (not flat), nk, 1.0)

    weights = np.maximum(nk + extra, 1e-16 * nk.sum())
    weights /= weights.sum()

    lower = factor[:, None, :] * np.eye(d) if factor.ndim == 2 else factor
    step = np.squeeze(lower @ moments.s[..., None], -1)
    pull = 0.0 if flat else kappa[:, None] * (prior.mean - means)
    new_means = means + (pull + step) / (kappa + count)[:, None]
    shift = new_means - means
    offset = np.zeros(d) if flat else new_means - prior.mean

    if factor.ndim == 3:
        # Scatter about the new means, L (S − s tᵀ − t sᵀ + N t tᵀ) Lᵀ with t = L⁻¹ shift.
        t = np.linalg.solve(lower, shift[..., None])[..., 0]
        cross = moments.s[:, :, None] * t[:, None, :]
        core = moments.S - cross - np.swapaxes(cross, 1, 2)
        core += nk[:, None, None] * t[:, :, None] * t[:, None, :]
        scatter = lower @ core @ np.swapaxes(lower, 1, 2)
        if not flat:
            pulled = kappa[:, None] * offset
            scatter = scatter + pulled[:, :, None] * offset[:, None, :]
    else:
        t = shift / factor
        scatter = factor**2 * (moments.S - 2 * moments.s * t + nk[:, None] * t**2)
        if not flat:
            scatter = scatter + kappa[:, None] * offset**2
    spread = _spread_mode(scatter, count, covariance, prior, d)
    if flat:
        spread = _floored(spread, covariance, metric)
        if not held.all() and covariance != "tied":
            before = factor @ np.swapaxes(factor, 1, 2) if factor.ndim == 3 else factor**2
            before = before[:, 0] if covariance == "spherical" else before
            spread[~held] = before[~held]
    return weights, new_means, factor_from_spread(spread, covariance)


def _spread_mode(scatter, nk, covariance, prior, d):
    n_components = len(nk)
    psi = np.zeros((n_components, d, d)) if prior is None else prior.scale
    if covariance == "full":
        more = 0 if prior is None else prior.df + d + 2
        return (psi + scatter) / (nk + more)[:, None, None]
    if covariance == "tied":
        more = 0 if prior is None else prior.df[0] + d + 1 + n_components
        return (psi[0] + scatter.sum(axis=0)) / (nk.sum() + more)
    diagonal = np.diagonal(psi, axis1=1, axis2=2)
    if covariance == "diag":
        more = 0 if prior is None else prior.df + 3
        return (diagonal + scatter) / (nk + more)[:, None]
    more = 0 if prior is None else prior.df + d + 2
    return (diagonal.mean(axis=1) + scatter.sum(axis=1)) / (d * nk + more)


def _floored(spread, covariance, metric):
    if covariance not in ("full", "tied"):
        return np.maximum(spread, FLOOR)
    try:
        np.linalg.cholesky(spread - FLOOR * metric @ metric.T)
        return spread
    except np.linalg.LinAlgError:
        whitened = np.linalg.solve(metric, np.swapaxes(np.linalg.solve(metric, spread), -1, -2))
    values, vectors = np.linalg.eigh(whitened)
    root = metric @ vectors * np.sqrt(np.maximum(values, FLOOR))[..., None, :]
    return root @ np.swapaxes(root, -1, -2)
