"""Tables in text files: how one is written is found out or asked for, and pyarrow parses it."""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from bayesgmm.data.dialects import SEPARATORS, Dialect, decoded, has_header, separator_of
from bayesgmm.data.names import clean_names, default_names
from bayesgmm.data.number_words import (
    AFFIXES,
    MISSING,
    are_numbers,
    as_numbers,
    decimal_of,
    may_part_thousands,
)
from bayesgmm.data.table import Table

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE = 100
"""Lines from which the separator is found."""
EXCEL_SEPARATOR = re.compile(f'"?sep=([{"".join(SEPARATORS)}])"?\\s*', re.IGNORECASE)
"""A line above the names that tells a spreadsheet what separates the fields."""
BLOCK = 1 << 22
"""Bytes that the parser takes at a time; no row may be longer."""


@dataclass(frozen=True)
class _Rows:
    """The text of rows, and where it begins."""

    data: "pa.Buffer"
    """In UTF-8."""
    separator: str
    skipped: int
    """Lines before the first row."""
    names: tuple[str, ...] = ()
    """Of the columns."""

    @property
    def single(self) -> bool:
        """Whether there is one column, in which a blank line is a missing value."""
        return len(self.names) == 1

    def by_line(self) -> Iterator[tuple[int, list[str]]]:
        """The line on which every row ends, counted from 1, and its fields."""
        lines = islice(_lines_of(self.data), self.skipped, None)
        reader = csv.reader(lines, delimiter=self.separator, strict=True)
        begin = self.skipped + 1
        try:
            for fields in reader:
                begin = self.skipped + reader.line_num + 1
                if fields or self.single:
                    yield begin - 1, fields or [""]
        except csv.Error as error:
            if "field limit" in str(error):
                raise ValueError(
                    f"in line {begin} a field has more than {csv.field_size_limit()} characters; "
                    "mend it, or leave its column out of the file"
                ) from error
            raise ValueError(
                f'in line {begin} a quote (") opens that is not closed, or is not followed by '
                f"{self.separator!r} ({error}); mend it, or write it twice inside quotes"
            ) from error


def read_csv(path: Path, asked: Dialect) -> Table:
    """The table in a text file, which is unpacked where its name ends in ``.gz``.

    ``asked`` is what is known of how it is written. ValueError where it cannot be read, or in more
    than one way; the message names the line, or the option that decides.
    """
    import pyarrow as pa

    packed = "gzip" if path.suffix.lower() == ".gz" else None
    raw = pa.input_stream(pa.memory_map(str(path)), compression=packed).read_buffer()
    data, encoding = decoded(raw, asked.encoding)
    lines = _lines_of(data)
    declared = None
    for skipped, line in enumerate(lines):  # noqa: B007
        declaration = EXCEL_SEPARATOR.fullmatch(line)
        if declaration:
            declared = declaration[1]
        elif line.strip(" \r\n") and not line.startswith("#"):
            break
    else:
        raise ValueError("it is empty; expected a line of names and rows of numbers")
    separator = (
        asked.separator or declared or separator_of([line, *islice(lines, SAMPLE)], asked.decimal)
    )
    if separator == " ":
        single_spaced = (b" ".join(line.split()) for line in data.to_pybytes().splitlines())
        data = pa.py_buffer(b"\n".join(single_spaced))
    line_number, first = next(_Rows(data, separator, skipped).by_line())
    header = has_header(first, separator, line_number) if asked.header is None else asked.header
    names = clean_names(first, f"line {line_number}") if header else default_names(len(first))
    if len(names) == 1:  # where a blank line is a missing value, but not at the end
        data = pa.py_buffer(data.to_pybytes().rstrip(b"\r\n"))
    rows = _Rows(data, separator, line_number if header else skipped, names)
    decimal = asked.decimal or "."
    columns = _parsed(rows, decimal)
    if asked.decimal is None and decimal_of(_with_words(columns, rows), separator) == ",":
        if names[0].count(",") > names[0].count(", ") and separator == asked.separator:
            raise ValueError(
                f"{separator!r} separates nothing in its first line, {names[0]!r}; expected what "
                "stands between the fields; give decimal=',' (--decimal) if the comma is a decimal "
                "mark, or another separator= (--separator)"
            )
        decimal = ","
        columns = _parsed(rows, decimal)
    table = _sorted_out(columns, rows, decimal, asked, path.name)
    found = Dialect(separator, decimal, header, encoding)
    return replace(table, named=header, reading=str(found))


