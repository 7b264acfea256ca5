"""From a start to a mode: accelerated EM, then a quasi-Newton finish on the same objective."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize
from scipy.sparse.linalg import LinearOperator, cg

from bayesgmm.em.ascent import N_ITERATIONS, N_PASSES, accepted
from bayesgmm.em.information import Whitening, curvature_times
from bayesgmm.em.objective import Objective
from bayesgmm.likelihood import Point

# EM hands over to the quasi-Newton finish when its gradient is this small, per row, or after so
# many iterations: near the mode EM's rate is linear and slow where components overlap. Where a pass
# takes less time than the optimiser's own arithmetic, EM goes on for longer.
HANDOVER_NORM, HANDOVER_NORM_OF_SMALL = 1e-2, 1e-5
HANDOVER_ITERATIONS, HANDOVER_ITERATIONS_OF_SMALL = 12, 50

REFRESH = 40
"""Iterations of L-BFGS after which its metric is that of the point it has reached."""

DETOUR = 200
"""Iterations of EM after L-BFGS has stepped onto the floor, before it is tried again."""

ROUNDING = 1e-12
"""Relative error of the objective."""
BURST = 50
"""Passes between two looks of a bar and of Ctrl-C."""
MOST_AT_ONCE = 1000
"""Iterations of EM that there is room to remember at a time."""


@dataclass(eq=False)
class Climb:
    """A climb: where it began and is, and the objective at every iteration on the way (nats)."""

    start: np.ndarray
    end: Point
    trace: list[float]
    n_passes: int = 1
    finished: bool = False
    """Whether nothing from outside cut it short."""
    is_maximum: bool | None = None
    """Whether no curvature at its end is positive, where that has been found out."""

    def reach(self, point: Point) -> None:
        self.end = point
        self.trace.append(point.value)


Watch = Callable[[Climb], object]
"""Is shown a climb at every iteration; where it answers true, the climb ends."""


def approach(objective: Objective, y: np.ndarray, max_iter: int, tol: float) -> Climb:
    """The first part of a climb: accelerated EM, until it would be slow.

    Where EM cannot climb the objective it climbs that of a conjugate prior in its place.
    """
    surrogate, norm, iterations = objective.surrogate, HANDOVER_NORM, HANDOVER_ITERATIONS
    if objective.is_small and surrogate is objective:
        norm, iterations = HANDOVER_NORM_OF_SMALL, HANDOVER_ITERATIONS_OF_SMALL
    climb = squarem(surrogate, y, min(max_iter, iterations), max(tol, norm))
    if surrogate is not objective:
        climb.end = objective.at(climb.end.y)
        climb.trace = [climb.end.value]
    return climb


def squarem(
    objective: Objective, y: np.ndarray, max_iter: int, norm: float, watch: Watch | None = None
) -> Climb:
    """Climb by EM alone; see :mod:`bayesgmm.em.ascent`."""
    ascent, finished = objective.ascent(y, max_iter), False
    try:
        while not (finished := objective.go_on(ascent, norm, BURST)):
            if watch:
                watch(_so_far(ascent, y, objective.at(accepted(ascent))))
    except KeyboardInterrupt:
        pass
    end = objective.reached(ascent) if finished else objective.at(accepted(ascent))
    return _so_far(ascent, y, end, finished)


def _so_far(ascent, start, end, finished=False):
    trace = ascent.trace[: int(ascent.numbers[N_ITERATIONS])].tolist()
    return Climb(start, end, trace or [end.value], int(ascent.numbers[N_PASSES]), finished)


def finish(objective: Objective, climb: Climb, max_iter: int, tol: float, watch: Watch) -> None:
    """Go on until the gradient norm is at most tol, or for max_iter iterations from the start.

    L-BFGS, then, if the last digits are still missing, Newton's method by conjugate gradients. EM
    comes last: slow, but sure where a line search has lost its way. The objective never falls.
    """
    em_climbs = objective.surrogate is objective
    finishes = [_quasi_newton, _newton, *([_em] if em_climbs else [])]
    while finishes and climb.end.gradient_norm > tol:
        room = max_iter - len(climb.trace)
        if room <= 0 or objective.on_floor(climb.end.parameters) or watch(climb):
            return
        before = climb.end.value
        finishes[0](objective, climb, room, tol, watch)
        if climb.end.value - before <= ROUNDING * abs(before) or finishes[0] is not _quasi_newton:
            finishes.pop(0)


def _em(objective, climb, max_iter, tol, watch):
    last = len(climb.trace) + max_iter
    while len(climb.trace) < last and climb.end.gradient_norm > tol:
        room = min(last - len(climb.trace), MOST_AT_ONCE)
        more = squarem(objective, climb.end.y, room + 1, tol, watch)
        climb.end, climb.n_passes = more.end, climb.n_passes + more.n_passes
        climb.trace += more.trace[1:]
        if not more.finished:
            raise KeyboardInterrupt
        if objective.on_floor(climb.end.parameters) or len(more.trace) < 2 or watch(climb):
            break


def _quasi_newton(objective, climb, max_iter, tol, watch):
    """L-BFGS in coordinates where the complete-data information at the start is the identity."""
    start, latest, length = climb.end, climb.end, len(climb.trace)
    whitening = Whitening.at(start)

    def negative(u):
        nonlocal latest
        latest = objective.at(start.y + whitening(u))
        climb.n_passes += 1
        value = latest.value if np.isfinite(latest.value) else -1e300
        return -value, -whitening.transposed(latest.gradient)

    def keep(intermediate_result):
        # The optimiser reports the accepted point, which is the one evaluated last.
        known = False
        if latest.value >= climb.end.value:
            climb.reach(latest)
            known = watch(climb)
        end = climb.end
        if known or end.gradient_norm <= tol or objective.on_floor(end.parameters):
            raise StopIteration

    optimize.minimize(
        negative,
        np.zeros(len(start.y)),
        jac=True,
        method="L-BFGS-B",
        callback=keep,
        options={"maxiter": min(max_iter, REFRESH), "maxcor": 20, "ftol": 0.0, "gtol": 0.0},
    )
    if objective.prior is None and objective.on_floor(climb.end.parameters):
        # Along a path of its own EM may pass the collapse by, if slowly.
        climb.end = start
        del climb.trace[length:]
        _em(objective, climb, min(max_iter, DETOUR), tol, watch)


def _newton(objective, climb, max_iter, tol, watch):
    """The last digits, which differences of the objective no longer show to a line search.

    A product of the curvature and a vector is a difference of two gradients, so that no matrix is
    ever written down; whitened, few products solve for a step.
    """
    room = len(climb.trace) + max_iter
    while climb.end.gradient_norm > tol and len(climb.trace) <= room and not watch(climb):
        best = climb.end
        whitening = Whitening.at(best)

        def product(u, best=best, whitening=whitening):
            climb.n_passes += 2
            return -curvature_times(lambda y: objective.at(y).gradient, best.y, whitening, u)

        n_dim = len(best.y)
        information = LinearOperator((n_dim, n_dim), matvec=product, dtype=np.float64)
        u, _ = cg(information, whitening.transposed(best.gradient), rtol=1e-3, maxiter=100)
        point = objective.at(best.y + whitening(u))
        climb.n_passes += 1
        rounding = ROUNDING * abs(best.value)
        if point.gradient_norm > 0.5 * best.gradient_norm or point.value < best.value - rounding:
            break
        climb.reach(point)
