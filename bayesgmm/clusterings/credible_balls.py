"""The credible ball: how far from a partition the posterior still finds others plausible."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bayesgmm.clusterings.allocations import Allocations
from bayesgmm.clusterings.losses import LOSSES, LossName, loss_named, losses
from bayesgmm.clusterings.partitions import Partition
from bayesgmm.data import Rows
from bayesgmm.draws import Posterior, mcse_of_mean
from bayesgmm.html import cells
from bayesgmm.runtime import arguments

TIE = 1e-10
"""Distances nearer than this are one: their sums differ by rounding."""


@dataclass(frozen=True, eq=False)
class CredibleBall:
    """The smallest ball around a partition with the probability asked for, and its bounds.

    Each bound holds the distinct partitions that attain it, (n_partitions, n_obs), labels from 0 by
    first appearance; all are draws of the posterior inside the ball, ties at the radius included.
    """

    loss: LossName
    """The distance: "vi" (bits), "binder" (share of ordered pairs) or "adjusted_rand" (one less the
    index, which is no metric)."""
    radius: float
    prob: float
    """What was asked for."""
    achieved: float
    """Share of draws inside: at least ``prob``, more where draws tie at the radius."""
    mcse: float
    """Monte Carlo standard error of ``achieved``, the radius held, by batch means."""
    horizontal: np.ndarray
    """Farthest from the centre."""
    vertical_upper: np.ndarray
    """Fewest clusters, and of those the farthest."""
    vertical_lower: np.ndarray
    """Most clusters, and of those the farthest."""
    distances: np.ndarray
    """(n_draws,) of every draw from the centre."""

    def __repr__(self) -> str:
        return (
            f"CredibleBall({self.loss} radius {self.radius:.4g}; holds {self.achieved:.1%} of "
            f"{len(self.distances)} draws)"
        )

    def _repr_html_(self) -> str:
        unit = LOSSES[self.loss].words
        text = (
            f"Within {cells.number(self.radius)} {unit} of the centre lie {self.achieved:.1%} of "
            f"{cells.whole(len(self.distances))} draws (MCSE {cells.number(self.mcse, 2)}); "
            f"{self.prob:.1%} were asked for."
        )
        return cells.card(
            cells.verdict("Credible ball", text, True),
            cells.table(self.bounds(), "Bounds: partitions that tie, and their clusters"),
        )

    def bounds(self) -> list[dict[str, Any]]:
        """Of every bound how many partitions tie, and their least and largest number of clusters.

        Returns
        -------
        list of dict
            ``bound``, ``partitions``, ``clusters_min``, ``clusters_max``.
        """
        return [
            {
                "bound": name.replace("_", " "),
                "partitions": len(counts),
                "clusters_min": min(counts),
                "clusters_max": max(counts),
            }
            for name in ("horizontal", "vertical_upper", "vertical_lower")
            for counts in [[len(np.unique(labels)) for labels in getattr(self, name)]]
        ]


def credible_ball(
    post: Posterior | npt.ArrayLike | Allocations,
    partition: Partition | npt.ArrayLike,
    prob: float = 0.95,
    *,
    loss: LossName | None = None,
    random_seed: int | None = None,
    x: Rows | None = None,
    progress: bool = True,
) -> CredibleBall:
    """Credible ball around a partition of the rows [1]_.

    Parameters
    ----------
    post : xarray.DataTree or int array, shape (n_draws, n_obs)
        A posterior, relabelled or not, or assignments from anywhere, with any labels.
    partition : Partition or int array, shape (n_obs,)
        The centre.
    prob : float in (0, 1]
    loss : {"vi", "binder", "adjusted_rand"}, optional
        The distance, both errors at the same cost; default that of the partition, else "vi".
    random_seed : int, optional
        Of the sampled assignments; default that of the partition, so that both see the same.
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    progress : bool

    Returns
    -------
    CredibleBall

    Raises
    ------
    ValueError, TypeError
        A probability outside (0, 1], an unknown loss, or a partition of other rows.

    References
    ----------
    .. [1] Wade & Ghahramani (2018), Bayesian Anal. 13, 559–626.
    """
    prob = arguments.number("prob", prob, above=0, most=1)
    random_seed = arguments.seed(random_seed)
    if loss is not None:
        loss_named(loss)
    arguments.flag("progress", progress)
    if isinstance(partition, Partition):
        loss = loss or partition.loss
        random_seed = partition.random_seed if random_seed is None else random_seed
        partition = partition.labels
    loss = loss or "vi"
    kind = "a Partition or an array of integers"
    centre = arguments.integers("partition", partition, ("n_obs",), kind=kind)
    allocations = Allocations.of(post, random_seed, x, progress)
    draws = allocations.labels
    if len(centre) != draws.shape[1]:
        raise ValueError(
            f"partition must have one label for each of {draws.shape[1]} rows; got {len(centre)}."
        )
    distances = losses(draws, centre, LOSSES[loss])
    n_inside = int(np.ceil(prob * len(draws) - 1e-9))
    radius = np.sort(distances)[n_inside - 1]
    inside = distances <= radius + TIE
    sizes = allocations.n_clusters
    return CredibleBall(
        loss=loss,
        radius=float(radius),
        prob=prob,
        achieved=float(inside.mean()),
        mcse=float(mcse_of_mean(inside, allocations.n_chains)),
        horizontal=_farthest(draws, distances, inside),
        vertical_upper=_farthest(draws, distances, inside & (sizes == sizes[inside].min())),
        vertical_lower=_farthest(draws, distances, inside & (sizes == sizes[inside].max())),
        distances=distances,
    )


def _farthest(draws: np.ndarray, distances: np.ndarray, among: np.ndarray) -> np.ndarray:
    """The distinct partitions that lie farthest out among some of the draws."""
    chosen = among & (distances >= distances[among].max() - TIE)
    return np.unique(draws[chosen], axis=0).astype(np.int64)
