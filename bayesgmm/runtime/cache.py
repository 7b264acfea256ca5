"""Machine code kept on disk, for the next process. Imports nothing of ours.

Every signature of a function has a file of its own, written at one stroke: processes that compile
at once do not disturb each other. A file begins with the digest of the sources and of what follows;
code is compiled anew where that is another, be it stale or damaged.
"""

import atexit
import functools
import hashlib
import os
import re
import shutil
import sys
import tempfile
import uuid
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba.core.bytecode import FunctionIdentity
from numba.core.caching import NullCache, UserProvidedCacheLocator
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps, loads
from numba.misc.appdirs import AppDirs

COMPILED = re.compile(
    rb"^@(compiled|inner|overload|numba|generic)|import numba|\(NamedTuple\)", re.MULTILINE
)
"""What files with compiled code have; stale code of any of them would be called by the others."""
PACKAGE = Path(__file__).parent.parent

# Numba numbers what it compiles from 1 in every process, and the number is all that tells apart the
# symbols of functions of one name, such as a factory makes: code from two processes would call
# whichever was loaded first (numba's issue 10486). PyTensor mends it in the same way.
FunctionIdentity._unique_ids = iter(lambda: uuid.uuid4().int, None)


@functools.cache
def sources() -> bytes:
    """Digest of numba's version and of every file of the package that holds compiled code."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_bytes()
        if COMPILED.search(text):
            digest.update(text)
    return digest.digest()


class DiskCache(NullCache):
    """Where numba looks for a function's code and leaves it, by signature."""

    def __init__(self, function: Any) -> None:
        self._function = function

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        target_context.refresh()
        try:
            content = self._file(sig, target_context.codegen()).read_bytes()
        except OSError:
            return None
        digest, code = content[:32], content[32:]
        if digest != _digest(code):
            return None
        return CompileResult._rebuild(target_context, *loads(code))

    def save_overload(self, sig: Any, data: Any) -> None:
        code = dumps(data._reduce())
        with suppress(OSError):  # a full disk, or none, costs time only
            path = self._file(sig, data.codegen)
            part = path.with_suffix(f".{uuid.uuid4().hex}")
            try:
                part.write_bytes(_digest(code) + code)
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)

    def _file(self, sig: Any, codegen: Any) -> Path:
        function = self._function
        fixed = [cell.cell_contents for cell in function.__closure__ or ()]
        machine = codegen.magic_tuple(), sys.implementation.cache_tag
        key = hashlib.sha256(repr((function.__qualname__, fixed, sig, machine)).encode())
        name = f"{function.__module__}.{function.__name__}-{key.hexdigest()[:16]}.nbc"
        return folder() / name


def _digest(code: bytes) -> bytes:
    return hashlib.sha256(sources() + code).digest()


@functools.cache
def folder() -> Path:
    """NUMBA_CACHE_DIR, or beside the package's bytecode, or in the user's cache, or temporary.

    The first of them that can be written to. What lies there is run, so that a temporary one must
    be new: others may write to a folder whose name they know.
    """
    own: str = UserProvidedCacheLocator.get_suitable_cache_subpath(__file__)
    places = [PACKAGE / "__pycache__", Path(AppDirs("numba", False).user_cache_dir) / own]
    if numba.config.CACHE_DIR:
        places.insert(0, Path(numba.config.CACHE_DIR).absolute() / own)
    for place in filter(Path.is_absolute, places):
        with suppress(OSError):
            place.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=place).close()
            return place
    warnings.warn(
        f"compiled code cannot be kept in any of {', '.join(map(str, places))}: every process "
        "compiles anew, which takes some seconds. Try to set the environment variable "
        "NUMBA_CACHE_DIR to a folder that can be written to.",
        skip_file_prefixes=(str(PACKAGE), str(Path(numba.__file__).parent)),
    )
    temporary = tempfile.mkdtemp(prefix="bayesgmm-")
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = temporary  # for the processes that this one starts
    place = Path(temporary) / own
    place.mkdir()
    return place
