"""Complete rows of finite numbers, from a table: for a fit, and like a fit's for prediction."""

import difflib
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesgmm.data.dialects import Dialect
from bayesgmm.data.identifiers import ROW_LABELS, identifiers
from bayesgmm.data.names import clean_name, default_names, joined, listing
from bayesgmm.data.table import Table, array_table
from bayesgmm.data.tables import PLAIN, Tabular, table_of
from bayesgmm.runtime import arguments

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

CHUNK_ELEMENTS = 2**18
"""Numbers looked at together by a check, so that no check holds a copy of a huge array."""


@dataclass(frozen=True, repr=False, eq=False)
class Observations:
    """Complete rows of finite numbers, with the names of their features."""

    values: np.ndarray
    """(n_obs, n_features) float64, C-contiguous, read-only; in the data's units."""
    features: tuple[str, ...]
    """(n_features,) names of the columns; x1, x2, … where the data had none."""
    n_rows: int
    """Number of rows of the original table."""
    ignored: dict[str, str]
    """Column left out unasked → why: what it holds instead of measurements."""
    complete: np.ndarray | None
    """(n_obs,) int64, positions of these rows in the original table; None where they are all."""
    reading: str = ""
    """How the text file was read, where it is not a plain one: its separator, decimal mark, …"""

    @property
    def n_obs(self) -> int:
        """Number of rows."""
        return len(self.values)

    @property
    def n_missing(self) -> int:
        """Number of rows left out because a value was missing."""
        return self.n_rows - self.n_obs

    @property
    def rows(self) -> np.ndarray:
        """(n_obs,) int64, positions of these rows in the original table."""
        return np.arange(self.n_rows) if self.complete is None else self.complete

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return len(self.features)

    def __array__(self, dtype: "DTypeLike | None" = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        parts = {
            f"{self.n_obs} rows of {listing(self.features)}": True,
            f"{self.n_missing} rows with missing values left out": self.n_missing,
            f"columns left out: {with_reasons(self.ignored)}": self.ignored,
            f"read with {self.reading}": self.reading,
        }
        return f"Observations({'; '.join(part for part, there in parts.items() if there)})"


type Rows = Tabular | Observations
"""Rows as users have them, or what is checked already."""


def observations(
    data: Rows,
    columns: str | Iterable[object] | None = None,
    drop_missing: bool = False,
    *,
    separator: str | None = None,
    decimal: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
) -> Observations:
    """Rows of numbers and their feature names, from whatever holds them.

    Parameters
    ----------
    data : array, DataFrame, Series, path or Observations
        Array-like of shape (n_obs, n_features), or (n_obs,) for one feature; a pandas, polars or
        pyarrow table; an xarray DataArray; or the path of a text file (``.csv``, ``.tsv`` or
        ``.txt``, also with ``.gz``), of a ``.parquet`` file, or of a ``.npy`` file, which is
        mapped and not read into memory.
    columns : name or names, optional
        The features, in this order. Default: every numeric column of a table but identifiers and
        counts of the rows, which ``Observations.ignored`` names.
    drop_missing : bool
        Leave out the rows in which one of the features has no value.
    separator : {",", ";", "\\t", "|", " "}, optional
        What stands between the fields of a text file. Default: what cuts all lines alike.
    decimal : {".", ","}, optional
        The decimal mark in a text file. Default: the one with which its columns are numbers.
    header : bool, optional
        Whether a text file's first line names the columns. Default: it does, without numbers.
    encoding : str, optional
        Encoding of a text file. Default: that of its byte order mark, UTF-8, or else cp1252.

    Returns
    -------
    Observations
        A C-contiguous float64 array is viewed, not copied. Names of features are of one line,
        without invisible characters. ``reading`` says what was found out of a text file.

    Raises
    ------
    ValueError, TypeError
        The data are not rows of finite numbers, or a text file may be read in more than one way;
        the message names the columns, the line, or the option that decides.
    FileNotFoundError
        There is no file at the path.
    """
    arguments.flag("drop_missing", drop_missing)
    dialect = Dialect(separator, decimal, header, encoding)
    return observations_of(data, "data", columns, drop_missing, dialect)


def observations_of(
    data: Rows | Table,
    argument: str,
    columns: str | Iterable[object] | None = None,
    drop_missing: bool = False,
    dialect: Dialect = PLAIN,
) -> Observations:
    """What `observations` returns, with the argument's own name in messages."""
    if isinstance(data, Observations) and columns is None:
        return data
    table = table_of_rows(data, argument, dialect)
    if columns is None:
        features, ignored = usual_columns(table, argument)
        numbers = {n: why for n, why in ignored.items() if n in table.numeric and why != ROW_LABELS}
        if numbers:  # lest a measurement is among them
            warnings.warn(
                f"{argument}: left out {with_reasons(numbers)}; to fit such a column, name all "
                "features in bg.observations(…, columns=…)",
                stacklevel=3,
            )
    else:
        features, ignored = _asked_columns(table, columns, argument), {}
    values, complete = complete_rows(table, features, drop_missing, argument)
    values = values.view()
    values.flags.writeable = False
    if isinstance(data, Observations):
        return replace(data, values=values, features=features)
    return Observations(values, features, table.n_rows, ignored, complete, table.reading)


def with_reasons(reasons: dict[str, str]) -> str:
    """Columns with what is said of each, at most twenty, for a message."""
    return joined([f"{name!r} ({why})" for name, why in reasons.items()])


def chunks(values: np.ndarray, n_features: int) -> Iterator[np.ndarray]:
    """Consecutive rows of a matrix with `n_features` columns, or of a vector that goes with one."""
    size = max(1, CHUNK_ELEMENTS // n_features)
    return (values[start : start + size] for start in range(0, len(values), size))


def table_of_rows(data: Rows | Table, argument: str, dialect: Dialect = PLAIN) -> Table:
    if isinstance(data, Observations):
        named = data.features != default_names(data.n_features)
        return array_table(data.values, data.features, named=named)
    return table_of(data, argument, dialect)


def usual_columns(table: Table, argument: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The features of one who names none, and the other columns with the reason, in order.

    ValueError where there are none, or a column is of numbers for the most part only.
    """
    if table.doubtful:
        raise ValueError(
            f"{argument} has words among numbers: {_with_kinds(table.doubtful, table)}; expected a "
            "number, or NA or nothing where one is missing; mend them, or choose other columns "
            "with columns= (--columns)"
        )
    reasons = table.kinds | identifiers(table)
    ignored = {name: reasons[name] for name in table.names if name in reasons}
    features = tuple(name for name in table.names if name not in ignored)
    if not features:
        raise ValueError(
            f"{argument} has no numeric column to fit, only {with_reasons(ignored)}; expected at "
            "least one; try converting the columns you mean to numbers first, or naming numeric "
            "ones with columns= (--columns)"
        )
    return features, ignored


def _asked_columns(table: Table, columns: Any, argument: str) -> tuple[str, ...]:
    """Names of the columns that were asked for."""
    names = [columns] if isinstance(columns, str) or not np.iterable(columns) else columns
    chosen = tuple(map(clean_name, names))
    absent = [name for name in dict.fromkeys(chosen) if name not in table.names]
    texts = [name for name in dict.fromkeys(chosen) if name in table.kinds]
    repeated = [name for name in dict.fromkeys(chosen) if chosen.count(name) > 1]
    problems = {
        "columns is empty": not chosen,
        f"{argument} has no column {listing(absent)}{suggestion(absent, table)}": absent,
        f"not numeric: {_with_kinds(texts, table)}": texts,
        f"repeated: {listing(repeated)}": repeated,
    }
    if any(problems.values()):
        found = "; ".join(problem for problem, there in problems.items() if there)
        raise ValueError(
            f"columns={list(chosen)}: {found}; expected distinct numeric columns of {argument}; it "
            f"has {listing(table.numeric) or 'none'}"
        )
    return chosen


def complete_rows(
    table: Table, features: tuple[str, ...], drop_missing: bool, argument: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """Complete rows, and their positions in the table unless they are all."""
    texts = [name for name in features if name in table.kinds]
    if texts:
        raise ValueError(
            f"{argument} has columns that are not numeric: {_with_kinds(texts, table)}; expected "
            f"numbers in {listing(features)}; try converting them first"
        )
    if table.n_rows == 0:
        raise ValueError(f"{argument} has no rows; expected at least one row of numbers")
    values = table.take(features)
    if all(np.isfinite(part).all() for part in chunks(values, len(features))):
        return values, None
    infinite, missing = np.isinf(values), np.isnan(values)
    if infinite.any():
        raise ValueError(
            f"{argument} has infinite values in {_with_counts(features, infinite)}; expected "
            "finite numbers; try marking them as missing (NaN), or dropping their rows"
        )
    complete = ~missing.any(axis=1)
    n_incomplete = table.n_rows - complete.sum()
    where = f"{n_incomplete} of {table.n_rows} rows: {_with_counts(features, missing)}"
    if not drop_missing:
        raise ValueError(
            f"{argument} has missing values in {where}; expected a number in every row; to leave "
            f"these rows out try bg.observations({argument}, drop_missing=True), on the command "
            "line --drop-missing"
        )
    if not complete.any():
        raise ValueError(
            f"{argument} has missing values in {where}; expected a complete row at least, and "
            "drop_missing leaves none; try columns= without the emptiest"
        )
    return values[complete], np.flatnonzero(complete)


def suggestion(absent: Sequence[str], table: Table) -> str:
    """The names that may have been meant."""
    close = [match for name in absent for match in difflib.get_close_matches(name, table.names, 1)]
    return f" (did you mean {listing(close)}?)" if close else ""


def _with_kinds(names: Sequence[str], table: Table) -> str:
    return with_reasons({name: table.kinds[name] for name in names})


def _with_counts(features: Sequence[str], flags: np.ndarray) -> str:
    """The features of which some values are flagged, (n_rows, n_features), and of how many."""
    counts = zip(features, flags.sum(axis=0), strict=True)
    return ", ".join(f"{name!r} ({n})" for name, n in counts if n)
