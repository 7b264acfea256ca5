"""The command ``bayesgmm``.

Imports the core inside commands only, so that help is quick.
"""

import os
import signal


def main() -> None:
    """Run the command; Ctrl-C while it is still being imported ends the process at once."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, stop_at_once)
    from bayesgmm.cli.commands import app

    app()


def stop_at_once(*_: object) -> None:
    """What Ctrl-C does as long as there is nothing to keep: an exception in the middle of an import
    would leave a traceback."""
    os.write(2, b"Stopped by Ctrl-C.\n")
    os._exit(130)
