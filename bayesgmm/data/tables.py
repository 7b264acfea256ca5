"""Whatever holds numbers, as named columns: arrays, data frames, files."""

import os
import sys
from decimal import Decimal
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from bayesgmm.data.csv_files import read_csv
from bayesgmm.data.dialects import Dialect
from bayesgmm.data.names import clean_names, default_names
from bayesgmm.data.table import Table, array_table

if TYPE_CHECKING:
    import narwhals as nw
    import xarray as xr
    from narwhals.typing import IntoDataFrame, IntoSeries
    from numpy.typing import ArrayLike

type Tabular = ArrayLike | IntoDataFrame | IntoSeries | xr.DataArray | os.PathLike[str]
"""What users have: an array, a table, a series, or a path."""

PLAIN = Dialect()
TEXT_FILES = (".csv", ".tsv", ".txt")
FILES = "the path of a .csv, .tsv, .txt (or .csv.gz, …), .parquet or .npy file"


def table_of(data: Tabular | Table, argument: str, dialect: Dialect = PLAIN) -> Table:
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
    if is_instance(data, "xarray", "DataArray"):
        return _labelled_table(data, argument)
    if isinstance(data, dict) or is_instance(data, "xarray", "Dataset"):
        raise TypeError(
            f"{argument} is a {type(data).__name__}; expected an array, a DataFrame, or {FILES}; "
            f"try pandas.DataFrame({argument}) or its to_dataframe()"
        )
    if isinstance(data, list | tuple):
        return _bare_table(_from_sequence(data, argument), argument)
    return _library_table(data, argument)


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
    suffix = path.suffix.lower()
    is_text = (path.with_suffix("").suffix.lower() if suffix == ".gz" else suffix) in TEXT_FILES
    if not is_text and suffix not in (".parquet", ".npy"):
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
            return read_csv(path, dialect)
        if suffix == ".npy":
            return _bare_table(np.load(path, mmap_mode="r"), argument)

        import pandas as pd

        return _library_table(pd.read_parquet(path), argument)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(
            f"{argument}: {str(path)!r} could not be read: {error}; if nothing helps, read it into "
            "a DataFrame or array and pass that"
        ) from error


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


def _frame_table(
    columns: dict[str, "nw.Series[Any]"], named: bool = True, flat: bool = False
) -> Table:
    """Columns of a narwhals table."""
    import narwhals as nw

    def column(name: str) -> np.ndarray:
        return columns[name].cast(nw.Float64).to_numpy()

    kinds = {name: _kind(c) for name, c in columns.items() if not c.dtype.is_numeric()}
    integers = tuple(name for name, c in columns.items() if c.dtype.is_integer())
    n_rows = len(next(iter(columns.values())))
    return Table(tuple(columns), kinds, n_rows, column, named=named, flat=flat, integers=integers)


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


def is_instance(data: object, module: str, *names: str) -> TypeGuard[Any]:
    """Whether `data` is of a library's classes; one not imported yet cannot have made it."""
    library = sys.modules.get(module)
    return library is not None and isinstance(data, tuple(getattr(library, n) for n in names))
