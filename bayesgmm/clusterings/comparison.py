"""The MAP's clustering and parameters against the full posterior's."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import linear_sum_assignment

from bayesgmm.clusterings.allocations import Allocations, compact, occupied_components
from bayesgmm.clusterings.credible_balls import TIE, CredibleBall, credible_ball
from bayesgmm.clusterings.disagreements import pair_table, parameter_table, row_table, table_of
from bayesgmm.clusterings.losses import LOSSES, losses
from bayesgmm.clusterings.partitions import Partition, by_falling_size, described, partition
from bayesgmm.clusterings.rand_index import adjusted_rand
from bayesgmm.clusterings.sentence import sentence
from bayesgmm.data import Rows
from bayesgmm.draws import Posterior, Reading, mcse_of_mean
from bayesgmm.em import PointEstimate
from bayesgmm.html import cells
from bayesgmm.labels import relabelled, within
from bayesgmm.likelihood import row_blocks, row_densities
from bayesgmm.mixture import MixtureParameters
from bayesgmm.posterior import Diagnosis, diagnose
from bayesgmm.runtime import arguments


@dataclass(frozen=True, eq=False)
class Comparison:
    """What one reports who reports the MAP alone, against the full posterior."""

    sentence: str
    """What it means; before that the verdict on the chains, where the draws are not enough."""
    enough: bool
    """Whether the draws suffice: see :class:`Diagnosis`."""
    map_labels: np.ndarray
    """(n_obs,) component of highest probability at the MAP, in the order of the posterior's."""
    partition: Partition
    """The posterior's clustering, of least expected variation of information."""
    ball: CredibleBall
    """The credible ball about it, in bits."""
    inside: bool
    """Whether the MAP's clustering lies in the ball."""
    distance: float
    """Variation of information between the two clusterings, bits."""
    adjusted_rand: float
    """Adjusted Rand index of the two clusterings: 1 where equal, about 0 where unrelated."""
    farther: float
    """Share of draws farther from the posterior's clustering than the MAP's is."""
    farther_mcse: float
    losses: pd.DataFrame
    """By ``loss``: expected loss of the MAP's clustering (``map``), of the best (``posterior``),
    their difference (``regret``), and its Monte Carlo standard error (``mcse``)."""
    rows: pd.DataFrame
    """By row: ``map_label``; ``cluster`` of the posterior's clustering; ``p_wrong``, the
    probability that the row is not of its MAP label, with ``mcse``; ``entropy`` of its label
    (nats), with ``entropy_mcse``; ``disputed``, whether p_wrong exceeds 0.1."""
    pairs: pd.DataFrame
    """The pairs on which the two disagree most: rows ``obs`` and ``obs_bis``; ``together_in_map``;
    ``similarity``, the posterior probability that they share a component, with ``mcse``."""
    parameters: pd.DataFrame
    """By parameter, in the data's units: ``map``; posterior ``mean`` with ``mcse_mean``, ``sd``,
    and ``lower`` and ``upper``, an interval of equal tails; ``position``, the share of draws below
    the MAP's value, with ``mcse_position``."""
    occupied: xr.DataArray
    """Posterior of the number of components that hold rows, K₊."""
    prob: float
    """Probability of the ball and of the intervals."""
    random_seed: int
    """The seed of the sampled assignments."""

    def to_dataframe(self) -> pd.DataFrame:
        """The headline quantities: ``value``, ``mcse`` (NaN where exact) and ``unit``."""
        most = int(np.argmax(self.occupied.values))
        wrong = self.rows["p_wrong"]
        table = [
            ("variation of information", self.distance, np.nan, "bits"),
            ("adjusted Rand index", self.adjusted_rand, np.nan, ""),
            ("radius of the credible ball", self.ball.radius, np.nan, "bits"),
            ("probability in the ball", self.ball.achieved, self.ball.mcse, ""),
            ("share of draws farther than the MAP", self.farther, self.farther_mcse, ""),
            *(
                (f"regret, {loss}", row["regret"], row["mcse"], LOSSES[loss].unit)
                for loss, row in self.losses.iterrows()
            ),
            ("clusters of the MAP", len(np.unique(self.map_labels)), np.nan, ""),
            ("clusters of the posterior", self.partition.n_clusters, np.nan, ""),
            (
                f"probability that {self.occupied['n_occupied'].values[most]} components hold rows",
                float(self.occupied[most]),
                float(self.occupied["mcse"][most]),
                "",
            ),
            ("expected rows with a wrong MAP label", wrong.sum(), np.nan, "rows"),
            ("disputed rows", int(self.rows["disputed"].sum()), np.nan, "rows"),
        ]
        columns = ["quantity", "value", "mcse", "unit"]
        return pd.DataFrame(table, columns=columns).set_index("quantity")

    def __str__(self) -> str:
        return self.sentence

    __repr__ = __str__

    def _repr_html_(self) -> str:
        disputed = self.rows[self.rows["disputed"]].sort_values("p_wrong", ascending=False)
        tables = {
            "MAP's parameters in the posterior": self.parameters,
            "Expected losses": self.losses,
            f"Disputed rows ({len(disputed)}), the worst 20": disputed.head(20),
            "Most disputed pairs": self.pairs,
        }
        verdict = f"MAP {'inside' if self.inside else 'outside'} the credible ball"
        return cells.card(
            cells.verdict(verdict, self.sentence, self.inside and self.enough),
            cells.frame_table(self.to_dataframe(), "The MAP's clustering and the posterior's"),
            *(
                cells.folded(title, cells.frame_table(table, title))
                for title, table in tables.items()
                if len(table)
            ),
        )


