"""The law of the layers: who may import whom, and what importing costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import bayesgmm

PACKAGE = Path(bayesgmm.__file__).parent

# A room imports only from rooms above it; the package's own __init__ from none.
ROOMS = [
    "arguments",
    "cache",
    "compiled",
    "files",
    "markup",
    "structure",
    "progress",
    "threads",
    "data",
    "prior",
    "mixture",
    "likelihood",
    "target",
    "em",
    "draws",
    "op",
    "axes",
    "distributions",
    "model",
    "sampling",
    "posterior",
    "reporting",
    "cli",
    "__main__",
]
PYMC = {"pymc", "pytensor", "nutpie"}
ARVIZ = {"arviz", "arviz_base", "arviz_stats", "arviz_plots"}
FORBIDDEN = dict.fromkeys(ROOMS[: ROOMS.index("op")], PYMC | ARVIZ)
FORBIDDEN |= dict.fromkeys(("op", "axes", "distributions", "model"), ARVIZ)
MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(path):
    """Name of the room a file of the package is in; None for the package's own __init__."""
    name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return None if name == "__init__" else name


def imported_names(path):
    """Dotted names that a file imports anywhere in it, lazily too."""
    package = ".".join(["bayesgmm", *path.relative_to(PACKAGE).parent.parts])
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                base = package.split(".")[: len(package.split(".")) - node.level + 1]
                module = ".".join([*base, *([module] if module else [])])
            if module != "bayesgmm":
                yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def public_names():
    """Name → whether it is a function, from the stub that lazy imports read."""
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text("utf-8"))
    names = [
        alias.asname or alias.name
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    return {name: name[0].islower() for name in names}


def in_a_fresh_process(program):
    """What a program prints, in a process that has imported nothing."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def test_every_room_has_its_place():
    assert {room_of(path) for path in MODULES} - {None} == set(ROOMS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_from_rooms_above_it(path):
    room = room_of(path)
    for name in imported_names(path):
        top, _, rest = name.partition(".")
        if top == "bayesgmm":
            source = rest.split(".")[0]
            # The lazy public names belong to no room: only the command takes them.
            if source in ROOMS:
                assert source == room or ROOMS.index(source) < ROOMS.index(room), name
            else:
                assert room == "cli", name
        assert top not in FORBIDDEN.get(room, set()), name


def test_no_module_bears_the_name_of_a_public_function():
    modules = {path.stem for path in MODULES} | {path.parent.name for path in MODULES}
    functions = {name for name, is_function in public_names().items() if is_function}
    assert functions
    assert not modules & functions


def test_importing_every_module_leaves_no_module_among_the_public_names():
    printed = in_a_fresh_process(
        "import importlib, pkgutil, types, bayesgmm\n"
        "for m in pkgutil.walk_packages(bayesgmm.__path__, 'bayesgmm.'):\n"
        "    importlib.import_module(m.name)\n"
        "for name in bayesgmm.__all__:\n"
        "    value = getattr(bayesgmm, name)\n"
        "    print(name, isinstance(value, types.ModuleType), callable(value))\n"
    )
    kinds = {n: (m, c) for n, m, c in zip(printed[::3], printed[1::3], printed[2::3], strict=True)}
    assert set(kinds) == set(public_names())
    assert set(kinds.values()) == {("False", "True")}


def heavy_modules_after(program):
    heavy = {"pymc", "pytensor", "arviz", "nutpie", "numba", "scipy", "pandas", "matplotlib"}
    return set(in_a_fresh_process(f"{program}\nimport sys\nprint(*sys.modules)")) & heavy


def test_importing_the_package_imports_nothing_heavy():
    assert heavy_modules_after("import bayesgmm, bayesgmm as bg; dir(bg)") == set()


@pytest.mark.parametrize("prior", ["NormalInverseWishart", "NormalLKJ"])
def test_a_point_estimate_of_an_array_pays_for_numba_and_scipy_alone(prior):
    program = (
        "import numpy as np, bayesgmm as bg\n"
        "x = np.random.default_rng(1).normal(size=(30, 2))\n"
        f"mixture = bg.GaussianMixture(2, prior=bg.{prior}())\n"
        "bg.fit_map(mixture, x, n_starts=2, random_seed=1)\n"
        "bg.fit_ml(bg.GaussianMixture(1), x, n_starts=1).predict(x)\n"
    )
    assert heavy_modules_after(program) == {"numba", "scipy"}
