"""Every number of a report, computed once: the page and the JSON are renderings of it.

All is plain: dicts with text keys, lists, text, int, float, bool, and None for what is not finite.
Tables are lists of records. A section that cannot be computed is ``{"unavailable": why}``.
"""

import json
import math
from typing import Any

import numpy as np
import xarray as xr

from bayesgmm.posterior import Diagnosis
from bayesgmm.posterior.exchangeable import groups_of
from bayesgmm.posterior.relabelling import labels_are_ambiguous
from bayesgmm.posterior.summaries import ambiguity_note, covariances, without_labels
from bayesgmm.reporting import checks, methods, tables
from bayesgmm.reporting.clusterings import INTERVAL, Clustered, sections
from bayesgmm.reporting.drawing import data_of, row_weights
from bayesgmm.sampling.tree import data_hash

FORMAT = 2
"""Rises when a key of the JSON changes its name or its meaning."""

MAX_COVARIANCES = 2000
"""With more entries the covariances are left to ``bg.summary``; the standard deviations remain."""

STRUCTURE_WORDS = {
    "full": "one covariance matrix per component",
    "tied": "one covariance matrix shared by all components",
    "diag": "one variance per component and feature",
    "spherical": "one variance per component",
}


def numbers_of(post: xr.DataTree, clustering: Clustered, progress: bool) -> dict[str, Any]:
    """All that a report says in numbers, of a relabelled posterior.

    Parameters
    ----------
    post : xarray.DataTree
        Relabelled; its group ``map`` is the MAP that the posterior is compared with.
    clustering : Clustered
        What :func:`bayesgmm.reporting.clusterings.clustered` found in it; its seed is that of the
        replicas, too.
    progress : bool

    Returns
    -------
    dict
        Plain; its shape is that of ``report.schema.json`` less the figures. The same tree and seed
        give the same.
    """
    fit = _fit(post)
    found: dict[str, Any] = {
        "format": FORMAT,
        "title": _title(fit),
        "interval": INTERVAL,
        "convergence": _convergence(post, clustering.diagnosis),
        "fit": fit,
        "posterior": _posterior(post),
        "map": _mode(post, fit["data"]["features"]),
        **sections(post, clustering),
        "checks": checks.predictive_checks(post, INTERVAL, clustering.random_seed),
    }
    found["methods"] = methods.methods_of(found)
    return plain(found)


def plain(value: Any) -> Any:
    """The value with NumPy's types, and what JSON has no word for, replaced."""
    if isinstance(value, dict):
        return {str(name): plain(v) for name, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _title(fit: dict[str, Any]) -> str:
    k = fit["n_components"]
    return f"Gaussian mixture, {k} component{'s' if k > 1 else ''}"


def _fit(post: Any) -> dict[str, Any]:
    """What was fitted, to what, with what."""
    attrs, group = post.attrs, post["posterior"].to_dataset()
    x, features = data_of(post)
    weight = row_weights(post)
    weighted = weight is not None and not np.all(weight == 1)
    count = np.ones(len(x)) if weight is None else weight
    declaration = json.loads(attrs.get("bayesgmm_declaration", "null"))
    mean = np.average(x, axis=0, weights=count)
    sd = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=count))
    versions = json.loads(attrs.get("versions", "{}"))
    if "bayesgmm_version" in attrs:
        versions = {"bayesgmm": attrs["bayesgmm_version"]} | versions
    structure = tables.structure_of(group)
    return {
        "n_components": group.sizes["component"],
        "covariance": structure,
        "structure": STRUCTURE_WORDS[structure],
        "declared_by_hand": declaration is None,
        "prior": declaration and {n: v for n, v in declaration["prior"].items() if v is not None},
        "prior_scaled": (declaration or {}).get("prior_scaled", []),
        "data": {
            "n_obs": len(x),
            "n_features": len(features),
            "features": features,
            "sample_weight_sum": weight.sum() if weighted else None,
            "hash": attrs.get("data_hash", data_hash(x, count)),
            "summary": [
                {"feature": f, "mean": m, "sd": s, "min": low, "max": high}
                for f, m, s, low, high in zip(
                    features, mean, sd, x.min(axis=0), x.max(axis=0), strict=True
                )
            ],
        },
        "sampling": {
            "sampler": attrs.get("sampler"),
            "n_chains": group.sizes["chain"],
            "n_draws": group.sizes["draw"],
            "n_tune": attrs.get("n_tune"),
            "target_accept": attrs.get("target_accept"),
            "random_seed": attrs.get("random_seed"),
            "seconds": attrs.get("wall_time"),
        },
        "versions": versions,
    }


def _convergence(post: Any, found: Diagnosis) -> dict[str, Any]:
    """The verdict, what labels did, and the evidence."""
    sizes, attrs = post["posterior"].sizes, post.attrs
    notes = []
    if attrs.get("interrupted", 0):
        notes.append("Sampling was interrupted: the draws made so far are kept.")
    asked = int(attrs.get("n_chains_requested", sizes["chain"]))
    if sizes["chain"] < asked:
        notes.append(f"Only {sizes['chain']} of {asked} chains have draws.")
    free = found.functionals
    stats: Any = post["sample_stats"] if "sample_stats" in post.children else {}
    return {
        "verdict": found.verdict,
        "advice": found.advice,
        "labels": found.labels,
        "labels_advice": found.labels_advice,
        "notes": notes,
        "ok": found.enough and not notes,
        "worst": {
            "r_hat": free["r_hat"].max(),
            "ess_bulk": free["ess_bulk"].min(),
            "ess_tail": free["ess_tail"].min(),
            "divergences": int(stats["diverging"].sum()) if "diverging" in stats else None,
        },
        "chains": tables.records(found.chains),
        "modes": tables.records(found.modes),
        "functionals": tables.records(found.functionals.rename_axis("quantity")),
        "parameters": tables.records(found.parameters.rename_axis("quantity")),
    }