def compare(
    post: Posterior,
    mode: PointEstimate | None = None,
    *,
    prob: float = 0.95,
    random_seed: int | None = None,
    x: Rows | None = None,
    progress: bool = True,
) -> Comparison:
    """Whether the MAP's clustering and parameters can stand for the full posterior.

    Parameters
    ----------
    post : xarray.DataTree
        What ``sample`` returned; relabelled first if it is not yet.
    mode : PointEstimate, optional
        What to compare with; default the tree's own MAP.
    prob : float in (0, 1)
        Probability of the credible ball and of the intervals.
    random_seed : int, optional
        Of the sampled assignments and of the search for the best partition.
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    progress : bool

    Returns
    -------
    Comparison
        Every Monte Carlo estimate with its standard error, by batch means. Distances and losses of
        clusterings need no labels; probabilities of wrong labels and positions of parameters are of
        the relabelled posterior, and mean little where its labels are ambiguous.

    Raises
    ------
    ValueError, TypeError
        There is no MAP, or it is of another mixture.

    Notes
    -----
    Every row counts once, whatever its sample weight. A regret is never negative: where the search
    for the best partition ends above the MAP's clustering, that is the best.

    References
    ----------
    .. [1] Wade & Ghahramani (2018), Bayesian Analysis 13, 559–626.
    .. [2] Hubert & Arabie (1985), Journal of Classification 2, 193–218.
    """
    if mode is not None:
        arguments.instance("mode", mode, PointEstimate, "Try mode=bg.fit_map(mixture, x).")
    prob = arguments.number("prob", prob, 0, 1)
    random_seed = arguments.seed(random_seed)
    reading = relabelled(post, x, progress)
    diagnosis = diagnose(reading, progress=progress)
    return compared(reading, diagnosis, mode, prob, random_seed, progress)


def compared(
    reading: Reading,
    diagnosis: Diagnosis,
    mode: PointEstimate | None = None,
    prob: float = 0.95,
    random_seed: int | None = None,
    progress: bool = True,
) -> Comparison:
    """What ``compare`` returns, of a relabelled tree that may hold fewer draws than were judged."""
    if random_seed is None:
        random_seed = int(np.random.default_rng().integers(2**31))
    rows, n_obs = reading.rows, len(reading.mean_probability)
    if len(rows) != n_obs:
        raise ValueError(f"x must hold the {n_obs} rows that relabelled post; got {len(rows)}.")
    point = _point(reading, mode)
    map_labels = _responsibilities(point, rows).argmax(axis=1)
    allocations = Allocations.of(reading, random_seed, progress=progress)
    clustering = compact(map_labels[None])[0]
    best, costs = {}, {}
    for loss in LOSSES:
        found = partition(allocations, loss, random_seed=random_seed, progress=progress)
        of_map = losses(allocations.labels, clustering, LOSSES[loss])
        if of_map.mean() < found.expected_loss:
            labels = by_falling_size(clustering)
            found = described(allocations, labels, loss, 1.0, 0, random_seed)
        best[loss] = found
        excess = of_map - losses(allocations.labels, found.labels, LOSSES[loss])
        costs[loss] = {
            "map": of_map.mean(),
            "posterior": found.expected_loss,
            "regret": max(excess.mean(), 0.0),
            "mcse": float(mcse_of_mean(excess, allocations.n_chains)),
        }
    ball = credible_ball(allocations, best["vi"], prob)
    distance = float(losses(clustering[None], best["vi"].labels, LOSSES["vi"])[0])
    distance = 0.0 if distance <= TIE else distance
    farther = ball.distances > distance + TIE
    in_doubt = row_table(reading, map_labels, best["vi"], progress)
    facts = Comparison(
        sentence="",
        enough=diagnosis.enough,
        map_labels=map_labels,
        partition=best["vi"],
        ball=ball,
        inside=distance <= ball.radius + TIE,
        distance=distance,
        adjusted_rand=adjusted_rand(map_labels, best["vi"].labels),
        farther=float(farther.mean()),
        farther_mcse=float(mcse_of_mean(farther, allocations.n_chains)),
        losses=table_of(costs, "loss"),
        rows=in_doubt,
        pairs=pair_table(reading, map_labels, in_doubt, progress),
        parameters=parameter_table(reading, point, prob),
        occupied=occupied_components(allocations),
        prob=prob,
        random_seed=random_seed,
    )
    return replace(facts, sentence=sentence(facts, diagnosis))


def _point(reading: Reading, mode: PointEstimate | None) -> MixtureParameters:
    """The mode's parameters, its components in the order of the posterior's."""
    if mode is None:
        if reading.map is None:
            raise ValueError("post has no MAP in post['map']. Try mode=bg.fit_map(mixture, x).")
        return reading.map
    point, theirs = mode.parameters, reading.parameters
    ours = (point.covariance, *point.means.shape)
    expected = (theirs.covariance, *theirs.means.shape[1:])
    if ours != expected:
        raise ValueError(
            "mode must be a fit of the posterior's mixture: expected (covariance, n_components, "
            f"n_features) = {expected}; got {ours}."
        )
    shared = reading.mean_probability.T @ _responsibilities(point, reading.rows)
    order = linear_sum_assignment(within(-shared, reading.groups))[1]
    return point.permuted(order)


def _responsibilities(point: MixtureParameters, rows: np.ndarray) -> np.ndarray:
    one = point[None]
    return np.concatenate([row_densities(one, rows[b])[1][0] for b in row_blocks(one, len(rows))])
