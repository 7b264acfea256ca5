"""The partition of the rows that loses least on average over the posterior."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from bayesgmm.clusterings.allocations import Allocations
from bayesgmm.clusterings.losses import LOSSES, LossName, grouped, loss_named, losses
from bayesgmm.clusterings.salso import search
from bayesgmm.data import Rows
from bayesgmm.draws import Posterior, mcse_of_mean
from bayesgmm.html import cells
from bayesgmm.runtime import arguments, compiled, in_order, progress_bar

N_RUNS = 16


@dataclass(frozen=True, eq=False)
class Partition:
    """The best partition found, and how sure the posterior is of it."""

    labels: np.ndarray
    """(n_obs,), clusters from 0 by falling size; of equal ones the first row's comes first."""
    loss: LossName
    """"vi", "binder" or "adjusted_rand"."""
    a: float
    """Cost of splitting what belongs together; joining what does not costs 2 − a."""
    expected_loss: float
    """Mean loss over draws: bits (vi), a share of ordered pairs of rows (binder), or one less the
    mean adjusted Rand index (adjusted_rand)."""
    mcse: float
    """Monte Carlo standard error of ``expected_loss``, by batch means."""
    sizes: np.ndarray
    """(n_clusters,) rows per cluster."""
    certainty: np.ndarray
    """(n_obs,), probability of sharing a component with another row of the own cluster, averaged
    over those rows; of a row that is a cluster by itself, the probability of being alone."""
    n_draws: int
    n_found: int
    """Runs of the search, out of 16, that ended at this expected loss: of 1, doubt the search."""
    random_seed: int | None
    """The seed of the sampled assignments."""

    @property
    def n_clusters(self) -> int:
        return len(self.sizes)

    def __repr__(self) -> str:
        return (
            f"Partition({self.n_clusters} clusters of {', '.join(map(str, self.sizes))} rows; "
            f"expected {self.loss} {self.expected_loss:.4g} ± {self.mcse:.2g})"
        )

    def _repr_html_(self) -> str:
        clusters = [
            {
                "cluster": c,
                "rows": size,
                "mean_certainty": inside.mean(),
                "least_certainty": inside.min(),
                "least_certain_row": int(np.flatnonzero(self.labels == c)[inside.argmin()]),
            }
            for c, size in enumerate(self.sizes)
            for inside in [self.certainty[self.labels == c]]
        ]
        text = (
            f"Expected loss {cells.number(self.expected_loss)} {LOSSES[self.loss].words} "
            f"(MCSE {cells.number(self.mcse, 2)}), over {cells.whole(self.n_draws)} draws; "
            f"{self.n_found} of {N_RUNS} runs of the search ended there."
        )
        noun = "cluster" if self.n_clusters == 1 else "clusters"
        return cells.card(
            cells.verdict(f"{self.n_clusters} {noun}", text, self.n_found > 1),
            cells.table(clusters, "Clusters, and how certain their rows are"),
        )


def partition(
    post: Posterior | npt.ArrayLike | Allocations,
    loss: LossName = "vi",
    a: float = 1.0,
    *,
    random_seed: int | None = None,
    x: Rows | None = None,
    progress: bool = True,
) -> Partition:
    """Partition of the rows with the least posterior expected loss, by SALSO's search [1]_.

    Of a posterior, assignments are sampled from the responsibilities, one per draw. Sixteen runs,
    each from a sequential allocation or from labels at random, move single rows while that helps,
    then break clusters up; the best end is kept. The number of clusters is not bounded. Every row
    counts once, whatever its sample weight.

    Parameters
    ----------
    post : xarray.DataTree or int array, shape (n_draws, n_obs)
        A posterior, relabelled or not, or assignments from anywhere, with any labels.
    loss : {"vi", "binder", "adjusted_rand"}
        Variation of information [2]_, in bits; Binder's loss, the ordered pairs of rows that are
        together in one partition and apart in the other, divided by n²; or one less the adjusted
        Rand index [3]_, whose mean over the draws is then the largest.
    a : float in (0, 2)
        Cost of splitting what belongs together; joining what does not costs 2 − a. Less than 1
        gives more clusters. The variation of information is generalised as in [1]_:
        a H(estimate | draw) + (2 − a) H(draw | estimate). The adjusted Rand index has no such cost.
    random_seed : int, optional
        Of assignments and search. With the same seed, the order of components in any draw and that
        of the rows change nothing.
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    progress : bool

    Returns
    -------
    Partition

    Raises
    ------
    ValueError, TypeError
        Unknown loss, a cost outside (0, 2), or no assignments.

    Notes
    -----
    Moving one row costs O(n_draws × clusters); memory is two copies of the assignments and, per
    run, clusters × clusters of all draws; of Binder's loss up to 8000 rows it is the similarity
    matrix, and moving costs O(n_obs). ``mcse`` does not count that the minimum over partitions
    was taken on the same draws.

    References
    ----------
    .. [1] Dahl, Johnson & Müller (2022), J. Comput. Graph. Stat. 31, 1189–1201.
    .. [2] Meilă (2007), J. Multivar. Anal. 98, 873–895; Wade & Ghahramani (2018), Bayesian Anal.
       13, 559–626.
    .. [3] Fritsch & Ickstadt (2009), Bayesian Anal. 4, 367–392.
    """
    loss_named(loss, a)
    random_seed = arguments.seed(random_seed)
    allocations = Allocations.of(post, random_seed, x, progress)
    labels, n_found = _search(allocations, loss, a, random_seed, progress)
    return described(allocations, labels, loss, a, n_found, random_seed)


