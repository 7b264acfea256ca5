"""Memory of EM beyond the data, and EM over a file that is mapped, not read."""

import json
import shutil
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

import bayesgmm as bg
from benchmarks.measure import Row, interleaved, size
from benchmarks.scaling import slope
from benchmarks.simulate import mixture_rows
from benchmarks.workers import run

MAPPED_BYTES = {"quick": 400_000_000, "full": 4_000_000_000}
MAPPED_FEATURES, MAPPED_COMPONENTS = 10, 3

ITERATIONS = {"bayesgmm": 10, "scikit-learn": 2}
"""Of the fits whose memory is looked at: every iteration allocates what the first did."""

REPETITIONS = 5

LINUX = Path("/proc/self/clear_refs").exists()
NO_PROC = "" if LINUX else "memory is read from Linux's /proc"


def rows(profile, shape=(1_000_000, 10, 10)):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npy"
        np.save(path, mixture_rows(*shape)[0])
        sides = ("scikit-learn", "bayesgmm")
        mb = {side: resident(side, path, "memory", shape[2]) for side in sides if LINUX}
        yield Row(
            "memory_em",
            f"highest memory beyond the data in a fit by EM at {size(*shape)}, one start, "
            f"{ITERATIONS['bayesgmm']} iterations",
            "≤ 64",
            "MB",
            value=mb["bayesgmm"]["beyond"] if LINUX else None,
            extra={"MB": {side: numbers["beyond"] for side, numbers in mb.items()}},
            skipped=NO_PROC,
        )
        n_bytes, k = MAPPED_BYTES[profile], MAPPED_COMPONENTS
        at = f"EM over a memory-mapped .npy of {n_bytes / 1e9:g} GB, d = {MAPPED_FEATURES}, K = {k}"
        free = shutil.disk_usage(folder).free
        if free < n_bytes:
            missing = f"only {free / 1e9:.1f} GB of disk"
            yield Row("memory_mapped", at, "≤ 256", "MB", skipped=missing)
            return
        write_rows(path, n_bytes // (8 * MAPPED_FEATURES), MAPPED_FEATURES, k)
        mb = resident("bayesgmm", path, "mapped", k) if LINUX else {}
        yield Row(
            "memory_mapped",
            f"{at}: highest anonymous resident memory in the fit, the libraries' included",
            "≤ 256",
            "MB",
            value=mb.get("anonymous"),
            extra={"MB": mb},
            skipped=NO_PROC,
        )
        if profile == "full":
            yield linear(path, at)


def linear(path, at):
    """Time of fits to a mapped file, and to its first half and quarter, against their rows."""
    x, mixture = np.load(path, mmap_mode="r"), bg.GaussianMixture(MAPPED_COMPONENTS)
    # With a single iteration, a fit makes the same number of passes whatever the rows.
    settings = {"n_starts": 1, "max_iter": 1, "random_seed": 1, "progress": False}
    lengths = [len(x) // 4, len(x) // 2, len(x)]
    fits = {n: partial(bg.fit_ml, mixture, x[:n], **settings) for n in lengths}
    seconds = interleaved(fits, REPETITIONS)
    return Row(
        "memory_mapped_slope",
        f"{at}, its half and its quarter: slope of log seconds in log n, fits of one iteration",
        "1.0 ± 0.05",
        "",
        value=slope(lengths, [median(seconds[n]) for n in lengths]),
        extra={"rows": lengths, "repetitions": [seconds[n] for n in lengths]},
    )


def resident(library, path, where, n_components):
    """MB of a short fit in a process of its own: see ``workers/fit_memory.py``."""
    arguments = (library, path, where, n_components, ITERATIONS[library])
    return json.loads(run("fit_memory", *arguments))


def write_rows(path, n_obs, n_features, n_components, block=1_000_000):
    """A file of simulated rows, a block of them again and again; never all of it in memory."""
    x = mixture_rows(min(block, n_obs), n_features, n_components)[0]
    shape = (n_obs, n_features)
    file = np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=shape)
    for first in range(0, n_obs, len(x)):
        part = file[first : first + len(x)]
        part[:] = x[: len(part)]
    file.flush()
