"""Numbers and tables as HTML, in one style for notebook cells and for the report."""

import math
from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

HEADINGS = {
    "mcse_mean": "MCSE",
    "mcse": "MCSE",
    "r_hat": "R-hat",
    "ess_bulk": "bulk ESS",
    "ess_tail": "tail ESS",
    "e_bfmi": "E-BFMI",
    "n_occupied": "K₊",
    "map": "MAP",
    "sd": "SD",
    "mcse_sd": "MCSE of SD",
    "p_value": "p",
    "obs_bis": "other row",
    "obs": "row",
    "feature_bis": "with feature",
    "log_posterior": "log posterior (nats)",
    "log_likelihood": "log likelihood (nats)",
    "below_best": "below best (nats)",
    "entropy": "entropy (nats)",
    "entropy_mcse": "MCSE of entropy",
    "mcse_position": "MCSE of position",
    "map_label": "MAP label",
    "together_in_map": "together in MAP",
    "p_wrong": "P(MAP label wrong)",
}
"""Headings of columns that are not their name with spaces."""


IDENTIFIERS = ("component", "chain", "mode", "obs", "obs_bis", "group", "n_occupied")
"""Columns whose numbers are names: never with spaces between thousands."""


def number(value: float | None, digits: int = 4) -> str:
    """A number with ``digits`` significant digits, with an exponent only if it is extreme."""
    value = math.nan if value is None else float(value)
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if not -5 <= magnitude < 9:
        return f"{value:.{digits - 1}e}".replace("-", "−")
    return f"{value:.{max(digits - 1 - magnitude, 0)}f}".replace("-", "−")


def whole(value: float | None) -> str:
    """A count, with narrow spaces, where no line breaks, between thousands."""
    value = math.nan if value is None else float(value)
    return f"{value:,.0f}".replace(",", "\u202f") if math.isfinite(value) else "–"


def cell(name: object, value: Any) -> str:
    """A value as the text that a table shows; the column's name decides how many digits."""
    value = value.item() if hasattr(value, "item") else value
    name = str(name)
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if name in IDENTIFIERS:
        return str(value)
    if isinstance(value, int) or name.startswith("ess"):
        return whole(value)
    if name == "r_hat":
        return f"{value:.3f}" if math.isfinite(value) else "–"
    # Of log densities the differences count.
    return number(value, 2 if "mcse" in name else 7 if name.startswith("log_") else 4)


def table(records: Iterable[Mapping[str, Any]], caption: str) -> str:
    """Records with the same keys as an HTML table, in a box that scrolls sideways when narrow.

    The first column heads its row. Every cell of a number carries it in full as ``data-value``.
    """
    records = list(records)
    names = list(records[0]) if records else []
    is_text = {n: all(r[n] is None or isinstance(r[n], str) for r in records) for n in names}
    kinds = {name: ' class="name"' if is_text[name] else "" for name in names}
    head = "".join(f'<th scope="col"{kinds[name]}>{_heading(name)}</th>' for name in names)
    rows = ("".join(_td(n, r[n], n == names[0], kinds[n]) for n in names) for r in records)
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    # A box that scrolls must be reached by the keyboard, and say what it is.
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Table: {escape(caption)}">'
        f"<table><caption><span>{_text(caption)}</span></caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def frame_table(frame: "pd.DataFrame", caption: str) -> str:
    """A data frame as such a table, its index first where it has a name."""
    named = any(name is not None for name in frame.index.names)
    return table((frame.reset_index() if named else frame).to_dict("records"), caption)


def verdict(head: str, text: str, good: bool) -> str:
    """A sentence that must not be overlooked."""
    kind = "good" if good else "poor"
    head = head if head.endswith((".", "!", "?")) else f"{head}."
    return f'<p class="verdict {kind}"><strong>{_text(head)}</strong> {_text(text)}</p>'


def folded(title: str, html: str) -> str:
    """A part that opens when asked."""
    return f"<details><summary>{_text(title)}</summary>\n{html}\n</details>"


def card(*parts: str) -> str:
    """Parts as one notebook cell, with the style that the report has."""
    body = "\n".join(part for part in parts if part)
    return f'<div class="bayesgmm"><style>{style()}</style>\n{body}\n</div>'


@cache
def style() -> str:
    """The style sheet; every rule is confined to the class ``bayesgmm``."""
    return files("bayesgmm.html").joinpath("style.css").read_text(encoding="utf-8")


def _text(value: str) -> str:
    """Escaped for the text of a page; in an attribute the quotes must be, too."""
    return escape(value, quote=False)


def _heading(name: object) -> str:
    return _text(HEADINGS.get(str(name), str(name).replace("_", " ")))


def _td(name: object, value: Any, is_head: bool, kind: str) -> str:
    tag, more = ("th", ' scope="row"') if is_head else ("td", "")
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, int | float) and not isinstance(value, bool):
        more += f' data-value="{value!r}"'
    return f"<{tag}{more}{kind}>{_text(cell(name, value))}</{tag}>"
