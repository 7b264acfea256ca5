"""Posterior predictive checks: what the model predicts should look like the data."""

from itertools import combinations
from typing import Any

import numpy as np

from bayesgmm.draws import Reading, mcse_of_mean, names
from bayesgmm.posterior import posterior_predictive

MAX_NUMBERS = 10_000_000
"""Replicated values in all; draws are thinned to hold this."""

MAX_FEATURES = 8
"""With more features their correlations are not checked one by one."""

SURPRISE = 0.01
"""A p-value nearer than this to 0 or 1 is a statistic that the model does not reproduce."""


def predictive_checks(reading: Reading, interval: float, random_seed: int) -> dict[str, Any]:
    """Statistics of the data against those of a replica per draw; no label plays a part.

    ``p_value`` is the share of replicas whose statistic is at least that of the data, replicas with
    the very same counted half; ``mcse`` its Monte Carlo standard error by batch means.

    References
    ----------
    Gelman, Meng & Stern (1996), Statistica Sinica 6, 733–760.
    """
    x, features = reading.rows, reading.features
    one_by_one = range(len(features))
    statistics: list[tuple[str, tuple[int, ...], Any]]
    statistics = [(name, (j,), moment) for j in one_by_one for name, moment in MOMENTS.items()]
    if len(features) <= MAX_FEATURES:
        statistics += [("correlation", pair, _correlation) for pair in combinations(one_by_one, 2)]
    weight = reading.sample_weight if reading.is_weighted else None
    thin = reading.thinned_to(max(1, MAX_NUMBERS // x.size))
    tree = posterior_predictive(thin, random_seed)
    replicas = tree[names.PREDICTIVE].to_dataset()[names.X].values.reshape(-1, *x.shape)
    found = []
    for name, columns, statistic in statistics:
        observed = statistic(*(x[None, :, j] for j in columns), weight=weight)
        drawn = statistic(*(replicas[:, :, j] for j in columns), weight=None)
        above = (drawn > observed) + 0.5 * (drawn == observed)
        low, high = np.quantile(drawn, [(1 - interval) / 2, (1 + interval) / 2])
        found.append(
            {
                "feature": ", ".join(features[j] for j in columns),
                "statistic": name,
                "observed": observed[0],
                "mean": drawn.mean(),
                "lower": low,
                "upper": high,
                "p_value": above.mean(),
                "mcse": mcse_of_mean(above, thin.n_chains),
            }
        )
    return {
        "n_replicas": len(replicas),
        "weighted": reading.is_weighted,
        "surprises": sum(min(r["p_value"], 1 - r["p_value"]) < SURPRISE for r in found),
        "statistics": found,
    }


def _mean(v: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    mean: np.ndarray = v.mean(axis=1) if weight is None else v @ (weight / weight.sum())
    return mean


def _sd(v: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    return np.sqrt(_mean((v - _mean(v, weight)[:, None]) ** 2, weight))


def _standardised(v: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    z: np.ndarray = (v - _mean(v, weight)[:, None]) / _sd(v, weight)[:, None]
    return z


def _correlation(a: np.ndarray, b: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    return _mean(_standardised(a, weight) * _standardised(b, weight), weight)


MOMENTS = {
    "mean": _mean,
    "SD": _sd,
    "skewness": lambda v, weight: _mean(_standardised(v, weight) ** 3, weight),
    "kurtosis": lambda v, weight: _mean(_standardised(v, weight) ** 4, weight),
    "smallest": lambda v, weight: v.min(axis=1),
    "largest": lambda v, weight: v.max(axis=1),
}
"""Statistics of one feature in data sets, (n_sets, n_obs) → (n_sets,), of weighted rows or not."""