def _lines_of(data: "pa.Buffer") -> io.TextIOWrapper:
    """The lines of UTF-8 text, with their ends, whatever these are."""
    import pyarrow as pa

    return io.TextIOWrapper(pa.BufferReader(data), "utf-8", newline="")


def _with_words(columns: "dict[str, pa.ChunkedArray]", rows: _Rows) -> "list[pa.ChunkedArray]":
    """Columns as parsed, in words where their decimal points may part thousands."""
    import pyarrow as pa

    doubted = [
        name
        for name, column in columns.items()
        if pa.types.is_floating(column.type) and may_part_thousands(column)
    ]
    words = _parsed(rows, ".", doubted) if doubted else {}
    return list((columns | words).values())


def _parsed(rows: _Rows, decimal: str, words: Sequence[str] = ()) -> "dict[str, pa.ChunkedArray]":
    """Columns as pyarrow types them; those of words without blanks around, null where missing.

    Of ``words`` alone, as they stand in the file, if any are named.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv as parser

    if next(rows.by_line(), None) is None:
        raise ValueError("it holds names but no rows; expected rows of numbers below them")
    try:
        table = parser.read_csv(
            pa.BufferReader(rows.data),
            parser.ReadOptions(column_names=rows.names, skip_rows=rows.skipped, block_size=BLOCK),
            parser.ParseOptions(
                delimiter=rows.separator,
                # Only where fields are quoted may they hold a line's end, which costs time.
                newlines_in_values=re.search(b'"', rows.data) is not None,
                ignore_empty_lines=not rows.single,
            ),
            parser.ConvertOptions(
                null_values=MISSING,
                strings_can_be_null=True,
                decimal_point=decimal,
                include_columns=words,
                column_types=dict.fromkeys(words, pa.string()),
            ),
        )
    except pa.ArrowInvalid as error:
        raise ValueError(_first_uneven(rows) or str(error)) from error
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_string(column.type):
            if pc.any(pc.match_substring_regex(column, "[\r\n]")).as_py():
                deque(rows.by_line(), maxlen=0)  # an open quote takes the rows below for a field
            column = pc.utf8_trim_whitespace(column)
            missing = pc.is_in(column, value_set=pa.array(MISSING))
            column = pc.if_else(missing, pa.scalar(None, pa.string()), column)
        columns[name] = column
    return columns


def _first_uneven(rows: _Rows) -> str:
    """What is wrong with the first row that has too many or too few fields; else nothing."""
    expected = len(rows.names)
    for line, fields in rows.by_line():
        if len(fields) != expected:
            return (
                f"line {line} has {_fields(len(fields))} (separated by {rows.separator!r}), but "
                f"the first line {_fields(expected)}; mend the lines, begin a title above the "
                "names with '#', or give separator= (--separator) or decimal= (--decimal) if "
                "these are others"
            )
    return ""


def _fields(n: int) -> str:
    return f"{n} field" if n == 1 else f"{n} fields"


def _sorted_out(
    columns: "dict[str, pa.ChunkedArray]", rows: _Rows, decimal: str, asked: Dialect, file: str
) -> Table:
    """Columns of numbers as float64, null where a value is missing, and what the others hold."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds, doubtful, integers = {}, [], []
    for name, column in columns.items():
        if column.null_count == len(column):
            kinds[name] = "no values"
        elif pa.types.is_integer(column.type):
            integers.append(name)
            columns[name] = pc.cast(column, pa.float64(), safe=False)
        elif pa.types.is_string(column.type):
            numbers = are_numbers(column, decimal)
            if pc.all(numbers).as_py():
                columns[name] = as_numbers(column, decimal)
                continue
            row = pc.index(numbers, False).as_py()
            word = column[row].as_py()
            kinds[name] = f"text, as {word!r}"
            like_numbers = are_numbers(column, asked.decimal, AFFIXES)
            if pc.mean(like_numbers).as_py() > 0.5:
                line, _ = next(islice(rows.by_line(), row, None))
                kinds[name] = f"{word!r} in line {line} of {file!r}"
                doubtful.append(name)
        elif not pa.types.is_floating(column.type):
            kinds[name] = str(column.type)
    return Table(
        names=rows.names,
        kinds=kinds,
        n_rows=len(column),
        column=lambda name: columns[name].to_numpy(),
        integers=tuple(integers),
        doubtful=tuple(doubtful),
    )
