"""Whatever holds numbers, as named columns: arrays, data frames, files."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from bayesgmm.data.csv_files import read_csv
from bayesgmm.data.dialects import Dialect
from bayesgmm.data.names import clean_names, default_names

PLAIN = Dialect()
TEXT_FILES = (".csv", ".tsv", ".txt")
FILES = "the path of a .csv, .tsv, .txt (or .csv.gz, …), .parquet or .npy file"


@dataclass(frozen=True)
class Table:
    """Columns by name, whatever held them."""

    names: tuple[str, ...]
    """Names of all columns."""
    kinds: dict[str, str]
    """Column → data type or an example, for the columns that are not numeric."""
    take: Callable[[Sequence[str]], np.ndarray]
    """Names of numeric columns → (n_rows, n_columns) float64, NaN where a value is missing."""
    named: bool = True
    """Whether the names are the user's own, and not x1, x2, …"""
    flat: bool = False
    """Whether the data were one-dimensional."""
    integers: tuple[str, ...] = ()
    """Columns of a table that hold whole numbers by their type."""
    doubtful: tuple[str, ...] = ()
    """Columns that are not numeric, though most of their values are numbers."""
    reading: str = ""
    """How a text file was read, where it is not a plain one."""

    @property
    def numeric(self) -> tuple[str, ...]:
        """Names of the numeric columns."""
        return tuple(name for name in self.names if name not in self.kinds)


def table_of(data: Any, argument: str, dialect: Dialect = PLAIN) -> Table:
    """The columns in whatever a user has; `argument` is its name in messages.

    ``dialect`` is what is known of how a text file is written.
    """
    if isinstance(data, Table):
        return data
    if isinstance(data, str | os.PathLike):
        return _file_table(Path(data), argument, dialect)
    if dialect != PLAIN:
        raise TypeError(
            f"{argument} is a {type(data).__name__}; separator, decimal, header and encoding are "
            "those of a text file; expected the path of one; try without them"
        )
    if isinstance(data, np.ndarray):
        return _bare_table(data, argument)
    if _is_instance(data, "xarray", "DataArray"):
        return _labelled_table(data, argument)
    if isinstance(data, dict) or _is_instance(data, "xarray", "Dataset"):
        raise TypeError(
            f"{argument} is a {type(data).__name__}; expected an array, a DataFrame, or {FILES}; "
            f"try pandas.DataFrame({argument}) or its to_dataframe()"
        )
    if isinstance(data, list | tuple):
        return _bare_table(_from_sequence(data, argument), argument)
    return _library_table(data, argument)


def array_table(
    values: np.ndarray, names: tuple[str, ...], named: bool, flat: bool = False
) -> Table:
    """The columns of a matrix; all of them together are the matrix itself."""

    def take(chosen: Sequence[str]) -> np.ndarray:
        if tuple(chosen) == names:
            return values
        return np.ascontiguousarray(values[:, [names.index(name) for name in chosen]])

    return Table(names, {}, take, named=named, flat=flat)


def _file_table(path: Path, argument: str, dialect: Dialect) -> Table:
    """The columns in a text or Parquet file; the array in a .npy file, mapped."""
    if "\n" in str(path):
        raise ValueError(
            f"{argument} is text of several lines; expected the path of a file; try pandas.read_csv"
            f"(io.StringIO({argument})) if it is the table itself"
        )
    if not path.exists():
        raise FileNotFoundError(
            f"{argument}: there is no file {str(path)!r} (looked from {str(Path.cwd())!r}); "
            f"expected {FILES}; check its spelling"
        )
    unpacked = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    suffix = unpacked.suffix.lower()
    is_text = suffix in TEXT_FILES
    if not is_text and path.suffix.lower() not in (".parquet", ".npy"):
        raise ValueError(
            f"{argument}: {str(path)!r} ends in {path.suffix!r}; expected {FILES}; try reading it "
            "into a DataFrame and pass that"
        )
    if not is_text and dialect != PLAIN:
        raise ValueError(
            f"{argument}: {str(path)!r} is no text file, of which separator, decimal, header and "
            "encoding are known; try without them"
        )
    try:
        if is_text:
            return _text_table(path, dialect)
        if suffix == ".npy":
            return _bare_table(np.load(path, mmap_mode="r"), argument)

        import pandas as pd

        return _library_table(pd.read_parquet(path), argument)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(
            f"{argument}: {str(path)!r} could not be read: {error}; if nothing helps, read it into "
            "a DataFrame or array and pass that"
        ) from error


def _text_table(path: Path, dialect: Dialect) -> Table:
    """The columns in a text file."""
    found = read_csv(path, dialect)

    def take(names: Sequence[str]) -> np.ndarray:
        values = np.empty((found.frame.num_rows, len(names)))
        for j, name in enumerate(names):
            start = 0
            for part in found.frame[name].chunks:
                stop = start + len(part)
                values[start:stop, j] = part.to_numpy(zero_copy_only=False)
                start = stop
        return values

    return Table(
        names=tuple(found.frame.column_names),
        kinds=found.kinds | {n: f"{found.kinds[n]} of {path.name!r}" for n in found.doubtful},
        take=take,
        named=bool(found.dialect.header),
        integers=found.integers,
        doubtful=found.doubtful,
        reading=str(found.dialect),
    )


