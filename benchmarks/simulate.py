"""Data: simulated rows of any size, whose components overlap a little, and two real tables."""

from pathlib import Path

import numpy as np
import xarray as xr

import bayesgmm as bg
from bayesgmm.mixture.parameters import MixtureParameters

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


def posterior_of(x, mixture, n_draws, seed=1):
    """A tree of draws that lie about a mixture as its posterior would, and the mixture as its mode.

    Every draw has its components in another order.
    """
    rng = np.random.default_rng(seed)
    k, d = mixture.means.shape
    error = 1 / np.sqrt(len(x) * mixture.weights[:, None, None])
    noise = rng.normal(size=(n_draws, k, d, 1))
    draws = {
        "weights": rng.dirichlet(len(x) * mixture.weights, size=n_draws),
        "means": mixture.means + (error * mixture.factor @ noise)[..., 0],
    }
    stretch = np.eye(d) + error * np.tril(rng.normal(size=(n_draws, k, d, d)))
    factor = mixture.factor @ stretch
    draws["covariances"] = factor @ np.swapaxes(factor, 2, 3)
    order = np.argsort(rng.random((n_draws, k)), axis=1)
    each = np.arange(n_draws)[:, None]
    draws = {name: v[each, order].reshape(4, -1, *v.shape[1:]) for name, v in draws.items()}
    point = {name: getattr(mixture, name) for name in draws}
    own = ("component", "feature", "feature_bis")
    names = {"feature": [f"x{j}" for j in range(d)]}
    names["feature_bis"] = names["feature"]

    def dataset(arrays, lead):
        variables = {n: ((*lead, *own[: v.ndim - len(lead)]), v) for n, v in arrays.items()}
        return xr.Dataset(variables, names)

    groups = {
        "posterior": dataset(draws, ("chain", "draw")),
        "map": dataset(point, ()),
        "observed_data": xr.Dataset({"x": (("obs", "feature"), x)}),
    }
    return xr.DataTree.from_dict(groups)


def old_faithful():
    """Eruptions and waiting times of the geyser, (272, 2)."""
    return bg.observations(TABLES / "old_faithful.csv").values


def penguins():
    """Four measurements of 342 penguins, (342, 4)."""
    columns = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    return bg.observations(TABLES / "penguins.csv", columns=columns, drop_missing=True).values
