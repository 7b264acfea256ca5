"""Runs of the command that are killed: ``python killed.py LONGEST TABLE`` reads lines.

Each is a file in which a run's draws show, and a command. It is begun, and killed within LONGEST
seconds of its begin or of its first draws, or earlier done; its exit code, or −9, is printed.
They are children of a process that has imported and compiled everything: a child costs milliseconds
where a new process costs seconds. No thread that a child could miss is started in the parent.
"""

import importlib
import os
import pkgutil
import random
import signal
import sys
import threading
import time

import numpy as np

import bayesgmm
from bayesgmm.cli.commands import app
from bayesgmm.sampling import record
from bayesgmm.sampling.runs import MixtureRun

ENDED = threading.Event()


def main(longest, table):
    for module in pkgutil.walk_packages(bayesgmm.__path__, "bayesgmm."):
        if module.name != "bayesgmm.__main__":
            importlib.import_module(module.name)
    for name in ("arviz", "h5netcdf", "jinja2", "matplotlib.pyplot", "nutpie", "zarr"):
        importlib.import_module(name)
    mixture, x = bayesgmm.GaussianMixture(2), bayesgmm.observations(table)
    mode = bayesgmm.fit_map(mixture, x, n_starts=2, progress=False)
    MixtureRun.about(mixture, x.values, np.ones(x.n_obs), mode.parameters).compiled()
    record.EVERY = 0.05
    rng = random.Random(1)
    print("ready", flush=True)
    for line in sys.stdin:
        mark, *arguments = line.split()
        written = changed(mark)
        process = child(arguments)
        wait = rng.random() < 0.5  # half of the kills come once this process has written draws
        seconds = rng.uniform(0, float(longest))
        killer = threading.Thread(target=kill, args=(process, mark, written, wait, seconds))
        killer.start()
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        ENDED.set()
        killer.join()
        ENDED.clear()
        print(code, flush=True)


def kill(process, mark, written, wait, seconds):
    while wait and changed(mark) == written and not ENDED.is_set():
        time.sleep(0.01)
    if not ENDED.wait(seconds):
        os.kill(process, signal.SIGKILL)


def changed(path):
    return os.stat(path).st_mtime_ns if os.path.exists(path) else None


def child(arguments):
    """The command in a process of its own, silent; its id."""
    process = os.fork()
    if process == 0:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        code = 1
        try:
            app(arguments)
        except SystemExit as end:
            code = end.code or 0
        finally:
            os._exit(code)
    return process


if __name__ == "__main__":
    main(*sys.argv[1:])
