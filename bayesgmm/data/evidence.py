"""What is observed, and what a fit demands of it: rows, their weights, and enough variety."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayesgmm.data.bulk import Bulk
from bayesgmm.data.rows import Observations, Rows, chunks, observations_of
from bayesgmm.data.tables import Tabular, is_instance, table_of

UNEXPLAINED = 1e-3
"""Standard deviations of a column that the others must leave unexplained."""

LARGEST = 1e40
"""Its fourth power, and its inverse's, are numbers with digits to spare."""

FARTHEST = 1e12
"""Standard deviations from the centre; squares of what lies beyond leave the others no digit …"""

FARTHEST_OF_MATRIX = 5e5
"""… and, times the root of the weight of all rows, leave none to the directions of a covariance
matrix in which the row is not far."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is observed of rows, and how many times each counts."""

    values: np.ndarray
    """(n_obs, n_features), read-only float64, in the data's units."""
    weights: np.ndarray
    """(n_obs,), or (1,) where all rows count the same."""

    @classmethod
    def of(cls, values: np.ndarray, weights: np.ndarray | None = None) -> "Evidence":
        """Evidence of complete rows; weights (n_obs,), or None where each counts once.

        A huge array of rows brings no other beside it: of equal weights one is kept.
        """
        values = np.ascontiguousarray(values, dtype=np.float64).view(np.ndarray)
        values.flags.writeable = False  # one type of rows, one compilation
        weights = np.ones(1) if weights is None else np.asarray(weights, dtype=np.float64)
        if weights.strides == (0,) or (weights == weights[:1]).all():
            weights = weights[:1].copy()
        return cls(values, np.ascontiguousarray(weights))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def each(self) -> np.ndarray:
        """The weight of every row, (n_obs,)."""
        return np.broadcast_to(self.weights, len(self.values))

    @cached_property
    def total(self) -> float:
        """The number of rows: the sum of their weights."""
        return float(self.each.sum())


def training_data(
    x: Rows, sample_weight: Tabular | None = None, n_components: int = 1, correlated: bool = True
) -> tuple[Observations, np.ndarray]:
    """Observations and row weights to which a mixture can be fitted.

    Parameters
    ----------
    x : array, DataFrame, Series, path or Observations
        What `observations` takes.
    sample_weight : array-like or Series, shape (n_obs,) or (n_rows,), optional
        Weight ≥ 0 of each row, or of each row of the original table. Default: 1.
    n_components : int
        Number of components of the mixture.
    correlated : bool
        Whether its covariances are matrices.

    Returns
    -------
    Observations
        The rows, in the data's units.
    float64 array, shape (n_obs,)
        Their weights (dimensionless); where all are equal, one number broadcast.

    Raises
    ------
    ValueError, TypeError
        The rows or the weights are unusable, a column is constant or has a value that dwarfs the
        others, there are fewer distinct rows
        than components, or a column is a sum of others and the covariances are matrices; rows of
        weight zero count as absent.
    """
    obs = observations_of(x, "x")
    if sample_weight is None:
        weight = np.broadcast_to(1.0, obs.n_obs)
    else:
        _check_same_index(x, sample_weight)
        weight = _row_weights(sample_weight, obs)
    counted = "" if weight.all() else " of positive sample_weight"
    low, high = _extremes(obs, weight)
    _check_not_constant(obs, low, high, counted)
    n_distinct = _count_distinct(obs.values, weight, n_components)
    if n_distinct < n_components:
        raise ValueError(
            f"x has {n_distinct} distinct rows{counted}, fewer than n_components={n_components}; "
            f"expected at least as many; try n_components={n_distinct} or fewer"
        )
    if weight.sum() > 1:
        bulk = Bulk.of(obs.values, weight)
        matrix = correlated and obs.n_features > 1
        farthest = FARTHEST_OF_MATRIX * np.sqrt(weight.sum()) if matrix else np.inf
        _check_reach(obs, weight, low, high, bulk, min(farthest, FARTHEST))
        if matrix:
            _check_independent(obs, bulk)
    return obs, weight


def _check_reach(
    obs: Observations,
    weight: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    bulk: Bulk,
    farthest: float,
) -> None:
    """No row lies so far from the bulk that arithmetic loses the others beside it."""
    far = np.maximum(high - bulk.origin, bulk.origin - low) > farthest * bulk.unit
    if not far.any():
        return
    j = far.argmax()
    column = obs.values[:, j]
    i = np.argmax(np.abs(column - bulk.origin[j]) * (weight > 0))
    raise ValueError(
        f"x: column {obs.features[j]!r} is {column[i]:g} in row {obs.rows[i]}, more than "
        f"{farthest:.2g} standard deviations from the others; expected values that can be added to "
        "theirs; try leaving the row out if it is an error"
        + (", or covariance='diag'" if farthest < FARTHEST else "")
    )


