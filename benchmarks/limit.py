"""The pass over the rows beside the machine's own limit: its matrix products and exponentials.

In quadratic features, (1, x, x xᵀ), the log densities of the components are one matrix product,
(n × p)(p × K) with p = d (d + 3) / 2 + 1, and the moments another, back; between them lie n K
exponentials. The limit is these alone, on blocks of rows that stay in the cache.
"""

import functools
import multiprocessing
import os
from contextlib import contextmanager

import numpy as np
from threadpoolctl import threadpool_limits

from bayesgmm.likelihood.passes import mixture_moments
from benchmarks.measure import REPETITIONS, Row, interleaved, size
from benchmarks.simulate import mixture_rows

BLOCK = 2048
"""Rows of a block."""

TARGETS = {
    (200_000, 2, 3): "≤ 1.2",
    (200_000, 3, 3): "≤ 1.2",
    (200_000, 5, 5): "≤ 1.2",
    (200_000, 10, 10): "≤ 1.3",
    (200_000, 20, 10): "≤ 1.3",
    (200_000, 30, 10): "≤ 1.3",
}


def rows(profile):
    # As in a fit: our threads are over the rows.
    with threadpool_limits(1, user_api="blas"), cores() as workers:
        for (n, d, k), target in TARGETS.items():
            x, mixture = mixture_rows(n, d, k)
            parameters = mixture.log_weights, mixture.means, mixture.factor
            sides = {
                "bayesgmm": functools.partial(mixture_moments, x, *parameters),
                "limit": functools.partial(limit, workers, n, d, k),
            }
            yield Row(
                f"limit_{n}_{d}_{k}",
                f"the pass, {size(n, d, k)}: over its two matrix products and n K exponentials",
                target,
                seconds=interleaved(sides, REPETITIONS[profile]),
            )


def n_quadratic(d):
    """Quadratic features of d features: 1, x and the triangle of x xᵀ."""
    return d * (d + 3) // 2 + 1


@contextmanager
def cores():
    """A process per core, ready to work: in threads, Python's lock would slow short products."""
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(os.cpu_count())]
    processes = [context.Process(target=_work, args=(theirs,)) for _, theirs in pipes]
    for process in processes:
        process.start()
    try:
        yield [ours for ours, _ in pipes]
    finally:
        for ours, _ in pipes:
            ours.send(None)
        for process in processes:
            process.join()


def limit(workers, n_obs, n_features, n_components):
    """Do the products and exponentials of ``n_obs`` rows, an equal share on every core."""
    for worker in workers:
        worker.send((n_obs // len(workers), n_features, n_components))
    for worker in workers:
        worker.recv()


def _work(pipe):
    with threadpool_limits(1):
        while (task := pipe.recv()) is not None:
            products_and_exponentials(*task)
            pipe.send(None)


def products_and_exponentials(n_obs, n_features, n_components):
    """The least that a pass over so many rows can do; returns how many it did."""
    features, coefficients, table, moments = _arrays(n_features, n_components)
    done = 0
    for first in range(0, n_obs, BLOCK):
        m = min(BLOCK, n_obs - first)
        f, t = features[:, :m], table[:, :m]
        np.matmul(coefficients, f, out=t)
        np.exp(t, out=t)
        np.matmul(t, f.T, out=moments)
        done += m
    return done


@functools.cache
def _arrays(n_features, n_components):
    rng, p = np.random.default_rng(1), n_quadratic(n_features)
    features = rng.normal(size=(p, BLOCK))
    coefficients = rng.normal(size=(n_components, p)) / p
    return features, coefficients, np.empty((n_components, BLOCK)), np.empty((n_components, p))
