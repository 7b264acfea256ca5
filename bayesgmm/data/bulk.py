"""The bulk of the rows: a robust centre and covariance, and the covariance within components.

The twentieth of the weight that fits worst is left out, so that no row in twenty, wherever it lies,
moves what the default prior and the coordinates of a fit are scaled by.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import chdtr, chdtri

TRIMMED = 0.05
"""Share of the weight that is left out."""
MOST_ROWS = 4096
"""Rows that are looked at."""
MOST_NUMBERS = 2**20
"""Numbers among which those rows are sought; of a larger table, in rows at even steps."""
SIZES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96)
"""Numbers of components that are tried up to the one declared."""
STARTS, SCREENING, CLIMB = 16, 10, 60
"""Starts of the tied fit, iterations of each, and iterations of the best of them."""
FARTHEST = 1e6
"""Units from the centre beyond which a row is taken to be no farther: squares stay finite."""
SINGULAR = 1e-13
"""Smallest eigenvalue of a correlation matrix that is not taken for zero."""
TOLERANCE = 1e-7
"""Nats per row that an iteration must gain."""


@dataclass(frozen=True, eq=False)
class Bulk:
    """Rows in an order of their own, centred and scaled feature by feature.

    That order, by a weighted sum of the features, is the same whatever the order of the table, and
    so is all that is estimated from them.
    """

    form: Callable[[np.ndarray], np.ndarray]
    """What of a covariance matrix the structure keeps."""
    rows: np.ndarray
    """(n, n_features), in the scaled coordinates."""
    weight: np.ndarray
    """(n,), how many times each row counts; they sum to the weight of the table."""
    origin: np.ndarray
    """(n_features,), in the data's units, of the scaled coordinates."""
    unit: np.ndarray
    """(n_features,), in the data's units, of the scaled coordinates."""

    @classmethod
    def of(cls, x: np.ndarray, sample_weight: np.ndarray, structure: Any = None) -> "Bulk":
        """The bulk of the rows x, (n_obs, n_features), that count sample_weight, (n_obs,), times.

        Without a covariance structure it is of full matrices.

        Raises
        ------
        ValueError
            The weights sum to 1 or less, so that no variance can be estimated from them.
        """
        total = counted(sample_weight)
        rows, weight = _few(x, sample_weight)
        origin, unit = np.array([_centre_and_scale(column, weight) for column in rows.T]).T
        # Where few of many rows differ, none of those looked at may.
        unit = np.where(unit > 0, unit, np.maximum(np.ptp(x, axis=0), np.finfo(float).tiny))
        if structure is not None and structure.isotropic:
            unit = np.full_like(unit, unit.max())
        weight = weight * (total / weight.sum())
        scaled = np.clip((rows - origin) / unit, -FARTHEST, FARTHEST)
        form = np.asarray if structure is None else structure.pooled
        return cls(form, scaled, weight, origin, unit)

    @property
    def kept(self) -> np.ndarray:
        """(n,), weights of the rows after those that fit one normal distribution worst are cut."""
        return self._whole.kept

    @property
    def centre(self) -> np.ndarray:
        """Mean of the bulk, (n_features,), in the data's units."""
        centre: np.ndarray = self.origin + self.unit * self._whole.means[0]
        return centre

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the bulk, (n_features, n_features), in the data's squared units."""
        return self._untrimmed(self._whole.covariance) * np.outer(self.unit, self.unit)

    def within(self, n_components: int) -> np.ndarray:
        """Covariance within components, pooled, (n_features, n_features), squared units.

        That of a tied mixture by maximum likelihood on the rows that fit it best [1]_. It has
        n_components or fewer, by BIC: where more are declared than the rows tell apart, they do not
        narrow the prior. A diagonal where the structure is diag, isotropic where it is spherical.

        References
        ----------
        .. [1] García-Escudero, Gordaliza, Matrán & Mayo-Iscar (2008), Ann. Stat. 36, 1324–1345.
        """
        d, size = self.rows.shape[1], self.weight.sum() * (1 - TRIMMED)
        fits = [self._tied(k) for k in SIZES if k < n_components] + [self._tied(n_components)]
        bic = [-2 * f.value + len(f.means) * (d + 1) * np.log(size) for f in fits]
        spread = self._untrimmed(fits[int(np.argmin(bic))].covariance)
        return spread * np.outer(self.unit, self.unit)

    def _tied(self, k: int) -> "_Tied":
        """The best tied mixture of k components that a few starts lead to."""
        whole, d = self._whole, self.rows.shape[1]
        spread = self.form(self._untrimmed(whole.covariance))
        if k == 1:
            return self._climb(_Tied(whole.means, spread), CLIMB)
        rng, best = np.random.default_rng(0), whole
        whitened = np.linalg.solve(np.linalg.cholesky(whole.covariance), self.rows.T).T
        for start in range(STARTS):
            points, metric = (whitened, spread) if start % 2 else (self.rows, np.eye(d))
            means = self.rows[_apart(points, whole.kept, k, rng)]
            end = self._climb(_Tied(means, 0.1 * metric), SCREENING)
            # By a margin, so that rounding does not choose between equally good ends.
            if not start or end.value > best.value + 1e-9 * abs(best.value):
                best = end
        return self._climb(best, CLIMB)

    @cached_property
    def _whole(self) -> "_Tied":
        """All rows as one component: the minimum covariance determinant, from medians."""
        d = self.rows.shape[1]
        return self._climb(_Tied(np.zeros((1, d)), np.eye(d)), CLIMB)

    @cached_property
    def _rounding(self) -> np.ndarray:
        """Variance of what rounding took from the values of each feature, (n_features,).

        It keeps components apart that sit on single values of a coarse column. The step between
        values is their median one; of values that are hardly ever equal it is small.
        """
        values = [np.unique(column) for column in self.rows.T]
        steps = [np.median(np.diff(v)) if len(v) > 1 else 1.0 for v in values]
        return np.square(steps) / 12

    @staticmethod
    def _untrimmed(covariance: np.ndarray) -> np.ndarray:
        """That of normal rows whose trimmed covariance this is: Mahalanobis distances cut short."""
        d = len(covariance)
        share: float = chdtr(d + 2, chdtri(d, TRIMMED))
        return covariance * (1 - TRIMMED) / share

    def _climb(self, fit: "_Tied", n_iter: int) -> "_Tied":
        """EM of a tied mixture on the rows that fit it best."""
        z, total = self.rows, self.weight.sum() * (1 - TRIMMED)
        means, covariance, log_weights = fit.means, fit.covariance, fit.log_weights
        value = -np.inf
        for _ in range(n_iter):
            lower = np.linalg.cholesky(covariance)
            whiten = np.linalg.inv(lower).T
            y, m = z @ whiten, means @ whiten
            terms = log_weights - 0.5 * ((y**2).sum(axis=1)[:, None] - 2 * y @ m.T + (m**2).sum(1))
            highest = terms.max(axis=1)
            share = np.exp(terms - highest[:, None])
            sums = share.sum(axis=1)
            log_density = highest + np.log(sums)
            kept = _kept(log_density, self.weight)
            before, value = value, kept @ log_density - total * np.log(np.diag(lower)).sum()
            share *= (kept / sums)[:, None]
            nk = share.sum(axis=0) + 1e-12
            means = (share.T @ z) / nk[:, None]
            log_weights = np.log(nk / nk.sum())
            scatter = (z * kept[:, None]).T @ z - (means * nk[:, None]).T @ means
            covariance = self._estimate(scatter / total, total - len(means))
            if abs(value - before) <= TOLERANCE * total:
                break
        return _Tied(means, covariance, log_weights, value, kept)

    def _estimate(self, covariance: np.ndarray, freedom: float) -> np.ndarray:
        """From the covariance of the rows kept about their means, on so many degrees of freedom."""
        d = len(covariance)
        covariance = self.form(covariance + np.diag(self._rounding))
        # Rows that are missing to three for every feature are put in without correlation, and as
        # many again as there are where a feature is a sum of others among the rows kept.
        sd = np.sqrt(np.diag(covariance))
        singular = np.linalg.eigvalsh(covariance / np.outer(sd, sd))[0] < SINGULAR
        missing = max(self.weight.sum() if singular else 0, 3 * d - freedom)
        diagonal = np.diag(np.diag(covariance))
        return (freedom * covariance + missing * diagonal) / (freedom + missing)


