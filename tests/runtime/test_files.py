"""Files are whole or as they were; a lock is held by one process, and never stale."""

import errno
import os
import subprocess
import sys

import pytest

from bayesgmm.runtime.files import claimed, write

HOLDER = """
import sys
from pathlib import Path
from bayesgmm.runtime.files import claimed
with claimed(Path(sys.argv[1]).parent, Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 kB."""
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(tmp_path)], check=False
    ).returncode:
        pytest.skip("no disk can be mounted here")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_bytes_and_text_are_written_and_replaced(tmp_path):
    path = tmp_path / "new" / "file"
    for content in (b"one", "zwei – µ", memoryview(b"three")):
        assert write(path, content) == path
        read = path.read_bytes()
        assert read == (content.encode() if isinstance(content, str) else bytes(content))
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = write(tmp_path / "file", b"before")

    for failure in (OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()):

        def fails(descriptor, failure=failure):
            raise failure

        monkeypatch.setattr(os, "fsync", fails)
        with pytest.raises(type(failure)) as caught:
            write(path, b"after")
        assert path.read_bytes() == b"before"
        assert [p.name for p in tmp_path.iterdir()] == ["file"]
        if isinstance(failure, OSError):
            assert f"cannot write {path}: No space left" in str(caught.value)
            assert caught.value.errno == errno.ENOSPC


def test_a_full_disk_leaves_what_was_there(small_disk):
    path = write(small_disk / "file", b"before")
    with pytest.raises(OSError, match=r"cannot write .*file: No space left"):
        write(path, bytes(10**6))
    assert path.read_bytes() == b"before"
    assert [p.name for p in small_disk.iterdir()] == ["file"]


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    write(tmp_path / "file", b"")
    folder = tmp_path / "file" / "folder"
    with pytest.raises(OSError, match=f"cannot write to {folder}: Not a directory"):
        claimed(folder, folder / ".lock").__enter__()


def test_the_second_is_refused_at_once_and_a_dead_process_holds_nothing(tmp_path):
    lock = tmp_path / "new" / ".lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(OSError, match=f"is being written to by process {holder.pid} on"):
            claimed(lock.parent, lock).__enter__()
    finally:
        holder.kill()
        holder.communicate()
    with claimed(lock.parent, lock):
        assert lock.exists()
        with pytest.raises(OSError, match=f"by process {os.getpid()} on"):
            claimed(lock.parent, lock).__enter__()
    assert not lock.exists()
