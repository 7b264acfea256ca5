"""Numbers as people write them: decimal commas, marks between thousands, words for no value."""

import re
from typing import TYPE_CHECKING

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


PATTERN = {decimal: _pattern(decimal) for decimal in DECIMALS}
"""Regular expression of a number, by decimal mark."""


def is_number(word: str, decimal: str | None = None) -> bool:
    """Whether a word is a number with this decimal mark, or with either."""
    marks = DECIMALS if decimal is None else (decimal,)
    return any(re.fullmatch(PATTERN[mark], word.strip()) for mark in marks)


def are_numbers(words: "pa.ChunkedArray", decimal: str | None = None) -> "pa.ChunkedArray":
    """Which of a column's words are numbers; null where a word is null."""
    import pyarrow.compute as pc

    pattern = "|".join(PATTERN[mark] for mark in (DECIMALS if decimal is None else (decimal,)))
    return pc.match_substring_regex(words, f"^(?:{pattern})$")


def as_numbers(words: "pa.ChunkedArray", decimal: str) -> "pa.ChunkedArray":
    """The float64 values of words that are all numbers, or null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = pc.replace_substring_regex(words, BETWEEN_THOUSANDS[decimal], "")
    for mark, meant in ((decimal, "."), ("−", "-"), ("+", "")):
        plain = pc.replace_substring(plain, mark, meant)
    return pc.cast(plain, pa.float64())


def decimal_of(columns: "list[pa.ChunkedArray]") -> str:
    """The decimal mark of a file, from all its columns as read with a point.

    A column of text votes for the mark with which more of its words are numbers, if most are.

    Raises
    ------
    ValueError
        Columns disagree, or what stands in for the mark may as well part thousands.
    """
    import pyarrow as pa

    votes, unclear = set(), []
    for column in columns:
        if pa.types.is_floating(column.type):
            votes.add(".")
        elif pa.types.is_string(column.type):
            point, comma = (_count(are_numbers(column, mark)) for mark in DECIMALS)
            if 2 * max(point, comma) <= len(column) - column.null_count:
                continue
            if point != comma:
                votes.add("." if point > comma else ",")
            else:
                unclear += [word for word in column.unique().to_pylist() if word and "," in word]
    if len(votes) == 2:
        raise ValueError(
            "some of its columns have decimal points, others decimal commas; expected one mark; "
            "give decimal='.' or decimal=',' (--decimal)"
        )
    if unclear and not votes:
        word = unclear[0]
        raise ValueError(
            f"{word!r} may be {word.replace(',', '.')} or {word.replace(',', '')}; give "
            "decimal=',' or decimal='.' (--decimal)"
        )
    return votes.pop() if votes else "."


def _count(flags: "pa.ChunkedArray") -> int:
    import pyarrow.compute as pc

    return pc.sum(flags).as_py() or 0
