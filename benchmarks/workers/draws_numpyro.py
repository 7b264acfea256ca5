"""A posterior by NumPyro: the second run of two, so that nothing is compiled within the clock.

Arguments: rows (.npy), components, chains, draws, tuning draws, seed, file for the draws (.npz).
"""

import sys
import time

import jax
import numpy as np

from benchmarks.workers.numpyro_run import sampler

rows, *numbers, path = sys.argv[1:]
n_components, chains, draws, tune, seed = map(int, numbers)
mcmc = sampler(np.load(rows), n_components, draws, tune, chains)
mcmc.run(jax.random.key(seed + 1000))
began = time.perf_counter()
mcmc.run(jax.random.key(seed))
posterior = jax.block_until_ready(mcmc.get_samples(group_by_chain=True))
seconds = time.perf_counter() - began
factor = np.asarray(posterior["factor"])
np.savez(
    path,
    seconds=seconds,
    weights=posterior["weights"],
    means=posterior["means"],
    covariances=factor @ np.swapaxes(factor, -1, -2),
)
