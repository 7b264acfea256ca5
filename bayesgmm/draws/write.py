"""The DataTree that sampling returns: groups, names, dimensions and provenance."""

import hashlib
import json
import math
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayesgmm.draws.names import (
    CHAIN,
    COMPONENT,
    CONSTANT,
    DATA_HASH,
    DECLARATION,
    DRAW,
    EXCHANGEABLE,
    FEATURE,
    FEATURE_BIS,
    INTERRUPTED,
    LEAD,
    LP,
    MAP,
    MEANS,
    OBS,
    OBSERVED,
    PLAIN,
    POSITION,
    POSTERIOR,
    RUN,
    SAMPLE_WEIGHT,
    STATISTICS,
    VERSIONS,
    WALL_TIME,
    WARMUP,
    WEIGHTS,
    X,
)
from bayesgmm.mixture import exchangeable_groups, prior_numbers
from bayesgmm.runtime import sha256

PACKAGES = ("bayesgmm", "numpy", "scipy", "numba", "nutpie", "pymc", "pytensor", "arviz", "xarray")


SAMPLER_STATISTICS = {
    "logp": (LP, np.float64),
    "diverging": ("diverging", np.bool_),
    "depth": ("tree_depth", np.uint64),
    "maxdepth_reached": ("reached_max_treedepth", np.bool_),
    "n_steps": ("n_steps", np.uint64),
    "step_size": ("step_size", np.float64),
    "mean_tree_accept": ("acceptance_rate", np.float64),
    "energy": ("energy", np.float64),
    "energy_error": ("energy_error", np.float64),
}
"""nutpie's names, and ArviZ's with their types."""


def mixture_variables(mixture, n_features):
    """Dimensions and shape of a draw of every variable, by name."""
    k, structure = mixture.n_components, mixture.structure
    return {
        WEIGHTS: ((COMPONENT,), (k,)),
        MEANS: ((COMPONENT, FEATURE), (k, n_features)),
        structure.spread: (structure.dims, structure.spread_shape(k, n_features)),
    }


def mixture_tree(mixture, rows, weight, start, sizes, provenance):
    """The tree of a declared mixture, its draws NaN until they are filled in.

    ``sizes`` holds the number of ``chains``, of ``draws``, and of tuning draws kept, ``warmup``.
    """
    features = list(rows.features)
    coords = {
        COMPONENT: np.arange(mixture.n_components),
        FEATURE: features,
        FEATURE_BIS: features,
        OBS: rows.rows,
    }
    groups = _undrawn(mixture_variables(mixture, len(features)), coords, sizes)
    groups[OBSERVED] = _dataset({X: ((OBS, FEATURE), rows.values)}, coords)
    prior = mixture.resolved_prior(rows.values, weight)
    constants = _prior_variables(prior) | {SAMPLE_WEIGHT: ((OBS,), weight)}
    groups[CONSTANT] = _dataset(constants, coords)
    groups[MAP] = map_dataset(start, coords)
    declaration = {
        **mixture.to_dict(),
        "prior": prior.to_dict(),
        "prior_scaled": mixture.prior.scaled,
        "features": features,
    }
    numbers = prior_numbers(prior, mixture.structure, mixture.n_components, len(features))
    attrs = provenance | {
        DECLARATION: json.dumps(declaration),
        EXCHANGEABLE: json.dumps(exchangeable_groups(numbers).tolist()),
        DATA_HASH: data_hash(rows.values, weight),
    }
    return _tree(groups, attrs)


def model_variables(model, shapes):
    """Dimensions and shape of a draw of every variable of a PyMC model, by name."""
    variables = {}
    for name, shape in shapes.items():
        dims = model.named_vars_to_dims.get(name)
        if dims is None:
            dims = [f"{name}_dim_{i}" for i in range(len(shape))]
        variables[name] = (tuple(dims), tuple(shape))
    return variables


def n_values(variables):
    """Numbers in a draw."""
    return sum(math.prod(shape) for _, shape in variables.values())


def model_tree(model, facts, variables, sizes, provenance):
    """The tree of a PyMC model, with the model's own names and dimensions; its draws are NaN.

    ``facts`` are a number for every component, the same where they may swap labels, or None; and
    whether the rows have the density of the plain mixture.
    """
    coords = {k: np.asarray(v) for k, v in model.coords.items() if v is not None}
    groups = _undrawn(variables, coords, sizes)
    observed = {}
    for variable in model.observed_RVs:
        values = np.asarray(model.rvs_to_values[variable].eval())
        dims = model.named_vars_to_dims.get(variable.name)
        if dims is None:
            dims = [f"{variable.name}_dim_{i}" for i in range(values.ndim)]
        observed[variable.name] = (tuple(dims), values)
    groups[OBSERVED] = _dataset(observed, coords)
    exchangeable, is_plain = facts
    attrs: dict[str, Any] = {PLAIN: int(is_plain)}
    if exchangeable is not None:
        attrs[EXCHANGEABLE] = json.dumps(exchangeable.tolist())
    return _tree(groups, provenance | attrs)


