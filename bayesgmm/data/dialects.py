"""How a text file of a table is written: found out where only one way makes sense, else asked for.

The separator is found on the first lines alone; whoever parses holds every other line to it.
"""

import codecs
import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bayesgmm.data.names import listing
from bayesgmm.data.number_words import DECIMALS, MISSING, is_number, resembles_number
from bayesgmm.runtime import arguments

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATORS = (",", ";", "\t", "|", " ")
"""What may stand between two fields; a space stands for any run of blanks."""

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark is its beginning
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

PART = 1 << 16
"""Bytes of text that are checked together."""


@dataclass(frozen=True)
class Dialect:
    """How a text file is written; None for what is to be found out."""

    separator: str | None = None
    """One of ``SEPARATORS``."""
    decimal: str | None = None
    """The decimal mark, a point or a comma."""
    header: bool | None = None
    """Whether the first line holds the names of the columns."""
    encoding: str | None = None
    """Of the text, by its name in Python."""

    def __post_init__(self) -> None:
        if self.separator is not None:
            arguments.one_of("separator", self.separator, SEPARATORS)
        if self.decimal is not None:
            arguments.one_of("decimal", self.decimal, DECIMALS)
        if self.header is not None:
            arguments.flag("header", self.header)
        if self.encoding is not None:
            advice = "Try 'latin-1' or 'utf-16'."
            arguments.instance("encoding", self.encoding, str, advice)

    def __str__(self) -> str:
        """What is not as in a plain file: commas, decimal points, a header, UTF-8."""
        parts = {
            f"separator {self.separator!r}": self.separator != ",",
            f"decimal {self.decimal!r}": self.decimal != ".",
            "no header": not self.header,
            f"encoding {self.encoding!r}": self.encoding != "utf-8",
        }
        return ", ".join(part for part, unusual in parts.items() if unusual)


def decoded(raw: "pa.Buffer", encoding: str | None) -> tuple["pa.Buffer", str]:
    """The text in a file's bytes, in UTF-8 without a mark, and the encoding that it had.

    ValueError where it is not text in the one that is given, or in any that might be meant.
    """
    if encoding is None:
        beginning = raw.slice(0, min(4, len(raw))).to_pybytes()
        marks = [name for mark, name in BYTE_ORDER_MARKS.items() if beginning.startswith(mark)]
        # Without a mark, what is not UTF-8 most often comes from Windows, whose encoding prints
        # as Latin-1 does. A wrong guess garbles names, which are shown, but no digit.
        candidates = marks[:1] or ["utf-8", "cp1252"]
    else:
        candidates = [encoding]
    for candidate in candidates:
        try:
            name = codecs.lookup(candidate).name
            return _utf_8(raw, name), name
        except (UnicodeError, LookupError):
            continue
    raise ValueError(
        f"it is not text in {' or '.join(map(repr, candidates))}; expected a table as text; if it "
        "is one, give its encoding= (--encoding), such as 'utf-16-le' or 'mac-roman'"
    )


def _utf_8(raw: "pa.Buffer", encoding: str) -> "pa.Buffer":
    """Bytes of text in UTF-8, without a mark; UnicodeError where they are no text."""
    import pyarrow as pa

    if encoding != "utf-8":
        raw = pa.py_buffer(raw.to_pybytes().decode(encoding).encode())
    # By parts: another copy of a large file costs as much as parsing it.
    decoder, view = codecs.getincrementaldecoder("utf-8")(), memoryview(raw)
    for start in range(0, len(view) + 1, PART):
        part = view[start : start + PART]
        if "\0" in decoder.decode(part, final=start + PART > len(view)):
            raise UnicodeError("text holds no NUL")
    return raw.slice(3) if bytes(view[:3]) == codecs.BOM_UTF8 else raw


def separator_of(lines: Sequence[str], decimal: str | None) -> str:
    """The separator that cuts all lines into as many fields, most of them numbers.

    For a single column it is one that cuts none of the lines. The decimal mark, if it is known,
    separates nothing. ValueError where more than one reading makes sense.
    """
    cuts = {s: fields_of(lines, s) for s in SEPARATORS if s != decimal}
    even = {s: cut for s, cut in cuts.items() if len(set(map(len, cut))) == 1 < len(cut[0])}
    whole = [_is_value(line.strip().strip('"'), decimal) for line in lines]
    below = whole[1:] or whole
    # Decimal commas cut the rows of a single column, but not its name, unless that is "length, cm".
    marks = [s for s in SEPARATORS[:-1] if s != decimal]
    uncut = whole[0] or not any(s in lines[0].replace(", ", " ") for s in marks)
    if not even:
        absent = [s for s in SEPARATORS if not any(s in line for line in lines)]
        if absent and uncut and 2 * sum(below) > len(below):
            return absent[0]
        # A line is longer or shorter than the others, which the parser will tell.
        return max(SEPARATORS, key=lambda s: sum(s in line for line in lines))
    if "\t" in even:
        even.pop(" ", None)
    shares = {s: _share_of_values(cut[1:] or cut, s, decimal) for s, cut in even.items()}
    best = [s for s in even if shares[s] == max(shares.values())]
    # Blanks stand inside names and words too, beside another separator.
    clear = len(best) == 1 and (best != [" "] or (len(even) == 1 and uncut))
    if not clear or shares[best[0]] < 0 or (uncut and all(below)):
        raise ValueError(
            f"it cannot be told what separates its fields, as {' and '.join(map(repr, even))} may "
            "also stand inside them; give separator= (--separator), or decimal=',' (--decimal) if "
            "the comma is a decimal mark"
        )
    return best[0]


def has_header(first: Sequence[str], separator: str, line: int) -> bool:
    """That the first fields, on this line, are names.

    ValueError where they may be data: some are like numbers or words for a missing one, or all are
    blank.
    """
    values = [
        field
        for field in first
        if field.strip()
        and (_is_value(field, None) or resembles_number(field) or _falls_apart(field, separator))
    ]
    if values or not any(field.strip() for field in first):
        raise ValueError(
            f"its first line, line {line}, holds values, {listing(values)}, where names are "
            "expected; give header=False (--no-header) if it is a row of data, header=True "
            "(--header) if these are names"
        )
    return True


def fields_of(lines: Iterable[str], separator: str) -> list[list[str]]:
    """The fields of every line that is not blank; none where quotes end inside a field."""
    if separator == " ":  # but not one that pads another separator
        lines = (re.sub(r" *([,;|]) *", r"\1", " ".join(line.split())) for line in lines)
    try:
        return [fields for fields in csv.reader(lines, delimiter=separator, strict=True) if fields]
    except csv.Error:
        return []


def _share_of_values(records: list[list[str]], separator: str, decimal: str | None) -> float:
    """Share of fields that are values; −1 if another separator cuts some into values."""
    fields = [field for record in records for field in record]
    others = [field for field in fields if not _is_value(field, decimal)]
    if any(_falls_apart(field, separator) for field in others):
        return -1.0
    return 1 - len(others) / len(fields)


def _falls_apart(field: str, separator: str) -> bool:
    """Whether another separator cuts a field into values."""
    cuts = (field.strip().split(other) for other in SEPARATORS if other != separator)
    return any(len(cut) > 1 and all(_is_value(part, None) for part in cut) for cut in cuts)


def _is_value(field: str, decimal: str | None) -> bool:
    return field.strip() in MISSING or is_number(field, decimal)
