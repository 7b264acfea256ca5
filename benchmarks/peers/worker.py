"""A peer that lives in a process of its own: one line asks, one line answers."""

import subprocess
from pathlib import Path

LOG = Path(__file__).parents[2] / "out" / "benchmarks"
"""Folder of what workers print beside their answers."""


class Worker:
    """A process that answers lines; ends with the block that it is used in."""

    def __init__(self, name, command):
        LOG.mkdir(parents=True, exist_ok=True)
        self.log = LOG / f"{name}.log"
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )

    def tell(self, line):
        print(line, file=self._process.stdin, flush=True)

    def ask(self, line):
        self.tell(line)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the peer ended without an answer; see {self.log}.")
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