def _posterior(post: Any) -> dict[str, Any]:
    """Weights, means, standard deviations and covariances of the components."""
    group = post["posterior"].to_dataset()
    lead, d = ("chain", "draw"), group.sizes["feature"]
    matrices = covariances(post)
    weights = group["weights"].transpose(*lead, "component")
    means = group["means"].transpose(*lead, "component", "feature")
    sds = np.sqrt(matrices.values.diagonal(axis1=3, axis2=4))
    upper = [(i, j) for i in range(d) for j in range(i, d)]
    shared = tables.structure_of(group) == "tied"
    own = matrices.values[:, :, :1] if shared else matrices.values
    k, names = group["component"].values, [str(f) for f in group["feature"].values]
    owners = [None] if shared else list(k)
    may_swap = len(np.unique(groups_of(post))) < len(k)
    found: dict[str, Any] = {
        "ambiguous": post["clustering"].attrs.get("ambiguous"),
        "relabelling": post["clustering"].attrs.get("method") if may_swap else None,
        "note": None,
        "label_free": [],
        "weights": _summaries(weights.values, [{"component": c} for c in k]),
        "means": _summaries(
            means.values, [{"component": c, "feature": f} for c in k for f in names]
        ),
        "sds": _summaries(
            sds[:, :, :1] if shared else sds,
            [{"component": c, "feature": f} for c in owners for f in names],
        ),
    }
    if labels_are_ambiguous(post):
        found["note"] = ambiguity_note(post["clustering"].attrs["ambiguous"])
        found["label_free"] = [
            record
            for name, v in without_labels(post)["posterior"].data_vars.items()
            for record in _summaries(v.values, [{"quantity": q} for q in _entries(name, v)])
        ]
    if len(owners) * len(upper) > MAX_COVARIANCES:
        why = f"more than {MAX_COVARIANCES} entries; read them with bg.summary(post)."
        return found | {"covariances": {"unavailable": why}}
    entries = own[..., [i for i, _ in upper], [j for _, j in upper]]
    keys = [
        {"component": c, "feature": names[i], "feature_bis": names[j]}
        for c in owners
        for i, j in upper
    ]
    return found | {"covariances": _summaries(entries, keys)}


def _entries(name: Any, values: xr.DataArray) -> list[str]:
    """Names of the entries that a quantity has besides chain and draw, one dimension at most."""
    if values.ndim == 2:
        return [str(name)]
    last = values.dims[-1]
    labels = values[last].values if last in values.coords else range(values.sizes[last])
    return [f"{name}[{label}]" for label in labels]


def _summaries(values: np.ndarray, keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """ArviZ's statistics of every entry (n_chains, n_draws, …), a record each, after its keys."""
    from arviz_stats.base import array_stats

    flat = values.reshape(*values.shape[:2], -1)
    every = (0, 1)
    lower, upper = np.quantile(flat, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2], axis=every)
    axes = {"chain_axis": 0, "draw_axis": 1}
    # Of a constant, such as the weight of a single component, there is no error to tell.
    varies = np.ptp(flat, axis=every) > 0
    columns = {
        "mean": flat.mean(axis=every),
        "sd": flat.std(axis=every, ddof=1),
        "lower": lower,
        "upper": upper,
    } | dict.fromkeys(("mcse_mean", "mcse_sd", "ess_bulk", "ess_tail", "r_hat"))
    if varies.any():
        some = flat[..., varies]
        errors = {
            "mcse_mean": array_stats.mcse(some, method="mean", **axes),
            "mcse_sd": array_stats.mcse(some, method="sd", **axes),
            "ess_bulk": array_stats.ess(some, method="bulk", **axes),
            # As in diagnose: the quantiles that the limit of 100 per chain is meant for.
            "ess_tail": array_stats.ess(some, method="tail", prob=(0.05, 0.95), **axes),
            "r_hat": array_stats.rhat(some, **axes),
        }
        for name, error in errors.items():
            columns[name] = np.full(len(varies), np.nan)
            columns[name][varies] = error
    return [
        key | {name: None if v is None else float(v[i]) for name, v in columns.items()}
        for i, key in enumerate(keys)
    ]


def _mode(post: Any, features: list[str]) -> dict[str, Any]:
    """The MAP that the tree carries."""
    parameters = tables.estimate(post)
    if parameters is None:
        return {
            "unavailable": "the posterior holds no MAP: bg.sample(mixture, x) keeps one, a model "
            "declared by hand has none. Give one as bg.report(post, mode=bg.fit_map(mixture, x))."
        }
    group, d = post["map"], len(features)
    counts = group["mode_count"].values.astype(int) if "mode_count" in group else None
    matrices = parameters.covariances
    shown = tables.estimate_table(parameters, features, covariances=False)

    def scalar(name: str) -> float | None:
        return float(group[name]) if name in group else None

    return {
        "log_posterior": scalar("log_posterior"),
        "log_likelihood": scalar("log_likelihood"),
        "gradient_norm": scalar("gradient_norm"),
        "n_iter": group.attrs.get("n_iter"),
        "converged": bool(group.attrs.get("converged", 0)),
        "status": group.attrs.get("status"),
        "n_starts": None if counts is None else counts.sum(),
        "mode_counts": counts,
        "parameters": tables.records(shown),
        "covariances": [
            {"component": c, "feature": features[i], "feature_bis": features[j], "map": m[i, j]}
            for c, m in enumerate(matrices)
            for i in range(d)
            for j in range(i, d)
        ],
    }
