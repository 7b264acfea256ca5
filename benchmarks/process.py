"""From a fresh process to a printed summary, beside textbook PyMC's and NumPyro's."""

import importlib.util
import statistics
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.measure import Row, interleaved
from benchmarks.simulate import TABLES
from benchmarks.workers import python, run

DATA = TABLES / "old_faithful.csv"
N_COMPONENTS = 2

WORKERS = {
    "textbook PyMC": "summary_pymc",
    "bayesgmm": "summary_bayesgmm",
    "NumPyro": "summary_numpyro",
}

IMPORTS = {
    "textbook PyMC": "import pandas, pymc, nutpie, arviz",
    "bayesgmm": "import bayesgmm, nutpie, arviz; bayesgmm.sample, bayesgmm.relabel",
    "NumPyro": "import pandas, jax, numpyro.infer",
}

REPETITIONS = {"quick": 3, "full": 5}
"""Few: a run of the textbook's takes many seconds."""


def rows(profile, draws=1000, tune=1000):
    what = (
        f"fresh process to a summary, {{}}: Old Faithful K = {N_COMPONENTS}, "
        f"4 × ({tune} + {draws}) draws, pm.sample by nutpie and az.summary "
        "against the mode, sample, relabel and summary, printed"
    )
    sides = ["textbook PyMC", "bayesgmm"]
    numpyro = profile == "full" and importlib.util.find_spec("numpyro")
    warm = {
        side: partial(run, WORKERS[side], DATA, N_COMPONENTS, draws, tune)
        for side in [*sides, *(["NumPyro"] if numpyro else [])]
    }
    yield Row(
        "process_warm",
        what.format("warm caches"),
        "≥ 4",
        seconds=interleaved(warm, REPETITIONS[profile]),
        extra={"import seconds": {side: import_seconds(IMPORTS[side]) for side in warm}},
    )
    if profile == "full":
        cold = {side: partial(run_cold, WORKERS[side], draws, tune) for side in sides}
        yield Row(
            "process_cold",
            what.format("empty caches"),
            "≥ 10",
            seconds=interleaved(cold, REPETITIONS[profile]),
        )


def run_cold(worker, draws, tune):
    """A run that finds nothing compiled: numba and PyTensor keep their caches in empty folders."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder)
        run(
            worker, DATA, N_COMPONENTS, draws, tune,
            NUMBA_CACHE_DIR=str(empty / "numba"),
            PYTENSOR_FLAGS=f"base_compiledir={empty / 'pytensor'}",
        )  # fmt: skip


def import_seconds(statement):
    """Seconds that a fresh process spends on imports, median of three."""
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    return statistics.median(float(python("-c", code)) for _ in range(3))
