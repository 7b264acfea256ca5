"""From a start to a mode: accelerated EM, then a quasi-Newton finish on the same objective."""

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from bayesgmm.em.information import complete_information
from bayesgmm.em.objective import Point
from bayesgmm.target import hessian

# EM hands over to the quasi-Newton finish when its gradient is this small, per row, or after so
# many passes: near the mode EM's rate is linear and slow where components overlap.
HANDOVER_NORM = 1e-2
HANDOVER_PASSES = 15

REFRESH = 40
"""Iterations of L-BFGS after which its metric is that of the point it has reached."""

STUCK = 10
"""A climb that stays on the floor for so many leaps has collapsed."""


@dataclass(frozen=True, eq=False)
class Climb:
    """Where a climb ended, and the objective at every iteration on the way (nats)."""

    end: Point
    trace: list[float]
    n_passes: int


def climb(objective, y, max_iter, tol):
    """Climb the objective from y until the gradient norm is at most tol, or max_iter iterations.

    SQUAREM-accelerated EM [1]_, guarded so that the objective never falls, then L-BFGS, then, if
    the last digits are still missing, Newton's method on differences of the gradient.

    References
    ----------
    .. [1] Varadhan & Roland (2008), Scandinavian Journal of Statistics 35, 335–353.
    """
    surrogate = objective.surrogate
    passes = min(max_iter, HANDOVER_PASSES)
    end, trace, n_passes = _squarem(surrogate, surrogate.at(y), passes, max(tol, HANDOVER_NORM))
    if surrogate is not objective:
        end = objective.at(end.y)
        trace = [end.value]
    # EM comes last: slow, but sure where a line search has lost its way.
    finishes = [_quasi_newton, _newton, *([_squarem] if surrogate is objective else [])]
    while finishes and end.gradient_norm > tol and not objective.on_floor(end.parameters):
        room = max_iter - len(trace)
        if room <= 0:
            break
        end, more, passes = finishes[0](objective, end, room, tol)
        trace += more[1:]
        n_passes += passes
        if len(more) == 1 or finishes[0] is not _quasi_newton:
            finishes.pop(0)
    return Climb(end, trace, n_passes)


def _squarem(objective, point, max_passes, norm):
    trace, n_passes, collapsed = [point.value], 1, 0
    while point.gradient_norm > norm and n_passes < max_passes and collapsed < STUCK:
        first = objective.at(objective.step(point))
        trace.append(first.value)
        n_passes += 1
        if first.gradient_norm <= norm:
            point = first
            break
        second = objective.step(first)
        r = first.y - point.y
        v = second - first.y - r
        length = np.clip(np.linalg.norm(r) / max(np.linalg.norm(v), 1e-300), 1.0, 1e6)
        leap = objective.at(point.y + 2 * length * r + length**2 * v)
        n_passes += 1
        if leap.value < first.value or objective.on_floor(leap.parameters):
            leap = objective.at(second)
            n_passes += 1
        point = leap
        trace.append(point.value)
        collapsed = collapsed + 1 if objective.on_floor(point.parameters) else 0
    return point, trace, n_passes


def _quasi_newton(objective, start, max_iter, tol):
    """L-BFGS in coordinates where the complete-data information at the start is the identity.

    There the curvature's eigenvalues are the shares of information that is not missing, in (0, 1],
    whatever the scales of weights, means and spreads.
    """
    best, latest, trace, n_passes = start, start, [start.value], 0
    root = np.linalg.cholesky(complete_information(objective, start))
    metric = np.linalg.inv(root).T

    def negative(u):
        nonlocal latest, n_passes
        latest = objective.at(start.y + metric @ u)
        n_passes += 1
        value = latest.value if np.isfinite(latest.value) else -1e300
        return -value, -metric.T @ latest.gradient

    def keep(intermediate_result):
        nonlocal best
        # The optimiser reports the accepted point, which is the one evaluated last.
        if latest.value >= best.value:
            best = latest
            trace.append(best.value)
        if best.gradient_norm <= tol or objective.on_floor(best.parameters):
            raise StopIteration

    optimize.minimize(
        negative,
        np.zeros(len(start.y)),
        jac=True,
        method="L-BFGS-B",
        callback=keep,
        options={"maxiter": min(max_iter, REFRESH), "maxcor": 20, "ftol": 0.0, "gtol": 0.0},
    )
    if objective.prior is None and objective.on_floor(best.parameters):
        # EM alone keeps to the floor.
        best, trace, more = _squarem(objective, start, max_iter, tol)
        return best, trace, n_passes + more
    return best, trace, n_passes


def _newton(objective, start, max_iter, tol):
    """The last digits, which differences of the objective no longer show to a line search."""
    best, trace, n_passes = start, [start.value], 0
    while best.gradient_norm > tol and len(trace) <= max_iter:
        curvature = hessian(objective.target, best.y, jacobian=False)
        n_passes += 2 * len(best.y)
        try:
            point = objective.at(best.y - np.linalg.solve(curvature, best.gradient))
        except np.linalg.LinAlgError:
            break
        n_passes += 1
        rounding = 1e-12 * abs(best.value)
        if point.gradient_norm > 0.5 * best.gradient_norm or point.value < best.value - rounding:
            break
        best = point
        trace.append(best.value)
    return best, trace, n_passes
