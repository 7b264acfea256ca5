"""A progress bar for whatever takes longer than a moment."""

import importlib.util
import sys


def progress_bar(steps, description, show):
    """Iterate over steps with a bar that vanishes when done.

    On a terminal, or in a notebook that has ipywidgets; silent where output goes to a file.
    """
    from tqdm import tqdm

    if "ipykernel" in sys.modules and importlib.util.find_spec("ipywidgets"):
        from tqdm.notebook import tqdm
    return tqdm(steps, desc=description, disable=None if show else True, leave=False)
