"""Threads: children get their own, BLAS gets its own back, and results come in order."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.linalg  # noqa: F401  (brings a BLAS of its own)
from threadpoolctl import threadpool_info

import bayesgmm as bg
from bayesgmm.runtime.threads import in_order, one_blas_thread

no_fork = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork")


def blas():
    return [
        library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    ]


several_blas_threads = pytest.mark.skipif(min(blas()) == 1, reason="BLAS has one thread anyway")


def run(tmp_path, program, *arguments):
    """What a script prints, in a process that must end by itself."""
    script = tmp_path / "script.py"
    script.write_text(program, encoding="utf-8")
    command = [sys.executable, "-W", "ignore", str(script), *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes, start_new_session=True) as child:
        try:
            out, err = child.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)  # its children, too
            raise
    assert child.returncode == 0, err
    return out.split()


CHILDREN = """
import multiprocessing as mp
import sys

import numpy as np

import bayesgmm as bg

x = np.random.default_rng(0).normal(size=(40_000, 2))
x[:20_000] += 6


def fit(seed):
    settings = {"n_starts": 1, "max_iter": 5, "random_seed": seed, "progress": False}
    return bg.fit_map(bg.GaussianMixture(2), x, **settings).log_posterior


if __name__ == "__main__":
    found = [fit(1)]
    kind, backend = sys.argv[1:]
    if kind == "joblib":
        from joblib import Parallel, delayed

        with Parallel(2, backend=backend, timeout=60, mmap_mode=None) as parallel:
            found += parallel(delayed(fit)(1) for _ in range(2))
    else:
        with mp.get_context(backend).Pool(2) as pool:
            found += pool.map_async(fit, [1, 1]).get(timeout=60)
    print(*found)
"""


@pytest.mark.parametrize(
    ("kind", "backend"),
    [
        pytest.param("multiprocessing", "fork", marks=no_fork),
        pytest.param("multiprocessing", "forkserver", marks=no_fork),
        ("multiprocessing", "spawn"),
        ("joblib", "loky"),
        ("joblib", "multiprocessing"),
    ],
)
def test_children_fit_many_rows_as_their_parent_has(tmp_path, kind, backend):
    parent, *children = map(float, run(tmp_path, CHILDREN, kind, backend))
    np.testing.assert_allclose(children, [parent, parent], rtol=1e-12)


IN_THE_MIDDLE = """
import os, signal, threading
from threadpoolctl import threadpool_info
from bayesgmm.runtime.threads import CHUNK, CORES, in_order, one_blas_thread, sum_over_chunks

import numpy  # its BLAS


def blas():
    return [i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"]


def part(chunk):
    inside.set()
    on.wait()
    return len(range(5 * CHUNK)[chunk])


def work():
    with one_blas_thread():
        sums.append(sum_over_chunks(part, 5 * CHUNK))


inside, on, sums, found = threading.Event(), threading.Event(), [], blas()
thread = threading.Thread(target=work)
thread.start()
inside.wait()
child = os.fork()
if child == 0:
    signal.alarm(60)
    assert blas() == found
    on.set()
    work()
    assert sums == [5 * CHUNK]
    assert list(in_order(str, range(5))) == list("01234")
    assert blas() == found
    os._exit(0)
assert blas() == [1] * len(found)
_, status = os.waitpid(child, 0)
on.set()
thread.join()
assert sums == [5 * CHUNK]
print(status, blas() == found)
"""


@no_fork
def test_a_fork_in_the_middle_of_a_pass_leaves_both_processes_whole(tmp_path):
    assert run(tmp_path, IN_THE_MIDDLE) == ["0", "True"]


@several_blas_threads
@pytest.mark.parametrize("first_out", [0, 1])
def test_blas_is_limited_until_the_last_has_left_and_then_as_found(first_out):
    """Each from a thread of its own that goes on living, as those of a pool do."""
    found = blas()
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as another:
        threads, limits = [one, another], [one_blas_thread(), one_blas_thread()]
        for thread, limit in zip(threads, limits, strict=True):
            thread.submit(limit.__enter__).result()
            assert blas() == [1] * len(found)
        threads[first_out].submit(limits[first_out].__exit__, None, None, None).result()
        assert blas() == [1] * len(found)
        threads[1 - first_out].submit(limits[1 - first_out].__exit__, None, None, None).result()
        assert blas() == found


@several_blas_threads
def test_blas_is_as_found_when_all_have_failed():
    found, together = blas(), threading.Barrier(4)

    def fail():
        with one_blas_thread():
            together.wait(timeout=60)
            raise ZeroDivisionError

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(fail) for _ in range(4)]
    assert {type(future.exception()) for future in futures} == {ZeroDivisionError}
    assert blas() == found


@several_blas_threads
def test_fits_in_a_pool_of_threads_leave_blas_as_found(old_faithful):
    found = blas()

    def fit(seed):
        settings = {"n_starts": 2, "random_seed": seed, "progress": False}
        return bg.fit_map(bg.GaussianMixture(2), old_faithful, **settings).log_posterior

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(fit, [1] * 8))) == 1
    assert blas() == found


def test_results_come_in_order_from_few_at_a_time():
    begun = []

    def work(item):
        begun.append(item)
        return -item

    results = in_order(work, range(100), 2)
    for i in range(10):
        assert next(results) == -i
        assert max(begun) <= i + 4
    results.close()
    assert len(begun) < 20


def test_what_fails_on_a_thread_fails_its_caller():
    results = in_order(lambda item: 1 // item, [1, 0, 1])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
