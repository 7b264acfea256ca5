"""Scripts that run in a process of their own: fed by arguments, read from what they print."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(worker, *arguments, **environment):
    """What ``benchmarks.workers.<worker>`` prints."""
    return python("-m", f"benchmarks.workers.{worker}", *map(str, arguments), **environment)


def python(*arguments, **environment):
    """What a fresh Python prints.

    Raises
    ------
    RuntimeError
        It failed; the message ends with what it wrote to stderr.
    """
    path = os.pathsep.join([str(ROOT), str(ROOT / "models")])
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path} | environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"python {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    return done.stdout
