"""Tables of a fit, as data frames and records."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayesgmm.mixture import MixtureParameters

MAX_COVARIANCE_COLUMNS = 8
"""With more features than this the covariance columns no longer fit a page; the sds remain."""


def estimate_table(
    parameters: MixtureParameters, features: Iterable[str], covariances: bool = True
) -> pd.DataFrame:
    """Weights, means and covariances of a mixture, one row per component and named feature.

    ``mean`` and ``sd`` are in the data's units. Up to eight features, where a component's features
    may covary, one column ``cov <feature>`` per feature follows, in the products of the units,
    unless ``covariances`` is false.
    """
    features = [str(name) for name in features]
    matrices = parameters.covariances
    n_components, n_features = parameters.means.shape
    frame = pd.DataFrame(
        {
            "component": np.repeat(np.arange(n_components), n_features),
            "weight": np.repeat(parameters.weights, n_features),
            "feature": features * n_components,
            "mean": parameters.means.ravel(),
            "sd": np.sqrt(parameters.variances).ravel(),
        }
    )
    covary = parameters.structure.correlated and 1 < n_features <= MAX_COVARIANCE_COLUMNS
    if covariances and covary:
        for j, name in enumerate(features):
            frame[f"cov {name}"] = matrices[:, :, j].ravel()
    return frame


def records(frame: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """A data frame as records, its index first where it has a name."""
    named = any(name is not None for name in frame.index.names)
    return list((frame.reset_index() if named else frame).to_dict("records"))


def by_row(columns: Mapping[str, Iterable[Any]]) -> list[dict[str, Any]]:
    """Columns of one length as records."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def fields(record: Any, *names: str) -> dict[str, Any]:
    """Some attributes of an object, by name."""
    return {name: getattr(record, name) for name in names}
