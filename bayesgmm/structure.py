"""The four covariance structures: names, array layouts and parameter counts.

Imports nothing of the package.

A structure is stored by its *factor*, in one of two layouts that every lower layer shares:

- matrix structures, ``(n_blocks, n_features, n_features)`` lower Cholesky factors:
  ``full`` has one block per component, ``tied`` one block in all;
- vector structures, ``(n_components, n_columns)`` standard deviations:
  ``diag`` has one column per feature, ``spherical`` one column in all.
"""

import math

import numpy as np

STRUCTURES = ("full", "tied", "diag", "spherical")

SPREAD = {
    "full": "covariances",
    "tied": "covariance",
    "diag": "variances",
    "spherical": "variances",
}
"""Name of the spread in the PyMC model and in the posterior tree, by structure."""

SPREAD_DIMS = {
    "full": ("component", "feature", "feature_bis"),
    "tied": ("feature", "feature_bis"),
    "diag": ("component", "feature"),
    "spherical": ("component",),
}
"""Named dimensions of the spread, by structure."""


def entry_name(variable, labels):
    """Name of one entry of a variable, such as ``means[0, waiting]``; no two entries share one."""
    return f"{variable}[{', '.join(quoted(label) for label in labels)}]" if labels else variable


def quoted(label):
    """A label as text; in quotes where a comma or a bracket in it could be taken for the list's."""
    text = str(label)
    if any(mark in text for mark in ',[]"'):
        return '"' + text.replace('"', '""') + '"'
    return text


def is_matrix(covariance):
    """Whether the structure holds matrices (full, tied) rather than variances (diag, spherical)."""
    return covariance in ("full", "tied")


def factor_shape(covariance, n_components, n_features):
    """Shape of the factor array of a structure."""
    return {
        "full": (n_components, n_features, n_features),
        "tied": (1, n_features, n_features),
        "diag": (n_components, n_features),
        "spherical": (n_components, 1),
    }[covariance]


def spread_shape(covariance, n_components, n_features):
    """Shape of the spread as the model and the tree hold it."""
    sizes = {"component": n_components, "feature": n_features, "feature_bis": n_features}
    return tuple(sizes[dim] for dim in SPREAD_DIMS[covariance])


def n_spread(covariance, n_components, n_features):
    """Number of free parameters in the spread."""
    shape = factor_shape(covariance, n_components, n_features)
    if is_matrix(covariance):
        return shape[0] * n_features * (n_features + 1) // 2
    return math.prod(shape)


def spread_from_factor(factor, covariance):
    """The spread, in the data's squared units, from its factor; leading batch axes are kept."""
    if covariance == "full":
        return factor @ np.swapaxes(factor, -1, -2)
    if covariance == "tied":
        return (factor @ np.swapaxes(factor, -1, -2))[..., 0, :, :]
    return factor**2 if covariance == "diag" else factor[..., 0] ** 2


def factor_from_spread(spread, covariance):
    """The factor of a spread; leading batch axes are kept.

    Raises
    ------
    numpy.linalg.LinAlgError
        A covariance matrix is not positive definite.
    """
    spread = np.asarray(spread, dtype=np.float64)
    if is_matrix(covariance):
        factor = np.linalg.cholesky(spread)
        return factor if covariance == "full" else factor[..., None, :, :]
    return np.sqrt(spread) if covariance == "diag" else np.sqrt(spread)[..., None]


def dense_covariances(factor, covariance, n_components, n_features):
    """Covariance matrices (..., n_components, n_features, n_features) whatever the structure."""
    if is_matrix(covariance):
        dense = factor @ np.swapaxes(factor, -1, -2)
        return np.broadcast_to(dense, (*dense.shape[:-3], n_components, *dense.shape[-2:])).copy()
    variances = np.broadcast_to(factor**2, (*factor.shape[:-1], n_features))
    return variances[..., None] * np.eye(n_features)
