"""Effective draws per second of sampling, beside textbook PyMC's and NumPyro's; a million rows."""

import importlib.util
import tempfile
import time
from pathlib import Path
from statistics import median

import arviz as az
import numpy as np
import xarray as xr

import bayesgmm as bg
from benchmarks.measure import Row, size
from benchmarks.simulate import mixture_rows
from benchmarks.workers import run

CHAINS = 2
REPETITIONS = 5
"""Runs of ours, of a seed each; a run of a peer takes many minutes, and there is one."""

PEERS = {
    "pymc": ("textbook PyMC", "≥ 50", "nutpie on pm.Mixture of pm.MvNormal"),
    "numpyro": ("NumPyro", "", "NumPyro's NUTS on MixtureSameFamily"),
}

CONVERGED = 1.05
"""R-hat above which a short run's effective draws mean little."""

RELABELLING_ROWS = 10_000
"""Of a million rows, those whose responsibilities tell the labels apart."""


def rows(profile, shape=(10_000, 5, 5), draws=200, tune=200):
    chains = f"{CHAINS} chains × ({tune} + {draws}) draws"
    x, numbers = mixture_rows(*shape)[0], (shape[2], CHAINS, draws, tune)
    mode = bg.fit_map(bg.GaussianMixture(shape[2]), x, random_seed=1, progress=False)
    ours = [short_run("bayesgmm", x, numbers, mode, seed) for seed in range(REPETITIONS)]
    yield Row(
        "sampling_bayesgmm",
        f"effective draws per second, {size(*shape)}: smallest bulk ESS after relabelling, "
        f"{chains}, the search for the mode included",
        unit="/s",
        value=median(1 / run["seconds per effective draw"] for run in ours),
        extra={"bayesgmm": ours},
    )
    if profile == "full":
        for peer, (side, target, how) in PEERS.items():
            what = (
                f"time per effective draw, {size(*shape)}: {how}, smallest bulk ESS after "
                f"relabelling, {chains}, one run, nothing compiled in it, against ours, the "
                "search for the mode included"
            )
            if not importlib.util.find_spec(peer):
                yield Row(f"sampling_{peer}", what, target, skipped=f"{peer} is not installed")
                continue
            runs = {side: [short_run(peer, x, numbers, mode, 1)], "bayesgmm": ours}
            seconds = {s: [run["seconds per effective draw"] for run in runs[s]] for s in runs}
            what += "".join(map(unconverged, runs.items()))
            yield Row(f"sampling_{peer}", what, target, seconds=seconds, extra=runs)
        yield from many_rows()


def unconverged(side):
    """A remark on a side whose draws cannot be trusted; else nothing."""
    name, runs = side
    worst = max(run["largest R-hat"] for run in runs)
    return f"; {name} has not converged, R-hat {worst:.2f}" if worst > CONVERGED else ""


def short_run(library, x, numbers, mode, seed):
    """Seconds and effective draws of a run in a process of its own, nothing compiled in them."""
    with tempfile.TemporaryDirectory() as folder:
        table, drawn = Path(folder) / "x.npy", Path(folder) / "draws.npz"
        np.save(table, x)
        run(f"draws_{library}", table, *numbers, seed, drawn)
        with np.load(drawn) as arrays:
            posterior = dict(arrays)
    seconds = {k: float(posterior.pop(k)) for k in list(posterior) if k.endswith("seconds")}
    ess, r_hat = diagnostics(bg.relabel(as_tree(posterior, mode), x=x, progress=False))
    seconds["seconds per effective draw"] = seconds["seconds"] / ess
    return seconds | {"smallest bulk ESS": ess, "largest R-hat": r_hat}


def as_tree(posterior, mode):
    """Draws as ``bg.relabel`` takes them, with the mode that all sides are relabelled towards."""
    dims = {
        "weights": ("component",),
        "means": ("component", "feature"),
        "covariances": ("component", "feature", "feature_bis"),
    }
    coords = {
        "component": range(len(mode.weights)),
        "feature": list(mode.features),
        "feature_bis": list(mode.features),
    }
    drawn = {name: (("chain", "draw", *dims[name]), posterior[name]) for name in dims}
    point = {name: (dims[name], getattr(mode, name)) for name in dims}
    return xr.DataTree.from_dict(
        {"posterior": xr.Dataset(drawn, coords), "map": xr.Dataset(point, coords)}
    )


def diagnostics(post):
    """Smallest bulk ESS and largest R-hat over all weights, means and covariances."""
    posterior = post["posterior"].to_dataset()[["weights", "means", "covariances"]]
    smallest, largest = az.ess(posterior, method="bulk").min(), az.rhat(posterior).max()
    return float(min(smallest.values())), float(max(largest.values()))


def many_rows(shape=(1_000_000, 5, 5), draws=500, tune=500, chains=4):
    """Sampling of so many rows: whether it converges, and in how many minutes."""
    x, k = mixture_rows(*shape)[0], shape[2]
    began = time.perf_counter()
    settings = {"draws": draws, "tune": tune, "chains": chains, "random_seed": 1}
    post = bg.sample(bg.GaussianMixture(k), x, progress=False, **settings)
    minutes = (time.perf_counter() - began) / 60
    ess, r_hat = diagnostics(bg.relabel(post, x=x[:RELABELLING_ROWS], progress=False))
    what = f"sample at {size(*shape)}, {chains} chains × ({tune} + {draws}) draws"
    extra = {"smallest bulk ESS": ess, "divergences": int(post["sample_stats"]["diverging"].sum())}
    yield Row(
        "sampling_million_minutes", f"{what}, with the search for the mode", "< 30", "min",
        value=minutes,
    )  # fmt: skip
    yield Row(
        "sampling_million_rhat",
        f"{what}: largest R-hat of all parameters, relabelled by {RELABELLING_ROWS} of the rows",
        "< 1.01",
        "",
        value=r_hat,
        extra=extra,
    )
