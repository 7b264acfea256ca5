"""NUTS on the compiled target, or on any PyMC model."""

import time
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from bayesgmm.data import training_data
from bayesgmm.em import PointEstimate, fit_map
from bayesgmm.em.objective import Objective
from bayesgmm.mixture import GaussianMixture
from bayesgmm.prior import NormalInverseWishart
from bayesgmm.sampling.tree import mixture_tree, model_tree
from bayesgmm.sampling.whitened import TRAJECTORY, WhitenedTarget
from bayesgmm.structure import is_matrix, spread_from_factor
from bayesgmm.target import constrain_all
from bayesgmm.threads import one_blas_thread

if TYPE_CHECKING:
    import pymc


def sample(
    mixture: "GaussianMixture | pymc.Model",
    x: Any = None,
    *,
    sample_weight: Any = None,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    start: PointEstimate | None = None,
    target_accept: float = 0.8,
    random_seed: int | None = None,
    save_warmup: bool = False,
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
        An argument is unfit; the message names it.

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
    for name, value in (("draws", draws), ("tune", tune), ("chains", chains)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} must be an integer of at least 1; got {value!r}.")
    if not 0 < target_accept < 1:
        raise ValueError(f"target_accept must lie between 0 and 1; got {target_accept!r}.")
    began = time.perf_counter()
    settings = {
        "draws": int(draws),
        "tune": int(tune),
        "chains": int(chains),
        "cores": cores,
        "seed": _seed(random_seed),
        "target_accept": target_accept,
        "progress_bar": progress,
        "save_warmup": save_warmup,
    }
    if not isinstance(mixture, GaussianMixture):
        import nutpie

        from bayesgmm.sampling.exchangeable import model_groups

        _check_model(mixture, x, sample_weight, start)
        groups = model_groups(mixture)
        drawn = _drawn(_sampled(nutpie.compile_pymc_model(mixture), settings), settings)
        provenance = _provenance("NUTS", random_seed, began, drawn, settings)
        return model_tree(mixture, groups, drawn, provenance)
    rows, weight = training_data(x, sample_weight, mixture.n_components, mixture.covariance)
    start = _checked_start(mixture, rows, weight, start, random_seed, progress)
    objective = Objective.of(mixture, rows.values, weight)
    mode = start.parameters.affine(1 / objective.scale, -objective.shift / objective.scale)
    whitened = WhitenedTarget.at(objective.target, mode)
    drawn = _drawn(_sampled(whitened.nutpie_model(), settings | whitened.trajectory), settings)
    offset = _log_density_offset(objective)
    for group in ("posterior", "warmup_posterior"):
        if group in drawn:
            drawn[group] = _parameters(objective, whitened.coordinates(drawn[group].pop("y")))
            statistics = drawn[group.replace("posterior", "sample_stats")]
            statistics["lp"] += offset
            # nutpie counts a trajectory of fixed length as cut off, too.
            cut_off = statistics["tree_depth"] >= TRAJECTORY["maxdepth"]
            statistics["reached_max_treedepth"] = cut_off
    provenance = _provenance(whitened.sampler, random_seed, began, drawn, settings)
    return mixture_tree(mixture, rows, weight, start, drawn, provenance)


def _log_density_offset(objective):
    """Nats from the target's density to that of the declared PyMC model in its coordinates.

    The coordinates differ by shifts and scales only: means by the scale, row i of a Cholesky factor
    below the diagonal by the scale of feature i, logarithms by a shift.
    """
    log_scale, k = np.log(objective.scale), objective.n_components
    d = objective.n_features
    blocks = {"full": k, "tied": 1}.get(objective.covariance, 0)
    spread = blocks * (np.arange(d) * log_scale).sum()
    return objective.log_likelihood_offset - k * log_scale.sum() - spread


def _parameters(objective, flat):
    """Posterior variables in the data's units from vectors (chain, draw, n_dim)."""
    chains, draws, n_dim = flat.shape
    weights, means, factor = constrain_all(objective.target, flat.reshape(-1, n_dim))
    scale = objective.scale
    if is_matrix(objective.covariance):
        factor = factor * scale[:, None]
    else:
        factor = factor * (scale if objective.covariance == "diag" else scale[:1])
    spread = spread_from_factor(factor, objective.covariance)
    named = {"weights": weights, "spread": spread, "means": means * scale + objective.shift}
    return {name: v.reshape(chains, draws, *v.shape[1:]) for name, v in named.items()}


STATISTICS = {
    "logp": "lp",
    "diverging": "diverging",
    "depth": "tree_depth",
    "maxdepth_reached": "reached_max_treedepth",
    "n_steps": "n_steps",
    "step_size": "step_size",
    "mean_tree_accept": "acceptance_rate",
    "energy": "energy",
    "energy_error": "energy_error",
}
"""nutpie's names and ArviZ's."""


def _sampled(compiled, settings):
    """nutpie's tree; ragged after Ctrl-C."""
    import nutpie

    # One thread per chain: BLAS must not start more for the whitening.
    with warnings.catch_warnings(), one_blas_thread():
        warnings.filterwarnings("ignore", message="Found chain dimension")
        return nutpie.sample(compiled, **settings)


def _drawn(tree, settings):
    """Arrays by group, (chain, draw, …), rectangular: what an interrupt cut short is trimmed."""
    lengths = np.isfinite(tree["sample_stats"]["logp"].values).sum(axis=1)
    chains, length = _longest_rectangle(lengths)
    if length == 0:
        raise KeyboardInterrupt("interrupted before the first draw: nothing to keep")
    interrupted = bool((lengths < settings["draws"]).any())
    if interrupted:
        warnings.warn(
            f"Sampling was interrupted: kept {len(chains)} of {settings['chains']} chains with "
            f"{length} of {settings['draws']} draws each.",
            stacklevel=3,
        )
    groups = {"interrupted": interrupted, "chains": chains}
    for prefix in ("", "warmup_") if settings["save_warmup"] else ("",):
        keep = slice(None) if prefix else slice(length)
        statistics = tree[f"{prefix}sample_stats"]
        groups[f"{prefix}posterior"] = {
            name: v.values[chains][:, keep] for name, v in tree[f"{prefix}posterior"].items()
        }
        groups[f"{prefix}sample_stats"] = {
            new: statistics[old].values[chains][:, keep] for old, new in STATISTICS.items()
        }
    return groups


def _longest_rectangle(lengths):
    """The chains, and the common length, that keep the most draws of ragged chains."""
    order = np.argsort(-lengths, kind="stable")
    kept = np.argmax(lengths[order] * np.arange(1, len(order) + 1)) + 1
    return np.sort(order[:kept]), int(lengths[order[kept - 1]])


def _seed(random_seed):
    """A seed nutpie takes; a draw of entropy if none is given."""
    return int(np.random.SeedSequence(random_seed).generate_state(1, np.uint32)[0])


def _provenance(sampler, random_seed, began, drawn, settings):
    return {
        "sampler": sampler,
        "random_seed": "none" if random_seed is None else random_seed,
        "wall_time": time.perf_counter() - began,
        "n_chains_requested": settings["chains"],
        "n_draws_requested": settings["draws"],
        "n_tune": settings["tune"],
        "target_accept": settings["target_accept"],
        "interrupted": int(drawn["interrupted"]),
    }


def _checked_start(mixture, rows, weight, start, random_seed, progress):
    if start is None:
        interior = mixture.with_interior_mode()
        settings = {"sample_weight": weight, "random_seed": random_seed, "progress": progress}
        mode = fit_map(interior, rows, **settings)
        if not mode.modes:  # every start collapsed: begin at the mode of the conjugate prior
            conjugate = NormalInverseWishart(interior.prior.concentration)
            mode = fit_map(replace(interior, prior=conjugate), rows, **settings)
        if mode.interrupted:
            raise KeyboardInterrupt(
                "interrupted in the search for the mode: nothing to keep. Try "
                "start=bg.fit_map(mixture, x), which keeps the best point so far."
            )
        return mode
    if not isinstance(start, PointEstimate):
        raise TypeError(
            f"start must be a PointEstimate, as fit_map returns; got {type(start).__name__}."
        )
    declared = (mixture.covariance, mixture.n_components, len(rows.features))
    given = (start.parameters.covariance, *start.means.shape)
    if declared != given:
        raise ValueError(
            "start must be a fit of this mixture: expected (covariance, n_components, n_features) "
            f"= {declared}; got {given}. Try start=bg.fit_map(mixture, x)."
        )
    return start


def _check_model(model, x, sample_weight, start):
    import pymc as pm

    if not isinstance(model, pm.Model):
        raise TypeError(
            "mixture must be a GaussianMixture or a pymc.Model; "
            f"got {type(model).__name__}. Try bg.GaussianMixture(2)."
        )
    for name, value in (("x", x), ("sample_weight", sample_weight), ("start", start)):
        if value is not None:
            raise ValueError(f"{name} must be left out for a PyMC model, which has its own rows.")
