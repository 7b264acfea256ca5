"""Stephens' sweeps: passes over rows in blocks that improve the permutations of all draws.

A permutation is an integer row: ``permutation[c]`` is the old component that becomes component c.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from bayesgmm.likelihood import add_log
from bayesgmm.runtime import compiled, in_order, progress_bar

TOLERANCE = 1e-6
"""Sweeps end when the total cost would fall by no more than this (nats)."""
MAX_SWEEPS = 100
MAX_THREADS = 4
"""Each thread holds one block of responsibilities: this bounds the memory."""
N_PIVOTS = 8
"""Draws, evenly spread, to each of which all others are aligned for a start of the sweeps."""
SMALLEST = np.finfo(np.float64).tiny

type Load[Block] = Callable[[Block], tuple[np.ndarray, np.ndarray]]
"""Responsibilities (S, b, K) of a block of rows, and row weights (b,)."""


@dataclass(frozen=True, eq=False)
class Labelling:
    """Permutations of all draws, and what a pass over the rows finds under them.

    ``permutations`` (S, K); ``cost``, Stephens' criterion (nats); ``mean`` (n, K), the draws' mean
    responsibilities; ``costs[s, j, c]``, the cross entropy (nats) of calling component j of draw s
    by label c, with the mean as it is, infinite where j may not be called c; ``n_sweeps``, passes
    it took to get here.
    """

    permutations: np.ndarray
    cost: float
    mean: np.ndarray
    costs: np.ndarray
    n_sweeps: int = 1


def lowest[B](
    blocks: Iterable[B], load: Load[B], starts: np.ndarray, groups: np.ndarray, show: bool
) -> Labelling:
    """The best end from these starts, and from the draws as they are nearest to one of several.

    Sweeps from any one start may stop above the best. Where labels are clear the pivots agree on
    them, and starts that are alike cost nothing.
    """
    more = _aligned(blocks, load, starts.shape[1], groups, show)
    return descend(blocks, load, np.concatenate([starts, more]), groups, show)


def _aligned[B](
    blocks: Iterable[B], load: Load[B], n_draws: int, groups: np.ndarray, show: bool
) -> np.ndarray:
    """Permutations (n_pivots, S, K) by which draws share most responsibility with each pivot."""
    pivots = np.linspace(0, n_draws - 1, min(n_draws, N_PIVOTS)).astype(int)

    def work(block: B) -> np.ndarray:
        p, weight = load(block)
        theirs = np.concatenate(p[pivots] * weight[:, None], axis=1)
        shared: np.ndarray = np.swapaxes(p, 1, 2) @ theirs
        return shared

    bar = progress_bar(blocks, "relabelling: starts", show)
    shared = sum(in_order(work, bar, MAX_THREADS), np.zeros(()))
    each = np.moveaxis(np.reshape(shared, (*shared.shape[:2], len(pivots), -1)), 2, 0)
    return np.array([assign(within(-agreement, groups)) for agreement in each])


def within(costs: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Costs […, j, c] of calling j by label c, infinite where they are not of one group."""
    return np.where(groups[:, None] == groups, costs, np.inf)


def descend[B](
    blocks: Iterable[B], load: Load[B], starts: np.ndarray, groups: np.ndarray, show: bool
) -> Labelling:
    """The best end of Stephens' sweeps from all starts (n_starts, S, K), which share each pass.

    Labels move within equal ``groups`` (K,). A sweep that gains no more than the tolerance is not
    taken, and one start must beat those before it by more: then relabelling what is already
    relabelled changes nothing.
    """
    running = dict(enumerate(starts))
    ends: dict[int, Labelling] = {}
    for sweep in range(1, MAX_SWEEPS + 1):
        for t in _repeated(running):
            del running[t]
            ends.pop(t, None)
        title = f"relabelling: sweep {sweep}"
        found = look(blocks, load, np.array(list(running.values())), groups, title, show)
        for t, labelling in zip(list(running), found, strict=True):
            if t in ends and ends[t].cost - labelling.cost <= TOLERANCE:
                del running[t]
                continue
            ends[t] = replace(labelling, n_sweeps=sweep)
            improved = assign(labelling.costs, labelling.permutations)
            if np.array_equal(improved, labelling.permutations):
                del running[t]
            else:
                running[t] = improved
        if not running:
            break
    best, *others = [ends[t] for t in sorted(ends)]
    for end in others:
        best = end if end.cost < best.cost - TOLERANCE else best
    return best


def _repeated(running: dict[int, np.ndarray]) -> list[int]:
    """Those of several starts whose labels are another's in another order: they would end alike."""
    canonical = [p[:, np.argsort(p[0])] for p in running.values()]
    return [
        t
        for i, t in enumerate(running)
        if any(np.array_equal(canonical[i], canonical[j]) for j in range(i))
    ]


