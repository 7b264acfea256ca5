"""A fresh process to a printed summary, in PyMC: CSV file, components, draws, tuning draws."""

import sys

import arviz as az
import pandas as pd
import pymc as pm
from textbook import gaussian_mixture

path, n_components, draws, tune = sys.argv[1], *map(int, sys.argv[2:])
x = pd.read_csv(path).to_numpy(dtype=float)
with gaussian_mixture(x, n_components):
    trace = pm.sample(
        draws=draws, tune=tune, chains=4, random_seed=1, nuts_sampler="nutpie", progressbar=False
    )
print(az.summary(trace))
