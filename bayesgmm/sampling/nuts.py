"""NUTS on the compiled target, or on any PyMC model."""

import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import xarray as xr

from bayesgmm.data import Observations, Rows, training_data
from bayesgmm.draws import (
    Store,
    claimed_store,
    mixture_tree,
    mixture_variables,
    model_tree,
    model_variables,
    n_values,
    names,
    run_group,
)
from bayesgmm.em import PointEstimate, fit_map
from bayesgmm.likelihood import mixture_moments
from bayesgmm.mixture import GaussianMixture, NormalInverseWishart
from bayesgmm.runtime import flag, instance, integer, number, seed
from bayesgmm.sampling.memory import check_memory
from bayesgmm.sampling.record import Record
from bayesgmm.sampling.runs import MixtureRun, ModelRun
from bayesgmm.sampling.segments import Segment, draw, sampler_seed

if TYPE_CHECKING:
    import pymc


@overload
def sample(
    mixture: GaussianMixture,
    x: Rows,
    *,
    sample_weight: Rows | None = ...,
    draws: int = ...,
    tune: int = ...,
    chains: int = ...,
    cores: int | None = ...,
    start: PointEstimate | None = ...,
    target_accept: float = ...,
    random_seed: int | None = ...,
    save_warmup: bool = ...,
    store: str | Path | None = ...,
    progress: bool = ...,
) -> xr.DataTree: ...


@overload
def sample(
    mixture: "pymc.Model",
    *,
    draws: int = ...,
    tune: int = ...,
    chains: int = ...,
    cores: int | None = ...,
    target_accept: float = ...,
    random_seed: int | None = ...,
    save_warmup: bool = ...,
    store: str | Path | None = ...,
    progress: bool = ...,
) -> xr.DataTree: ...


def sample(
    mixture: "GaussianMixture | pymc.Model",
    x: Any = None,
    *,
    sample_weight: Rows | None = None,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    start: PointEstimate | None = None,
    target_accept: float = 0.8,
    random_seed: int | None = None,
    save_warmup: bool = False,
    store: str | Path | None = None,
    progress: bool = True,
) -> xr.DataTree:
    """Draw from the posterior by NUTS.

    A declared mixture is sampled on the compiled target: nothing is compiled for it at run time.
    Chains start about the MAP, overdispersed, in coordinates whitened by the curvature there. A
    PyMC model, such as ``declare`` returns or a user extends, is compiled by PyTensor first.

    Parameters
    ----------
    mixture : GaussianMixture or pymc.Model
    x : array, data frame, or path of a CSV or Parquet file, (n_obs, n_features)
        Rows; left out for a model, which has its own.
    sample_weight : (n_obs,), optional
        How many times each row counts.
    draws, tune, chains : int
        Draws kept and tuning draws of every chain.
    cores : int, optional
        Chains run at once; default as many as the machine allows. Beyond 32 768 rows every pass
        is shared by all cores, whatever the number of chains.
    start : PointEstimate, optional
        The mode to start about; default ``fit_map(mixture, x)``.
    target_accept : float in (0, 1)
        Larger values take smaller steps.
    random_seed : int, optional
        The same seed gives the same draws.
    save_warmup : bool
        Whether to keep the tuning draws, in ``warmup_posterior`` and ``warmup_sample_stats``.
    store : str or Path, optional
        A new .zarr folder to which draws are written as they come, every two seconds: after a
        crash ``resume`` goes on from there. It holds the same tree, NaN where nothing is drawn yet.
    progress : bool

    Returns
    -------
    xarray.DataTree
        Groups ``posterior``, ``sample_stats``, ``observed_data``, ``constant_data`` and ``map``.
        Labels of components that the prior does not tell apart are exchangeable: see ``relabel``.
        Interrupted by Ctrl-C it holds what was drawn, and says so; before the first draw, in the
        search for the mode too, Ctrl-C raises KeyboardInterrupt.

    Raises
    ------
    ValueError, TypeError
        An argument is unfit, or the draws will not fit in memory; nothing was computed.
    OSError
        The store cannot be written to. Once sampling has begun that is a warning: draws are kept in
        memory, and writing is tried again.

    Notes
    -----
    Beyond 32 768 rows a trajectory ends after a fixed length, a quarter to half a period of the
    normal approximation, rather than at a U-turn, along steps that are exact for a normal posterior
    [2]_: Hamiltonian Monte Carlo with a multinomial choice along the trajectory [3]_. Nearly
    independent draws then cost one pass over the rows each.

    References
    ----------
    .. [1] Hoffman & Gelman (2014), Journal of Machine Learning Research 15, 1593–1623.
    .. [2] Shahbaba, Lan, Johnson & Neal (2014), Statistics and Computing 24, 339–349.
    .. [3] Betancourt (2017), arXiv:1701.02434.
    """
    began = time.perf_counter()
    sizes = {
        "draws": integer("draws", draws),
        "tune": integer("tune", tune),
        "chains": integer("chains", chains),
    }
    sizes["warmup"] = sizes["tune"] if flag("save_warmup", save_warmup) else 0
    settings = {
        "cores": None if cores is None else min(integer("cores", cores), sizes["chains"]),
        "target_accept": number("target_accept", target_accept, 0, 1),
        "progress_bar": flag("progress", progress),
    }
    random_seed = seed(random_seed)
    if start is not None:
        instance("start", start, PointEstimate, "Try start=bg.fit_map(mixture, x).")
    if not isinstance(mixture, GaussianMixture):
        _check_model(mixture, x, sample_weight, start)
    check_memory(1, sizes)  # at once; how much a draw holds shows later
    provenance = {
        "random_seed": "none" if random_seed is None else random_seed,
        "n_chains_requested": sizes["chains"],
        "n_draws_requested": sizes["draws"],
        "n_tune": sizes["tune"],
        "target_accept": settings["target_accept"],
    }
    with nullcontext() if store is None else claimed_store(store, new=True) as path:
        copies = path is not None
        if isinstance(mixture, GaussianMixture):
            rows, weight = training_data(
                x, sample_weight, mixture.n_components, mixture.structure.correlated
            )
            check_memory(n_values(mixture_variables(mixture, rows.n_features)), sizes, copies)
            start = _checked_start(mixture, rows, weight, start, random_seed, progress)
            run: MixtureRun | ModelRun
            run = MixtureRun.about(mixture, rows.values, weight, start.parameters)
            tree = mixture_tree(mixture, rows, weight, start, sizes, provenance)
        else:
            from bayesgmm.sampling.exchangeable import model_facts

            run = of_model = ModelRun.of(mixture)
            variables = model_variables(mixture, of_model.shapes)
            check_memory(n_values(variables), sizes, copies)
            tree = model_tree(mixture, model_facts(mixture), variables, sizes, provenance)
        tree.attrs["sampler"] = run.sampler
        tree[names.RUN] = run_group(sizes["chains"], run.n_dim, x)
        record = Record(run, tree, None if path is None else Store.create(path, tree), began)
        settings |= {name: sizes[name] for name in ("draws", "tune")} | run.trajectory
        settings["seed"] = sampler_seed(random_seed)
        draw([Segment(range(sizes["chains"]), run.compiled(), settings)], 1, record)
        return record.finished()


