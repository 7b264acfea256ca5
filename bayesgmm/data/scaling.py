"""Location and scale of all rows, which the prior of Fraley & Raftery (2007) is scaled by."""

import numpy as np

from bayesgmm.data.bulk import counted

CHUNK = 65_536


def location_and_covariance(
    x: np.ndarray, sample_weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means and covariance (ddof = 1) of rows x, (n_obs, n_features), in one pass.

    Rows count sample_weight, (n_obs,), times. The means, (n_features,), are in the data's units,
    the covariance, (n_features, n_features), in their squares. ValueError where the weights sum to
    1 or less, so that no variance can be estimated from them.
    """
    total = counted(sample_weight)
    d = x.shape[1]
    so_far, mean, scatter = 0.0, np.array(x[0], dtype=np.float64), np.zeros((d, d))
    for start in range(0, len(x), CHUNK):
        block, weight = x[start : start + CHUNK], sample_weight[start : start + CHUNK]
        count = weight.sum()
        if count == 0:
            continue
        # Centres near the rows keep the digits of data that sit far from zero; sums about them
        # are merged by the formula of Chan, Golub & LeVeque (1983).
        centred = block - mean
        step = weight @ centred / count
        centred -= step
        scatter += (centred * weight[:, None]).T @ centred
        share = count / (so_far + count)
        scatter += so_far * share * np.outer(step, step)
        mean += share * step
        so_far += count
    return mean, scatter / (total - 1)


def well_conditioned(covariance: np.ndarray) -> np.ndarray:
    """The covariance itself, or its diagonal where its features are collinear.

    Collinearity is judged on the correlation matrix, so that it does not depend on units.
    """
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale)
    smallest = np.linalg.eigvalsh(correlation)[0]
    return covariance if smallest > 1e-8 * len(scale) else np.diag(np.diag(covariance))
