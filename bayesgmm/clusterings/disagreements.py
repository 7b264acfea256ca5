"""What of the MAP the posterior disputes: labels of rows, pairs of rows, and parameters."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayesgmm.clusterings.partitions import Partition
from bayesgmm.clusterings.similarity_matrix import similarity
from bayesgmm.draws import Reading, entry_name, mcse_of_mean, names
from bayesgmm.likelihood import row_blocks, row_densities
from bayesgmm.mixture import MixtureParameters
from bayesgmm.runtime import progress_bar

DISPUTED = 0.1
"""A row whose MAP label is wrong with a larger probability is disputed."""
PAIR_ROWS = 1000
"""Rows, those most likely to be mislabelled, among which the most disputed pairs are sought."""
N_PAIRS = 20


def row_table(
    reading: Reading, map_labels: np.ndarray, best: Partition, progress: bool
) -> pd.DataFrame:
    """By row the labels, and how doubtful the MAP's is."""
    draws, rows, n_chains = reading.parameters, reading.rows, reading.n_chains
    parts = []
    for block in progress_bar(row_blocks(draws, len(rows)), "comparison: rows", progress):
        _, p = row_densities(draws, rows[block])
        wrong = 1 - np.take_along_axis(p, map_labels[None, block, None], axis=2)[..., 0]
        mean = p.mean(axis=0)
        # To first order in the draws' deviations: d(−Σ q log q) = −Σ log q dq, as Σ dq = 0.
        surprise = -np.log(np.maximum(mean, 1e-300))
        errors = mcse_of_mean(np.stack([wrong, (p * surprise).sum(axis=2)], axis=2), n_chains)
        entropy = (mean * surprise).sum(axis=1)
        parts.append([wrong.mean(axis=0), errors[:, 0], entropy, errors[:, 1]])
    index = pd.Index(reading.obs, name=names.OBS)
    table = pd.DataFrame({"map_label": map_labels, "cluster": best.labels}, index)
    columns = ("p_wrong", "mcse", "entropy", "entropy_mcse")
    doubts = dict(zip(columns, np.concatenate(parts, axis=1), strict=True))
    return table.assign(**doubts, disputed=doubts["p_wrong"] > DISPUTED)


def pair_table(
    reading: Reading, map_labels: np.ndarray, rows: pd.DataFrame, progress: bool
) -> pd.DataFrame:
    """The pairs on which posterior and MAP disagree most, among the rows most in doubt."""
    chosen = np.sort(np.argsort(-rows["p_wrong"].to_numpy(), kind="stable")[:PAIR_ROWS])
    alike = similarity(reading, rows=chosen, progress=progress)
    together = map_labels[chosen][:, None] == map_labels[chosen]
    first, second = np.triu_indices(len(chosen), 1)
    disagreement = np.abs(alike.values - together)[first, second]
    # Rounded, so that ties go by the order of the rows.
    worst = np.argsort(-disagreement.round(9), kind="stable")[:N_PAIRS]
    i, j = first[worst], second[worst]
    obs = rows.index.to_numpy()[chosen]
    return pd.DataFrame(
        {
            "obs": obs[i],
            "obs_bis": obs[j],
            "together_in_map": together[i, j],
            "similarity": alike.values[i, j],
            "mcse": alike["mcse"].values[i, j],
        }
    )


def parameter_table(reading: Reading, point: MixtureParameters, prob: float) -> pd.DataFrame:
    """By parameter the MAP beside mean and interval, and its place among the draws."""
    posterior = reading.posterior
    values = {names.MEANS: point.means, point.structure.spread: point.spread}
    if point.n_components > 1:  # else it is always 1
        values = {names.WEIGHTS: point.weights} | values
    tails = [(1 - prob) / 2, (1 + prob) / 2]
    table = {}
    for variable, at in values.items():
        v = posterior[variable]
        dims = [dim for dim in v.dims if dim not in names.LEAD]
        draws = v.transpose(*names.LEAD, *dims).values.reshape(-1, *at.shape)
        for index in np.ndindex(at.shape):
            if names.FEATURE_BIS in dims and index[-2] > index[-1]:
                continue
            labels = [v[dim].values[i] for dim, i in zip(dims, index, strict=True)]
            one, mode = draws[:, *index], at[index]
            lower, upper = np.quantile(one, tails)
            table[entry_name(variable, labels)] = {
                "map": mode,
                "mean": one.mean(),
                "mcse_mean": float(mcse_of_mean(one, reading.n_chains)),
                "sd": one.std(ddof=1),
                "lower": lower,
                "upper": upper,
                "position": (one < mode).mean(),
                "mcse_position": float(mcse_of_mean(one < mode, reading.n_chains)),
            }
    return table_of(table, "parameter")


def table_of(rows: Mapping[Any, dict[str, float]], name: str) -> pd.DataFrame:
    """A table of rows by their name."""
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(name)
