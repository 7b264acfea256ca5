"""Names of columns, made fit for every place that shows or keeps them."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

TERMINAL_COMMAND = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
"""A colour or another command to a terminal (ECMA-48, section 5.4)."""


def clean_names(names: Iterable[object], where: str) -> tuple[str, ...]:
    """Names as text of one line without invisible characters, all distinct.

    Control characters would command a terminal, end a string in a netCDF file, or make two names
    look like one. A column without a name is called as pandas calls it. ValueError where two are
    the same, with ``where`` they stand.
    """
    cleaned = [clean_name(name) or f"Unnamed: {j}" for j, name in enumerate(names)]
    repeated = [name for name, count in Counter(cleaned).items() if count > 1]
    if repeated:
        raise ValueError(
            f"{where} has repeated column names: {listing(repeated)}; expected distinct names "
            "(as text, without invisible characters and spaces around); rename them"
        )
    return tuple(cleaned)


def clean_name(name: object) -> str:
    """One name as text of one line, without commands to a terminal and invisible characters."""
    spaced = " ".join(TERMINAL_COMMAND.sub("", str(name)).split())
    visible = (c for c in spaced if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return " ".join("".join(visible).split())


def default_names(n_features: int) -> tuple[str, ...]:
    """Names of features that have none: x1, x2, …"""
    return tuple(f"x{j + 1}" for j in range(n_features))


def listing(names: Sequence[str]) -> str:
    """Names for a message, at most twenty."""
    return joined([repr(name) for name in names])


def joined(parts: Sequence[str], most: int = 20, n_parts: int | None = None) -> str:
    """The first of the parts, for a message; there may be more than those that are given."""
    n_parts = n_parts or len(parts)
    shown = ", ".join(parts[:most])
    return shown if n_parts <= most else f"{shown} and {n_parts - most} more"
