"""Numbers as people write them: decimal commas, marks between thousands, words for no value."""

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

DECIMALS = (".", ",")

MISSING = (
    *("", "NA", "N/A", "n/a", "na", "#N/A", "#NA", "<NA>", "NaN", "nan", "-NaN", "-nan"),
    *("NULL", "null", "Null", "None", "none", "-", "--", "–", "—", ".", "?", "*"),
)
"""Words for a value that is missing."""

BETWEEN_THOUSANDS = {
    decimal: f"[{other}' \u00a0\u2009\u202f]" for decimal, other in zip(".,", ",.", strict=True)
}
"""Regular expression of a mark between thousands, by decimal mark."""


def _pattern(decimal: str) -> str:
    mark = re.escape(decimal)
    whole = rf"[0-9]+|[1-9][0-9]{{0,2}}(?:{BETWEEN_THOUSANDS[decimal]}[0-9]{{3}})+"
    return rf"[+−-]?(?:(?:{whole})(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?"


PATTERN = {decimal: _pattern(decimal) for decimal in DECIMALS} | {
    None: "|".join(map(_pattern, DECIMALS))
}
"""Regular expression of a number, by decimal mark; of None, with either."""

AFFIXES = "<>≤≥~=%$€£ "
"""What stands beside a number that is a bound, a share or an amount."""


def is_number(word: str, decimal: str | None = None) -> bool:
    """Whether a word is a number with this decimal mark, or with either."""
    return re.fullmatch(PATTERN[decimal], word.strip()) is not None


def resembles_number(word: str) -> bool:
    """Whether a word is a number, or one with an affix, hexadecimal, infinite or NaN."""
    bare = word.strip(AFFIXES)
    if is_number(bare) or re.fullmatch("0[xX][0-9a-fA-F]+", bare):
        return True
    try:
        float(bare)
    except ValueError:
        return False
    return True


def are_numbers(
    words: "pa.ChunkedArray", decimal: str | None = None, affixes: str = ""
) -> "pa.ChunkedArray":
    """Which of a column's words are numbers, but for affixes; null where a word is null."""
    import pyarrow.compute as pc

    beside = f"[{affixes}]*" if affixes else ""
    return pc.match_substring_regex(words, f"^{beside}(?:{PATTERN[decimal]}){beside}$")


def as_numbers(words: "pa.ChunkedArray", decimal: str) -> "pa.ChunkedArray":
    """The float64 values of words that are all numbers, or null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = pc.replace_substring_regex(words, BETWEEN_THOUSANDS[decimal], "")
    for mark, meant in ((decimal, "."), ("−", "-"), ("+", "")):
        plain = pc.replace_substring(plain, mark, meant)
    return pc.cast(plain, pa.float64())


def may_part_thousands(column: "pa.ChunkedArray") -> bool:
    """Whether the points in a column of float64, as read, may stand between thousands."""
    for part in column.drop_null().chunks:
        size = np.abs(part.to_numpy(zero_copy_only=False))
        if not np.all((size < 1000) & ((size >= 1) | (size == 0))):
            return False
        thousandths = 1000 * size
        if not np.all(np.abs(thousandths - np.rint(thousandths)) < 1e-6):
            return False
    return True


def decimal_of(columns: "list[pa.ChunkedArray]", separator: str) -> str:
    """The decimal mark of a file, from all its columns as read with a point.

    A column of text votes for the mark with which more of its words are numbers, if most are.
    Where points always stand before three digits, and nothing votes, they are decimal points
    unless some words have none, or the separator is that of decimal commas. ValueError where
    columns disagree, or what stands in for the mark may as well part thousands.

    Columns are of float64, or of words where these are no numbers or their points may part
    thousands.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    votes, commas, points, mixed = set(), [], [], False
    for column in columns:
        if pa.types.is_floating(column.type):
            votes.add(".")
        elif pa.types.is_string(column.type):
            point, comma = (pc.sum(are_numbers(column, m)).as_py() or 0 for m in DECIMALS)
            if 2 * max(point, comma) <= len(column) - column.null_count:
                continue
            if point != comma:
                votes.add("." if point > comma else ",")
                continue
            words = [w for w in column.unique().drop_null().to_pylist() if is_number(w)]
            pointed = [word for word in words if "." in word]
            mixed |= 0 < len(pointed) < len(words)
            points += pointed
            commas += [word for word in words if "," in word]
    if len(votes) == 2 or ("," in votes and points):
        raise ValueError(
            "some of its columns have decimal points, others decimal commas; expected one mark; "
            "give decimal='.' or decimal=',' (--decimal)"
        )
    if not votes and (commas or (points and (mixed or separator == ";"))):
        word, mark = (commas[0], ",") if commas else (points[0], ".")
        raise ValueError(
            f"{word!r} may be {word.replace(mark, '.')} or {word.replace(mark, '')}; give "
            "decimal=',' or decimal='.' (--decimal)"
        )
    return votes.pop() if votes else "."
