"""A benchmark has a process to itself: its threads, its memory, its cores."""

import importlib
import multiprocessing


def rows_in_a_process(benchmark, profile, failed):
    """The rows of a benchmark as they land; adds its name to ``failed`` if it ends badly."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(benchmark, profile, theirs))
    process.start()
    theirs.close()
    while True:
        try:
            yield ours.recv()
        except EOFError:
            break
    process.join()
    if process.exitcode:
        failed.append(benchmark)


def _measure(benchmark, profile, pipe):
    for row in importlib.import_module(f"benchmarks.{benchmark}").rows(profile):
        pipe.send(row)
