"""Named columns, whatever held them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Table:
    """Columns by name, whatever held them."""

    names: tuple[str, ...]
    """Names of all columns."""
    kinds: dict[str, str]
    """Column → data type or an example, for the columns that are not numeric."""
    n_rows: int
    column: Callable[[str], np.ndarray]
    """Name of a numeric column → (n_rows,) float64, NaN where a value is missing."""
    matrix: np.ndarray | None = None
    """(n_rows, n_columns) float64, where the columns lie together."""
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

    def take(self, names: Sequence[str]) -> np.ndarray:
        """Numeric columns, (n_rows, n_columns) float64; the matrix itself if they are all of it."""
        if self.matrix is not None and tuple(names) == self.names:
            return self.matrix
        values = np.empty((self.n_rows, len(names)))
        for j, name in enumerate(names):
            values[:, j] = self.column(name)
        return values


def array_table(
    values: np.ndarray, names: tuple[str, ...], named: bool, flat: bool = False
) -> Table:
    """The columns of a float64 matrix."""

    def column(name: str) -> np.ndarray:
        return values[:, names.index(name)]

    return Table(names, {}, len(values), column, values, named, flat)
