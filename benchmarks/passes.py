"""Passes over the data that a climb needs on overlapping components, against plain EM."""

from statistics import median

import numpy as np

import bayesgmm as bg
from bayesgmm.em.climb import approach, finish
from bayesgmm.em.objective import Objective
from bayesgmm.em.starts import draw_start
from benchmarks.measure import Row
from benchmarks.simulate import old_faithful, penguins

N_STARTS = 20
NORM = 1e-6
MOST = 20_000
"""Passes after which plain EM is counted as done."""


def rows(profile):
    for name, x, k in (("Old Faithful", old_faithful(), 3), ("penguins", penguins(), 4)):
        for flat, density in ((False, "posterior"), (True, "likelihood")):
            objective = Objective.of(bg.GaussianMixture(k), x, np.ones(len(x)), flat)
            counts = [passes(objective, index) for index in range(N_STARTS)]
            ratios = [ours / plain for ours, plain in counts]
            yield Row(
                f"passes_{name.replace(' ', '_').lower()}_{density}",
                f"passes, {name} K = {k}, {density}: to a gradient norm of 1e-6, over those of "
                f"plain EM, median of {N_STARTS} starts",
                "≤ 0.333",
                value=median(ratios),
                extra={
                    "bayesgmm": [ours for ours, _ in counts],
                    "plain EM": [plain for _, plain in counts],
                },
            )


def passes(objective, index):
    """Passes of our climb and of plain EM from one start, each until the gradient norm is met."""
    y = draw_start(objective, index, np.random.default_rng([1, index]))
    ours = approach(objective, y, MOST, NORM)
    finish(objective, ours, MOST, NORM, lambda _: False)
    if ours.end.gradient_norm > NORM and not objective.on_floor(ours.end.parameters):
        raise AssertionError(f"start {index} stopped at {ours.end.gradient_norm:.1e}.")
    point, plain = objective.at(y), 1
    while point.gradient_norm > NORM and plain < MOST:
        point = objective.at(objective.step(point.y))
        plain += 1
    return ours.n_passes, plain
