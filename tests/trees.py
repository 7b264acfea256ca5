"""Posteriors made by hand, without a sampler, and what they say by plain loops."""

import numpy as np
import xarray as xr
from oracles import covariances, random_parameters, random_rows
from scipy import stats

from bayesgmm.mixture import structure_named
from bayesgmm.mixture.parameters import MixtureParameters


def jittered(parameters, rng, width):
    """The same mixture, a little elsewhere."""
    weights = rng.dirichlet(parameters.weights / width**2)
    means = parameters.means + width * rng.normal(size=parameters.means.shape)
    factor = parameters.factor * np.exp(width * rng.normal(size=parameters.factor.shape))
    return MixtureParameters(parameters.covariance, weights, means, factor)


def draws_about(covariance, k=3, d=2, n_obs=30, n_draws=20, width=0.15, seed=0):
    """Rows of a mixture, and draws (MixtureParameters) that scatter about it."""
    rng = np.random.default_rng(seed)
    centre = random_parameters(rng, covariance, k, d)
    x = random_rows(rng, centre, n_obs)
    return x, [jittered(centre, rng, width) for _ in range(n_draws)], centre


def tree_of(draws, x, n_chains=2, weight=None, mode=None):
    """A tree as ``sample`` lays it out, from draws of a mixture."""
    covariance = draws[0].covariance
    k, d = draws[0].means.shape
    name, features = structure_named(covariance).spread, [f"f{j}" for j in range(d)]
    dims = {"weights": ("component",), "means": ("component", "feature")}
    dims[name] = structure_named(covariance).dims
    coords = {"component": np.arange(k), "feature": features, "feature_bis": features}

    def dataset(arrays, lead, more):
        used = {dim: v for dim, v in coords.items() if any(dim in dims[a] for a in arrays)}
        variables = {a: ((*lead, *dims[a]), v) for a, v in arrays.items()}
        return xr.Dataset(variables, coords=used | more)

    arrays = {
        "weights": np.array([p.weights for p in draws]),
        "means": np.array([p.means for p in draws]),
        name: np.array([p.spread for p in draws]),
    }
    n_draws = len(draws) // n_chains
    arrays = {a: v.reshape(n_chains, n_draws, *v.shape[1:]) for a, v in arrays.items()}
    index = {"chain": np.arange(n_chains), "draw": np.arange(n_draws)}
    obs = {"obs": np.arange(len(x))}
    weight = np.ones(len(x)) if weight is None else weight
    groups = {
        "posterior": dataset(arrays, ("chain", "draw"), index),
        "observed_data": xr.Dataset({"x": (("obs", "feature"), x)}, {"feature": features} | obs),
        "constant_data": xr.Dataset({"sample_weight": (("obs",), weight)}, obs),
    }
    if mode is not None:
        point = {"weights": mode.weights, "means": mode.means, name: mode.spread}
        groups["map"] = dataset(point, (), {})
    return xr.DataTree.from_dict(groups)


def scrambled(draws, rng):
    """The draws with their components in random order, and the orders."""
    orders = np.array([rng.permutation(len(p.weights)) for p in draws])
    return [p.permuted(o) for p, o in zip(draws, orders, strict=True)], orders


def responsibilities(x, parameters):
    """Probability of every component for every row by SciPy, (n, K)."""
    joint = [
        w * np.atleast_1d(stats.multivariate_normal(mean, covariance).pdf(x))
        for w, mean, covariance in zip(
            parameters.weights, parameters.means, covariances(parameters), strict=True
        )
    ]
    return (np.array(joint) / np.sum(joint, axis=0)).T


def divergence(tables, permutation, weight=None):
    """Stephens' cost: Σ_s Σ_n Σ_c p log(p / q), q the mean over draws, by definition."""
    permuted = np.array([t[:, o] for t, o in zip(tables, permutation, strict=True)])
    q = permuted.mean(axis=0)
    by_row = (permuted * (np.log(permuted) - np.log(q))).sum(axis=(0, 2))
    return by_row.sum() if weight is None else weight @ by_row


def assert_same_draws(a, b, **tolerance):
    """Both trees hold the same posterior draws, labels included."""
    one, two = a["posterior"].to_dataset(), b["posterior"].to_dataset()
    assert set(one.data_vars) == set(two.data_vars)
    for name in one.data_vars:
        assert one[name].dims == two[name].dims
        np.testing.assert_allclose(one[name].values, two[name].values, **tolerance)
