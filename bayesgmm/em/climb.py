"""From a start to a mode: accelerated EM, then a quasi-Newton finish on the same objective."""

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from bayesgmm.em.information import complete_information
from bayesgmm.likelihood import Point, hessian

# EM hands over to the quasi-Newton finish when its gradient is this small, per row, or after so
# many passes: near the mode EM's rate is linear and slow where components overlap.
HANDOVER_NORM = 1e-2
HANDOVER_PASSES = 15

REFRESH = 40
"""Iterations of L-BFGS after which its metric is that of the point it has reached."""

STUCK = 10
"""A climb that stays on the floor for so many leaps has collapsed."""


@dataclass(eq=False)
class Climb:
    """A climb: where it began and is, and the objective at every iteration on the way (nats)."""

    start: np.ndarray
    end: Point
    trace: list[float]
    n_passes: int = 1
    finished: bool = False
    """Whether nothing from outside cut it short."""

    def reach(self, point):
        self.end = point
        self.trace.append(point.value)


def climb(objective, y, max_iter, tol, show=lambda climb: None):
    """Climb the objective from y until the gradient norm is at most tol, or max_iter iterations.

    SQUAREM-accelerated EM [1]_, guarded so that the objective never falls, then L-BFGS, then, if
    the last digits are still missing, Newton's method on differences of the gradient. Ctrl-C ends
    the climb where it is. ``show`` is given the climb at every iteration.

    References
    ----------
    .. [1] Varadhan & Roland (2008), Scandinavian Journal of Statistics 35, 335–353.
    """
    surrogate = objective.surrogate
    point = surrogate.at(y)
    path = Climb(y, point, [point.value])
    try:
        _squarem(surrogate, path, min(max_iter, HANDOVER_PASSES), max(tol, HANDOVER_NORM), show)
        if surrogate is not objective:
            path.end = objective.at(path.end.y)
            path.trace = [path.end.value]
        _finish(objective, path, max_iter, tol, show)
        path.finished = True
    except KeyboardInterrupt:
        end = objective.at(path.end.y)
        if end.value != path.end.value:  # still on the surrogate
            path.end, path.trace = end, [end.value]
    return path


def _finish(objective, path, max_iter, tol, show):
    # EM comes last: slow, but sure where a line search has lost its way.
    em_climbs = objective.surrogate is objective
    finishes = [_quasi_newton, _newton, *([_squarem] if em_climbs else [])]
    while finishes and path.end.gradient_norm > tol:
        room = max_iter - len(path.trace)
        if room <= 0 or objective.on_floor(path.end.parameters):
            return
        before = len(path.trace)
        finishes[0](objective, path, room, tol, show)
        if len(path.trace) == before or finishes[0] is not _quasi_newton:
            finishes.pop(0)


def _squarem(objective, path, max_passes, norm, show):
    last, collapsed = path.n_passes + max_passes - 1, 0
    while path.end.gradient_norm > norm and path.n_passes < last and collapsed < STUCK:
        show(path)
        point = path.end
        first = objective.at(objective.step(point))
        path.reach(first)
        path.n_passes += 1
        if first.gradient_norm <= norm:
            break
        second = objective.step(first)
        r = first.y - point.y
        v = second - first.y - r
        length = np.clip(np.linalg.norm(r) / max(np.linalg.norm(v), 1e-300), 1.0, 1e6)
        leap = objective.at(point.y + 2 * length * r + length**2 * v)
        path.n_passes += 1
        if leap.value < first.value or objective.on_floor(leap.parameters):
            leap = objective.at(second)
            path.n_passes += 1
        path.reach(leap)
        collapsed = collapsed + 1 if objective.on_floor(leap.parameters) else 0


def _quasi_newton(objective, path, max_iter, tol, show):
    """L-BFGS in coordinates where the complete-data information at the start is the identity.

    There the curvature's eigenvalues are the shares of information that is not missing, in (0, 1],
    whatever the scales of weights, means and spreads.
    """
    start, latest, length = path.end, path.end, len(path.trace)
    root = np.linalg.cholesky(complete_information(start))
    metric = np.linalg.inv(root).T

    def negative(u):
        nonlocal latest
        latest = objective.at(start.y + metric @ u)
        path.n_passes += 1
        value = latest.value if np.isfinite(latest.value) else -1e300
        return -value, -metric.T @ latest.gradient

    def keep(intermediate_result):
        # The optimiser reports the accepted point, which is the one evaluated last.
        if latest.value >= path.end.value:
            path.reach(latest)
            show(path)
        if path.end.gradient_norm <= tol or objective.on_floor(path.end.parameters):
            raise StopIteration

    optimize.minimize(
        negative,
        np.zeros(len(start.y)),
        jac=True,
        method="L-BFGS-B",
        callback=keep,
        options={"maxiter": min(max_iter, REFRESH), "maxcor": 20, "ftol": 0.0, "gtol": 0.0},
    )
    if objective.prior is None and objective.on_floor(path.end.parameters):
        # EM alone keeps to the floor.
        path.end = start
        del path.trace[length:]
        _squarem(objective, path, max_iter, tol, show)


def _newton(objective, path, max_iter, tol, show):
    """The last digits, which differences of the objective no longer show to a line search."""
    room = len(path.trace) + max_iter
    while path.end.gradient_norm > tol and len(path.trace) <= room:
        show(path)
        best = path.end
        curvature = hessian(objective.target, best.y, jacobian=False)
        path.n_passes += 2 * len(best.y)
        try:
            point = objective.at(best.y - np.linalg.solve(curvature, best.gradient))
        except np.linalg.LinAlgError:
            break
        path.n_passes += 1
        rounding = 1e-12 * abs(best.value)
        if point.gradient_norm > 0.5 * best.gradient_norm or point.value < best.value - rounding:
            break
        path.reach(point)
