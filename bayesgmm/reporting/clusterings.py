"""The clustering of a report: partition, credible ball, the MAP against them, occupied components.

What costs rows times draws is done on a part of them where they are many, and says so.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bayesgmm.posterior import (
    Comparison,
    CredibleBall,
    Diagnosis,
    Partition,
    credible_ball,
    diagnose,
    occupied_components,
    partition,
)
from bayesgmm.posterior.comparison import compared
from bayesgmm.reporting.drawing import CERTAIN, data_of
from bayesgmm.reporting.tables import records

MAX_ROWS = 1000
"""Rows that are clustered: more are sampled at random, once and for all."""
MAX_LABELS = 1_500_000
"""Sampled labels, draws times rows, that a partition is searched by: draws are thinned to it."""
MAX_ALLOCATIONS = 10_000_000
"""The same for the components that hold rows, of which no row may be left out."""

INTERVAL = 0.94
"""Probability of every interval with equal tails, as in the figures, and of the ball."""


@dataclass(frozen=True, eq=False)
class Clustered:
    """What numbers and figures of the clustering are made from."""

    diagnosis: Diagnosis
    """Of all rows and draws."""
    part: Any
    """The tree, of as many rows and draws as a search can take."""
    rows: np.ndarray
    """Positions of its rows."""
    partition: Partition
    ball: CredibleBall
    comparison: Comparison | None
    """None where the tree has no MAP."""
    occupied: xr.DataArray
    """Posterior of K₊, of all rows."""
    n_allocations: int
    """Draws that it was counted in."""
    random_seed: int


def clustered(post: Any, random_seed: int, progress: bool) -> Clustered:
    """Diagnosis, partition, ball, comparison and K₊ of a relabelled posterior."""
    diagnosis = diagnose(post, progress=progress)
    part, rows = _bounded(post)
    settings: dict[str, Any] = {"random_seed": random_seed, "progress": progress}
    found = None
    if "map" in post.children and "weights" in post["map"]:
        found = compared(part, diagnosis, prob=INTERVAL, **settings)
        centre, ball = found.partition, found.ball
    else:
        centre = partition(part, **settings)
        ball = credible_ball(part, centre, INTERVAL, progress=progress)
    thin = thinned_to(post, max(1, MAX_ALLOCATIONS // len(data_of(post)[0])))
    n_draws = thin["posterior"].sizes["chain"] * thin["posterior"].sizes["draw"]
    occupied = occupied_components(thin, **settings)
    return Clustered(diagnosis, part, rows, centre, ball, found, occupied, n_draws, random_seed)


def sections(post: Any, found: Clustered) -> dict[str, Any]:
    """``clustering``, ``comparison`` and ``occupied`` in numbers."""
    return {
        "clustering": _clustering(post, found),
        "comparison": _comparison(found.comparison),
        "occupied": _occupied(found),
    }


def thinned_to(post: Any, most: int) -> Any:
    """The tree with at most ``most`` draws in all, evenly spaced in every chain."""
    sizes = post["posterior"].sizes
    step = -(-sizes["chain"] * sizes["draw"] // most)
    if step <= 1:
        return post
    return post.isel(draw=slice(None, None, step), missing_dims="ignore")


def _bounded(post):
    """The tree with as many rows and draws as a search can take, and the rows' positions."""
    x, _ = data_of(post)
    rows = np.arange(len(x))
    if len(x) > MAX_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(len(x), MAX_ROWS, replace=False))
        for dim in {"obs", post["observed_data"]["x"].dims[0]}:
            post = post.isel({dim: rows}, missing_dims="ignore")
    return thinned_to(post, MAX_LABELS // len(rows)), rows


def _clustering(post, found):
    part, rows, centre, ball = found.part, found.rows, found.partition, found.ball
    probability = post["clustering"]["mean_probability"].transpose("obs", "component").values[rows]
    observed = post["observed_data"]
    names = observed["obs"].values[rows] if "obs" in observed.coords else rows
    own = probability.argmax(axis=1)
    return {
        "n_rows": len(rows),
        "all_rows": len(rows) == len(post["clustering"]["mean_probability"]),
        "n_draws": centre.n_draws,
        "all_draws": part["posterior"].sizes["draw"] == post["posterior"].sizes["draw"],
        "loss": centre.loss,
        "expected_loss": centre.expected_loss,
        "mcse": centre.mcse,
        "n_clusters": centre.n_clusters,
        "n_found": centre.n_found,
        "sizes": [{"cluster": c, "rows": n} for c, n in enumerate(centre.sizes)],
        "ball": {
            "prob": ball.prob,
            "radius": ball.radius,
            "achieved": ball.achieved,
            "mcse": ball.mcse,
            "bounds": ball.bounds(),
        },
        "doubtful": int((centre.certainty < CERTAIN).sum()),
        "doubtful_below": CERTAIN,
        "rows": [
            {"obs": o, "cluster": c, "certainty": s, "component": k, "probability": p[k]}
            for o, c, s, k, p in zip(
                names, centre.labels, centre.certainty, own, probability, strict=True
            )
        ],
    }


def _comparison(found):
    if found is None:
        return {"unavailable": "the posterior holds no MAP to compare it with."}
    return {
        "sentence": found.sentence,
        "inside": found.inside,
        "farther": found.farther,
        "farther_mcse": found.farther_mcse,
        "distance": found.distance,
        "adjusted_rand": found.adjusted_rand,
        "headline": records(found.to_dataframe()),
        "losses": records(found.losses),
        "parameters": records(found.parameters),
        "pairs": records(found.pairs),
        "rows": records(found.rows),
    }


def _occupied(found):
    table = found.occupied
    return {
        "n_draws": found.n_allocations,
        "probabilities": [
            {"n_occupied": n, "probability": p, "mcse": e}
            for n, p, e in zip(
                table["n_occupied"].values, table.values, table["mcse"].values, strict=True
            )
        ],
    }
