"""Machine code on disk: kept, found again, and never believed when stale or damaged."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bayesgmm
from bayesgmm.runtime import cache
from bayesgmm.runtime.jit import compiled, compiled_for_c

PACKAGE = Path(bayesgmm.__file__).parent


def triple(x):
    return 3 * x


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "folder", lambda: tmp_path)
    return tmp_path


def was_found(x=2.0):
    """Whether a function that this process has not compiled is found on disk; it must be right."""
    fresh = compiled(triple)
    assert fresh(x) == 3 * x
    return bool(fresh.stats.cache_hits)


def test_every_signature_is_kept_in_a_file_of_its_own(folder):
    assert [was_found(2.0), was_found(2), was_found(2.0), was_found(2)] == [
        False,
        False,
        True,
        True,
    ]
    assert len(list(folder.iterdir())) == 2


def test_a_function_for_c_is_kept_too(folder):
    from numba import types

    def fresh():
        return compiled_for_c(types.float64(types.float64))(triple)

    assert fresh().ctypes(2.0) == fresh().ctypes(2.0) == 6.0
    assert len(list(folder.iterdir())) == 1


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:20],
        lambda content: content[: len(content) // 2],
        lambda content: b"garbage" * 1000,
        lambda content: bytes(len(content)),
        flipped,
    ],
    ids=["empty", "no digest", "truncated", "garbage", "zeros", "one bit"],
)
def test_a_damaged_file_is_replaced(folder, damage):
    was_found()
    (file,) = folder.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert [was_found(), was_found()] == [False, True]
    assert list(folder.iterdir()) == [file]


def test_other_sources_are_compiled_anew_in_place(folder, monkeypatch):
    was_found()
    monkeypatch.setattr(cache, "sources", lambda: b"edited")
    assert [was_found(), was_found()] == [False, True]
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("lost", ["missing", "full"])
def test_a_disk_that_takes_nothing_costs_time_only(folder, monkeypatch, lost):
    def full(path, content):
        path.touch()
        raise OSError(28, "No space left on device")

    if lost == "missing":
        monkeypatch.setattr(cache, "folder", lambda: folder / "missing")
    else:
        monkeypatch.setattr(Path, "write_bytes", full)
    assert [was_found(), was_found()] == [False, False]
    assert not list(folder.iterdir())


def compiled_modules():
    """Files that the digest reads, from those that hold a compiled function."""
    return [p for p in PACKAGE.rglob("*.py") if cache.COMPILED.search(p.read_bytes())]


def test_the_digest_changes_with_every_file_of_compiled_code(tmp_path, monkeypatch):
    copy = tmp_path / "bayesgmm"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache, "PACKAGE", copy)
    digests = {cache.sources.__wrapped__()}
    edited = [
        copy / "runtime" / "jit.py",
        *(copy / p.relative_to(PACKAGE) for p in compiled_modules()),
    ]
    assert len(edited) > 15
    for path in edited:
        path.write_bytes(path.read_bytes() + b"\n")
        digests.add(cache.sources.__wrapped__())
    assert len(digests) == len(edited) + 1
    (copy / "page" / "page.py").write_text("")
    assert cache.sources.__wrapped__() in digests


def test_compiled_code_takes_constants_from_files_of_the_digest_only():
    """A number is frozen into the code: no digest of another file would tell that it changed."""
    for path in compiled_modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bayesgmm."):
                source = PACKAGE.joinpath(*node.module.split(".")[1:]).with_suffix(".py")
                constants = [alias.name for alias in node.names if alias.name.isupper()]
                if constants and source not in compiled_modules():
                    used = names_in_compiled_functions(path)
                    assert not used & set(constants), (path, constants)


def names_in_compiled_functions(path):
    marks = {"compiled", "inner", "inner_fast", "inner_exact", "compiled_for_c"}
    tree = ast.parse(path.read_text("utf-8"))
    functions = [
        f
        for f in ast.walk(tree)
        if isinstance(f, ast.FunctionDef)
        and any(n.id in marks for d in f.decorator_list for n in ast.walk(d) if hasattr(n, "id"))
    ]
    return {n.id for f in functions for n in ast.walk(f) if isinstance(n, ast.Name)}


FACTORY = """
import sys
import numpy as np
from bayesgmm.runtime import compiled, inner

