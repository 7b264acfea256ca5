"""Rows like those of a fit, for prediction."""

from collections.abc import Sequence

import numpy as np

from bayesgmm.data.names import clean_name, default_names, listing
from bayesgmm.data.rows import Rows, complete_rows, suggestion, table_of_rows, usual_columns
from bayesgmm.data.table import array_table
from bayesgmm.data.tables import is_instance


def rows_like(x_new: Rows, features: Sequence[str], argument: str = "x_new") -> np.ndarray:
    """New rows with the features of the training data, (n_new, n_features) float64, in their order.

    ``features`` are the names of the training data's; x1, x2, … if they came in a bare array.
    Columns that have names are matched by name, and others ignored; a bare array is matched by
    position. A 1-D array of n_features > 1 numbers is one row. Messages call the rows ``argument``.
    ValueError or TypeError where a feature is absent, the width is wrong, or a value is missing or
    infinite.
    """
    features = tuple(features)
    table = table_of_rows(_in_order(x_new, features), argument)
    if table.flat and len(features) > 1:
        row = table.take(usual_columns(table, argument)[0]).T
        if row.shape[1] != len(features):
            raise ValueError(
                f"{argument} is 1-D with {row.shape[1]} numbers; expected one row of the "
                f"{len(features)} features {listing(features)}, or rows as a 2-D array (n_new, "
                f"{len(features)})"
            )
        table = array_table(np.ascontiguousarray(row), features, named=False)
    absent = [name for name in features if name not in table.names]
    if table.named and not absent:
        return complete_rows(table, features, False, argument)[0]
    if table.named and features != default_names(len(features)):
        raise ValueError(
            f"{argument} has no column {listing(absent)}{suggestion(absent, table)}; expected the "
            f"features of the fit, {listing(features)}; its columns are {listing(table.names)}; "
            "try renaming them, or a bare array with the features in this order"
        )
    if len(table.numeric) != len(features):
        raise ValueError(
            f"{argument} has {len(table.numeric)} numeric columns; expected the {len(features)} "
            f"features of the fit, {listing(features)}; try choosing these columns, in this order"
        )
    return complete_rows(table, table.numeric, False, argument)[0]


def _in_order(x_new: Rows, features: tuple[str, ...]) -> Rows:
    """A row of a pandas table, which has the features as labels, in their order; else as it is."""
    if is_instance(x_new, "pandas", "Series") and len(features) > 1:
        row = dict(zip(map(clean_name, x_new.index), x_new, strict=True))
        if set(features) <= set(row):
            return np.array([row[name] for name in features])
    return x_new
