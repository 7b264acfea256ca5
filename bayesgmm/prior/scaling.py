"""Location and scale of the rows: what the default prior and the starts of EM are scaled by."""

import numpy as np

CHUNK = 65_536


def location_and_covariance(x, sample_weight):
    """Weighted column means and covariance (ddof = 1) of the rows, streamed in two passes.

    Parameters
    ----------
    x : float64 array, shape (n_obs, n_features)
    sample_weight : float64 array, shape (n_obs,)
        How many times each row counts.

    Returns
    -------
    mean : (n_features,), in the data's units.
    covariance : (n_features, n_features), in the data's squared units.

    Raises
    ------
    ValueError
        The weights sum to 1 or less, so that no variance can be estimated from them.
    """
    total = sample_weight.sum()
    if total <= 1:
        raise ValueError(
            "sample_weight must say how many times each row counts, so that a scale can be "
            f"estimated from the rows; it sums to {total:.6g}. "
            "Try weights with mean 1, or give the prior every parameter."
        )
    blocks = [slice(i, i + CHUNK) for i in range(0, len(x), CHUNK)]
    # A provisional centre keeps the digits of data that sit far from zero.
    centre = np.array(x[0])
    mean = centre + sum(sample_weight[b] @ (x[b] - centre) for b in blocks) / total
    scatter = np.zeros((x.shape[1], x.shape[1]))
    for b in blocks:
        centred = x[b] - mean
        scatter += (centred * sample_weight[b, None]).T @ centred
    return mean, scatter / (total - 1)


def well_conditioned(covariance):
    """The covariance itself, or its diagonal where its features are collinear.

    Collinearity is judged on the correlation matrix, so that it does not depend on units.
    """
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale)
    smallest = np.linalg.eigvalsh(correlation)[0]
    return covariance if smallest > 1e-8 * len(scale) else np.diag(np.diag(covariance))