def _library_table(data: Any, argument: str) -> Table:
    """A table or series of pandas, polars, pyarrow, …, or an object that converts to an array."""
    import narwhals as nw

    try:
        frame: Any = nw.from_native(data, allow_series=True, pass_through=True)
        columns = list(frame.iter_columns()) if isinstance(frame, nw.DataFrame) else []
    except nw.exceptions.DuplicateError as error:
        raise ValueError(f"{argument} has repeated column names; rename them: {error}") from error
    if isinstance(frame, nw.LazyFrame):
        raise TypeError(
            f"{argument} is a lazy table ({type(data).__name__}); expected rows in memory; try "
            f"{argument}.collect()"
        )
    if isinstance(frame, nw.Series):
        named = frame.name not in (None, "")
        name = clean_names([frame.name], argument)[0] if named else "x1"
        return _frame_table({name: frame}, named=named, flat=True)
    if not isinstance(frame, nw.DataFrame):
        return _bare_table(_from_sequence(data, argument), argument)
    if not columns:
        raise ValueError(f"{argument} has no columns; expected at least one numeric column")
    names = clean_names([column.name for column in columns], argument)
    return _frame_table(dict(zip(names, columns, strict=True)))


def _frame_table(columns: dict[str, Any], named: bool = True, flat: bool = False) -> Table:
    """Columns of a narwhals table."""
    import narwhals as nw

    def take(names: Sequence[str]) -> np.ndarray:
        values = np.empty((len(columns[names[0]]), len(names)))
        for j, name in enumerate(names):
            values[:, j] = columns[name].cast(nw.Float64).to_numpy()
        return values

    kinds = {name: _kind(column) for name, column in columns.items() if not _is_numeric(column)}
    integers = tuple(name for name, column in columns.items() if column.dtype.is_integer())
    return Table(tuple(columns), kinds, take, named=named, flat=flat, integers=integers)


def _is_numeric(column: Any) -> bool:
    return bool(column.dtype.is_numeric())


def _kind(column: Any) -> str:
    """Data type of a column, in its own library's words where narwhals has none."""
    kind = str(column.dtype)
    return str(getattr(column.to_native(), "dtype", kind)) if kind == "Unknown" else kind


def _labelled_table(data: Any, argument: str) -> Table:
    """An xarray DataArray; text labels along its second dimension are the feature names."""
    values = data.to_numpy()
    if values.ndim == 1 and data.name is not None:
        matrix = _floats(values, argument)[:, None]
        return array_table(matrix, clean_names([data.name], argument), named=True, flat=True)
    labels = data.coords.get(data.dims[1]) if values.ndim == 2 else None
    if labels is None or labels.dtype.kind not in "OUT":
        return _bare_table(values, argument)
    names = clean_names(labels.to_numpy(), argument)
    return array_table(_floats(values, argument), names, named=True)


def _bare_table(array: np.ndarray, argument: str) -> Table:
    """An array, whose features have no names."""
    if array.ndim not in (1, 2):
        raise ValueError(
            f"{argument} is {array.ndim}-D with shape {array.shape}; expected a 2-D array (n_obs, "
            f"n_features), or a 1-D array of one feature; try {argument}.reshape(-1, n_features)"
        )
    values = _floats(array, argument)
    flat = values.ndim == 1
    matrix = values[:, None] if flat else values
    n_features = matrix.shape[1]
    if n_features == 0:
        raise ValueError(f"{argument} has no columns (shape {array.shape}); expected at least one")
    return array_table(matrix, default_names(n_features), named=False, flat=flat)


def _from_sequence(data: Any, argument: str) -> np.ndarray:
    """The array in a list, or in an object that converts itself to one."""
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ValueError(
            f"{argument} is a {type(data).__name__} whose rows differ in length; expected rows "
            f"with one number for each feature; try filling the gaps with NaN ({error})"
        ) from error
    except TypeError:  # an object that refuses to be one, such as a tree of xarray's
        array = np.asarray(None)
    if array.ndim == 0:
        raise TypeError(
            f"{argument} is a {type(data).__name__}; expected an array, a DataFrame, or {FILES}; "
            "try converting it first (a sparse matrix: .toarray(), a generator: list)"
        )
    return array


def _floats(array: np.ndarray, argument: str) -> np.ndarray:
    """Float64, C-contiguous and aligned, NaN where masked or None; copied only if it must be."""
    mask = np.ma.getmask(array)
    array = np.ma.getdata(array, subok=False)
    if array.dtype.kind == "O":
        array = _numbers_of_objects(array, argument)
    elif array.dtype.kind not in "iuf":
        advice = "the .real part" if array.dtype.kind == "c" else f"{argument}.astype(float)"
        raise TypeError(
            f"{argument} has dtype {array.dtype}; expected numbers (integers or floats); if they "
            f"mean numbers, try {advice}"
        )
    with np.errstate(over="ignore"):  # a longer float may become infinite, which is found later
        values = np.require(array, np.float64, ["C_CONTIGUOUS", "ALIGNED"])
    return np.where(mask, np.nan, values) if np.any(mask) else values


def _numbers_of_objects(array: np.ndarray, argument: str) -> np.ndarray:
    values = np.full(array.shape, np.nan)
    for index, item in np.ndenumerate(array):
        if not isinstance(item, bool) and isinstance(item, Real | Decimal):
            values[index] = float(item)
        elif item is not None and type(item).__name__ != "NAType":
            raise TypeError(
                f"{argument} holds {item!r} ({type(item).__name__}) at index {index}; expected a "
                "number in every row and column; try None where one is missing"
            )
    return values


def _is_instance(data: Any, module: str, name: str) -> bool:
    """Whether `data` is of a library's class; a library not imported yet cannot have made it."""
    return module in sys.modules and isinstance(data, getattr(sys.modules[module], name))