def look[B](
    blocks: Iterable[B],
    load: Load[B],
    permutations: np.ndarray,
    groups: np.ndarray,
    title: str,
    show: bool,
) -> list[Labelling]:
    """One pass over the rows, for several permutations of all draws (n_labellings, S, K)."""
    n_labellings, n_draws, k = permutations.shape

    def work(block: B) -> tuple[np.ndarray, np.ndarray, float]:
        p, weight = load(block)
        mean = np.zeros((n_labellings, k, p.shape[1]))
        entropy = _add_permuted(p, weight, permutations, mean)
        mean /= n_draws
        # Where a mean vanishes the true cost is infinite; log of the smallest number stands for it,
        # which keeps 0 · log 0 at zero and every sweep downhill.
        log_mean = np.log(np.maximum(mean, SMALLEST)) * weight
        side_by_side = log_mean.reshape(n_labellings * k, -1).T
        return mean, np.swapaxes(p, 1, 2) @ side_by_side, entropy

    means, costs, entropy = [], np.zeros((n_draws, k, n_labellings * k)), 0.0
    for mean, cross, part in in_order(work, progress_bar(blocks, title, show), MAX_THREADS):
        means.append(mean)
        costs -= cross
        entropy += part
    mean = np.swapaxes(np.concatenate(means, axis=2), 1, 2)
    each = within(np.moveaxis(costs.reshape(n_draws, k, n_labellings, k), 2, 0), groups)
    totals = [entropy + cost_of(c, p).sum() for c, p in zip(each, permutations, strict=True)]
    return [Labelling(*a) for a in zip(permutations, map(float, totals), mean, each, strict=True)]


@compiled
def _add_permuted(p, weight, permutations, total):
    """Add the permuted responsibilities to total (…, K, n); returns Σ w p log p over all draws."""
    n_labellings, n_draws, k = permutations.shape
    n = len(weight)
    size = n * k
    logs, entropy = np.empty(size), 0.0
    for s in range(n_draws):
        for t in range(n_labellings):
            for c in range(k):
                old = permutations[t, s, c]
                for i in range(n):
                    total[t, c, i] += p[s, i, old]
        logs[:] = 0.0
        add_log(p[s].ravel(), size, logs)
        for i in range(n):
            part = 0.0
            for c in range(k):
                part += p[s, i, c] * logs[i * k + c]
            entropy += weight[i] * part
    return entropy


def cost_of(costs: np.ndarray, permutations: np.ndarray) -> np.ndarray:
    """What every draw's permutation costs, (S,), by ``costs[s, j, c]`` of calling j by label c."""
    cost: np.ndarray = _by_label(costs, permutations).trace(axis1=1, axis2=2)
    return cost


def assign(costs: np.ndarray, keep: np.ndarray | None = None) -> np.ndarray:
    """The cheapest permutation of every draw, by optimal assignment.

    Permutations to ``keep`` stay unless that gains more than the tolerance, shared by all draws.
    """
    # Where every label's cheapest component is another one, no assignment costs less.
    best = costs.argmin(axis=1)
    clash = (np.sort(best, axis=1) != np.arange(best.shape[1])).any(axis=1)
    for s in np.flatnonzero(clash):
        # The columns of an assignment come back in the order of the rows, so that rows are labels.
        best[s] = linear_sum_assignment(costs[s].T)[1]
    if keep is None:
        return best
    gain = cost_of(costs, keep) - cost_of(costs, best)
    return np.where((gain > TOLERANCE / len(costs))[:, None], best, keep)


def margins(costs: np.ndarray, permutations: np.ndarray) -> np.ndarray:
    """By how much the second-best permutation of every draw costs more, (S,); zero if it is less.

    What Murty's partition [1]_ finds with K assignment problems a draw is here found at once for
    all draws: two permutations differ by cycles of labels, none of which lowers the cost of the
    best, so that the second best differs by the cheapest single cycle, a shortest closed path of
    Floyd and Warshall. Infinite where no label may move.

    References
    ----------
    .. [1] Murty (1968), Operations Research 16, 682–687.
    """
    path = _by_label(costs, permutations).astype(np.float64)
    diagonal = np.arange(path.shape[1])
    path -= path[:, diagonal, diagonal, None]
    path[:, diagonal, diagonal] = np.inf
    for c in diagonal:
        path = np.minimum(path, path[:, :, c, None] + path[:, None, c, :])
    return np.maximum(path[:, diagonal, diagonal].min(axis=1), 0.0)


def _by_label(costs: np.ndarray, permutations: np.ndarray) -> np.ndarray:
    """[s, c, b]: cost of giving what has label c the label b."""
    return np.take_along_axis(costs, permutations[:, :, None], axis=1)
