"""A fresh process to a printed summary, in bayesgmm: CSV file, components, draws, tuning draws."""

import sys

import bayesgmm as bg

path, n_components, draws, tune = sys.argv[1], *map(int, sys.argv[2:])
x = bg.observations(path)
mixture = bg.GaussianMixture(n_components, prior=bg.FraleyRaftery())
post = bg.sample(mixture, x, draws=draws, tune=tune, random_seed=1, progress=False)
print(bg.summary(bg.relabel(post, progress=False)))
