"""The law of the layers: who may import whom, and what importing costs."""

import ast
import importlib
import subprocess
import sys
import types
from pathlib import Path

import pytest

import bayesgmm

PACKAGE = Path(bayesgmm.__file__).parent

# A room imports only from rooms above it, and only what the room hands out; the package's own
# __init__ from none.
ROOMS = [
    "runtime",
    "html",
    "data",
    "mixture",
    "likelihood",
    "em",
    "draws",
    "pymc_model",
    "sampling",
    "labels",
    "posterior",
    "clusterings",
    "choice",
    "figures",
    "page",
    "cli",
    "__main__",
]
PYMC = {"pymc", "pytensor", "nutpie"}
ARVIZ = {"arviz", "arviz_base", "arviz_stats", "arviz_plots"}
FORBIDDEN = dict.fromkeys(ROOMS[: ROOMS.index("pymc_model")], PYMC | ARVIZ) | {"pymc_model": ARVIZ}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(path):
    """Name of the room a file of the package is in; None for the package's own __init__."""
    name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return None if name == "__init__" else name


def imports_of(path):
    """Modules, and the names taken from each, that a file imports anywhere in it, lazily too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "from . is not how rooms are written"
            yield from ((node.module, alias.name) for alias in node.names)


def handed_out(room):
    """The names that a room's ``__init__`` exports; of a room of one file, all."""
    stub, init = (PACKAGE / room / f"__init__.{ending}" for ending in ("pyi", "py"))
    if not init.exists():
        return None
    tree = ast.parse((stub if stub.exists() else init).read_text("utf-8"))
    lists = [
        n.value for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "__all__"
    ]
    if lists:
        return set(ast.literal_eval(lists[0]))
    own = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
    return own | {a.asname for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names}


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


def diagram():
    """The rooms from the bottom up, each in its own words."""
    lines = []
    for room in ROOMS[:-1]:
        path = PACKAGE / room / "__init__.py"
        path = path if path.exists() else PACKAGE / f"{room}.py"
        words = ast.get_docstring(ast.parse(path.read_text("utf-8"))).splitlines()[0]
        lines.append(f"    {room:<12} {words}")
    return "\n".join(lines)


def test_contributing_shows_the_rooms():
    shown = (PACKAGE.parent / ".github" / "CONTRIBUTING.md").read_text("utf-8")
    assert f"\n\n{diagram()}\n\n" in shown, f"CONTRIBUTING should show\n{diagram()}"


def test_every_room_has_its_place():
    assert {room_of(path) for path in MODULES} - {None} == set(ROOMS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_from_rooms_above_it_and_what_they_hand_out(path):
    room = room_of(path)
    for module, name in imports_of(path):
        top, _, rest = module.partition(".")
        assert top not in FORBIDDEN.get(room, set()), module
        if top != "bayesgmm":
            continue
        if not rest:  # the lazy public names belong to no room: only the command takes them
            assert room == "cli" or name in ROOMS, module
            continue
        source, _, inside = rest.partition(".")
        if source == room:
            continue
        assert ROOMS.index(source) < ROOMS.index(room), module
        assert not inside, f"{module} goes round what the room hands out"
        exports = handed_out(source)
        assert exports is None or name in exports, f"{module} does not hand out {name}"


@pytest.mark.parametrize(
    "room", [None, *sorted(p.parent.name for p in PACKAGE.glob("*/__init__.py"))]
)
def test_no_module_bears_a_name_that_its_package_exports_as_something_else(room):
    package = PACKAGE if room is None else PACKAGE / room
    exports = set(public_names()) if room is None else handed_out(room)
    shared = exports & {p.stem for p in package.iterdir()}
    dotted = "bayesgmm" if room is None else f"bayesgmm.{room}"
    module = importlib.import_module(dotted)
    assert all(isinstance(getattr(module, name), types.ModuleType) for name in shared)


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
