"""The real data and third-party numbers that rooms share."""

import csv
import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
os.environ["MPLBACKEND"] = "agg"


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def pytest_sessionstart(session):
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts what runs in its background deaf to Ctrl-C, which some tests press.
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _columns(name, columns):
    """Complete rows of a CSV file in models/data, float64."""
    with open(ROOT / "models" / "data" / name, newline="", encoding="utf-8") as file:
        rows = [[row[c] for c in columns] for row in csv.DictReader(file)]
    return np.array(
        [[float(v) for v in row] for row in rows if all(v not in ("", "NA") for v in row)]
    )


@pytest.fixture(scope="session")
def old_faithful():
    """(272, 2): eruption length and waiting time, minutes."""
    return _columns("old_faithful.csv", ["eruptions", "waiting"])


@pytest.fixture(scope="session")
def penguins():
    """(342, 4): bill length and depth, flipper length (mm), body mass (g)."""
    names = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    return _columns("penguins.csv", names)


@pytest.fixture(scope="session")
def galaxies():
    """(82, 1): velocities, 1000 km/s."""
    return _columns("galaxies.csv", ["velocity_km_s"]) / 1000


@pytest.fixture(scope="session")
def mclust():
    """Point estimates of mclust (tests/reference/mclust.R), by (data, components, model, prior)."""
    text = (ROOT / "tests" / "reference" / "mclust.json").read_text("utf-8")
    fits = json.loads(text)["fits"]
    return {(f["data"].split(",")[0], f["components"], f["model"], f["prior"]): f for f in fits}


def pytest_collection_modifyitems(items):
    """NormalLKJ has no form for proportional covariances, which another test holds."""
    items[:] = [item for item in items if not _of_no_form(item)]


def _of_no_form(item):
    values = []
    for value in getattr(getattr(item, "callspec", None), "params", {}).values():
        values += value if isinstance(value, tuple) else [value]
    named = {v if isinstance(v, str) else getattr(v, "__name__", type(v).__name__) for v in values}
    separate = {"separate", "half-normal", "separate default", "separate given", "NormalLKJ"}
    return "proportional" in named and bool(separate & named)
