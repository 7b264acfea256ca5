"""Where EM starts: partitions of the rows, by several methods that fail on different data.

None depends on the order of the rows, nor on whether one row counts twice or stands there twice.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from bayesgmm.data import systematic
from bayesgmm.likelihood import MixtureMoments
from bayesgmm.mixture import gains_of_places

SEEDING_ROWS = 10_000
"""Rows that are clustered where there are more."""
TREE_ROWS = 500
"""Rows of which a tree is grown; at least twenty for each component."""
LLOYD_PASSES = 10
SHORT_RUNS, SHORT_ITERATIONS = 4, 5
"""Random starts of which the best is taken, and the iterations that each is given."""


@dataclass(frozen=True, eq=False)
class Seeding:
    """Rows in the objective's coordinates, in an order of their own, and their weights."""

    rows: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, objective, rng):
        return cls(*objective.ordered_rows).drawn(SEEDING_ROWS, rng)

    def drawn(self, n, rng):
        """As many rows, one from each of equal parts of the weight; all if they are fewer."""
        if len(self.rows) <= n:
            return self
        return self.equal(n, rng)

    def equal(self, n, rng):
        """As many rows of equal weight; a heavy one is drawn more than once."""
        drawn = systematic(self.weight, n, rng)
        return Seeding(self.rows[drawn], np.full(n, self.weight.sum() / n))


def draw_start(objective, index, rng):
    """The vector of one start, of a kind that goes round with the index.

    Ward's tree [1]_ of few rows and k-means++ [2]_, by distance in standardised features and by
    Mahalanobis distance, which sees elongated clusters; k-means++ in a random direction or two; and
    the best of short runs from random rows [3]_.

    References
    ----------
    .. [1] Ward (1963), Journal of the American Statistical Association 58, 236–244.
    .. [2] Arthur & Vassilvitskii (2007), SODA '07, 1027–1035.
    .. [3] Biernacki, Celeux & Govaert (2003), Comput. Stat. Data Anal. 41, 561–575.
    """
    seeding = Seeding.of(objective, rng)
    kind = KINDS[index] if index < len(KINDS) else AGAIN[index % len(AGAIN)]
    return kind(objective, seeding, objective.n_components, rng)


def from_responsibilities(objective, rows, weight, table):
    """The vector that the M-step leads to from rows (n, d) shared out by a table (n, K).

    Spreads are drawn to what all have in common, by as many rows as they need to be proper.
    """
    share = table * (weight * (objective.evidence.total / weight.sum()))[:, None]
    nk, d = np.maximum(share.sum(axis=0), 1e-10 * objective.evidence.total), rows.shape[1]
    means = share.T @ rows / nk[:, None]
    scatter = np.empty((len(nk), d, d))
    for k in range(len(nk)):
        held = share[:, k] > 0
        centred = rows[held] - means[k]
        scatter[k] = (share[held, k, None] * centred).T @ centred
    within, few = scatter.sum(axis=0) / nk.sum(), d + 2.0
    scatter = (scatter + few * within) * (nk / (nk + few))[:, None, None]
    return from_parts(objective, nk, means, scatter)


def from_parts(objective, nk, means, scatter):
    """The vector that the M-step leads to from counts, means and scatters about them."""
    y = objective.maximised(_moments(objective, nk, means, scatter))
    if objective.groups.any():
        # Rows have no names for their clusters: each goes to the place that the prior has for it.
        p = objective.target.constrain(y)
        gains = gains_of_places(
            p.log_weights, p.means, p.factor, objective.structure, objective.numbers
        )
        order = linear_sum_assignment(-gains.T)[1]
        y = objective.maximised(_moments(objective, nk[order], means[order], scatter[order]))
    return y


def _moments(objective, nk, means, scatter):
    """Moments about zero."""
    second = scatter + nk[:, None, None] * means[:, :, None] * means[:, None, :]
    if not objective.structure.correlated:
        second = np.einsum("kii->ki", second)
    return MixtureMoments(0.0, nk, nk[:, None] * means, np.ascontiguousarray(second))


def _from_labels(objective, seeding, labels, k):
    table = np.zeros((len(labels), k))
    table[np.arange(len(labels)), labels] = 1.0
    return from_responsibilities(objective, seeding.rows, seeding.weight, table)


def _sphered(objective, rows):
    return np.linalg.solve(objective.metric, rows.T).T


def _from_tree(objective, seeding, k, rng, sphered=False):
    from scipy.cluster.hierarchy import fcluster, linkage

    few, n_rows = seeding, max(TREE_ROWS, 20 * k)
    if len(few.rows) > n_rows or np.ptp(few.weight) > 0:
        few = seeding.equal(n_rows, rng)
    points = _sphered(objective, few.rows) if sphered else few.rows
    if len(points) < 2:
        return _from_labels(objective, few, np.zeros(len(points), dtype=int), k)
    labels = fcluster(linkage(points, "ward"), k, "maxclust") - 1
    return _from_labels(objective, few, labels, k)