def described(
    allocations: Allocations,
    labels: np.ndarray,
    loss: LossName,
    a: float,
    n_found: int,
    random_seed: int | None,
) -> Partition:
    """The partition of these labels, with what the draws say of it."""
    draws = allocations.labels
    by_draw = losses(draws, labels, LOSSES[loss], a)
    return Partition(
        labels=labels,
        loss=loss,
        a=float(a),
        expected_loss=float(by_draw.mean()),
        mcse=float(mcse_of_mean(by_draw, allocations.n_chains)),
        sizes=np.bincount(labels),
        certainty=certainties(draws, labels),
        n_draws=len(draws),
        n_found=n_found,
        random_seed=random_seed,
    )


def _search(
    allocations: Allocations, loss: LossName, a: float, random_seed: int | None, progress: bool
) -> tuple[np.ndarray, int]:
    """The best of the runs, and how many ended as well as it."""
    draws = allocations.labels
    order = _order_of_rows(draws)
    by_row = np.ascontiguousarray(draws[:, order].T)
    offset = np.concatenate([[0], np.cumsum(allocations.n_clusters)])
    n_slots = int(allocations.n_clusters.max())
    given = LOSSES[loss].of_pairs(draws[:, order], a, progress)
    if given is None:
        given = LOSSES[loss].compiled(len(order), float(a))
    else:
        by_row, offset = by_row[:, :0], offset[:1]
    rngs = map(np.random.default_rng, np.random.SeedSequence(random_seed).spawn(N_RUNS))

    run = partial(search, by_row, offset, n_slots, given)
    ends = [*progress_bar(in_order(run, rngs), "partition: runs", progress, total=N_RUNS)]
    best, least = min(ends, key=lambda end: end[1])
    labels = np.empty(len(order), dtype=np.int64)
    labels[order] = best
    return by_falling_size(labels), sum(cost <= least + 1e-10 for _, cost in ends)


def by_falling_size(labels: np.ndarray) -> np.ndarray:
    """The same partition, clusters numbered from 0 by falling size, ties by their first row."""
    _, first, inverse, sizes = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[np.lexsort((first, -sizes))] = np.arange(len(sizes))
    return rank[inverse]


def _order_of_rows(draws: np.ndarray) -> np.ndarray:
    """Rows sorted by a fingerprint of the sizes of their clusters in all draws.

    The search meets the rows in an order that neither labels nor the order given decide. Rows whose
    clusters have the same sizes in every draw keep the order given.
    """
    factor = np.random.default_rng(0).integers(2**63, size=len(draws), dtype=np.uint64)
    key = np.zeros(draws.shape[1], dtype=np.uint64)
    for s, row in enumerate(draws):
        key += factor[s] * np.bincount(row).astype(np.uint64)[row]
    return np.argsort(key, kind="stable")


def certainties(draws: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Per row the mean share of the rest of its cluster that is with it in a draw, (n_obs,).

    Of a row that is a cluster by itself: the share of draws in which it is alone.
    """
    each: np.ndarray = _certainties(draws, *grouped(labels), int(draws.max()) + 1)
    return each


@compiled
def _certainties(draws, order, bounds, n_labels):
    n_draws, n_obs = draws.shape
    out, count, size = np.zeros(n_obs), np.zeros(n_labels), np.zeros(n_labels)
    for s in range(n_draws):
        size[:] = 0
        for i in range(n_obs):
            size[draws[s, i]] += 1
        for k in range(len(bounds) - 1):
            members = order[bounds[k] : bounds[k + 1]]
            if len(members) == 1:
                out[members[0]] += size[draws[s, members[0]]] == 1
                continue
            for i in members:
                count[draws[s, i]] += 1
            for i in members:
                out[i] += (count[draws[s, i]] - 1) / (len(members) - 1)
            for i in members:
                count[draws[s, i]] = 0
    return out / n_draws
