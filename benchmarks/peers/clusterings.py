"""R's label.switching and salso, on arrays that they are handed in files."""

import functools
import os
import subprocess
from pathlib import Path

import numpy as np

from benchmarks.peers.mclust import RSCRIPT
from benchmarks.peers.worker import Worker

MISSING = "R's label.switching and salso are not installed"


@functools.cache
def versions():
    """Versions of R, label.switching and salso; empty where one of them is missing."""
    if RSCRIPT is None:
        return []
    packages = ('format(packageVersion("label.switching"))', 'format(packageVersion("salso"))')
    program = f"cat(format(getRversion()), {', '.join(packages)})"
    printed = subprocess.run([RSCRIPT, "--vanilla", "-e", program], capture_output=True, text=True)
    return [] if printed.returncode else printed.stdout.split()


def worker():
    """The process that R lives in."""
    return Worker("clusterings", [RSCRIPT, "--vanilla", Path(__file__).with_suffix(".R")])


def save_for_r(path, array):
    """Write an array as R reads it, the first axis varying fastest."""
    np.asfortranarray(array).T.tofile(path)


def relabel(r, path, shape):
    """Seconds of Stephens' algorithm by R's clock, and its permutations."""
    seconds, *found = map(float, r.ask(f"relabel {path} {' '.join(map(str, shape))}").split())
    n_draws, _, k = shape
    return seconds, np.array(found, dtype=int).reshape(k, n_draws).T - 1


def search(r, path, shape, n_runs, seed):
    """Seconds of salso's search by R's clock, on every core, and the labels that it finds."""
    sizes = (*shape, n_runs, os.cpu_count(), seed)
    seconds, *found = map(float, r.ask(f"search {path} {' '.join(map(str, sizes))}").split())
    return seconds, np.array(found, dtype=int)
