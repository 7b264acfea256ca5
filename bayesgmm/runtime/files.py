"""Files written whole or not at all, and folders that one run writes to at a time.

Imports nothing of ours.
"""

import hashlib
import os
import socket
from collections.abc import Buffer, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write(path: Path, content: str | Buffer, part: Path | None = None) -> Path:
    """Bytes (or a text, as UTF-8) as a file: whole and on the disk, or what was there before.

    Written as ``part`` first, by default beside the file: a name is moved in one step, a file is
    not written in one. An OSError names the file that cannot be written.
    """
    if isinstance(content, str):
        content = content.encode()
    part = part or path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_names(path.parent)
    except BaseException as error:  # Ctrl-C too
        part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OSError(error.errno, f"cannot write {path}: {error.strerror}") from error
        raise
    return path


def _sync_names(folder: Path) -> None:
    """Have the names in a folder on the disk, where that is not the system's own affair."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sha256(path: Path) -> str:
    """Hash of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def claimed(path: Path, lock: Path) -> Iterator[None]:
    """The only process that writes to ``path``: the one that holds the lock file.

    The lock's folder is made, and so known to be writable. The kernel gives the lock back however
    the process ends, so that none is ever stale. OSError where the folder cannot be written to, or
    another process holds the lock.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
    except OSError as error:
        raise OSError(error.errno, f"cannot write to {path}: {error.strerror}") from error
    with open(lock, "a+", encoding="utf-8") as file:
        try:
            _lock(file.fileno())
            # Its last holder may have deleted the file between our opening and our locking it.
            if not os.path.samestat(os.fstat(file.fileno()), os.stat(lock)):
                raise BlockingIOError
        except OSError as error:
            file.seek(0)
            holder = file.read() or "another process"
            raise OSError(
                f"{path} is being written to by {holder}; wait for it, or choose another."
            ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        try:
            yield
        finally:
            with suppress(PermissionError):  # Windows deletes no open file
                lock.unlink()


def _lock(descriptor: int) -> None:
    """Lock an open file for this process, or fail at once."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
