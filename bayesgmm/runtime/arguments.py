"""Settings checked on entry: each function returns the value, or raises an error that names it.

Imports nothing of ours.
"""

import math
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

LARGEST_SEED = 2**63 - 1
"""Largest seed: files keep it as a signed integer of 64 bits."""


def integer(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """An integer from ``least`` to ``most``; a bool is none, a NumPy integer is one."""
    expected = f"an integer {_within(least, most)}"
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be {expected}; got {shown(value)}.")
    if value < least or (most is not None and value > most):
        raise ValueError(f"{name} must be {expected}; got {shown(value)}.")
    return int(value)


def number(
    name: str, value: Any, above: float = -math.inf, below: float = math.inf, most: float = math.inf
) -> float:
    """A finite real number between bounds, which only ``most`` may equal; a bool is none."""
    expected = "a finite number"
    if above > -math.inf and below < math.inf:
        expected = f"a number between {above:g} and {below:g}"
    elif above > -math.inf:
        expected += f" above {above:g}"
    elif below < math.inf:
        expected += f" below {below:g}"
    if most < math.inf:
        expected += f" and at most {most:g}"
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be {expected}; got {shown(value)}.")
    # Comparisons first: an integer may be too large for a float.
    if not (above < value < below and value <= most and -math.inf < value < math.inf):
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


def listed(name: str, value: Any, kind: type | tuple[type, ...], what: str) -> list[Any]:
    """The distinct values of an argument that is one of a kind, or an iterable of them.

    ``what`` names the kind in the plural; a bool is of none.
    """
    try:
        values = [value] if isinstance(value, kind) else list(value)
    except TypeError:
        values = [value]
    for each in values:
        if isinstance(each, bool) or not isinstance(each, kind):
            raise TypeError(f"{name} must hold {what}; got {shown(each)}.")
    if not values:
        raise ValueError(f"{name} is empty; expected at least one value.")
    return list(dict.fromkeys(values))


def array(name: str, value: Any, kinds: str, expected: str) -> np.ndarray:
    """The argument as an array, of one of some kinds of NumPy's, such as "iuf" for numbers."""
    try:
        found = np.asarray(value)
        fits = found.dtype.kind in kinds
    except (TypeError, ValueError):  # a tree, or rows that differ in length
        fits = False
    if not fits:
        raise TypeError(f"{name} must be {expected}; got {shown(value)}.")
    return found


def numbers(name: str, value: Any) -> np.ndarray:
    """A copy of a finite number, or of an array of them, as float64; bools are none."""
    expected = "a finite number or array"
    found = array(name, value, "iuf", expected)
    if found.size == 0 or not np.isfinite(found).all():
        raise ValueError(f"{name} must be {expected}; got {shown(value)}.")
    return np.array(found, dtype=np.float64)


def integers(
    name: str,
    value: Any,
    *shapes: tuple[str | int, ...],
    least: int | None = None,
    most: int | None = None,
    kind: str = "an array of integers",
) -> np.ndarray:
    """An array of integers from ``least`` to ``most``, with its own dtype; bools are none.

    A shape holds lengths, or names of axes that may have any length but zero. ``kind`` is what
    messages call what is expected.
    """
    named = " or ".join(str(shape).replace("'", "") for shape in shapes)
    expected = f"{kind}, shape {named}"
    found = array(name, value, "iu", expected)
    if not any(_fits(found.shape, shape) for shape in shapes):
        raise ValueError(f"{name} must be {expected}; got shape {found.shape}.")
    if (least is not None and found.min() < least) or (most is not None and found.max() > most):
        within, got = _within(least, most), f"{found.min()} to {found.max()}"
        raise ValueError(f"{name} must hold integers {within}; got {got}.")
    return found


def path(name: str, value: Any) -> Path:
    """A path of a file."""
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} must be the path of a file; got {shown(value)}.")
    return Path(value)


def instance[T](name: str, value: Any, kind: type[T] | tuple[type[T], ...], advice: str) -> T:
    """An object of one of our own kinds; ``advice`` is a sentence on how to come by one."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kinds):
        expected = " or ".join(k.__name__ for k in kinds)
        raise TypeError(f"{name} must be a {expected}; got {shown(value)}. {advice}")
    return value


def shown(value: Any) -> str:
    """A value and its type, short enough for a message; of an array its type and shape."""
    if getattr(value, "ndim", 0) and hasattr(value, "dtype"):
        return f"{type(value).__name__} of {value.dtype}, shape {value.shape}"
    text = " ".join(repr(value).split())
    text = text if len(text) <= 60 else f"{text[:57]}…"
    return f"{text} ({type(value).__name__})"


def _within(least: int | None, most: int | None) -> str:
    return f"of at least {least}" if most is None else f"from {least} to {most}"


def _fits(found: tuple[int, ...], shape: tuple[str | int, ...]) -> bool:
    return len(found) == len(shape) and all(
        n == wanted if isinstance(wanted, int) else n > 0
        for n, wanted in zip(found, shape, strict=True)
    )