@dataclass(frozen=True, eq=False)
class _Tied:
    """A mixture with one covariance, in scaled coordinates, and what its climb found."""

    means: np.ndarray
    covariance: np.ndarray
    log_weights: np.ndarray | float = 0.0
    value: float = -np.inf
    """Log posterior of the rows kept, but for a constant (nats)."""
    kept: np.ndarray = field(default_factory=lambda: np.empty(0))
    """(n,), weights of the rows kept."""


def counted(sample_weight: np.ndarray) -> float:
    """The number of rows: the sum of their weights, which must be above 1."""
    total: float = sample_weight.sum()
    if total <= 1:
        raise ValueError(
            "sample_weight must say how many times each row counts, so that a scale can be "
            f"estimated from the rows; it sums to {total:.6g}. "
            "Try weights with mean 1, or give the prior every parameter."
        )
    return total


def _few(x: np.ndarray, sample_weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of positive weight in the order of a weighted sum of their features; at most MOST_ROWS.

    Many rows stand at even steps of weight in that order, each for as much of it.
    """
    n_obs, d = x.shape
    step = max(1, n_obs * d // MOST_NUMBERS)
    rows, weight = np.asarray(x[::step]), np.asarray(sample_weight[::step], dtype=np.float64)
    if not weight.all():
        rows, weight = rows[weight > 0], weight[weight > 0]
    low, high = rows.min(axis=0) / 2, rows.max(axis=0) / 2
    width = np.where(high > low, high - low, 1)
    # The direction has no meaning, but that rows with equal sums are equal.
    key = ((rows / 2 - low) / width) @ np.cos(np.arange(1, d + 1))
    order = np.argsort(key, kind="stable")
    if len(order) <= MOST_ROWS:
        return rows[order], weight[order]
    reached = np.cumsum(weight[order])
    steps = (np.arange(MOST_ROWS) + 0.5) / MOST_ROWS * reached[-1]
    return rows[order[np.searchsorted(reached, steps)]], np.ones(MOST_ROWS)


def _centre_and_scale(column: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of the values nearest to the median; of all if they are equal."""
    order = np.argsort(column, kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    median = column[order[np.searchsorted(reached, [0.5 - 1e-9, 0.5 + 1e-9])]].mean()
    for share in (_kept(-np.abs(column - median), weight), weight):
        values, share = column[share > 0] - median, share[share > 0]
        centre = median + share @ values / share.sum()
        scale = np.sqrt(share @ (values + median - centre) ** 2 / share.sum())
        if scale > 0:
            break
    return centre, scale


def _kept(fit: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weights (n,) after a share of their sum is cut off where ``fit``, (n,), is lowest.

    Rows that fit equally well share what the cut leaves of them.
    """
    order = np.argsort(fit, kind="stable")
    last = np.searchsorted(np.cumsum(weight[order]), TRIMMED * weight.sum(), side="right")
    border = fit[order[min(last, len(order) - 1)]]
    at_border = np.abs(fit - border) <= 1e-9 * (1 + abs(border))
    above = (fit > border) & ~at_border
    left = (1 - TRIMMED) * weight.sum() - weight[above].sum()
    kept: np.ndarray = weight * (above + at_border * np.clip(left / weight[at_border].sum(), 0, 1))
    return kept


def _apart(points: np.ndarray, weight: np.ndarray, k: int, rng: np.random.Generator) -> list[int]:
    """Positions of k rows by k-means++: each drawn by its squared distance from those drawn."""
    chosen: list[int] = []
    nearest = np.full(len(points), np.inf)
    while len(chosen) < k:
        mass = np.cumsum(weight * nearest if chosen else weight)
        if not mass[-1] > 0:
            mass = np.cumsum(weight)
        chosen.append(int(np.searchsorted(mass, rng.uniform() * mass[-1], side="right")))
        distance = ((points - points[chosen[-1]]) ** 2).sum(axis=1)
        nearest = np.minimum(nearest, distance)
    return chosen
