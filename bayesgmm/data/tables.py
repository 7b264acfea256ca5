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


@dataclass(frozen=True)
class Table:
    """Columns by name, whatever held them."""

    names: tuple[str, ...]
    """Names of all columns."""
    kinds: dict[str, str]
    """Column → data type, for the columns that are not numeric."""
    take: Callable[[Sequence[str]], np.ndarray]
    """Names of numeric columns → (n_rows, n_columns) float64, NaN where a value is missing."""
    named: bool = True
    """Whether the names are the user's own, and not x1, x2, …"""
    flat: bool = False
    """Whether the data were one-dimensional."""

    @property
    def numeric(self) -> tuple[str, ...]:
        """Names of the numeric columns."""
        return tuple(name for name in self.names if name not in self.kinds)


def table_of(data: Any, argument: str) -> Table:
    """The columns in whatever a user has; `argument` is its name in messages."""
    if isinstance(data, str | os.PathLike):
        data = _read(Path(data), argument)
    if isinstance(data, np.ndarray):
        return _bare_table(data, argument)
    if _is_instance(data, "xarray", "DataArray"):
        return _labelled_table(data, argument)
    if isinstance(data, dict) or _is_instance(data, "xarray", "Dataset"):
        raise TypeError(
            f"{argument} is a {type(data).__name__}; expected an array, a DataFrame, or "
            f"the path of a .csv, .parquet or .npy file; try pandas.DataFrame({argument}) or its "
            "to_dataframe()"
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


def default_names(n_features: int) -> tuple[str, ...]:
    """Names of the features of a bare array: x1, x2, …"""
    return tuple(f"x{j + 1}" for j in range(n_features))


def listing(names: Sequence[str]) -> str:
    """Names for a message, at most twenty."""
    shown = ", ".join(repr(name) for name in names[:20])
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"


def _read(path: Path, argument: str) -> Any:
    """The pandas table in a CSV or Parquet file; the array in a .npy file, mapped."""
    if not path.exists():
        raise FileNotFoundError(
            f"{argument}: there is no file {str(path)!r} (looked from {str(Path.cwd())!r}); "
            "expected the path of a .csv, .parquet or .npy file; check its spelling"
        )
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet", ".npy"):
        raise ValueError(
            f"{argument}: {str(path)!r} ends in {suffix!r}; expected a .csv, .parquet or .npy "
            "file; try reading it into a DataFrame and pass that"
        )
    try:
        if suffix == ".npy":
            return np.load(path, mmap_mode="r")

        import pandas as pd

        frame = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(
            f"{argument}: {str(path)!r} could not be read as a {suffix} file: {error}; check that "
            "it is one, or try reading it into a DataFrame or array and pass that"
        ) from error
    if suffix == ".csv" and len(frame.columns) > 1 and frame.columns[0] == "Unnamed: 0":
        # A first column without a header is row labels, as R and pandas write them: no feature.
        frame = frame.astype({"Unnamed: 0": str})
    return frame


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
        name = str(frame.name) if named else "x1"
        return _frame_table({name: frame}, named=named, flat=True)
    if not isinstance(frame, nw.DataFrame):
        return _bare_table(_from_sequence(data, argument), argument)
    names = [str(column.name) for column in columns]
    if not names:
        raise ValueError(f"{argument} has no columns; expected at least one numeric column")
    _check_distinct(names, argument)
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
    return Table(tuple(columns), kinds, take, named=named, flat=flat)


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
        return array_table(matrix, (str(data.name),), named=True, flat=True)
    labels = data.coords.get(data.dims[1]) if values.ndim == 2 else None
    if labels is None or labels.dtype.kind not in "OUT":
        return _bare_table(values, argument)
    names = tuple(str(label) for label in labels.to_numpy())
    _check_distinct(names, argument)
    return array_table(_floats(values, argument), names, named=True)


def _check_distinct(names: Sequence[str], argument: str) -> None:
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise ValueError(
            f"{argument} has repeated column names: {listing(repeated)}; expected distinct names "
            "(as text); rename them"
        )


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
    if array.ndim == 0:
        raise TypeError(
            f"{argument} is a {type(data).__name__}; expected an array, a DataFrame, or "
            "the path of a .csv, .parquet or .npy file; try converting it first (a sparse matrix: "
            ".toarray(), a generator: list)"
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
