"""What a fit says of itself: what happened, what divides its modes, and what to do next."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from bayesgmm.data import Observations, peculiarities, with_reasons
from bayesgmm.em.catalogue import Summit
from bayesgmm.em.objective import Objective
from bayesgmm.em.search import Search
from bayesgmm.likelihood import Point, responsibilities
from bayesgmm.mixture import FLOOR, MixtureParameters
from bayesgmm.runtime import sum_over_chunks

ENOUGH_ROWS = 2.0
"""Rows per free parameter below which covariance matrices are spoken of as too many."""
RIVAL = 3.0
"""Nats below the best within which another mode is spoken of: its weight is not negligible."""


def status_of(
    found: Search,
    rows: Observations,
    best: Summit,
    parameters: MixtureParameters,
    n_starts: int,
    tol: float,
) -> str:
    """What happened, and what to do next."""
    objective, summits, n_done = found.objective, found.catalogue.summits, found.n_done
    odd = peculiarities(rows, objective.evidence.each, objective.shift, objective.scale)
    if rows.ignored:
        odd.append(f"Columns left out: {with_reasons(rows.ignored)}.")
    says = []
    end = best.best.end
    if found.interrupted:
        kept = "the best of them" if best.best.finished else "the best point so far"
        of = f" of {n_starts}" if n_done < n_starts else ""
        says.append(f"Interrupted after {n_done}{of} starts; {kept} is kept.")
    n_modes = sum(s.is_mode(tol) for s in summits)
    if best.on_floor and best.best.finished:
        collapsed = (
            f"All {n_done} starts collapsed: a component's smallest eigenvalue met the floor "
            f"({FLOOR:g} of that of all rows). Try "
            + ("fit_map, whose prior" if objective.prior is None else "NormalLKJ(), which")
            + " prevents it, fewer components, or a tied covariance."
        )
        return " ".join([collapsed, *odd])
    if end.gradient_norm <= tol:
        modes = "1 mode" if n_modes == 1 else f"{n_modes} modes"
        times = {0: "by moving components", 1: "once"}.get(best.count, f"{best.count} times")
        starts = "1 start" if n_done == 1 else f"{n_done} starts"
        says.append(f"Converged: {starts} found {modes}, the best {times}.")
        if best.best.is_maximum is False:
            says.append("It is a saddle, if so flat a one that no step from it leads up.")
        if best.count <= 1 < n_done:
            says.append("A mode found once may not be the highest: try a larger n_starts.")
    else:
        says.append(
            f"Not converged: the gradient norm is {end.gradient_norm:.1e} where tol is {tol:.1e}, "
            f"after {len(best.best.trace)} iterations. Try "
            + ("a larger max_iter or tol." if best.best.finished else "to let it run on.")
        )
    n_collapsed = sum(s.count for s in summits if s.on_floor)
    if n_collapsed:
        says.append(
            f"{n_collapsed} of {n_done} starts collapsed onto the eigenvalue floor and were left "
            "out."
        )
    n_below = n_done - sum(s.count for s in summits)
    if n_below > 0:
        says.append(f"{n_below} more led lower.")
    says += _rival(objective, summits, best, tol)
    says += _few_rows(objective, parameters)
    if objective.prior is None:
        says += _narrow(objective, parameters)
    return " ".join(says + odd)


def _few_rows(objective: Objective, parameters: MixtureParameters) -> list[str]:
    """A word about covariance matrices of which rows can tell little."""
    structure, n_obs, size = objective.structure, objective.evidence.total, parameters.n_parameters
    if not structure.correlated or n_obs >= ENOUGH_ROWS * size:
        return []
    alone = structure.shared or objective.n_components == 1
    return [
        f"{n_obs:.6g} rows are few for {size} free parameters: covariance="
        + ("'diag' has fewer." if alone else "'tied' and 'diag' have fewer.")
    ]


def _narrow(objective: Objective, parameters: MixtureParameters) -> list[str]:
    """A warning about components of a maximum likelihood fit with too few rows, or far too thin."""
    smallest = objective.smallest_eigenvalues(parameters)
    count = parameters.weights * objective.evidence.total
    few = count < objective.n_features + 1.5
    found = [
        f"component {k} ({count[k]:.1f} rows, smallest eigenvalue {smallest[k]:.1e} of that of "
        "all rows)"
        for k in np.flatnonzero((smallest < 100 * FLOOR) | few)
    ]
    if not found:
        return []
    return [
        f"Suspiciously narrow: {', '.join(found)}. A near-collapsed mode is spurious however high "
        "its likelihood: try fit_map, whose prior prevents it, or fewer components."
    ]


def _rival(objective: Objective, summits: list[Summit], best: Summit, tol: float) -> list[str]:
    """What divides the best mode from the next, where that is near."""
    end = best.best.end
    others = (s.best.end for s in summits if s is not best and s.is_mode(tol))
    rival = next(others, None)
    if rival is None or not best.is_mode(tol) or end.value - rival.value > RIVAL:
        return []
    gap, why = end.value - rival.value, ""
    if objective.prior is not None:
        by_data = end.moments.log_likelihood - rival.moments.log_likelihood
        by_prior = gap - by_data
        if by_data < 0:
            why = f"the data prefer it by {-by_data:.1f}, the prior the best by {by_prior:.1f}; "
        elif by_prior < 0:
            why = f"the prior prefers it by {-by_prior:.1f}, the data the best by {by_data:.1f}; "
        else:
            why = "data and prior prefer the best; "
    moved = _n_moved(objective, end, rival)
    return [
        f"The next mode lies {gap:.1f} nats below: {why}{moved:.6g} of "
        f"{objective.evidence.total:.6g} rows belong to another component there."
    ]


def _n_moved(objective: Objective, a: Point, b: Point) -> float:
    """Weight of the rows whose component is another in b than in a, where components match best."""
    evidence, k = objective.evidence, objective.n_components

    def together(chunk: slice) -> np.ndarray:
        labels = (
            responsibilities(
                evidence.values[chunk], p.log_weights, p.means, p.factor,
                objective.shift, objective.scale,
            ).argmax(axis=1)
            for p in (a.parameters, b.parameters)
        )  # fmt: skip
        pairs = np.ravel_multi_index(tuple(labels), (k, k))
        return np.bincount(pairs, evidence.each[chunk], k * k)

    table = sum_over_chunks(together, len(evidence)).reshape(k, k)
    return float(evidence.total - table[linear_sum_assignment(-table)].sum())
