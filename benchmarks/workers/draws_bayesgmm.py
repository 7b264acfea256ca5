"""A posterior by bayesgmm: the search for the mode and NUTS, its kernels loaded before.

Arguments: rows (.npy), components, chains, draws, tuning draws, seed, file for the draws (.npz).
"""

import sys
import time

import numpy as np

import bayesgmm as bg

rows, *numbers, path = sys.argv[1:]
n_components, chains, draws, tune, seed = map(int, numbers)
x, mixture = np.load(rows), bg.GaussianMixture(n_components, prior=bg.FraleyRaftery())
bg.sample(mixture, x[:1000], chains=1, draws=1, tune=1, progress=False)
began = time.perf_counter()
mode = bg.fit_map(mixture, x, random_seed=seed, progress=False)
fitted = time.perf_counter() - began
settings = {"chains": chains, "draws": draws, "tune": tune, "random_seed": seed}
post = bg.sample(mixture, x, start=mode, progress=False, **settings)
seconds = time.perf_counter() - began
names = ("weights", "means", "covariances")
drawn = {name: post["posterior"][name].values for name in names}
np.savez(path, seconds=seconds, fit_seconds=fitted, **drawn)
