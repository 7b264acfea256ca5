"""A progress bar for whatever takes longer than a moment."""

import importlib.util
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bayesgmm.runtime import arguments

if TYPE_CHECKING:
    from tqdm import tqdm

PATIENCE = 2
"""Seconds before a bar shows."""


def progress_bar(
    steps: Iterable[Any] | None, description: str, show: bool, **settings: Any
) -> "tqdm":
    """Iterate over steps with a bar that vanishes when done; further settings are tqdm's.

    On a terminal, or in a notebook that has ipywidgets; silent where output goes to a file. Every
    function's ``progress`` ends here as ``show``, and is checked here.
    """
    from tqdm import tqdm

    if "ipykernel" in sys.modules and importlib.util.find_spec("ipywidgets"):
        from tqdm.notebook import tqdm
    disable = None if arguments.flag("progress", show) else True
    settings = {"delay": PATIENCE, "leave": False} | settings
    return tqdm(steps, desc=description, disable=disable, **settings)


@contextmanager
def waiting(description: str, show: bool) -> Iterator[None]:
    """Say what goes on if it takes longer than a moment, of something that cannot say how far it
    is."""
    bars: list[Any] = []

    def begin() -> None:
        bars.append(progress_bar(None, description, show, delay=0, bar_format="{desc}"))

    timer = threading.Timer(PATIENCE, begin)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        for bar in bars:
            bar.close()
