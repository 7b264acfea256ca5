"""The DataTree that sampling returns: groups, names, dimensions and provenance."""

import hashlib
import json
from importlib.metadata import version

import numpy as np
import xarray as xr

from bayesgmm.prior import NormalInverseWishart
from bayesgmm.prior.log_density import exchangeable_groups, prior_numbers
from bayesgmm.structure import SPREAD, SPREAD_DIMS

PACKAGES = ("bayesgmm", "numpy", "scipy", "numba", "nutpie", "pymc", "pytensor", "arviz", "xarray")


def mixture_tree(mixture, rows, weight, start, drawn, provenance):
    """The posterior of a declared mixture as a DataTree."""
    features = list(rows.features)
    coords = {
        "component": np.arange(mixture.n_components),
        "feature": features,
        "feature_bis": features,
        "obs": rows.rows,
    }
    name, spread_dims = SPREAD[mixture.covariance], SPREAD_DIMS[mixture.covariance]
    dims = {
        "weights": ("component",),
        "means": ("component", "feature"),
        name: spread_dims,
    }
    groups = {}
    for group in ("posterior", "warmup_posterior"):
        if group in drawn:
            arrays = drawn[group] | {name: drawn[group]["spread"]}
            named = {v: (("chain", "draw", *dims[v]), arrays[v]) for v in dims}
            groups[group] = _dataset(named, coords, drawn["chains"])
    groups |= _statistics(drawn)
    groups["observed_data"] = _dataset({"x": (("obs", "feature"), rows.values)}, coords)
    prior = mixture.resolved_prior(rows.values, weight)
    groups["constant_data"] = _dataset(_prior_variables(prior) | {
        "sample_weight": (("obs",), weight)
    }, coords)  # fmt: skip
    groups["map"] = map_dataset(start, coords)
    declaration = {
        **mixture.to_dict(),
        "prior": prior.to_dict(),
        "features": features,
    }
    numbers = prior_numbers(prior, mixture.covariance, mixture.n_components, len(features))
    attrs = provenance | {
        "bayesgmm_declaration": json.dumps(declaration),
        "exchangeable": json.dumps(exchangeable_groups(numbers).tolist()),
        "data_hash": data_hash(rows.values, weight),
    }
    return _tree(groups, attrs)


def model_tree(model, exchangeable, drawn, provenance):
    """The posterior of a PyMC model as a DataTree, with the model's own names and dimensions.

    ``exchangeable`` is a number for every component, the same where they may swap labels, or None.
    """
    coords = {k: np.asarray(v) for k, v in model.coords.items() if v is not None}
    groups = {}
    for group in ("posterior", "warmup_posterior"):
        if group in drawn:
            named = {}
            for variable, values in drawn[group].items():
                dims = model.named_vars_to_dims.get(variable)
                if dims is None:
                    dims = [f"{variable}_dim_{i}" for i in range(values.ndim - 2)]
                named[variable] = (("chain", "draw", *dims), values)
            groups[group] = _dataset(named, coords, drawn["chains"])
    groups |= _statistics(drawn)
    observed = {}
    for variable in model.observed_RVs:
        values = np.asarray(model.rvs_to_values[variable].eval())
        dims = model.named_vars_to_dims.get(variable.name)
        if dims is None:
            dims = [f"{variable.name}_dim_{i}" for i in range(values.ndim)]
        observed[variable.name] = (tuple(dims), values)
    groups["observed_data"] = _dataset(observed, coords)
    attrs = {} if exchangeable is None else {"exchangeable": json.dumps(exchangeable.tolist())}
    return _tree(groups, provenance | attrs)


def map_dataset(estimate, coords):
    """A point estimate as the group ``map``."""
    p = estimate.parameters
    dims = {"weights": ("component",), "means": ("component", "feature")}
    variables = {
        "weights": (dims["weights"], p.weights),
        "means": (dims["means"], p.means),
        p.spread_name: (SPREAD_DIMS[p.covariance], p.spread),
        "log_posterior": ((), estimate.log_posterior),
        "log_likelihood": ((), estimate.log_likelihood),
        "gradient_norm": ((), estimate.gradient_norm),
        "trace": (("iteration",), estimate.trace),
        "mode_log_posterior": (("mode",), np.array([m.log_posterior for m in estimate.modes])),
        "mode_count": (("mode",), np.array([m.count for m in estimate.modes])),
    }
    variables = {name: (d, v) for name, (d, v) in variables.items() if v is not None}
    dataset = _dataset(variables, coords)
    dataset.attrs = {
        "status": estimate.status,
        "converged": int(estimate.converged),
        "n_iter": estimate.n_iter,
    }
    return dataset


def data_hash(x, sample_weight):
    """SHA-256 of the rows and their weights, as float64."""
    digest = hashlib.sha256(np.ascontiguousarray(x))
    digest.update(np.ascontiguousarray(sample_weight))
    return digest.hexdigest()


def _prior_variables(prior):
    """The prior's numbers, with a dimension of components where they were given one."""
    dims = {
        "concentration": ("component",),
        "mean": ("component", "feature"),
        "mean_concentration": ("component",),
        "mean_scale": ("component", "feature"),
        "df": ("component",),
        "eta": (),
        "scale": ("component", "feature"),
    }
    if isinstance(prior, NormalInverseWishart):
        dims["scale"] = ("component", "feature", "feature_bis")
    numbers = {n: v for n, v in prior.to_dict().items() if n in dims and v is not None}
    return {
        f"prior_{name}": (dims[name][len(dims[name]) - np.ndim(v) :], v)
        for name, v in numbers.items()
    }


def _statistics(drawn):
    names = ("sample_stats", "warmup_sample_stats")
    return {
        group: _dataset(
            {name: (("chain", "draw"), v) for name, v in drawn[group].items()}, {}, drawn["chains"]
        )
        for group in names
        if group in drawn
    }


def _dataset(variables, coords, chains=None):
    used = {dim for dims, _ in variables.values() for dim in dims}
    coords = {name: values for name, values in coords.items() if name in used}
    dataset = xr.Dataset(variables, coords=coords)
    if chains is not None:
        dataset = dataset.assign_coords(chain=chains, draw=np.arange(dataset.sizes["draw"]))
    return dataset


def _tree(groups, attrs):
    tree = xr.DataTree.from_dict(groups)
    versions = {name: version(name) for name in PACKAGES}
    tree.attrs = attrs | {
        "bayesgmm_version": versions["bayesgmm"],
        "versions": json.dumps(versions),
        "inference_library": "nutpie",
        "inference_library_version": versions["nutpie"],
    }
    return tree
