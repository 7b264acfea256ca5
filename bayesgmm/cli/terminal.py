"""Tables and verdicts for a terminal."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayesgmm.html import cell, number, whole

if TYPE_CHECKING:
    from rich.table import Table

TEXT_COLUMNS = ("quantity", "feature")
"""Columns of names; all others hold numbers."""

DISPENSABLE = ("mcse_sd", "mcse_mean", "ess_tail", "sd")
"""Columns that a narrow terminal goes without, the first ones first."""

MAX_WORD = 30
"""Longer words in a name are broken where the terminal is narrow."""


def verdict_line(found: dict[str, Any]) -> str:
    """The section ``convergence`` of the numbers of a report in words: a line on each matter."""
    worst = found["worst"]
    numbers = (
        f"Without labels the worst R-hat is {number(worst['r_hat'], 5)}, the smallest "
        f"bulk ESS {whole(worst['ess_bulk'])} and tail ESS {whole(worst['ess_tail'])}."
    )
    words = [f"Verdict: {found['verdict']}.", found["advice"], *found["notes"], numbers]
    return f"{' '.join(words)}\n{found['labels'].capitalize()}: {found['labels_advice']}"


def cells(frame: pd.DataFrame) -> list[list[str]]:
    """The frame's rows as text; a component's number and weight stand on its first row only."""
    rows, previous = [], None
    for record in frame.to_dict("records"):
        row = [_cell(name, value) for name, value in record.items()]
        if "component" in record and "weight" in record:
            if record["component"] == previous:
                row[:2] = ["", ""]
            previous = record["component"]
        rows.append(row)
    return rows


def _cell(name: object, value: object) -> str:
    if isinstance(value, str):
        try:
            return cell(name, float(value))
        except ValueError:
            return value
    return cell(name, value)


def named_rows(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary with its row names as a first column, ``quantity``."""
    return pd.DataFrame(summary).rename_axis("quantity").reset_index()


def rich_table(frame: pd.DataFrame, title: str, width: int) -> "Table":
    """The frame as a table for a terminal of this width: names to the left, numbers to the right.

    Names may break at a space, numbers never. Where they do not fit, the columns that a reader
    misses least are left out, and the caption says so.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    left_out = []
    for name in DISPENSABLE:
        if name in frame and _natural_width(frame) > width:
            frame = frame.drop(columns=name)
            left_out.append(name)
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        caption=f"Too wide for this terminal: {', '.join(left_out)}" if left_out else None,
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
    )
    for name in frame.columns:
        if name in TEXT_COLUMNS:
            least = _least_width(name, frame[name])
            table.add_column(Text(str(name)), justify="left", overflow="fold", min_width=least)
        else:
            table.add_column(Text(str(name)), justify="right", no_wrap=True)
    for row in cells(frame):
        table.add_row(*map(Text, row))
    return table


def _natural_width(frame: pd.DataFrame) -> int:
    """Characters a table needs, its names broken at every space."""
    columns = zip(frame.columns, zip(*cells(frame), strict=True), strict=True)
    return 2 + sum(2 + _least_width(name, column) for name, column in columns)


def _least_width(name: str, column: Iterable[str]) -> int:
    if name in TEXT_COLUMNS:
        return min(MAX_WORD, max(len(word) for text in column for word in str(text).split()))
    return max(map(len, [str(name), *column]))
