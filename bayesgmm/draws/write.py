"""The DataTree that sampling returns: groups, names, dimensions and provenance."""

import hashlib
import json
import math
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from bayesgmm.data import Observations
from bayesgmm.draws import names
from bayesgmm.mixture import GaussianMixture, Prior, exchangeable_groups, prior_numbers
from bayesgmm.runtime import sha256

if TYPE_CHECKING:
    from bayesgmm.em import PointEstimate

PACKAGES = ("bayesgmm", "numpy", "scipy", "numba", "nutpie", "pymc", "pytensor", "arviz", "xarray")


type Shapes = dict[str, tuple[tuple[str, ...], tuple[int, ...]]]
"""Dimensions and shape of a draw of every variable, by name."""

SAMPLER_STATISTICS = {
    "logp": (names.LP, np.float64),
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


def mixture_variables(mixture: GaussianMixture, n_features: int) -> Shapes:
    """Dimensions and shape of a draw of every variable, by name."""
    k, structure = mixture.n_components, mixture.structure
    return {
        names.WEIGHTS: ((names.COMPONENT,), (k,)),
        names.MEANS: ((names.COMPONENT, names.FEATURE), (k, n_features)),
        structure.spread: (structure.dims, structure.spread_shape(k, n_features)),
    }


def mixture_tree(
    mixture: GaussianMixture,
    rows: Observations,
    weight: np.ndarray,
    start: "PointEstimate",
    sizes: dict[str, int],
    provenance: dict[str, Any],
) -> xr.DataTree:
    """The tree of a declared mixture, its draws NaN until they are filled in.

    ``sizes`` holds the number of ``chains``, of ``draws``, and of tuning draws kept, ``warmup``.
    """
    features = list(rows.features)
    coords = {
        names.COMPONENT: np.arange(mixture.n_components),
        names.FEATURE: features,
        names.FEATURE_BIS: features,
        names.OBS: rows.rows,
    }
    groups = _undrawn(mixture_variables(mixture, len(features)), coords, sizes)
    groups[names.OBSERVED] = _dataset({names.X: ((names.OBS, names.FEATURE), rows.values)}, coords)
    prior = mixture.resolved_prior(rows.values, weight)
    constants = _prior_variables(prior) | {names.SAMPLE_WEIGHT: ((names.OBS,), weight)}
    groups[names.CONSTANT] = _dataset(constants, coords)
    groups[names.MAP] = map_dataset(start, coords)
    declaration = {
        **mixture.to_dict(),
        "prior": prior.to_dict(),
        "prior_scaled": mixture.prior.scaled,
        "features": features,
    }
    numbers = prior_numbers(prior, mixture.structure, mixture.n_components, len(features))
    attrs = provenance | {
        names.DECLARATION: json.dumps(declaration),
        names.EXCHANGEABLE: json.dumps(exchangeable_groups(numbers).tolist()),
        names.DATA_HASH: data_hash(rows.values, weight),
    }
    return _tree(groups, attrs)


def model_variables(model: Any, shapes: dict[str, tuple[int, ...]]) -> Shapes:
    """Dimensions and shape of a draw of every variable of a PyMC model, by name."""
    return {n: (_dims(model, n, len(shape)), tuple(shape)) for n, shape in shapes.items()}


def _dims(model: Any, name: str, ndim: int) -> tuple[str, ...]:
    """The dimensions that a PyMC model gives a variable, or ArviZ's names for them."""
    dims = model.named_vars_to_dims.get(name)
    return tuple(f"{name}_dim_{i}" for i in range(ndim)) if dims is None else tuple(dims)


def n_values(variables: Shapes) -> int:
    """Numbers in a draw."""
    return sum(math.prod(shape) for _, shape in variables.values())


def model_tree(
    model: Any,
    facts: tuple[np.ndarray | None, bool],
    variables: Shapes,
    sizes: dict[str, int],
    provenance: dict[str, Any],
) -> xr.DataTree:
    """The tree of a PyMC model, with the model's own names and dimensions; its draws are NaN.

    ``facts`` are a number for every component, the same where they may swap labels, or None; and
    whether the rows have the density of the plain mixture.
    """
    coords = {k: np.asarray(v) for k, v in model.coords.items() if v is not None}
    groups = _undrawn(variables, coords, sizes)
    observed = {}
    for variable in model.observed_RVs:
        values = np.asarray(model.rvs_to_values[variable].eval())
        observed[variable.name] = (_dims(model, variable.name, values.ndim), values)
    groups[names.OBSERVED] = _dataset(observed, coords)
    exchangeable, is_plain = facts
    attrs: dict[str, Any] = {names.PLAIN: int(is_plain)}
    if exchangeable is not None:
        attrs[names.EXCHANGEABLE] = json.dumps(exchangeable.tolist())
    return _tree(groups, provenance | attrs)


def run_group(n_chains: int, n_dim: int, x: object) -> xr.DataTree:
    """What a run must know of itself to go on: where its chains are, its time so far, its file."""
    position = ((names.CHAIN, "coordinate"), np.full((n_chains, n_dim), np.nan))
    group = xr.Dataset({names.POSITION: position, names.WALL_TIME: ((), 0.0)})
    if isinstance(x, str | Path):
        group.attrs = {"file": str(Path(x).resolve()), "sha256": sha256(Path(x))}
    return xr.DataTree(group)


def kept(tree: xr.DataTree) -> xr.DataTree:
    """The tree of a run as it is returned: chains and draws, one at least, that leave no gap."""
    drawn = np.isfinite(tree[names.STATISTICS].to_dataset()[names.LP].values)
    chains, length = _longest_rectangle(drawn.sum(axis=1))
    if length == 0:
        raise ValueError("the run holds no draw yet")
    whole = tree.drop_nodes(names.RUN).isel(chain=chains, missing_dims="ignore")
    for group in (names.POSTERIOR, names.STATISTICS):
        whole[group] = whole[group].isel(draw=slice(length))
    # Of the draws, not what the store says of them: that comes last, and a kill may forestall it.
    whole.attrs = tree.attrs | {
        names.INTERRUPTED: int(not drawn.all()),
        names.WALL_TIME: float(tree[names.RUN][names.WALL_TIME]),
    }
    return whole


def _longest_rectangle(lengths: np.ndarray) -> tuple[np.ndarray, int]:
    """The chains, and the common length, that keep the most draws of ragged chains."""
    order = np.argsort(-lengths, kind="stable")
    kept = np.argmax(lengths[order] * np.arange(1, len(order) + 1)) + 1
    return np.sort(order[:kept]), int(lengths[order[kept - 1]])


def map_dataset(estimate: "PointEstimate", coords: dict[Any, Any]) -> xr.Dataset:
    """A point estimate as the group ``map``."""
    p = estimate.parameters
    variables = {
        names.WEIGHTS: ((names.COMPONENT,), p.weights),
        names.MEANS: ((names.COMPONENT, names.FEATURE), p.means),
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


def data_hash(x: np.ndarray, sample_weight: np.ndarray) -> str:
    """SHA-256 of the rows and their weights, as float64."""
    digest = hashlib.sha256(np.ascontiguousarray(x))
    digest.update(np.ascontiguousarray(sample_weight))
    return digest.hexdigest()


def _prior_variables(prior: Prior) -> dict[str, Any]:
    """The prior's numbers, with a dimension of components where they were given one."""
    dims = prior.dims
    return {
        f"prior_{name}": (dims[name][len(dims[name]) - np.ndim(v) :], v)
        for name, v in prior.to_dict().items()
        if name in dims and v is not None
    }


def _undrawn(
    variables: Shapes, coords: dict[str, Any], sizes: dict[str, int]
) -> dict[str, xr.Dataset]:
    """Draws and statistics that are not there yet; ``variables`` are (dims, shape) by name."""
    groups = {}
    for prefix, length in (("", sizes["draws"]), (names.WARMUP, sizes["warmup"])):
        lead = (sizes["chains"], length)
        if length:
            drawn = {
                name: ((*names.LEAD, *dims), np.full((*lead, *shape), np.nan))
                for name, (dims, shape) in variables.items()
            }
            statistics: dict[str, Any] = {
                name: (names.LEAD, np.full(lead, np.nan if dtype is np.float64 else 0, dtype))
                for name, dtype in SAMPLER_STATISTICS.values()
            }
            axes = {names.CHAIN: np.arange(lead[0]), names.DRAW: np.arange(length)}
            groups[f"{prefix}{names.POSTERIOR}"] = _dataset(drawn, coords | axes)
            groups[f"{prefix}{names.STATISTICS}"] = _dataset(statistics, axes)
    return groups


def _dataset(variables: dict[str, Any], coords: dict[Any, Any]) -> xr.Dataset:
    used = {dim for dims, _ in variables.values() for dim in dims}
    return xr.Dataset(variables, {name: v for name, v in coords.items() if name in used})


def _tree(groups: dict[str, xr.Dataset], attrs: dict[str, Any]) -> xr.DataTree:
    tree = xr.DataTree.from_dict(groups)
    versions = {name: version(name) for name in PACKAGES}
    tree.attrs = attrs | {
        names.WALL_TIME: 0.0,
        names.INTERRUPTED: 1,
        "bayesgmm_version": versions["bayesgmm"],
        names.VERSIONS: json.dumps(versions),
        "inference_library": "nutpie",
        "inference_library_version": versions["nutpie"],
    }
    return tree
