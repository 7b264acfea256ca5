"""A fresh process to a printed summary, in NumPyro: CSV file, components, draws, tuning draws."""

import sys

import jax
import pandas as pd

from benchmarks.workers.numpyro_run import sampler

path, n_components, draws, tune = sys.argv[1], *map(int, sys.argv[2:])
x = pd.read_csv(path).to_numpy(dtype=float)
mcmc = sampler(x, n_components, draws, tune, chains=4)
mcmc.run(jax.random.key(1))
mcmc.print_summary()
