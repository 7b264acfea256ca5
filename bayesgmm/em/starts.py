"""Where EM starts: k-means++ in two metrics, and random rows."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from bayesgmm.em.m_step import conjugate_mode
from bayesgmm.likelihood import unconstrain
from bayesgmm.mixture import Components, MixtureParameters, gains_of_places, laid_out

LLOYD_PASSES = 5
SEEDING_ROWS = 10_000


def draw_start(objective, index, rng):
    """The vector of one start; the kind goes round with the index.

    k-means++ [1]_ and a few of Lloyd's passes, by distance in standardised features and by
    Mahalanobis distance (which sees elongated clusters); then random rows with a wide spread.

    References
    ----------
    .. [1] Arthur & Vassilvitskii (2007), SODA '07, 1027–1035.
    """
    k, d = objective.n_components, objective.n_features
    log_weights = np.full(k, -np.log(k))

    def moments_at(means, factor):
        return objective.target.moments(Components(log_weights, means, laid_out(factor)))

    rows, weight = _seeding_rows(objective, rng)
    kind = index % 3
    metric = np.eye(d)
    if kind == 1:
        metric = objective.metric
    if kind == 2:
        centres, width = rows[_seeds(rows, weight, k, rng, power=0)], k ** (-1 / d)
    else:
        whitened = np.linalg.solve(metric, rows.T).T
        centres = rows[_seeds(whitened, weight, k, rng, power=1)]
        # Components this narrow assign outright all rows but those half-way between two centres.
        width = 0.1
    structure = objective.structure
    factor = np.ascontiguousarray(structure.first_factor(metric, width, k))
    for _ in range(0 if kind == 2 else LLOYD_PASSES):
        moments = moments_at(centres, factor)
        step = structure.times(factor, moments.s)
        centres = centres + step / np.maximum(moments.nk, 1e-10)[:, None]
    moments = moments_at(centres, factor)
    if objective.groups.any():
        # Rows have no names for their clusters: each goes to the place that the prior has for it.
        shares = np.log(np.maximum(moments.nk, 1e-10) / moments.nk.sum())
        gains = gains_of_places(shares, centres, factor, structure, objective.numbers)
        centres = centres[linear_sum_assignment(-gains.T)[1]]
        moments = moments_at(centres, factor)
    weights, means, factor = conjugate_mode(
        moments, centres, factor, objective.covariance, objective.prior, objective.metric
    )
    return unconstrain(MixtureParameters(objective.covariance, weights, means, factor))


def _seeding_rows(objective, rng):
    """Rows, in the objective's coordinates, that centres are drawn from, and their weights."""
    x, weight = objective.evidence.values, objective.evidence.each
    if len(x) > SEEDING_ROWS:
        chosen = np.sort(rng.choice(len(x), SEEDING_ROWS, replace=False, shuffle=False))
        x, weight = x[chosen], weight[chosen]
        if not weight.any():
            weight = np.ones(len(x))
    return (x - objective.shift) / objective.scale, weight


def _draw(weight, rng):
    """A position, in proportion to weight: a row of weight 2 is drawn as two equal rows are."""
    cumulative = np.cumsum(weight)
    return int(np.searchsorted(cumulative, rng.uniform() * cumulative[-1], side="right"))


def _seeds(points, weight, k, rng, power):
    """Positions of k distinct points, each drawn by its squared distance from the rest, to a power.

    Power 1 is k-means++; power 0 draws any distinct rows. Equal centres would stay equal for ever:
    EM would climb to a saddle.
    """
    chosen = [_draw(weight, rng)]
    nearest = np.full(len(points), np.inf)
    while len(chosen) < k:
        nearest = np.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
        mass = weight * (nearest if power else nearest > 0)
        chosen.append(_draw(mass if mass.any() else weight, rng))
    return chosen
