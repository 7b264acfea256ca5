"""Settings checked on entry: each function returns the value, or raises an error that names it.

Imports nothing of ours.
"""

import math
from collections.abc import Collection
from typing import Any

import numpy as np

LARGEST_SEED = 2**63 - 1
"""Largest seed: files keep it as a signed integer of 64 bits."""


def integer(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """An integer from ``least`` to ``most``; a bool is none, a NumPy integer is one."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be {_integers(least, most)}; got {shown(value)}.")
    if value < least or (most is not None and value > most):
        raise ValueError(f"{name} must be {_integers(least, most)}; got {shown(value)}.")
    return int(value)


def number(name: str, value: Any, above: float = -math.inf, below: float = math.inf) -> float:
    """A finite real number strictly between two bounds; a bool is none."""
    expected = "a finite number"
    if above > -math.inf and below < math.inf:
        expected = f"a number between {above:g} and {below:g}"
    elif above > -math.inf:
        expected += f" above {above:g}"
    elif below < math.inf:
        expected += f" below {below:g}"
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be {expected}; got {shown(value)}.")
    # Comparisons first: an integer may be too large for a float.
    if not (above < value < below and -math.inf < value < math.inf):
        raise ValueError(f"{name} must be {expected}; got {shown(value)}.")
    return float(value)


def flag(name: str, value: Any) -> bool:
    """True or False, NumPy's too."""
    if type(value).__name__ not in ("bool", "bool_"):
        raise TypeError(f"{name} must be True or False; got {shown(value)}.")
    return bool(value)


def one_of(name: str, value: Any, choices: Collection[str]) -> str:
    """One of a few words."""
    expected = ", ".join(map(repr, choices))
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {expected}; got {shown(value)}.")
    if value not in choices:
        raise ValueError(f"{name} must be one of {expected}; got {shown(value)}.")
    return value


def seed(value: Any, name: str = "random_seed") -> int | None:
    """None, or an integer that every generator and file takes."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be None or an integer of at least 0; got {shown(value)}.")
    if not 0 <= value <= LARGEST_SEED:
        raise ValueError(f"{name} must be None or an integer from 0 to 2^63 - 1; got {value}.")
    return int(value)


def instance(name: str, value: Any, kind: type | tuple[type, ...], advice: str) -> Any:
    """An object of one of our own kinds; ``advice`` is a sentence on how to come by one."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kinds):
        expected = " or ".join(k.__name__ for k in kinds)
        raise TypeError(f"{name} must be a {expected}; got {shown(value)}. {advice}")
    return value


def shown(value: Any) -> str:
    """A value and its type, short enough for a message."""
    text = " ".join(repr(value).split())
    text = text if len(text) <= 60 else f"{text[:57]}…"
    return f"{text} ({type(value).__name__})"


def _integers(least: int, most: int | None) -> str:
    if most is None:
        return f"an integer of at least {least}"
    return f"an integer from {least} to {most}"
