"""Data: simulated rows of any size, whose components overlap a little, and two real tables."""

from pathlib import Path

import numpy as np

import bayesgmm as bg
from bayesgmm.mixture import MixtureParameters

TABLES = Path(__file__).parents[1] / "models" / "data"


def mixture_rows(n_obs, n_features, n_components, seed=1):
    """Rows (n_obs, n_features) in random order, and the mixture that they are drawn from.

    Weights are Dirichlet(5), centres have twice the spread of a component, and correlations are
    those of random factors.
    """
    rng = np.random.default_rng(seed)
    k, d = n_components, n_features
    weights = rng.dirichlet(np.full(k, 5.0))
    means = 2 * rng.normal(size=(k, d))
    factor = np.tril(0.5 * rng.normal(size=(k, d, d)) / np.sqrt(d), -1)
    factor[:, range(d), range(d)] = rng.uniform(0.5, 1.5, size=(k, d))
    component = rng.choice(k, size=n_obs, p=weights)
    x = rng.normal(size=(n_obs, d))
    for j in range(k):
        rows = component == j
        x[rows] = means[j] + x[rows] @ factor[j].T
    return x, MixtureParameters("full", weights, means, factor)


def old_faithful():
    """Eruptions and waiting times of the geyser, (272, 2)."""
    return bg.observations(TABLES / "old_faithful.csv").values


def penguins():
    """Four measurements of 342 penguins, (342, 4)."""
    columns = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    return bg.observations(TABLES / "penguins.csv", columns=columns, drop_missing=True).values
