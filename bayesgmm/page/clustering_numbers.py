"""The clustering of a report: partition, credible ball, the MAP against them, occupied components.

What costs rows times draws is done on a part of them where they are many, and says so.
"""

from dataclasses import dataclass
from typing import Any

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
from bayesgmm.page.tables import by_row, fields, records
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
    n_obs = len(reading.rows)
    rows = shown_rows(n_obs, MAX_ROWS)
    part = reading.of_rows(rows) if len(rows) < n_obs else reading
    part = part.thinned_to(MAX_LABELS // len(rows))
    settings: dict[str, Any] = {"random_seed": random_seed, "progress": progress}
    found = None
    if reading.map is not None:
        found = compared(part, diagnosis, prob=INTERVAL, **settings)
        centre, ball = found.partition, found.ball
    else:
        centre = partition(part, **settings)
        ball = credible_ball(part, centre, INTERVAL, progress=progress)
    thin = reading.thinned_to(max(1, MAX_ALLOCATIONS // n_obs))
    counted, n_draws = occupied_components(thin, **settings), len(thin.parameters)
    return Clustered(diagnosis, part, centre, ball, found, counted, n_draws, random_seed)


def clustering(reading: Reading, found: Clustered) -> dict[str, Any]:
    """The partition, its ball, and every row in it."""
    part, centre, ball = found.part, found.partition, found.ball
    probability = part.mean_probability
    return {
        "n_rows": len(part.rows),
        "all_rows": len(part.rows) == len(reading.rows),
        "n_draws": centre.n_draws,
        "all_draws": len(part.parameters) == len(reading.parameters),
        **fields(centre, "loss", "expected_loss", "mcse", "n_clusters", "n_found"),
        "sizes": [{"cluster": c, "rows": n} for c, n in enumerate(centre.sizes)],
        "ball": {**fields(ball, "prob", "radius", "achieved", "mcse"), "bounds": ball.bounds()},
        "doubtful": int((centre.certainty < CERTAIN).sum()),
        "doubtful_below": CERTAIN,
        "rows": by_row(
            {
                "obs": part.obs,
                "cluster": centre.labels,
                "certainty": centre.certainty,
                "component": probability.argmax(axis=1),
                "probability": probability.max(axis=1),
            }
        ),
    }


def comparison(found: Comparison | None) -> dict[str, Any]:
    """The MAP's clustering against the posterior's."""
    if found is None:
        return {"unavailable": "the posterior holds no MAP to compare it with."}
    tables = fields(found, "losses", "parameters", "pairs", "rows")
    return {
        **fields(found, "sentence", "inside", "farther", "farther_mcse", "distance"),
        "adjusted_rand": found.adjusted_rand,
        "headline": records(found.to_dataframe()),
        **{name: records(table) for name, table in tables.items()},
    }


def occupied(found: Clustered) -> dict[str, Any]:
    """The posterior of K₊, and in how many draws it was counted."""
    probabilities = records(found.occupied.to_dataframe()[["probability", "mcse"]])
    return {"n_draws": found.n_allocations, "probabilities": probabilities}
