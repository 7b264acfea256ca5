"""Every number of a report, computed once: the page and the JSON are renderings of it.

All is plain: dicts with text keys, lists, text, int, float, bool, and None for what is not finite.
Tables are lists of records. A section that cannot be computed is ``{"unavailable": why}``.
"""

import json
import math
from typing import Any

import numpy as np
import xarray as xr

from bayesgmm.draws import Reading, data_hash, names
from bayesgmm.page import checks, methods, tables
from bayesgmm.page.clustering_numbers import Clustered, sections
from bayesgmm.posterior import INTERVAL, Diagnosis, ambiguity_note, covariances, without_labels

FORMAT = 2
"""Rises when a key of the JSON changes its name or its meaning."""

MAX_COVARIANCES = 2000
"""With more entries the covariances are left to ``bg.summary``; the standard deviations remain."""


def numbers_of(reading: Reading, clustering: Clustered) -> dict[str, Any]:
    """All that a report says in numbers, of a relabelled posterior.

    Parameters
    ----------
    reading : Reading
        Relabelled; its group ``map`` is the MAP that the posterior is compared with.
    clustering : Clustered
        What :func:`bayesgmm.page.clustering_numbers.clustered` found in it; its seed is that of the
        replicas, too.

    Returns
    -------
    dict
        Plain; its shape is that of ``report.schema.json`` less the figures. The same tree and seed
        give the same.
    """
    fit = _fit(reading)
    found: dict[str, Any] = {
        "format": FORMAT,
        "title": _title(fit),
        "interval": INTERVAL,
        "convergence": _convergence(reading, clustering.diagnosis),
        "fit": fit,
        "posterior": _posterior(reading),
        "map": _mode(reading),
        **sections(reading, clustering),
        "checks": checks.predictive_checks(reading, INTERVAL, clustering.random_seed),
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


def _fit(reading: Reading) -> dict[str, Any]:
    """What was fitted, to what, with what."""
    attrs, x, features = reading.tree.attrs, reading.rows, reading.features
    weight, (n_chains, n_draws) = reading.sample_weight, map(len, reading.lead.values())
    declaration = json.loads(attrs.get(names.DECLARATION, "null"))
    mean = np.average(x, axis=0, weights=weight)
    sd = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weight))
    versions = json.loads(attrs.get(names.VERSIONS, "{}"))
    if "bayesgmm_version" in attrs:
        versions = {"bayesgmm": attrs["bayesgmm_version"]} | versions
    structure = reading.parameters.structure
    return {
        "n_components": len(reading.components),
        "covariance": structure.name,
        "structure": structure.words,
        "declared_by_hand": declaration is None,
        "prior": declaration and {n: v for n, v in declaration["prior"].items() if v is not None},
        "prior_scaled": (declaration or {}).get("prior_scaled", []),
        "data": {
            "n_obs": len(x),
            "n_features": len(features),
            "features": features,
            "sample_weight_sum": weight.sum() if reading.is_weighted else None,
            "hash": attrs.get(names.DATA_HASH, data_hash(x, weight)),
            "summary": [
                {"feature": f, "mean": m, "sd": s, "min": low, "max": high}
                for f, m, s, low, high in zip(
                    features, mean, sd, x.min(axis=0), x.max(axis=0), strict=True
                )
            ],
        },
        "sampling": {
            "sampler": attrs.get("sampler"),
            "n_chains": n_chains,
            "n_draws": n_draws,
            "n_tune": attrs.get("n_tune"),
            "target_accept": attrs.get("target_accept"),
            "random_seed": attrs.get("random_seed"),
            "seconds": attrs.get(names.WALL_TIME),
        },
        "versions": versions,
    }


def _convergence(reading: Reading, found: Diagnosis) -> dict[str, Any]:
    """The verdict, what labels did, and the evidence."""
    n_chains, attrs = reading.n_chains, reading.tree.attrs
    notes = []
    if attrs.get(names.INTERRUPTED, 0):
        notes.append("Sampling was interrupted: the draws made so far are kept.")
    asked = int(attrs.get("n_chains_requested", n_chains))
    if n_chains < asked:
        notes.append(f"Only {n_chains} of {asked} chains have draws.")
    free, stats = found.functionals, reading.group(names.STATISTICS)
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


def _posterior(reading: Reading) -> dict[str, Any]:
    """Weights, means, standard deviations and covariances of the components."""
    draws, k, features = reading.parameters, reading.components, reading.features
    upper = [(i, j) for i in range(len(features)) for j in range(i, len(features))]
    owners = [None] if draws.structure.shared else list(k)
    sds = np.sqrt(draws.variances[:, : len(owners)])
    may_swap = len(np.unique(reading.groups)) < len(k)
    attrs = reading.clustering.attrs
    found: dict[str, Any] = {
        "ambiguous": attrs.get(names.AMBIGUOUS),
        "relabelling": attrs.get("method") if may_swap else None,
        "note": None,
        "label_free": [],
        "weights": _summaries(reading.by_chain(draws.weights), [{"component": c} for c in k]),
        "means": _summaries(
            reading.by_chain(draws.means),
            [{"component": c, "feature": f} for c in k for f in features],
        ),
        "sds": _summaries(
            reading.by_chain(sds),
            [{"component": c, "feature": f} for c in owners for f in features],
        ),
    }
    if reading.labels_are_ambiguous:
        found["note"] = ambiguity_note(reading.ambiguous)
        found["label_free"] = [
            record
            for name, v in without_labels(reading).data_vars.items()
            for record in _summaries(v.values, [{"quantity": q} for q in _entries(name, v)])
        ]
    if len(owners) * len(upper) > MAX_COVARIANCES:
        why = f"more than {MAX_COVARIANCES} entries; read them with bg.summary(post)."
        return found | {"covariances": {"unavailable": why}}
    matrices = covariances(reading).values[:, :, : len(owners)]
    entries = matrices[..., [i for i, _ in upper], [j for _, j in upper]]
    keys = [
        {"component": c, "feature": features[i], "feature_bis": features[j]}
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


def _mode(reading: Reading) -> dict[str, Any]:
    """The MAP that the tree carries."""
    parameters, features = reading.map, reading.features
    if parameters is None:
        return {
            "unavailable": "the posterior holds no MAP: bg.sample(mixture, x) keeps one, a model "
            "declared by hand has none. Give one as bg.report(post, mode=bg.fit_map(mixture, x))."
        }
    group, d = reading.group(names.MAP), len(features)
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
