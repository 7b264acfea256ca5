"""The folder that a run writes to: its own from the first moment, and its record until the last."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bayesgmm.cli.errors import InputError, blaming_input, complain
from bayesgmm.runtime import files

RECORD = "run.json"
"""What was asked for; it is there for as long as the run is not finished."""

STORE = "run.zarr"
"""The draws as they come, for as long as the run is not finished."""

OUTPUTS = (
    "posterior.nc", "summary.csv", "report.html", "report.json", "map.csv", "mixture.png",
    "components.png", "assignments.png", "similarity.png", "comparison.png", "occupied.png",
    "convergence.png", "em_trace.png",
)  # fmt: skip
"""Files that a run may leave."""


def begin(folder: Path, command: str, file: Path, arguments: dict[str, Any]) -> None:
    """Record a new run, of what a command does with a file, where no other may be unless forced."""
    held = [name for name in (RECORD, STORE, *OUTPUTS) if (folder / name).exists()]
    if held and not arguments["force"]:
        go_on = f"go on with it: bayesgmm resume {folder}; " if RECORD in held else ""
        raise InputError(
            f"{folder} holds another run ({', '.join(held)}). Choose another folder with --out; "
            f"{go_on}or replace it with --force."
        )
    _discard(folder / STORE)
    kept = {n: v for n, v in arguments.items() if n not in ("out", "force")}
    record = {"command": command, "file": str(file.resolve()), "sha256": files.sha256(file)}
    files.write(folder / RECORD, json.dumps(record | {"arguments": kept}, default=str, indent=1))


def recorded(folder: Path) -> dict[str, Any]:
    """The record of an unfinished run, whose file is still what it was or has gone."""
    if not (folder / RECORD).is_file():
        raise InputError(f"{folder} holds no unfinished run: there is no {RECORD} in it.")
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        file = Path(record["file"])
        record = {n: record[n] for n in ("command", "sha256", "arguments")} | {"file": file}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder / RECORD} is damaged; the draws in {folder / STORE}, if there are any, go on "
            f"by bg.resume({str(folder / STORE)!r}) in Python."
        ) from error
    if file.is_file() and files.sha256(file) != record["sha256"]:
        raise InputError(
            f"{file} has changed since the run began. Put back what it was, or begin a new run."
        )
    return record


@contextmanager
def running(folder: Path, *new: Any) -> Iterator[None]:
    """A run in its folder: what is left of it afterwards is its outputs, or what can go on.

    ``new`` is what :func:`begin` takes besides the folder, for a run that is new.
    """
    with ExitStack() as stack:
        with blaming_input():
            stack.enter_context(files.claimed(folder, folder / ".lock"))
            if new:
                begin(folder, *new)
        try:
            yield
        except InputError:
            if not (folder / STORE).exists():
                (folder / RECORD).unlink()
            raise
        except (KeyboardInterrupt, OSError):
            if (folder / STORE).exists():
                complain(f"To go on: bayesgmm resume {folder}", "yellow")
            raise
        began = (folder / RECORD).stat().st_mtime
        for name in OUTPUTS:  # of a run that this one replaced
            if (folder / name).exists() and (folder / name).stat().st_mtime < began:
                (folder / name).unlink()
        (folder / RECORD).unlink()
        _discard(folder / STORE)


def _discard(store: Path) -> None:
    """Delete a store, which is out of sight in one step: a kill may leave the rest half deleted."""
    gone = store.with_name(f".{store.name}.gone")
    shutil.rmtree(gone, ignore_errors=True)
    if store.exists():
        store.replace(gone)
        shutil.rmtree(gone)
