"""R's mclust, model VVV, from fixed responsibilities."""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measure import Seconds
from benchmarks.peers.worker import Worker

RSCRIPT = shutil.which("Rscript")
MISSING = "R's mclust is not installed"


@functools.cache
def versions():
    """Versions of R and of mclust; empty where one of them is missing."""
    if RSCRIPT is None:
        return []
    program = 'cat(format(getRversion()), format(packageVersion("mclust")))'
    printed = subprocess.run([RSCRIPT, "--vanilla", "-e", program], capture_output=True, text=True)
    return [] if printed.returncode else printed.stdout.split()


def worker():
    """The process that R lives in."""
    return Worker("mclust", [RSCRIPT, "--vanilla", Path(__file__).with_suffix(".R")])


def em_iteration(r, x, responsibilities):
    """Two calls: seconds of one EM iteration by R's clock; and the parameters that it leads to."""
    (n, d), k = x.shape, responsibilities.shape[1]
    with tempfile.TemporaryDirectory() as folder:
        for name, table in (("x", x), ("z", responsibilities)):
            np.asfortranarray(table).T.tofile(Path(folder, name))
        r.ask(f"load {folder} {n} {d} {k}")

    def parameters():
        weights, means, covariances = np.split(
            np.array(r.ask("parameters").split(), dtype=float), [k, k + k * d]
        )
        return weights, means.reshape(k, d), covariances.reshape(k, d, d)

    return lambda: Seconds(r.ask("iteration")), parameters
