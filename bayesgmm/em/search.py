"""Climbs from many starts: on few of many rows first, then from their distinct ends on all."""

import math

import numpy as np

from bayesgmm.em.catalogue import catalogue
from bayesgmm.em.climb import Climb, climb
from bayesgmm.em.starts import draw_start
from bayesgmm.runtime import progress_bar


def search(objective, n_starts, max_iter, tol, random_seed, show):
    """The climbs of many starts, in their order; fewer if interrupted.

    Many rows are screened on few: every start climbs those, and from each distinct end one climb
    on all rows stands for all starts that led there. A start that collapses on few rows may not on
    all of them, and begins anew.

    An interrupted search ends with its best point so far, as a climb that is not finished, where
    no finished one is higher.
    """
    few = objective.sampled(np.random.default_rng(random_seed))

    def start(index):
        rng = np.random.default_rng(None if random_seed is None else [random_seed, index])
        return draw_start(few.surrogate, index, rng)

    climbs = _climbs(few, map(start, range(n_starts)), n_starts, max_iter, tol, show)
    if few is not objective:
        if sum(c.finished for c in climbs) == n_starts:
            summits = [s for s in catalogue(few, climbs) if not s.on_floor]
            begins = [(s.best.end.y, s.count) for s in summits]
            begins += [(c.start, 1) for c in climbs if few.on_floor(c.end.parameters)]
            starts = (y for y, _ in begins)
            found = _climbs(objective, starts, len(begins), max_iter, tol, show)
            climbs = [c for c, (_, n) in zip(found, begins, strict=False) for _ in range(n)]
        else:
            highest = max(climbs, key=lambda c: c.end.value)
            point = objective.at(highest.end.y)
            climbs = [Climb(highest.start, point, [point.value])]
    finished = [c for c in climbs if c.finished]
    highest = max(climbs, key=lambda c: c.end.value)
    return finished if highest.finished else [*finished, highest]


def _climbs(objective, begins, n_begins, max_iter, tol, show):
    """Climbs from every beginning; the last of them is not finished if interrupted.

    Of a climb is done the share of decades between its first gradient norm and tol, so that a bar
    over one long climb moves and expects an end.
    """
    what, density = "posterior mode", "log posterior"
    if objective.prior is None:
        what, density = "maximum likelihood", "log likelihood"
    climbs: list[Climb] = []
    first = 0.0

    def watch(path):
        nonlocal first
        if not show:
            return
        norm = path.end.gradient_norm
        first = norm if len(path.trace) == 1 else max(first, norm)
        value = path.end.value + objective.offset
        bar.set_postfix_str(f"iteration {len(path.trace)}, {density} {value:.2f}", refresh=False)
        if norm > tol:
            done = len(climbs) + math.log(first / norm) / math.log(first / tol)
            bar.update(max(done - bar.n, 0))

    bar = progress_bar(
        None, f"{what}, {len(objective.evidence)} rows: starts", show, total=n_begins, miniters=0,
        bar_format="{desc}: {percentage:3.0f}% |{bar}| {elapsed}, {remaining} left{postfix}",
    )  # fmt: skip
    with bar:
        try:
            for begin in begins:
                found = climb(objective, begin, max_iter, tol, watch)
                climbs.append(found)
                if not found.finished:
                    break
                bar.update(len(climbs) - bar.n)
        except KeyboardInterrupt:
            if not climbs:
                raise
            climbs[-1].finished = False
    return climbs
