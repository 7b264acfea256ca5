"""Errors, exit codes and interrupts of the command."""

import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from bayesgmm.cli import stop_at_once


class InputError(Exception):
    """Something the user gave is wrong; the text says what and what to try."""


def complain(text: str, style: str = "red") -> None:
    Console(stderr=True, soft_wrap=True).print(f"[{style}]{escape(text)}[/]", highlight=False)


@contextmanager
def blaming_input() -> Iterator[None]:
    """What is raised here is about what the user gave."""
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        raise InputError(str(error)) from error


@contextmanager
def saving_on_interrupt(save: Callable[[], Path]) -> Iterator[None]:
    """On Ctrl-C keep what is there, and say where."""
    try:
        yield
    except KeyboardInterrupt:
        complain(f"Interrupted. Kept: {save()}", "yellow")
        raise


@contextmanager
def exit_codes() -> Iterator[None]:
    """2 for wrong input, with one line; 130 for Ctrl-C; 1 for a failing disk or the unexpected."""
    if signal.getsignal(signal.SIGINT) is stop_at_once:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except InputError as error:
        complain(f"Error: {' '.join(str(error).split())}")
        raise typer.Exit(2) from error
    except KeyboardInterrupt as error:
        complain("Stopped by Ctrl-C.", "yellow")
        raise typer.Exit(130) from error
    except typer.Exit:
        raise
    except OSError as error:
        complain(f"Error: {error}")
        raise typer.Exit(1) from error
    except Exception as error:
        traceback.print_exc()
        complain(f"Unexpected: {type(error).__name__}: {error}")
        raise typer.Exit(1) from error
