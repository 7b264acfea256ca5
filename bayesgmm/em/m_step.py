"""The conjugate prior's mode given the moments of one pass: the M-step of EM, in compiled code."""

from typing import Any, NamedTuple

import numpy as np

from bayesgmm.mixture import FLOOR, NormalInverseWishart, Structure, factor
from bayesgmm.runtime import inner


class Pseudodata(NamedTuple):
    """A conjugate prior as what it adds to the sums over completed rows; zeros if flat."""

    weights: np.ndarray
    """(n_components,), α − 1."""
    mean: np.ndarray
    """(n_components, n_features), m."""
    kappa: np.ndarray
    """(n_components,), κ."""
    scatter: np.ndarray
    """In the layout of the factor; see ``Structure.pseudodata``."""
    counts: np.ndarray
    """Of every block, or row, of the factor."""
    floor: float
    """Smallest eigenvalue allowed; 0 unless the prior is flat."""
    metric: np.ndarray | None
    """(n_features, n_features), lower Cholesky factor of what eigenvalues are relative to.

    None unless the prior is flat: then code for it is not compiled.
    """

    @classmethod
    def of(
        cls,
        prior: NormalInverseWishart | None,
        structure: Structure,
        n_components: int,
        metric: np.ndarray,
    ) -> "Pseudodata":
        """Those of a resolved prior, or of None if it is flat."""
        k, d = n_components, len(metric)
        if prior is None:
            shape = structure.factor_shape(k, d)
            none = np.zeros(k)
            means, spread = np.zeros((k, d)), np.zeros(shape)
            return cls(none, means, none, spread, np.zeros(shape[0]), FLOOR, metric)
        numbers: Any = prior.by_component
        scatter, counts = structure.pseudodata(numbers)
        return cls(
            numbers.concentration - 1.0, numbers.mean, numbers.mean_concentration,
            np.ascontiguousarray(scatter), counts, 0.0, None,
        )  # fmt: skip


@inner
def m_step(moments, mixture, prior, new):
    """Write the (w, μ, Σ) that maximise the expected complete log posterior.

    Maximises the joint density of (w, μ, Σ), no transform's Jacobian: the spread of a full
    structure is divided by ν + N_k + d + 2. With a flat prior this is maximum likelihood, and
    eigenvalues are kept at or above the floor, which is then the exact constrained maximum; where
    volumes of proportional matrices meet it, a point no lower than the last.
    A component without rows goes to the prior's mode, or stays where it is if the prior is flat.

    Parameters
    ----------
    moments : MixtureMoments
        Whitened moments of the rows at ``mixture``.
    mixture, new : Components
    prior : Pseudodata

    References
    ----------
    .. [1] Fraley & Raftery (2007), Journal of Classification 24, 155–181.
    .. [2] Gauvain & Lee (1994), IEEE Trans. Speech and Audio Processing 2, 291–298.
    """
    n_components, d = mixture.means.shape
    shift, pull = np.empty((n_components, d)), np.empty((n_components, d))
    count, rows, weights = np.empty(n_components), 0.0, 0.0
    for k in range(n_components):
        rows += moments.nk[k]
    for k in range(n_components):
        n, kappa = moments.nk[k], prior.kappa[k]
        weight = max(n + prior.weights[k], 1e-16 * rows)
        new.log_weights[k] = weight
        weights += weight
        # If the prior is flat, a component that holds nothing keeps its place.
        count[k] = n if kappa > 0 or n > 1e-10 * rows else 0.0
        step = shift[k]
        for i in range(d):
            step[i] = moments.s[k, i]
        factor.times(mixture.factor, k, step)
        for i in range(d):
            step[i] += kappa * (prior.mean[k, i] - mixture.means[k, i])
            step[i] /= kappa + (count[k] if count[k] > 0 else 1.0)
            new.means[k, i] = mixture.means[k, i] + step[i]
            pull[k, i] = np.sqrt(kappa) * (new.means[k, i] - prior.mean[k, i])
    for k in range(n_components):
        new.log_weights[k] = np.log(new.log_weights[k] / weights)
    factor.maximise(mixture.factor, moments, count, shift, pull, prior, new.factor)
