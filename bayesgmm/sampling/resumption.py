"""A run that was cut short, taken up again."""

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from bayesgmm.draws import (
    Reading,
    Store,
    claimed_store,
    data_hash,
    kept,
    model_tree,
    model_variables,
    names,
    read_tree,
)
from bayesgmm.mixture import GaussianMixture
from bayesgmm.runtime import flag, instance, integer, progress_bar, sha256
from bayesgmm.sampling.record import Record
from bayesgmm.sampling.runs import MixtureRun, ModelRun
from bayesgmm.sampling.segments import Segment, draw, sampler_seed

if TYPE_CHECKING:
    import pymc

TUNE_AGAIN = 300
"""Tuning draws of a chain that goes on: only its steps are to be found, not the posterior."""


def resume(
    path: str | Path,
    model: "pymc.Model | None" = None,
    *,
    cores: int | None = None,
    progress: bool = True,
) -> xr.DataTree:
    """Go on with a run that was killed or interrupted, to the draws that were asked for.

    Every draw that was written is kept, and those that follow are written to the same store.

    Parameters
    ----------
    path : str or Path
        The .zarr folder that ``sample`` was given as ``store``.
    model : pymc.Model, optional
        The model, where one of your own was sampled: a store holds rows and a declared mixture,
        but no model.
    cores : int, optional
        Chains drawn at once; default as many as the machine allows.
    progress : bool

    Returns
    -------
    xarray.DataTree
        As ``sample`` returns it. A finished run is only read.

    Raises
    ------
    ValueError, TypeError
        The file that the rows were read from has changed since, or the model is another.
    OSError
        There is no such store, it cannot be written to, or another process does.

    Notes
    -----
    A chain goes on from its last written draw. How it moves, that is its step and scales, is not in
    the store: it is tuned anew by 300 draws that are thrown away, so that the kept ones before and
    after are draws of one chain with a gap. A chain that was killed before its first draw starts
    anew. Where the chain stood when the clock struck is not quite a draw of the posterior: of two
    draws the slower is cut off more often. This moves an expectation by the order of one draw among
    all that are kept, far less than its Monte Carlo error.
    """
    began = time.perf_counter()
    at_once = (os.cpu_count() or 1) if cores is None else integer("cores", cores)
    show = flag("progress", progress)
    with claimed_store(path, new=False) as folder:
        tree = _stored_run(folder)
        _check_file(tree[names.RUN].attrs)
        lengths = np.isfinite(tree[names.STATISTICS][names.LP].to_numpy()).sum(axis=1)
        left = tree.attrs["n_draws_requested"] - lengths
        if not left.any():
            return kept(tree)
        run = _mixture_run(tree, model) if names.MAP in tree else _model_run(tree, model)
        with progress_bar(None, "draws", show, total=int(left.sum())) as bar:
            record = Record(run, tree, Store(folder), began, bar)
            segments = [_segment(run, tree, i, int(left[i])) for i in np.flatnonzero(left).tolist()]
            draw(segments, at_once, record)
        return record.finished()


def _stored_run(folder: Path) -> xr.DataTree:
    try:
        tree = read_tree(folder)
    except Exception as error:  # zarr raises whatever the damage led to
        raise ValueError(
            f"path: no run can be read from {folder}: {error or type(error).__name__}. It may be "
            "damaged, or of another kind. Try bg.sample(…, store=another) anew."
        ) from error
    if not {names.RUN, names.POSTERIOR, names.STATISTICS} <= set(tree.children):
        raise ValueError(
            f"path: {folder} holds no run to go on with, as bg.sample writes one; it has "
            f"{', '.join(tree.children) or 'nothing'}. A posterior that bg.save wrote is read by "
            "bg.load."
        )
    return tree


def _segment(run: MixtureRun | ModelRun, tree: xr.DataTree, chain: int, left: int) -> Segment:
    """What is left of a chain: on from its last draw, or all of it."""
    attrs = tree.attrs
    tune, position = attrs["n_tune"], None
    if left < attrs["n_draws_requested"]:
        tune, position = min(tune, TUNE_AGAIN), tree[names.RUN][names.POSITION].to_numpy()[chain]
    seed = attrs["random_seed"]
    entropy = None if seed == "none" else [seed, chain, left]
    settings = {
        "draws": left,
        "tune": tune,
        "cores": 1,
        "seed": sampler_seed(entropy),
        "target_accept": attrs["target_accept"],
        "progress_bar": False,
    }
    return Segment(range(chain, chain + 1), run.compiled(position), settings | run.trajectory)


def _mixture_run(tree: xr.DataTree, model: object) -> MixtureRun:
    if model is not None:
        raise ValueError("model must be left out: the store holds a declared mixture and its rows.")
    mixture = GaussianMixture.from_dict(json.loads(tree.attrs[names.DECLARATION]))
    stored = Reading(tree)
    rows, weight, mode = stored.rows, stored.sample_weight, stored.map
    if mode is None or data_hash(rows, weight) != tree.attrs[names.DATA_HASH]:
        raise ValueError("the rows in the store are not those of its hash: it is damaged.")
    return MixtureRun.about(mixture, rows, weight, mode)


def _model_run(tree: xr.DataTree, model: Any) -> ModelRun:
    import pymc as pm

    instance("model", model, pm.Model, "The store holds the draws of a model, but not the model.")
    run = ModelRun.of(model)
    variables = model_variables(model, run.shapes)
    given = model_tree(model, (None, True), variables, {"chains": 1, "draws": 1, "warmup": 0}, {})
    observed = (t[names.OBSERVED].to_dataset() for t in (given, tree))
    same = next(observed).identical(next(observed))
    stored = tree[names.POSTERIOR].data_vars
    if not same or variables != {v: (a.dims[2:], a.shape[2:]) for v, a in stored.items()}:
        raise ValueError(
            "model must be the one that was sampled: its observed data, or the names and shapes of "
            "its variables, are not those in the store."
        )
    _check_density(model, tree)
    return run


def _check_density(model: Any, tree: xr.DataTree) -> None:
    """Refuse a model whose log posterior at a stored draw is not the one that was stored."""
    import pytensor
    import pytensor.tensor as pt
    from pytensor.graph.replace import clone_replace

    lp = tree[names.STATISTICS][names.LP].to_numpy()
    n_drawn = np.isfinite(lp).sum(axis=1)
    drawn = np.flatnonzero(n_drawn)
    if not len(drawn):
        return
    at = drawn[0], n_drawn[drawn[0]] - 1
    known = {v: pt.constant(tree[names.POSTERIOR][v.name].to_numpy()[at]) for v in model.free_RVs}
    point = {}
    with pytensor.config.change_flags(mode="FAST_COMPILE", linker="py"):
        for v, value in known.items():
            transform = model.rvs_to_transforms[v]
            if transform is not None:
                value = transform.forward(value, *clone_replace(list(v.owner.inputs), known))
            point[model.rvs_to_values[v].name] = value.eval()
        here = float(model.compile_logp()(point))
    if not np.isclose(here, lp[at], rtol=1e-6, atol=1e-6):
        raise ValueError(
            f"model must be the one that was sampled: its log density at a stored draw is "
            f"{here:.6g}, where {lp[at]:.6g} was stored."
        )


def _check_file(attrs: dict[Any, Any]) -> None:
    """Refuse to go on where the file of the rows, if it is still there, is another."""
    file = Path(attrs.get("file", ""))
    if file.is_file() and sha256(file) != attrs["sha256"]:
        raise ValueError(
            f"{file} has changed since the run began. Put back what it was; or move it away, to go "
            "on with the rows that the store holds; or begin a new run."
        )