def run_group(n_chains, n_dim, x):
    """What a run must know of itself to go on: where its chains are, its time so far, its file."""
    position = ((CHAIN, "coordinate"), np.full((n_chains, n_dim), np.nan))
    group = xr.Dataset({POSITION: position, WALL_TIME: ((), 0.0)})
    if isinstance(x, str | Path):
        group.attrs = {"file": str(Path(x).resolve()), "sha256": sha256(Path(x))}
    return xr.DataTree(group)


def kept(tree):
    """The tree of a run as it is returned: the chains and the draws that leave no gap.

    Raises
    ------
    ValueError
        There is no draw.
    """
    drawn = np.isfinite(tree[STATISTICS][LP].values)
    chains, length = _longest_rectangle(drawn.sum(axis=1))
    if length == 0:
        raise ValueError("the run holds no draw yet")
    groups = {}
    for name, node in tree.children.items():
        if name == RUN:
            continue
        dataset = node.to_dataset()
        if CHAIN in dataset.dims:
            dataset = dataset.isel(chain=chains)
        if name in (POSTERIOR, STATISTICS):
            dataset = dataset.isel(draw=slice(length))
        groups[name] = dataset
    whole = xr.DataTree.from_dict(groups)
    # Of the draws, not what the store says of them: that comes last, and a kill may forestall it.
    whole.attrs = tree.attrs | {
        INTERRUPTED: int(not drawn.all()),
        WALL_TIME: float(tree[RUN][WALL_TIME]),
    }
    return whole


def _longest_rectangle(lengths):
    """The chains, and the common length, that keep the most draws of ragged chains."""
    order = np.argsort(-lengths, kind="stable")
    kept = np.argmax(lengths[order] * np.arange(1, len(order) + 1)) + 1
    return np.sort(order[:kept]), int(lengths[order[kept - 1]])


def map_dataset(estimate, coords):
    """A point estimate as the group ``map``."""
    p = estimate.parameters
    variables = {
        WEIGHTS: ((COMPONENT,), p.weights),
        MEANS: ((COMPONENT, FEATURE), p.means),
        p.structure.spread: (p.structure.dims, p.spread),
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
    dims = prior.dims
    numbers = {n: v for n, v in prior.to_dict().items() if n in dims and v is not None}
    return {
        f"prior_{name}": (dims[name][len(dims[name]) - np.ndim(v) :], v)
        for name, v in numbers.items()
    }


def _undrawn(variables, coords, sizes):
    """Draws and statistics that are not there yet; ``variables`` are (dims, shape) by name."""
    groups = {}
    for prefix, length in (("", sizes["draws"]), (WARMUP, sizes["warmup"])):
        lead = (sizes["chains"], length)
        if length:
            drawn = {
                name: ((*LEAD, *dims), np.full((*lead, *shape), np.nan))
                for name, (dims, shape) in variables.items()
            }
            statistics = {
                name: (LEAD, np.full(lead, _missing(dtype), dtype))
                for name, dtype in SAMPLER_STATISTICS.values()
            }
            axes = {CHAIN: np.arange(lead[0]), DRAW: np.arange(length)}
            groups[f"{prefix}{POSTERIOR}"] = _dataset(drawn, coords | axes)
            groups[f"{prefix}{STATISTICS}"] = _dataset(statistics, axes)
    return groups


def _missing(dtype):
    return np.nan if np.issubdtype(dtype, np.floating) else 0


def _dataset(variables, coords):
    used = {dim for dims, _ in variables.values() for dim in dims}
    coords = {name: values for name, values in coords.items() if name in used}
    return xr.Dataset(variables, coords=coords)


def _tree(groups, attrs):
    tree = xr.DataTree.from_dict(groups)
    versions = {name: version(name) for name in PACKAGES}
    tree.attrs = attrs | {
        WALL_TIME: 0.0,
        INTERRUPTED: 1,
        "bayesgmm_version": versions["bayesgmm"],
        VERSIONS: json.dumps(versions),
        "inference_library": "nutpie",
        "inference_library_version": versions["nutpie"],
    }
    return tree
