"""Threads: the package's own, which outlive neither a call nor a fork, and those of BLAS.

What runs on them must release Python's lock. Results come in order, whatever the number of threads,
so that sums of them repeat. Imports nothing of ours.
"""

import functools
import math
import operator
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from threadpoolctl import ThreadpoolController

CHUNK = 32_768
"""Most rows that one thread takes at a time where they are short and components few; waking another
costs as much as some thousand."""

CORES = os.cpu_count() or 1


def sum_over_chunks(part: Callable[[slice], Any], n_obs: int, most: int = CHUNK) -> Any:
    """Σ part(chunk) over slices of n_obs rows, on all cores; ``most`` of them to a slice."""
    if n_obs <= most:
        return part(slice(0, n_obs))
    # An even number of equal chunks, so that two cores end together.
    size = math.ceil(n_obs / (2 * math.ceil(n_obs / (2 * most))))
    chunks = [slice(start, start + size) for start in range(0, n_obs, size)]
    sums: list[Any] = [None] * len(chunks)
    left = iter(range(len(chunks)))

    def work() -> None:
        for i in left:
            sums[i] = part(chunks[i])

    # The caller works, too: it need not wake up, and takes over what a sleepy thread leaves.
    others = [_helpers().submit(work) for _ in range(CORES - 1)]
    work()
    for other in others:
        other.result()
    return functools.reduce(operator.add, sums)


@functools.cache
def _helpers() -> ThreadPoolExecutor:
    """A thread for every core but the caller's, for the whole process: a pass is too short to wait
    for new ones."""
    return ThreadPoolExecutor(max(1, CORES - 1), thread_name_prefix="bayesgmm")


def in_order[T, R](work: Callable[[T], R], items: Iterable[T], most: int = CORES) -> Iterator[R]:
    """Results of ``work`` on each item, in the items' order, few of them at a time on threads.

    ``most`` bounds the threads, and with them the memory.
    """
    n_threads = min(CORES, most)
    threads = ThreadPoolExecutor(n_threads, thread_name_prefix="bayesgmm")
    try:
        waiting: deque[Any] = deque()
        for item in items:
            waiting.append(threads.submit(work, item))
            if len(waiting) > n_threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        threads.shutdown(cancel_futures=True)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """BLAS on one thread while anyone is inside, and after the last has left as the first found it.

    For matrices so small that BLAS's threads only get in each other's way. Their number belongs to
    the process: were each to restore what it found, the last of several to leave would restore
    what it found of another's limit.
    """
    blas, own = _blas()
    # A thread that leaves a limit also lets go of BLAS, which else would heed no other thread.
    with own.limit(limits=1), _limit.kept(blas):
        yield


@functools.cache
def _blas() -> tuple[Any, Any]:
    """The BLAS libraries, and those whose number of threads is each thread's own, on OpenMP.

    Looking for them is slower than a small fit.
    """
    blas = ThreadpoolController().select(user_api="blas")
    return blas, blas.select(threading_layer="openmp")


class _SharedLimit:
    """Who wants BLAS on one thread, and how many threads the first of them found."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside: set[object] = set()

    @contextmanager
    def kept(self, blas: Any) -> Iterator[None]:
        someone = object()
        with self.lock:
            if not self.inside:
                self.found = blas.limit(limits=1)
            self.inside.add(someone)
        try:
            yield
        finally:
            with self.lock:
                self.inside.discard(someone)
                if not self.inside:
                    self.restore()

    def restore(self) -> None:
        with self.found:
            pass

    def after_fork_in_child(self) -> None:
        """Of all who were inside none has come along."""
        if self.inside:
            self.inside.clear()
            self.restore()
        self.lock.release()


_limit = _SharedLimit()

if hasattr(os, "register_at_fork"):
    # A child has none of its parent's threads but the one that forked.
    os.register_at_fork(after_in_child=_helpers.cache_clear)
    os.register_at_fork(
        before=_limit.lock.acquire,
        after_in_parent=_limit.lock.release,
        after_in_child=_limit.after_fork_in_child,
    )