def _check_independent(obs: Observations, bulk: Bulk) -> None:
    """No column is a constant plus a weighted sum of columns before it, but for a trace of noise.

    Of such columns every covariance matrix is singular. Rows too few to tell are let pass.
    """
    if len(bulk.rows) <= obs.n_features:
        return
    centred = bulk.rows - (bulk.kept @ bulk.rows) / bulk.kept.sum()
    centred *= np.sqrt(bulk.kept)[:, None]
    norm = np.linalg.norm(centred, axis=0)
    z = centred / np.maximum(norm, np.finfo(float).tiny)
    # What of a column those before it leave unexplained, in its standard deviations; numbers far
    # from zero carry the noise of their rounding.
    left = np.abs(np.diagonal(np.linalg.qr(z, mode="r")))
    noise = (np.spacing(np.abs(bulk.origin)) / bulk.unit).max()
    dependent = (left < max(UNEXPLAINED, 16 * noise)) & (norm > 0)
    if not dependent.any() or len(np.unique(bulk.rows[bulk.kept > 0], axis=0)) <= obs.n_features:
        return
    kept, sums = np.flatnonzero(~dependent), []
    for j in np.flatnonzero(dependent):
        before = kept[kept < j]
        share = np.linalg.lstsq(z[:, before], z[:, j])[0]
        slope = share * (norm[j] * bulk.unit[j]) / (norm[before] * bulk.unit[before])
        terms = [
            f"{slope[i]:.3g} × {obs.features[before[i]]!r}"
            for i in np.flatnonzero(np.abs(share) > UNEXPLAINED)
        ]
        sums.append(f"column {obs.features[j]!r} is {' + '.join(terms)}, but for a constant")
    others = [obs.features[i] for i in kept]
    raise ValueError(
        f"x: {'; '.join(sums)}; expected columns that are not sums of others, because of such "
        f"columns every covariance matrix is singular; try columns={others}, or covariance='diag'"
    )


def _check_same_index(x: Rows, sample_weight: Tabular) -> None:
    """Weights in a series of pandas have the labels of the rows, in their order."""
    if (
        is_instance(sample_weight, "pandas", "Series")
        and is_instance(x, "pandas", "Series", "DataFrame")
        and len(x) == len(sample_weight)
        and not x.index.equals(sample_weight.index)
    ):
        raise ValueError(
            "sample_weight has another index than x; expected the weight of each row in the rows' "
            "order; try sample_weight.loc[x.index], or sample_weight.to_numpy() if they are"
        )


def _row_weights(sample_weight: Tabular, obs: Observations) -> np.ndarray:
    """(n_obs,) checked weights of the rows of `obs`."""
    table = table_of(sample_weight, "sample_weight")
    if table.kinds:
        raise TypeError(
            f"sample_weight has dtype {', '.join(table.kinds.values())}; expected numbers; try "
            "sample_weight.astype(float)"
        )
    if not table.flat:
        raise ValueError(
            f"sample_weight is a table with {len(table.names)} columns; expected a 1-D array, one "
            "weight for each row; try one of its columns"
        )
    given = table.column(table.names[0])
    if len(given) not in (obs.n_obs, obs.n_rows):
        original = "" if obs.n_rows == obs.n_obs else f" (or of its original {obs.n_rows})"
        raise ValueError(
            f"sample_weight has {len(given)} weights; expected one for each of the {obs.n_obs} "
            f"rows of x{original}"
        )
    positions = slice(None) if len(given) == obs.n_obs else obs.rows
    weight = np.array(given[positions])
    wrong = np.flatnonzero(~(np.isfinite(weight) & (weight >= 0)))
    if len(wrong):
        position = np.arange(len(given))[positions][wrong[0]]
        raise ValueError(
            f"sample_weight[{position}] is {weight[wrong[0]]}, the first of "
            f"{len(wrong)} bad weights; expected finite weights ≥ 0; try 0 for a row to leave out"
        )
    if not weight.any():
        raise ValueError("sample_weight is zero in every row; expected a positive weight somewhere")
    if (weight == weight[0]).all():
        return np.broadcast_to(weight[0], obs.n_obs)
    return weight


def _extremes(obs: Observations, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest value of every column over the rows of positive weight."""
    counts = (weight > 0)[:, None]
    low = obs.values.min(axis=0, where=counts, initial=np.inf)
    return low, obs.values.max(axis=0, where=counts, initial=-np.inf)


def _check_not_constant(obs: Observations, low: np.ndarray, high: np.ndarray, counted: str) -> None:
    """Every column varies, by more than rounding."""
    # Within a few units in the last place of the largest value: the noise of arithmetic, whatever
    # the column's scale. Halves, because the range of huge values overflows.
    largest = np.maximum(-low, high)
    noise = 8 * np.spacing(largest)
    constant = high / 2 - low / 2 <= noise / 2
    if constant.any():
        found = "; ".join(
            f"column {obs.features[j]!r} is constant ({high[j]} in every row{counted})"
            for j in np.flatnonzero(constant)
        )
        others = [obs.features[j] for j in np.flatnonzero(~constant)]
        advice = f"try columns={others}" if others else "try other columns or more rows"
        raise ValueError(f"x: {found}; expected values that vary; {advice}")
    extreme = np.flatnonzero((largest > LARGEST) | (high / 2 - low / 2 < 0.5 / LARGEST))
    if len(extreme):
        j = extreme[0]
        raise ValueError(
            f"x: column {obs.features[j]!r} reaches from {low[j]:g} to {high[j]:g}; expected "
            f"values below {LARGEST:g} that differ by more than {1 / LARGEST:g}, since variances "
            "of variances must be numbers, too; try another unit, or leaving out rows that are "
            "errors"
        )


def _count_distinct(values: np.ndarray, weight: np.ndarray, enough: int) -> int:
    """Number of distinct rows of positive weight, counted up to `enough`."""
    d = values.shape[1]
    found: list[np.ndarray] = []
    for part, part_weight in zip(chunks(values, d), chunks(weight, d), strict=True):
        rest = part[part_weight > 0]
        for row in found:
            rest = rest[(rest != row).any(axis=1)]
        while len(rest) and len(found) < enough:
            found.append(rest[0])
            rest = rest[(rest != rest[0]).any(axis=1)]
        if len(found) >= enough:
            break
    return len(found)
