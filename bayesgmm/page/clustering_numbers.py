"""The clustering of a report: partition, credible ball, the MAP against them, occupied components.

What costs rows times draws is done on a part of them where they are many, and says so.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bayesgmm.clusterings import (
    Comparison,
    CredibleBall,
    Partition,
    compared,
    credible_ball,
    occupied_components,
    partition,
)
from bayesgmm.draws import Reading
from bayesgmm.figures import CERTAIN, shown_rows
from bayesgmm.page.tables import records
from bayesgmm.posterior import INTERVAL, Diagnosis, diagnose

MAX_ROWS = 1000
"""Rows that are clustered: more are sampled at random, once and for all."""
MAX_LABELS = 1_500_000
"""Sampled labels, draws times rows, that a partition is searched by: draws are thinned to it."""
MAX_ALLOCATIONS = 10_000_000
"""The same for the components that hold rows, of which no row may be left out."""


@dataclass(frozen=True, eq=False)
class Clustered:
    """What numbers and figures of the clustering are made from."""

    diagnosis: Diagnosis
    """Of all rows and draws."""
    part: Reading
    """The posterior, of as many rows and draws as a search can take."""
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


def clustered(reading: Reading, random_seed: int, progress: bool) -> Clustered:
    """Diagnosis, partition, ball, comparison and K₊ of a relabelled posterior."""
    diagnosis = diagnose(reading, progress=progress)
    part, rows = _bounded(reading)
    settings: dict[str, Any] = {"random_seed": random_seed, "progress": progress}
    found = None
    if reading.map is not None:
        found = compared(part, diagnosis, prob=INTERVAL, **settings)
        centre, ball = found.partition, found.ball
    else:
        centre = partition(part, **settings)
        ball = credible_ball(part, centre, INTERVAL, progress=progress)
    thin = reading.thinned_to(max(1, MAX_ALLOCATIONS // len(reading.rows)))
    n_draws = len(thin.parameters)
    occupied = occupied_components(thin, **settings)
    return Clustered(diagnosis, part, rows, centre, ball, found, occupied, n_draws, random_seed)


def sections(reading: Reading, found: Clustered) -> dict[str, Any]:
    """``clustering``, ``comparison`` and ``occupied`` in numbers."""
    return {
        "clustering": _clustering(reading, found),
        "comparison": _comparison(found.comparison),
        "occupied": _occupied(found),
    }


def _bounded(reading):
    """The posterior with as many rows and draws as a search can take, and the rows' positions."""
    rows = shown_rows(len(reading.rows), MAX_ROWS)
    part = reading.of_rows(rows) if len(rows) < len(reading.rows) else reading
    return part.thinned_to(MAX_LABELS // len(rows)), rows


def _clustering(reading, found):
    part, centre, ball = found.part, found.partition, found.ball
    probability = part.mean_probability
    own = probability.argmax(axis=1)
    return {
        "n_rows": len(part.rows),
        "all_rows": len(part.rows) == len(reading.rows),
        "n_draws": centre.n_draws,
        "all_draws": len(part.parameters) == len(reading.parameters),
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
                part.obs, centre.labels, centre.certainty, own, probability, strict=True
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