def _from_sphered_tree(objective, seeding, k, rng):
    return _from_tree(objective, seeding, k, rng, sphered=True)


def _from_means(objective, seeding, k, rng):
    return _from_labels(objective, seeding, _k_means(seeding.rows, seeding.weight, k, rng), k)


def _from_sphered_means(objective, seeding, k, rng):
    points = _sphered(objective, seeding.rows)
    return _from_labels(objective, seeding, _k_means(points, seeding.weight, k, rng), k)


def _from_projection(objective, seeding, k, rng):
    points = _sphered(objective, seeding.rows)
    points = points @ rng.standard_normal((points.shape[1], int(rng.integers(1, 3))))
    return _from_labels(objective, seeding, _k_means(points, seeding.weight, k, rng), k)


def _from_short_runs(objective, seeding, k, rng):
    best, highest = None, -np.inf
    for _ in range(SHORT_RUNS):
        rows = seeding.rows
        centres = rows[_random_rows(rows, seeding.weight, k, rng)]
        square = _squares(rows, centres) * (k ** (2 / rows.shape[1]) / rows.shape[1])
        table = np.exp(-0.5 * (square - square.min(axis=1, keepdims=True)))
        table /= table.sum(axis=1, keepdims=True)
        y = from_responsibilities(objective, rows, seeding.weight, table)
        ascent = objective.ascent(y, SHORT_ITERATIONS)
        while not objective.go_on(ascent, 0.0, SHORT_ITERATIONS):
            pass
        point = objective.reached(ascent)
        # By a margin, so that rounding does not choose between runs to the same end.
        if best is None or point.value > highest + 1e-6 * abs(highest):
            best, highest = point.y, point.value
    return best


KINDS = (
    _from_tree,
    _from_sphered_means,
    _from_means,
    _from_sphered_tree,
    _from_short_runs,
    _from_projection,
)
AGAIN = (_from_sphered_means, _from_means, _from_short_runs, _from_projection)
"""Kinds that give another start every time."""


def _squares(points, centres):
    """Squared distances, (n, n_centres)."""
    square = (points**2).sum(axis=1)[:, None] - 2 * points @ centres.T + (centres**2).sum(axis=1)
    return np.maximum(square, 0.0)


def draw(weight, rng, n=1):
    """n positions, each in proportion to weight."""
    cumulative = np.cumsum(weight)
    return np.searchsorted(cumulative, rng.uniform(size=n) * cumulative[-1], side="right")


def _random_rows(points, weight, k, rng):
    """Positions of k distinct points: equal centres would stay equal for ever, EM at a saddle."""
    # In the order of exponential times they are drawn in proportion to weight, none of them twice.
    chosen: list[int] = []
    for i in np.argsort(rng.exponential(size=len(points)) / weight):
        if not (points[chosen] == points[i]).all(axis=1).any():
            chosen.append(i)
        if len(chosen) == k:
            return chosen
    return [*chosen, *draw(weight, rng, k - len(chosen))]


def _k_means(points, weight, k, rng):
    """Labels by k-means, from centres of which each is the best of a few of k-means++."""
    nearest = np.full(len(points), np.inf)
    chosen = [points[draw(weight, rng)[0]]]
    n_trials = 2 + int(np.log(k))
    while len(chosen) < k:
        nearest = np.minimum(nearest, ((points - chosen[-1]) ** 2).sum(axis=1))
        mass = weight * nearest
        trials = points[draw(mass if mass.any() else weight, rng, n_trials)]
        left = np.minimum(nearest[:, None], _squares(points, trials))
        chosen.append(trials[int(np.argmin(weight @ left))])
    centres = np.array(chosen)
    for _ in range(LLOYD_PASSES):
        labels = _squares(points, centres).argmin(axis=1)
        held = np.bincount(labels, weight, k)
        sums = np.array([np.bincount(labels, weight * column, k) for column in points.T]).T
        new = np.where(held[:, None] > 0, sums / np.maximum(held, 1e-300)[:, None], centres)
        if np.array_equal(new, centres):
            break
        centres = new
    return _squares(points, centres).argmin(axis=1)


def two_means(rows, weight):
    """Which of rows (n, d) belong to the second of two means, by weight, along the main axis."""
    n = weight.sum()
    if n <= 0:
        return np.zeros(len(rows), dtype=bool)
    centred = rows - weight @ rows / n
    axis = np.linalg.eigh((centred * weight[:, None]).T @ centred)[1][:, -1]
    second = centred @ axis > 0
    for _ in range(LLOYD_PASSES):
        parts = (weight * ~second, weight * second)
        if min(p.sum() for p in parts) <= 0:
            break
        a, b = (part @ centred / part.sum() for part in parts)
        second = (centred - (a + b) / 2) @ (b - a) > 0
    return second
