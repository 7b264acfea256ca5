"""A posterior by textbook PyMC and nutpie, compiled and called before the clock starts.

Arguments: rows (.npy), components, chains, draws, tuning draws, seed, file for the draws (.npz).
"""

import sys
import time

import numpy as np
import nutpie
from textbook import gaussian_mixture

rows, *numbers, path = sys.argv[1:]
n_components, chains, draws, tune, seed = map(int, numbers)
compiled = nutpie.compile_pymc_model(gaussian_mixture(np.load(rows), n_components))
nutpie.sample(compiled, draws=1, tune=1, chains=1, seed=seed, progress_bar=False)
began = time.perf_counter()
trace = nutpie.sample(
    compiled, draws=draws, tune=tune, chains=chains, seed=seed, progress_bar=False
)
seconds = time.perf_counter() - began
names = ("weights", "means", "covariances")
np.savez(path, seconds=seconds, **{name: trace["posterior"][name].values for name in names})
