"""The bulk of the rows: a robust centre and covariance, and the covariance within components.

The twentieth of the weight that fits worst is left out, so that no row in twenty, wherever it lies,
moves what the default prior and the coordinates of a fit are scaled by.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from scipy.special import chdtr, chdtri

from bayesgmm.runtime import in_order, one_blas_thread

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
AT_ONCE = 2**18
"""Numbers in a table of starts, of their components or features, and of rows."""
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
        kept: np.ndarray = self._whole.kept[0]
        return kept

    @property
    def centre(self) -> np.ndarray:
        """Mean of the bulk, (n_features,), in the data's units."""
        centre: np.ndarray = self.origin + self.unit * self._whole.means[0, 0]
        return centre

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the bulk, (n_features, n_features), in the data's squared units."""
        return self._untrimmed(self._whole.covariance[0]) * np.outer(self.unit, self.unit)

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
        fits = [*in_order(self._tied, [*(k for k in SIZES if k < n_components), n_components])]
        bic = [-2 * f.value[0] + f.means.shape[1] * (d + 1) * np.log(size) for f in fits]
        spread = self._untrimmed(fits[int(np.argmin(bic))].covariance[0])
        return spread * np.outer(self.unit, self.unit)

    def _tied(self, k: int) -> "_Tied":
        """The best tied mixture of k components that a few starts lead to."""
        whole, (n, d) = self._whole, self.rows.shape
        spread = self.form(self._untrimmed(whole.covariance[0]))
        if k == 1:
            return self._climb(_Tied.of(whole.means, spread[None], n), CLIMB)
        draws = np.random.default_rng(0).uniform(size=(STARTS, k))
        means, metric = np.empty((STARTS, k, d)), np.empty((STARTS, d, d))
        whitened = np.linalg.inv(np.linalg.cholesky(whole.covariance[0])) @ self._columns
        for odd, points, shape in ((0, self._columns, np.eye(d)), (1, whitened, spread)):
            means[odd::2] = self.rows[_apart(points, whole.kept[0], draws[odd::2])]
            metric[odd::2] = 0.1 * shape
        at_once = max(1, AT_ONCE // (n * max(k, d)))
        parts = [slice(i, i + at_once) for i in range(0, STARTS, at_once)]
        ends = [self._climb(_Tied.of(means[i], metric[i], n), SCREENING) for i in parts]
        end = _Tied(*map(np.concatenate, zip(*ends, strict=True)))
        best = 0
        for i, value in enumerate(end.value):
            # By a margin, so that rounding does not choose between equally good ends.
            if value > end.value[best] + 1e-9 * abs(end.value[best]):
                best = i
        chosen = _Tied.of(end.means[[best]], end.covariance[[best]], n)
        return self._climb(chosen._replace(log_weights=end.log_weights[[best]]), CLIMB)

    @cached_property
    def _whole(self) -> "_Tied":
        """All rows as one component: the minimum covariance determinant, from medians."""
        n, d = self.rows.shape
        return self._climb(_Tied.of(np.zeros((1, 1, d)), np.eye(d)[None], n), CLIMB)

    @cached_property
    def _columns(self) -> np.ndarray:
        """The rows, (n_features, n)."""
        return np.ascontiguousarray(self.rows.T)

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
        """EM of tied mixtures, each on the rows that fit it best and until it gains no more."""
        going, least = np.arange(len(fit.value)), TOLERANCE * (1 - TRIMMED) * self.weight.sum()
        with one_blas_thread():
            for _ in range(n_iter):
                step = self._step(fit.means[going], fit.covariance[going], fit.log_weights[going])
                gains = step.value - fit.value[going]
                for part, new in zip(fit, step, strict=True):
                    part[going] = new
                going = going[~(np.abs(gains) <= least)]
                if not len(going):
                    break
        return fit

    def _step(self, means: np.ndarray, covariance: np.ndarray, log_weights: np.ndarray) -> "_Tied":
        """An iteration of EM on the rows that fit each best, and the value before it."""
        total = self.weight.sum() * (1 - TRIMMED)
        lower = np.linalg.cholesky(covariance)
        whiten = np.linalg.inv(lower)
        y, m = whiten @ self._columns, means @ whiten.mT
        # Without the squared distance from the origin, which the components of a row share.
        share = m @ y
        share += (log_weights - 0.5 * (m**2).sum(axis=2))[:, :, None]
        highest = share.max(axis=1)
        share -= highest[:, None]
        np.exp(share, out=share)
        sums = share.sum(axis=1)
        log_density = highest + np.log(sums) - 0.5 * np.einsum("sdn,sdn->sn", y, y)
        kept = _kept(log_density, self.weight)
        log_det = np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
        value = (kept * log_density).sum(axis=1) - total * log_det
        share *= (kept / sums)[:, None]
        nk = share.sum(axis=2) + 1e-12
        means = (share @ self.rows) / nk[:, :, None]
        log_weights = np.log(nk / nk.sum(axis=1)[:, None])
        scatter = np.multiply(self._columns, kept[:, None], out=y) @ self.rows
        scatter -= (means * nk[:, :, None]).mT @ means
        covariance = self._estimate(scatter / total, total - means.shape[1])
        return _Tied(means, covariance, log_weights, value, kept)

    def _estimate(self, covariance: np.ndarray, freedom: float) -> np.ndarray:
        """From the covariance of the rows kept about their means, on so many degrees of freedom."""
        d = self.rows.shape[1]
        covariance = np.array([self.form(c) for c in covariance + np.diag(self._rounding)])
        # Rows that are missing to three for every feature are put in without correlation, and as
        # many again as there are where a feature is a sum of others among the rows kept.
        variances = np.diagonal(covariance, axis1=1, axis2=2)
        sd = np.sqrt(variances)
        correlation = covariance / (sd[:, :, None] * sd[:, None])
        singular = np.linalg.eigvalsh(correlation)[:, 0] < SINGULAR
        missing = np.maximum(np.where(singular, self.weight.sum(), 0), 3 * d - freedom)
        missing = missing[:, None, None]
        diagonal = variances[:, None] * np.eye(d)
        mixed: np.ndarray = (freedom * covariance + missing * diagonal) / (freedom + missing)
        return mixed


class _Tied(NamedTuple):
    """Mixtures with one covariance each, in scaled coordinates, and what their climbs found."""

    means: np.ndarray
    """(n_fits, n_components, n_features)."""
    covariance: np.ndarray
    """(n_fits, n_features, n_features)."""
    log_weights: np.ndarray
    """(n_fits, n_components)."""
    value: np.ndarray
    """(n_fits,), log posterior of the rows kept, but for a constant (nats)."""
    kept: np.ndarray
    """(n_fits, n), weights of the rows kept."""

    @classmethod
    def of(cls, means: np.ndarray, covariance: np.ndarray, n: int) -> "_Tied":
        """Before any climb among n rows."""
        n_fits = len(means)
        nothing = np.full(n_fits, -np.inf), np.empty((n_fits, n))
        # Copies, since a climb writes into what it is given.
        return cls(means.copy(), covariance.copy(), np.zeros(means.shape[:2]), *nothing)


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
    """Weights (..., n) after a share of their sum is cut off where ``fit``, (..., n), is lowest.

    Rows that fit equally well share what the cut leaves of them.
    """
    cut, last = TRIMMED * weight.sum(), len(weight) - 1
    if (weight == weight[0]).all():
        place = min(np.searchsorted(np.cumsum(weight), cut, side="right"), last)
        border = np.partition(fit, place)[..., place, None]
    else:
        order = np.argsort(fit)
        places = (np.cumsum(weight[order], axis=-1) <= cut).sum(axis=-1, keepdims=True)
        place = np.take_along_axis(order, np.minimum(places, last), axis=-1)
        border = np.take_along_axis(fit, place, axis=-1)
    near = 1e-9 * (1 + np.abs(border))
    above = (fit > border + near).astype(np.float64)
    at_border = (fit >= border - near) - above
    left = (weight.sum() - cut - above @ weight) / (at_border @ weight)
    at_border *= np.clip(left, 0, 1)[..., None]
    kept: np.ndarray = (above + at_border) * weight
    return kept


def _apart(points: np.ndarray, weight: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Positions of columns by k-means++: each drawn by its squared distance from those drawn.

    They have the shape of ``draws``, (n_starts, k): uniform numbers.
    """
    chosen = np.empty(draws.shape, dtype=np.intp)
    nearest = np.ones((len(draws), 1))
    for j, uniform in enumerate(draws.T):
        mass = np.cumsum(weight * nearest, axis=1)
        mass = np.where(mass[:, -1:] > 0, mass, np.cumsum(weight))
        chosen[:, j] = (mass <= uniform[:, None] * mass[:, -1:]).sum(axis=1)
        distance = np.zeros((len(draws), len(weight)))
        for column in points:
            distance += (column - column[chosen[:, j], None]) ** 2
        nearest = np.minimum(nearest, distance) if j else distance
    return chosen