def _checked_start(
    mixture: GaussianMixture,
    rows: Observations,
    weight: np.ndarray,
    start: PointEstimate | None,
    random_seed: int | None,
    progress: bool,
) -> PointEstimate:
    if start is None:
        interior = mixture.with_interior_mode()
        settings: dict[str, Any] = {"sample_weight": weight, "random_seed": random_seed}
        settings["progress"] = progress
        mode = fit_map(interior, rows, **settings)
        if mode.collapsed:  # begin at the mode of the conjugate prior
            conjugate = NormalInverseWishart(interior.prior.concentration)
            mode = fit_map(replace(interior, prior=conjugate), rows, **settings)
        if mode.interrupted:
            raise KeyboardInterrupt(
                "interrupted in the search for the mode: nothing to keep. Try "
                "start=bg.fit_map(mixture, x), which keeps the best point so far."
            )
        return mode
    declared = (mixture.covariance, mixture.n_components, len(rows.features))
    p = start.parameters
    given = (p.covariance, *p.means.shape)
    if declared != given:
        raise ValueError(
            "start must be a fit of this mixture: expected (covariance, n_components, n_features) "
            f"= {declared}; got {given}. Try start=bg.fit_map(mixture, x)."
        )
    here = mixture_moments(rows.values, p.log_weights, p.means, p.factor, weight).log_likelihood
    # Another mode of the same rows may stand in for the best; of other rows it fits far worse.
    if not here > start.log_likelihood - weight.sum():
        raise ValueError(
            f"start must be a fit of these rows: its log likelihood is {start.log_likelihood:.6g}, "
            f"that of these rows at its parameters {here:.6g}. Try start=bg.fit_map(mixture, x)."
        )
    return start


def _check_model(model: object, x: Any, sample_weight: Any, start: PointEstimate | None) -> None:
    import pymc as pm

    if not isinstance(model, pm.Model):
        raise TypeError(
            "mixture must be a GaussianMixture or a pymc.Model; "
            f"got {type(model).__name__}. Try bg.GaussianMixture(2)."
        )
    for name, value in (("x", x), ("sample_weight", sample_weight), ("start", start)):
        if value is not None:
            raise ValueError(f"{name} must be left out for a PyMC model, which has its own rows.")
    for data in model.data_vars:
        values = np.ma.filled(np.ma.asarray(data.get_value(), dtype=float), np.nan)
        if np.isnan(values).any():
            raise ValueError(
                f"{data.name} of the model must hold numbers; got {np.isnan(values).sum()} that "
                "are missing. Try to leave out the rows that they are in."
            )
    discrete = [v.name for v in model.free_RVs if v.dtype.startswith(("int", "uint", "bool"))]
    if discrete or not model.free_RVs:
        found = f"{', '.join(discrete)} discrete" if discrete else "none that is free"
        raise ValueError(
            f"mixture must be a model with continuous variables to draw; got one with {found}. "
            "MarginalMixture sums over the assignments of rows, which need no variable."
        )
