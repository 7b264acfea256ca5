"""A progress bar for whatever takes longer than a moment."""

import importlib.util
import sys
from collections.abc import Iterable
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
    return tqdm(steps, desc=description, disable=disable, leave=False, delay=PATIENCE, **settings)
