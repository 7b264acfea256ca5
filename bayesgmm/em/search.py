"""The search for the highest mode: many starts, on few of many rows first, and moves out of modes.

Climbs begin with EM side by side; then, the most promising first, those are finished that may come
near the best. From the best, components are merged and split until that leads no higher. Of many
rows all this is done on few, and what may win there climbs on more of them.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from bayesgmm.em.catalogue import WINDOW, Catalogue, Summit
from bayesgmm.em.climb import Climb, approach, finish
from bayesgmm.em.information import FLAT, Whitening, largest_curvature
from bayesgmm.em.objective import Objective
from bayesgmm.em.progress import Bar
from bayesgmm.em.split_merge import moves, swaps
from bayesgmm.em.starts import draw_start
from bayesgmm.likelihood import row_log_density
from bayesgmm.mixture import MixtureParameters
from bayesgmm.runtime import PATIENCE, in_order, waiting

N_STARTS = 20
"""Starts, and how many more at a time where they leave the best mode in doubt."""
MOST_ROUNDS = 10
ENOUGH = 5
"""Starts that must lead to the best mode for it to be out of doubt."""
QUIET_ROUNDS = 3
"""Rounds of moves that must lead no higher."""
TOP = 4
"""Modes, the best among them, of which components are put elsewhere."""

CLEAR = -0.05
"""Curvature, over the complete-data information, below which few rows tell it from 0."""
MOST_SADDLES = 5
"""Saddles that one climb leaves."""

PASSES_OF_A_START, PASSES_OF_THE_BEST = 150, 90
"""What a search takes, about: by it the time is foretold."""


class Beginning(NamedTuple):
    """Where a climb begins."""

    place: Any
    """A vector, or the index of a start that is yet to be drawn."""
    n_starts: int
    """How many starts it stands for."""


@dataclass(eq=False)
class Search:
    """A search on one set of rows, and what it has found."""

    catalogue: Catalogue
    few: Objective
    """Of few of many rows."""
    max_iter: int
    tol: float
    seed: Any
    bar: Bar
    passes: dict[tuple[str, int], int]
    """Passes that every part of the search took, by its name and the number of rows."""
    rng: np.random.Generator = field(init=False)
    n_done: int = 0
    """Starts that were climbed from to the end, or given up as they could not win."""
    interrupted: bool = False
    moved_from: Summit | None = None
    """The mode whose components were merged and split last."""

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng([self.seed, 2**31])

    @property
    def objective(self) -> Objective:
        return self.catalogue.objective

    def climb(self, name: str, beginnings: list[Beginning], window: float = 0.0) -> None:
        """Climb from many places; what stays below the best by more than a window is given up."""
        climbs: list[Climb] = []
        counts = [beginning.n_starts for beginning in beginnings]
        self._count(name, self.objective, 0)
        self.bar.begin(f"{name} on {len(self.objective.evidence)} rows", len(beginnings))
        try:
            for begun in self._begun(beginnings):
                climbs.append(begun)
                self.bar.advance(0.5)
                if not begun.finished:
                    raise KeyboardInterrupt
                begun.finished = False
            for i in sorted(range(len(climbs)), key=lambda i: -climbs[i].end.value):
                self._finish(climbs[i], counts[i], window)
                self.n_done += counts[i]
                self.bar.advance(0.5)
        except KeyboardInterrupt:
            left = [c for c in climbs if not c.finished and self.catalogue.is_highest(c.end)]
            if left:
                self.catalogue.add(max(left, key=lambda c: c.end.value), 0)
            raise
        finally:
            self._count(name, self.objective, sum(c.n_passes for c in climbs))

    def _count(self, name: str, objective: Objective, n_passes: int) -> None:
        part = name, len(objective.evidence)
        self.passes[part] = self.passes.get(part, 0) + n_passes

    def _begun(self, beginnings: list[Beginning]) -> Iterator[Climb]:
        """The first parts of the climbs, in order; the places they begin at are drawn ahead."""

        def place(beginning: Beginning) -> np.ndarray:
            y = beginning.place
            if isinstance(y, np.ndarray):
                return y
            return draw_start(self.objective.surrogate, y, np.random.default_rng([self.seed, y]))

        def begin(y: np.ndarray) -> Climb:
            return approach(self.objective, y, self.max_iter, self.tol)

        if self.objective.is_small:
            return in_order(lambda beginning: begin(place(beginning)), beginnings)
        return map(begin, in_order(place, beginnings))

    def _finish(self, climb: Climb, count: int, window: float) -> None:
        known = self.catalogue.recognised(climb.end)

        def watch(climb: Climb) -> bool:
            nonlocal known
            self.bar.show(climb, self.objective, self.tol)
            known = self.catalogue.recognised(climb.end)
            return known is not None or not self.catalogue.can_win(climb, window)

        for _ in range(MOST_SADDLES):
            if not known:
                finish(self.objective, climb, self.max_iter, self.tol, watch)
            if known or not self._leaves_saddle(climb, window):
                break
        climb.finished = True
        if known:
            known.count += count
        elif self._is_worth_knowing(climb, window):
            self.catalogue.add(climb, count)
        elif nearest := self.catalogue.nearest(climb.end):
            nearest.count += count

    def _is_worth_knowing(self, climb: Climb, window: float) -> bool:
        """Whether a climb has collapsed, or come near the best; on a saddle, only if it is best."""
        if self.objective.on_floor(climb.end.parameters):
            return True
        return self.catalogue.can_win(climb, 0.0 if climb.is_maximum is False else window)

    def _leaves_saddle(self, climb: Climb, window: float) -> bool:
        """Whether the climb has ended on a saddle, and goes on from beside it."""
        end = climb.end
        on_floor = self.objective.on_floor(end.parameters)
        if end.gradient_norm > self.tol or on_floor or not self.catalogue.can_win(climb, window):
            return False
        whitening, curvature = Whitening.at(end), 0.0
        # Few of many rows tell a clear maximum, at little cost.
        for objective in dict.fromkeys((self.few, self.objective)):
            if curvature > CLEAR:
                curvature, direction, n_passes = largest_curvature(objective, end.y, whitening)
                self._count("curvature", objective, n_passes)
        climb.is_maximum = curvature <= FLAT
        if climb.is_maximum:
            return False
        for size in (1.0, -1.0, 0.1, -0.1, 0.01, -0.01):
            beside = self.objective.at(end.y + size * whitening(direction))
            climb.n_passes += 1
            if beside.value > end.value:
                climb.reach(beside)
                climb.is_maximum = None
                return True
        return False

    def move(self) -> None:
        """Merge and split components of the best mode, until that leads no higher."""
        while (best := self.catalogue.best) not in (self.moved_from, None):
            self.moved_from = best
            found = moves(self.objective, best.best.end, self.rng)
            if found:
                self.climb("splitting and merging", [Beginning(y, 0) for y in found])

    def swap(self, n: int) -> None:
        """Climb from the best modes with a component put elsewhere."""
        tops = [s.best.end for s in self.catalogue.summits if not s.on_floor][:TOP]
        if not tops or self.objective.n_components == 1:
            return
        n_each = n // len(tops)
        found = [y for top in tops for y in swaps(self.objective, top, self.rng, n_each)]
        self.climb("moving components", [Beginning(y, 0) for y in found])

    def resolve_doubt(self, most_passes: float) -> None:
        """Move components and climb from more starts, until for some rounds that has led no higher
        and enough starts have led to the best mode; or the search has taken so many passes."""
        quiet = 0
        for _ in range(MOST_ROUNDS):
            if sum(self.passes.values()) > most_passes:
                return
            best = self.catalogue.best
            self.swap(N_STARTS)
            self.move()
            quiet = quiet + 1 if best is self.catalogue.best else 0
            if best and quiet and best.count >= ENOUGH:
                if quiet >= QUIET_ROUNDS:
                    return
            elif self.n_done < MOST_ROUNDS * N_STARTS:
                more = range(self.n_done, self.n_done + N_STARTS)
                self.climb("more starts", [Beginning(index, 1) for index in more])


def search(
    objective: Objective,
    start: np.ndarray | None,
    n_starts: int | None,
    max_iter: int,
    tol: float,
    random_seed: int | None,
    show: bool,
) -> Search:
    """The distinct ends of climbs from many starts, the first of which may be given.

    Where their number is not given, more are made while few lead to the best mode and passes over
    few of the rows are cheap. From a given start alone there is but one climb. Ctrl-C ends the
    search with what it has found; the highest point, if a climb that is not finished has reached
    it, is among that.
    """
    seed: Any = np.random.SeedSequence(random_seed).entropy
    n_first = n_starts or N_STARTS
    starts = [Beginning(index, 1) for index in range(n_first)]
    if start is not None:
        starts = [Beginning(start, 1), *starts[: n_first - 1]]
    with waiting(f"drawing from {len(objective.evidence):,} rows", show):
        levels = objective.levels(np.random.default_rng([seed, 2**31]))
    passes: dict[tuple[str, int], int] = {}
    found: Any = None
    with Bar(objective, show) as bar:
        seconds = _seconds_of_a_search(levels, n_first, show)
        if len(levels) > 1 and seconds > PATIENCE:
            bar.say(_plan(levels, n_first, seconds))
        try:
            for level in levels:
                here = Search(Catalogue(level), levels[0], max_iter, tol, seed, bar, passes)
                try:
                    if found is None:
                        here.climb("starts", starts, WINDOW)
                        if start is None or n_first > 1:
                            here.move()
                            if n_starts is None:
                                here.resolve_doubt(_passes_worth_while(levels))
                    else:
                        best = _contenders(found.catalogue) or starts
                        here.climb("the best", best, WINDOW)
                finally:
                    if found is not None:
                        here.n_done = found.n_done
                    # Of an interrupted search on more rows that has no point yet, the one before
                    # is kept.
                    if here.catalogue.summits:
                        found = here
        except KeyboardInterrupt:
            if found is None:
                raise
            found.interrupted = True
    if found.objective is not objective:
        highest = (found.catalogue.best or found.catalogue.summits[0]).best
        point = objective.at(highest.end.y)
        found.catalogue = Catalogue(objective)
        found.catalogue.add(Climb(highest.start, point, [point.value]), 0)
    return found


def _seconds_of_a_search(levels: list[Objective], n_starts: int, show: bool) -> float:
    """About what it takes, by the second pass over few rows: the first may have to be compiled."""
    few, *more = levels
    y = np.zeros(few.target.n_dim)
    with waiting("compiling, once", show):
        few.at(y)
    began = time.perf_counter()
    few.at(y)
    rows = sum(len(level.evidence) for level in more) / len(few.evidence)
    passes = n_starts * PASSES_OF_A_START + PASSES_OF_THE_BEST * rows
    return passes * (time.perf_counter() - began)


def _passes_worth_while(levels: list[Objective]) -> float:
    """Passes on few rows that cost little beside what is still to be done on more."""
    few, *more = levels
    if few.is_small:
        return np.inf
    return PASSES_OF_THE_BEST / 5 * sum(len(level.evidence) for level in more) / len(few.evidence)


def _plan(levels: list[Objective], n_starts: int, seconds: float) -> str:
    """What is going to be done on how many rows, and how long it may take."""
    few, *more = (f"{len(level.evidence):,}" for level in levels)
    then = " and ".join(more)
    return f"{n_starts} starts on {few} rows, then the best on {then}; about {seconds:.0f} s"


def _contenders(catalogue: Catalogue) -> list[Beginning]:
    """Modes of few rows of which one may be the best of all rows.

    What two differ by is a sum over rows, and its error that of a sum over so many of them.
    """
    objective, best = catalogue.objective, catalogue.best
    weight, rows = objective.evidence.each, objective.evidence.values

    def log_density(p: MixtureParameters) -> np.ndarray:
        arrays = p.log_weights, p.means, p.factor
        return row_log_density(rows, *arrays, objective.shift, objective.scale)

    found = []
    for summit in catalogue.summits:
        if summit.on_floor or best is None:
            continue
        end, highest = summit.best.end, best.best.end
        error = 0.0
        if summit is not best:
            lead = log_density(highest.parameters) - log_density(end.parameters)
            error = np.sqrt((weight**2) @ (lead - weight @ lead / weight.sum()) ** 2)
        if highest.value - end.value <= WINDOW + 3 * error:
            found.append(Beginning(end.y, summit.count))
    return found