def times(factor):
    @inner
    def add_up(x):
        total = 0.0
        for i in range(len(x)):
            for j in range(i):
                total += (np.sin(x[j]) if x[j] > 0.3 else np.exp(x[i])) * factor
        return total
    return add_up

one, thousand = times(1.0), times(1000.0)

@compiled
def by_one(x):
    return one(x) + one(x[1:]) + one(x[2:])

@compiled
def by_thousand(x):
    return thousand(x) + thousand(x[1:]) + thousand(x[2:])

x = np.linspace(0, 1, 20)
print(*(globals()[name](x) for name in sys.argv[1:]))
"""


def printed(program, *arguments, **environment):
    command = [sys.executable, "-c", program, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)} | environment
    child = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert child.returncode == 0, child.stderr
    return child.stdout.split(), child.stderr


def test_code_from_two_processes_does_not_call_one_another(tmp_path):
    """Of functions of one name that a factory made, each process compiled another."""
    kept = {"NUMBA_CACHE_DIR": str(tmp_path)}
    for name in ("by_one", "by_thousand"):
        printed(FACTORY, name, **kept)
    (thousand, one), _ = printed(FACTORY, "by_thousand", "by_one", **kept)
    np.testing.assert_allclose(float(thousand), 1000 * float(one))


LOSS = """
import numpy as np
from bayesgmm.clusterings.losses import LOSSES, losses
print(losses(np.array([[0, 0, 1, 1]]), np.zeros(4, dtype=int), LOSSES["vi"])[0])
"""


def test_an_edited_file_changes_the_number_of_whoever_calls_it(tmp_path):
    """Twice the loss, by an edit of one file, in the compiled code of another."""
    shutil.copytree(PACKAGE, tmp_path / "bayesgmm", ignore=shutil.ignore_patterns("__pycache__"))
    edited = tmp_path / "bayesgmm" / "clusterings" / "losses" / "additive.py"
    before, after = "return self.a * draw", "return self.a * draw + 1.0"
    kept = {"NUMBA_CACHE_DIR": str(tmp_path / "kept")}
    kept |= {"PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": "1"}
    assert printed(LOSS, **kept)[0] == printed(LOSS, **kept)[0] == ["1.0"]
    text = edited.read_text("utf-8")
    assert text.count(before) == 1
    edited.write_text(text.replace(before, after), "utf-8")
    assert printed(LOSS, **kept)[0] == ["2.0"]


READ_ONLY = """
import subprocess, sys
import bayesgmm
from bayesgmm.runtime.cache import folder
from bayesgmm.runtime import compiled

def double(x):
    return x + x

kept = compiled(double)
print(bayesgmm.__file__, kept(2), kept(2.0), folder(), len(list(folder().iterdir())), flush=True)
if len(sys.argv) == 1:
    subprocess.run([sys.executable, "-c", open("/dev/stdin").read(), "child"], check=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="/dev/null is no folder")
def test_where_nothing_can_be_written_a_temporary_folder_serves_all_processes(tmp_path):
    """A file where a folder should be stops even the superuser."""
    copy = tmp_path / "bayesgmm"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "__pycache__").touch()
    environment = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null", "PYTHONPATH": str(tmp_path)}
    environment = os.environ | environment | {"NUMBA_CACHE_DIR": ""}
    child = subprocess.run(
        [sys.executable, "-c", READ_ONLY],
        input=READ_ONLY, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=300,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    mine, childs = (line.split() for line in child.stdout.splitlines())
    assert mine == childs == [str(copy / "__init__.py"), "4", "4.0", mine[3], "2"]
    assert child.stderr.count("UserWarning") == 1
    for words in ("<string>:", "compiled code cannot be kept", "/dev/null", "NUMBA_CACHE_DIR"):
        assert words in child.stderr
    assert not Path(mine[3]).exists()


SAMPLED = """
import hashlib, numpy as np, bayesgmm as bg
x = np.random.default_rng(0).normal(size=(300, 2))
x[:150] += 4
short = {"draws": 20, "tune": 20, "chains": 1, "random_seed": 1, "progress": False}
post = bg.sample(bg.GaussianMixture(2), x, **short)
print(hashlib.sha256(post["posterior"]["means"].values.tobytes()).hexdigest())
"""


def test_the_process_that_compiles_draws_what_a_later_one_draws(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    draws = [
        subprocess.run(
            [sys.executable, "-c", SAMPLED], env=environment, capture_output=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert draws[0] == draws[1]
