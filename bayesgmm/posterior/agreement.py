"""How far chains agree: R-hat, effective sample sizes, and whether chance explains a difference."""

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from bayesgmm.draws import entry_name
from bayesgmm.runtime import progress_bar

RHAT_APART = 1.1
"""Chains that agree can have an R-hat above it only where they are short or slow …"""
LEVEL = 1e-4
"""… and then they exceed the limit with this probability."""
BLOCK = 100
"""Quantities between two steps of a progress bar."""
ROUNDING = 1e-14
"""Of a quantity's size: it varies if it does by more."""


def mixing(quantities: xr.Dataset, progress: bool = False) -> pd.DataFrame:
    """ArviZ's effective sample sizes and R-hat of every quantity."""
    from arviz_stats.base.array import array_stats

    table, names = table_of(quantities), list(quantities)
    axes = {"chain_axis": 1, "draw_axis": 2}
    parts = []
    blocks = [slice(i, i + BLOCK) for i in range(0, len(names), BLOCK)]
    for block in progress_bar(blocks, "R-hat and effective sample sizes", progress):
        some = table[block]
        with np.errstate(divide="ignore", invalid="ignore"):  # where every chain stands still
            r_hat = array_stats.rhat(some, **axes)
        bulk = array_stats.ess(some, method="bulk", **axes)
        tail = array_stats.ess(some, method="tail", prob=(0.05, 0.95), **axes)
        parts.append(np.stack([bulk, tail, r_hat], axis=1))
    values = np.concatenate([np.empty((0, 3)), *parts])
    return pd.DataFrame(values, index=names, columns=["ess_bulk", "ess_tail", "r_hat"])


def varying(dataset: xr.Dataset) -> xr.Dataset:
    """Every entry that varies as a quantity of its own, (chain, draw); a single chain as two."""
    if dataset.sizes["chain"] == 1:
        dataset = _halves(dataset)
    quantities = {}
    for name, v in dataset.data_vars.items():
        v = v.transpose("chain", "draw", ...)
        names = [v[dim].values for dim in v.dims[2:]]
        low, high = v.values.min(axis=(0, 1)), v.values.max(axis=(0, 1))
        least = ROUNDING * np.maximum(np.abs(low), np.abs(high))
        for index in np.argwhere(~(high - low <= least)):
            labels = [n[i] for n, i in zip(names, index, strict=True)]
            one = v.values[:, :, *index]
            quantities[entry_name(str(name), labels)] = (("chain", "draw"), one)
    return xr.Dataset(quantities, {dim: dataset[dim].values for dim in ("chain", "draw")})


def _halves(dataset: xr.Dataset) -> xr.Dataset:
    """A single chain as two."""
    half = dataset.sizes["draw"] // 2
    parts = [dataset.isel(draw=slice(i * half, (i + 1) * half)) for i in range(2)]
    parts = [p.assign_coords(chain=[i], draw=np.arange(half)) for i, p in enumerate(parts)]
    return xr.concat(parts, "chain")


def table_of(quantities: xr.Dataset) -> np.ndarray:
    """Quantities as one array, (quantity, chain, draw)."""
    columns = [v.transpose("chain", "draw").values for v in quantities.data_vars.values()]
    return np.array(columns, dtype=float)


def differ(table: np.ndarray, r_hat: np.ndarray) -> bool:
    """Whether chains differ in a quantity by more than the noise of their length explains."""
    suspect = r_hat > RHAT_APART
    limit = _noise_limit(_effective(table[suspect])) if suspect.any() else np.inf
    return bool((r_hat[suspect] > limit).any())


def groups_of(table: np.ndarray) -> np.ndarray:
    """A number for every chain, the same for chains that no quantity tells apart."""
    from arviz_stats.base.array import array_stats

    group = np.arange(table.shape[1])
    for i in range(len(group)):
        for j in range(i):
            pair = table[:, [j, i]]
            # A quantity may stand still in both chains, or at two values.
            with np.errstate(divide="ignore", invalid="ignore"):
                r_hat = array_stats.rhat(pair, chain_axis=1, draw_axis=2)
            if not differ(pair, r_hat):
                group[group == group[i]] = group[j]
    return np.unique(group, return_inverse=True)[1]


def _effective(table: np.ndarray) -> np.ndarray:
    """Effective draws of every chain by itself, (quantity, chain), for a place and for a spread."""
    from arviz_stats.base.array import array_stats

    each = {"ary": table[:, :, None], "chain_axis": 2, "draw_axis": 3}
    size = np.min([array_stats.ess(**each, method=m) for m in ("bulk", "folded")], axis=0)
    return np.clip(size, 3, table.shape[2])


def _noise_limit(effective: np.ndarray) -> np.ndarray:
    """R-hat of every quantity that equal chains exceed with a probability of ``LEVEL``.

    For 2 C half chains of m effective draws, R-hat² is about 1 + F / m, with F the ratio of
    variances between and within them, on 2 C − 1 and 2 C (m − 1) degrees of freedom. Never below
    1.1, where a difference matters little.
    """
    # The variances of the chains' means add up, hence the harmonic mean.
    m = 0.5 / (1 / effective).mean(axis=1)
    n = 2 * effective.shape[1]
    limit: np.ndarray = np.sqrt(1 + stats.f.isf(LEVEL, n - 1, n * (m - 1)) / m)
    return limit.clip(min=RHAT_APART)
