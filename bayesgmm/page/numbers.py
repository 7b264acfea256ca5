"""Every number of a report, computed once: the page and the JSON are renderings of it.

All is plain: dicts with text keys, lists, text, int, float, bool, and None for what is not finite.
Tables are lists of records. A section that cannot be computed is ``{"unavailable": why}``.
"""

import json
import math
from collections.abc import Iterable
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import xarray as xr

from bayesgmm.draws import Reading, data_hash, names
from bayesgmm.figures import style
from bayesgmm.page import checks, clustering_numbers, methods
from bayesgmm.page.tables import by_row, estimate_table, fields, records
from bayesgmm.posterior import INTERVAL, Diagnosis, ambiguity_note, covariances, without_labels

FORMAT = 2
"""Rises when a key of the JSON changes its name or its meaning."""

MAX_COVARIANCES = 2000
"""With more entries the covariances are left to ``bg.summary``; the standard deviations remain."""


def numbers_of(reading: Reading, found: clustering_numbers.Clustered) -> dict[str, Any]:
    """All that a report says in numbers, of a relabelled posterior and what was found in it.

    Their shape is that of ``report.schema.json`` less the figures. The same tree and seed give the
    same; the seed of the clustering is that of the replicas, too.
    """
    fit = _fit(reading)
    numbers: dict[str, Any] = {
        "format": FORMAT,
        "title": f"Gaussian mixture, {methods.count(fit['n_components'], 'component')}",
        "interval": INTERVAL,
        "convergence": _convergence(reading, found.diagnosis),
        "fit": fit,
        "posterior": _posterior(reading),
        "map": _mode(reading),
        "clustering": clustering_numbers.clustering(reading, found),
        "comparison": clustering_numbers.comparison(found.comparison),
        "occupied": clustering_numbers.occupied(found),
        "checks": checks.predictive_checks(reading, INTERVAL, found.random_seed),
    }
    numbers["methods"] = methods.methods_of(numbers)
    return {name: plain(v) for name, v in numbers.items()}


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


def _fit(reading: Reading) -> dict[str, Any]:
    """What was fitted, to what, with what."""
    attrs, x, features = reading.tree.attrs, reading.rows, reading.features
    weight, (n_chains, n_draws) = reading.sample_weight, map(len, reading.lead.values())
    declaration = json.loads(attrs.get(names.DECLARATION, "null"))
    mean = np.average(x, axis=0, weights=weight)
    summary = {
        "feature": features,
        "mean": mean,
        "sd": np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weight)),
        "min": x.min(axis=0),
        "max": x.max(axis=0),
    }
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
            "summary": by_row(summary),
        },
        "sampling": {
            "sampler": attrs.get("sampler"),
            "n_chains": n_chains,
            "n_draws": n_draws,
            **{name: attrs.get(name) for name in ("n_tune", "target_accept", "random_seed")},
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
        **fields(found, "verdict", "advice", "labels", "labels_advice"),
        "notes": notes,
        "ok": found.enough and not notes,
        "worst": {
            "r_hat": free["r_hat"].max(),
            "ess_bulk": free["ess_bulk"].min(),
            "ess_tail": free["ess_tail"].min(),
            "divergences": int(stats["diverging"].sum()) if "diverging" in stats else None,
        },
        "chains": records(found.chains),
        "modes": records(found.modes),
        "functionals": records(found.functionals.rename_axis("quantity")),
        "parameters": records(found.parameters.rename_axis("quantity")),
    }


def _posterior(reading: Reading) -> dict[str, Any]:
    """Weights, means, standard deviations and covariances of the components."""
    draws, k, features = reading.parameters, reading.components, reading.features
    upper = list(combinations_with_replacement(range(len(features)), 2))
    owners = [None] if draws.structure.shared else list(k)
    sds = np.sqrt(draws.variances[:, : len(owners)])
    may_swap = len(np.unique(reading.groups)) < len(k)
    attrs = reading.clustering.attrs

    def each(components: Iterable[object]) -> list[dict[str, Any]]:
        return [{"component": c, "feature": f} for c in components for f in features]

    found: dict[str, Any] = {
        "ambiguous": attrs.get(names.AMBIGUOUS),
        "relabelling": attrs.get("method") if may_swap else None,
        "note": None,
        "label_free": [],
        "weights": _summaries(reading.by_chain(draws.weights), [{"component": c} for c in k]),
        "means": _summaries(reading.by_chain(draws.means), each(k)),
        "sds": _summaries(reading.by_chain(sds), each(owners)),
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
    entries = covariances(reading).values[:, :, : len(owners), *np.transpose(upper)]
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
    return [f"{name}[{label}]" for label in values[values.dims[-1]].values]


def _summaries(values: np.ndarray, keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """ArviZ's statistics of every entry (n_chains, n_draws, …), a record each, after its keys."""
    from arviz_stats.base import array_stats

    flat = values.reshape(*values.shape[:2], -1)
    every = (0, 1)
    lower, upper = np.quantile(flat, style.TAILS, axis=every)
    mean, sd = flat.mean(axis=every), flat.std(axis=every, ddof=1)
    columns = {"mean": mean, "sd": sd, "lower": lower, "upper": upper}
    # Of a constant, such as the weight of a single component, there is no error to tell.
    varies = np.ptp(flat, axis=every) > 0
    for name in ("mcse_mean", "mcse_sd", "ess_bulk", "ess_tail", "r_hat"):
        columns[name] = np.full(len(varies), np.nan)
    if varies.any():
        axes = {"chain_axis": 0, "draw_axis": 1}
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
            columns[name][varies] = error
    return [key | row for key, row in zip(keys, by_row(columns), strict=True)]


def _mode(reading: Reading) -> dict[str, Any]:
    """The MAP that the tree carries."""
    parameters, features = reading.map, reading.features
    if parameters is None:
        return {
            "unavailable": "the posterior holds no MAP: bg.sample(mixture, x) keeps one, a model "
            "declared by hand has none. Give one as bg.report(post, mode=bg.fit_map(mixture, x))."
        }
    group = reading.group(names.MAP)
    counts = group["mode_count"].values.astype(int) if "mode_count" in group else None
    scalars = ("log_posterior", "log_likelihood", "gradient_norm")
    return {
        **{name: float(group[name]) if name in group else None for name in scalars},
        "n_iter": group.attrs.get("n_iter"),
        "converged": bool(group.attrs.get("converged", 0)),
        "status": group.attrs.get("status"),
        "n_starts": None if counts is None else counts.sum(),
        "mode_counts": counts,
        "parameters": records(estimate_table(parameters, features, covariances=False)),
        "covariances": [
            {"component": c, "feature": features[i], "feature_bis": features[j], "map": m[i, j]}
            for c, m in enumerate(parameters.covariances)
            for i, j in combinations_with_replacement(range(len(features)), 2)
        ],
    }
