"""What the benchmark records, and how it times: every side in turn, every repetition kept."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

REPETITIONS = {"quick": 3, "full": 11}
"""Repetitions of every side, by profile, where a row has no reason to choose its own."""

SHORTEST = 0.2
"""Seconds that a repetition lasts at least: a shorter call is made again and again in it."""

PAUSE = 0.1
"""Seconds of rest before a repetition: threads of BLAS go on spinning after their last product.

Rested cores and memory take up to 20 ms to wake, so that a call shorter than ``SHORTEST`` is made
once before it is timed.
"""

BOUND = re.compile(r"(?P<sign>[≥≤<]) (?P<bound>[\d.]+)|(?P<centre>[\d.]+) ± (?P<width>[\d.]+)")


class Seconds(float):
    """What a side returns if it times itself, as a worker in another language does."""


@dataclass(frozen=True)
class Row:
    """One line of the benchmark.

    Parameters
    ----------
    name : str
        Short and unique; a later run replaces the row of the same name.
    what : str
        What is timed, in one line.
    target : str
        ``"≥ 20"``, ``"≤ 1.3"``, ``"< 1.01"`` or ``"1.0 ± 0.05"``, in ``unit``; empty for none.
    unit : str
        That of the figure: "×" for a ratio.
    seconds : dict of str to list of float
        Every repetition of each side. The figure is the ratio of the first side's median to the
        second's …
    value : float, optional
        … unless it is given here: MB, a slope, a ratio of effective draws per second.
    extra : dict
        Whatever else was measured, ready for JSON.
    skipped : str
        Why there is no figure, such as a peer that is not installed.
    """

    name: str
    what: str
    target: str = ""
    unit: str = "×"
    seconds: dict[str, list[float]] = field(default_factory=dict)
    value: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    skipped: str = ""

    def __post_init__(self):
        if self.target and not BOUND.fullmatch(self.target):
            raise ValueError(f"target must be like '≥ 20' or '1.0 ± 0.05'; got {self.target!r}.")
        if not self.skipped and self.value is None and len(self.seconds) < 2:
            raise ValueError(f"{self.name} needs two sides, a value, or a reason to be skipped.")

    @property
    def figure(self) -> float | None:
        """What the target judges; None if the row was skipped."""
        if self.skipped or self.value is not None:
            return None if self.skipped else self.value
        first, second, *_ = map(median, self.seconds.values())
        return first / second

    @property
    def met(self) -> bool | None:
        """Whether the figure meets the target; None without either."""
        figure, target = self.figure, BOUND.fullmatch(self.target)
        if figure is None or target is None:
            return None
        if target["sign"] is None:
            return abs(figure - float(target["centre"])) <= float(target["width"])
        bound = float(target["bound"])
        return {"≥": figure >= bound, "≤": figure <= bound, "<": figure < bound}[target["sign"]]


def interleaved(
    sides: Mapping[str, Callable[[], object]], repetitions: int = 5
) -> dict[str, list[float]]:
    """Seconds per call of every side: one call of each to warm up, then all of them in turn.

    What else the machine is doing falls on all sides alike. A side that times itself returns
    :class:`Seconds`.
    """
    for call in sides.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repetitions):
        for name, call in sides.items():
            time.sleep(PAUSE)
            seconds[name].append(_repetition(call))
    return seconds


def _repetition(call):
    seconds = _seconds_per_call(call, 0)
    return seconds if seconds >= SHORTEST else _seconds_per_call(call, SHORTEST)


def _seconds_per_call(call, least):
    """Of calls that together last for ``least`` seconds by the clock, and of one at least."""
    calls, total, start = 0, 0.0, time.perf_counter()
    began = start
    while calls == 0 or began - start < least:
        result = call()
        ended = time.perf_counter()
        calls += 1
        total += result if isinstance(result, Seconds) else ended - began
        began = ended
    return total / calls


def size(n_obs, n_features, n_components):
    """``(1 000 000, 5, 5)``: rows, features and components as the rows of the table name them."""
    return f"({n_obs:,}, {n_features}, {n_components})".replace(",", " ").replace("  ", ", ")
