"""Quantities of a posterior that no permutation of the components can change, draw by draw."""

from typing import Any

import numpy as np
import xarray as xr

from bayesgmm.draws import Reading, names
from bayesgmm.likelihood import row_blocks, row_densities
from bayesgmm.mixture import MixtureParameters
from bayesgmm.runtime import progress_bar

N_ROWS = 2000
"""Rows that stand for all, where there are more: any fixed rows tell whether chains agree."""
N_POINTS = 20
"""Rows at which the predictive density is followed: they tell two modes apart."""
N_PAIRS = 5
"""Pairs of these rows that are followed, half of the data apart."""


type Quantities = dict[str, tuple[tuple[str, ...], np.ndarray]]
"""Values (n_draws, …) by name, each with its dimensions after the draws."""


def functionals(reading: Reading, progress: bool = True) -> xr.Dataset:
    """Label-free functionals of every draw of a posterior with rows, (chain, draw, …).

    ``log_posterior`` (nats, where the sampler kept it) and ``log_likelihood`` (nats);
    ``sorted_weights`` (rank); ``log_determinant`` (extreme), the largest and the smallest of the
    covariances (log of the product of the features' squared units); ``entropy``, that of a row's
    allocation, mean over rows (nats); ``log_density`` (point), the log predictive density of rows
    spread over the data; ``together`` (pair), the probability that two of these rows share a
    component. Where the prior tells components apart, also ``group_weight`` (group), ``group_mean``
    and ``group_sd`` (group, feature; in the data's units) of every group of exchangeable ones.
    """
    draws, rows, weight = reading.in_order, reading.rows, reading.sample_weight
    log_likelihood, entropy = np.zeros(len(draws)), np.zeros(len(draws))
    blocks = row_blocks(draws, len(rows))
    for block in progress_bar(blocks, "label-free quantities: rows", progress):
        log_density, p = row_densities(draws, rows[block])
        log_likelihood += log_density @ weight[block]
        # A probability that underflows to 0 adds nothing.
        p *= np.log(np.maximum(p, 1e-300))
        entropy -= p.sum(axis=2) @ weight[block]
    log_density, p = row_densities(draws, rows[_even_steps(rows, weight, N_POINTS)])
    low, high = np.arange(N_PAIRS) * N_POINTS // (2 * N_PAIRS) + [[0], [N_POINTS // 2]]
    determinants = _extreme_determinants(draws)
    quantities: Quantities = {
        "log_likelihood": ((), log_likelihood),
        "entropy": ((), entropy / weight.sum()),
        "sorted_weights": (("rank",), draws.weights),
        "log_determinant": (("extreme",), determinants),
        "log_density": (("point",), log_density),
        "together": (("pair",), (p[:, low] * p[:, high]).sum(axis=2)),
    }
    coords: dict[str, Any] = {"extreme": np.array(["largest", "smallest"])[: determinants.shape[1]]}
    groups = reading.groups
    if np.ptp(groups) > 0:
        quantities |= _of_groups(reading.parameters, groups)
        members = [" + ".join(map(str, reading.components[groups == g])) for g in np.unique(groups)]
        coords |= {"group": np.array(members), names.FEATURE: np.array(reading.features)}
    return _dataset(reading, quantities | _log_posterior(reading, "log_posterior"), coords)


def _dataset(reading: Reading, quantities: Quantities, coords: dict[str, Any]) -> xr.Dataset:
    arrays = {n: ((*names.LEAD, *d), reading.by_chain(v)) for n, (d, v) in quantities.items()}
    return xr.Dataset(arrays, reading.lead | coords)


def _log_posterior(reading: Reading, name: str) -> Quantities:
    """The log posterior as a quantity, where the sampler kept it."""
    return {} if reading.log_posterior is None else {name: ((), reading.log_posterior.ravel())}


def _of_groups(draws: MixtureParameters, groups: np.ndarray) -> Quantities:
    """Weight, mean and standard deviation of the mixture of each group's components."""
    member = np.unique(groups)[:, None] == groups
    share = member * draws.weights[:, None]
    weight = share.sum(axis=2)
    share = share / np.maximum(weight, 1e-300)[..., None]
    mean = share @ draws.means
    apart = draws.means[:, None] - mean[:, :, None]
    square = (share[..., None] * (draws.variances[:, None] + apart**2)).sum(axis=2)
    dims = ("group", names.FEATURE)
    return {
        "group_weight": (dims[:1], weight),
        "group_mean": (dims, mean),
        "group_sd": (dims, np.sqrt(square)),
    }


def with_few_rows(reading: Reading) -> Reading:
    """The posterior with ``N_ROWS`` rows of equal weight in place of more, so that all is cheap.

    They lie at even steps of weight through the sorted data, whatever the order they came in.
    """
    rows, weight = reading.rows, reading.sample_weight
    if len(rows) > N_ROWS:
        rows = rows[_even_steps(rows, weight, N_ROWS)]
        weight = np.full(N_ROWS, weight.sum() / N_ROWS)
    elif reading.x is None:
        return reading
    return reading.with_rows(rows, weight)


def _even_steps(rows: np.ndarray, weight: np.ndarray, n: int) -> np.ndarray:
    """Positions of n rows at even steps through the sorted data: their order plays no part."""
    order = np.lexsort(rows.T[::-1])
    reached = np.cumsum(weight[order]) / weight.sum()
    steps = (np.arange(n) + 0.5) / n
    return np.take(order, np.searchsorted(reached, steps).clip(max=len(rows) - 1))


def _extreme_determinants(draws: MixtureParameters) -> np.ndarray:
    """Log determinants of the covariances, (S, 2): the largest and the smallest, or (S, 1)."""
    deviations = draws.structure.log_deviations(draws.factor, *draws.means.shape[1:])
    each: np.ndarray = 2 * deviations[:, : 1 if draws.structure.shared else None].sum(axis=2)
    return each if each.shape[1] == 1 else np.sort(each, axis=1).take([-1, 0], axis=1)


def without_labels(reading: Reading) -> xr.Dataset:
    """What no permutation of the components changes, (chain, draw, …)."""
    # Sums run from the largest weight down, so that another order of labels changes no digit.
    draws = reading.in_order
    share = draws.weights[..., None]
    mean = (share * draws.means).sum(axis=1)
    variance = (share * (draws.variances + (draws.means - mean[:, None]) ** 2)).sum(axis=1)
    quantities = _log_posterior(reading, names.LP) | {
        "sorted_weights": (("rank",), draws.weights),
        "mixture_mean": ((names.FEATURE,), mean),
        "mixture_sd": ((names.FEATURE,), np.sqrt(variance)),
    }
    return _dataset(reading, quantities, {names.FEATURE: [*reading.features]})
