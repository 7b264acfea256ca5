"""Whether the chains agree: on everything, on everything but labels, or not at all."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from scipy import stats

from bayesgmm import markup
from bayesgmm.posterior.draws import Draws
from bayesgmm.posterior.functionals import label_free
from bayesgmm.posterior.relabelling import relabel
from bayesgmm.structure import SPREAD, entry_name

if TYPE_CHECKING:
    import pandas as pd

CONVERGED = "converged"
LABELS_MOVED = "only labels moved"
DIFFERENT_MODES = "chains sit in different modes"
TOO_FEW = "too few draws to tell"
"""Neither: the chains differ, but no more than such slow or short ones would by chance."""

RHAT_LIMIT = 1.01
"""Below it estimates can be trusted: Vehtari et al. (2021)."""
ESS_PER_CHAIN = 100
"""The same source's smallest effective sample size, per chain."""
BFMI_LIMIT = 0.3
"""Betancourt (2016), arXiv:1604.00695."""

RHAT_APART = 1.1
"""Chains that agree can have an R-hat above it only where they are short or slow …"""
LEVEL = 1e-4
"""… and then they exceed the limit with this probability."""

LEAST_DRAWS = 8
"""Per chain, for a diagnosis at all."""

WINDOW = 10.0
"""Modes of the catalogue compete within so many nats of the best."""


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What ``diagnose`` found: the verdict, and the evidence for it."""

    verdict: str
    """``converged``, ``only labels moved`` or ``chains sit in different modes``; where R-hat is
    above 1.1 by no more than chance explains, ``too few draws to tell``."""
    advice: str
    """What that means, and what to do next."""
    enough: bool
    """Whether the draws suffice for every quantity: R-hat below 1.01, bulk and tail effective
    sample sizes of 100 per chain, no divergences, E-BFMI of 0.3 or more."""
    functionals: "pd.DataFrame"
    """``ess_bulk``, ``ess_tail`` and ``r_hat`` of quantities that no relabelling can change: log
    posterior, log likelihood, entropy of the allocations, sorted weights, log density at rows."""
    parameters: "pd.DataFrame"
    """The same of the relabelled parameters."""
    chains: "pd.DataFrame"
    """Per chain: ``group`` (chains of one group are alike), mean ``log_posterior`` and
    ``log_likelihood`` (nats), ``moved`` (share of draws whose labels were not those of most
    draws), and ``divergences`` and ``e_bfmi`` where the sampler kept them."""
    modes: "pd.DataFrame"
    """Modes that the starts of the MAP reached within 10 nats of the best: ``log_posterior`` and
    ``below_best`` (nats), and ``starts``, how many reached it."""

    @property
    def converged(self) -> bool:
        """Whether the verdict is ``converged``."""
        return self.verdict == CONVERGED

    def __str__(self):
        return f"Verdict: {self.verdict}. {self.advice}"

    __repr__ = __str__

    def _repr_html_(self):
        titles = {
            "Chains": self.chains,
            "Quantities without labels, worst R-hat first": _worst_first(self.functionals),
            "Relabelled parameters, worst R-hat first": _worst_first(self.parameters),
            f"Modes found within {WINDOW:g} nats of the best": self.modes,
        }
        return markup.card(
            markup.verdict(f"Verdict: {self.verdict}", self.advice, self.converged and self.enough),
            *(
                markup.folded(title, markup.frame_table(table, title))
                for title, table in titles.items()
                if len(table)
            ),
        )


def diagnose(post: xr.DataTree, *, x: Any = None, progress: bool = True) -> Diagnosis:
    """Whether the chains have converged, only their labels moved, or they sit in different modes.

    R-hat of labelled parameters cannot tell: it is high where labels switch, and that is harmless.
    So chains are compared by quantities that no permutation of exchangeable components changes;
    whether labels moved, by the permutations that relabelling needs. A component that the prior
    tells apart has no label to move: where chains differ in it, they differ.

    Parameters
    ----------
    post : xarray.DataTree
        Relabelled or not; the verdict is about the labels as they were drawn.
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    progress : bool

    Returns
    -------
    Diagnosis
        Print it, or read the evidence from its tables.

    Raises
    ------
    ValueError
        The tree lacks what is needed, or has fewer than 8 draws in a chain.

    Notes
    -----
    *Chains sit in different modes* if the rank-normalised split R-hat [1]_ of a label-free quantity
    exceeds 1.1 and what chains that agree would reach once in 10 000, given their effective sample
    size, and does so for two chains by themselves with no third between them. Otherwise an R-hat
    above 1.01 is not taken for modes: then ``enough`` is False.
    A single chain is compared half by half; no run can tell of a mode that no chain has visited.

    References
    ----------
    .. [1] Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Bayesian Analysis 16, 667–718.
    """
    sizes = post["posterior"].to_dataset().sizes
    if sizes["draw"] < LEAST_DRAWS:
        raise ValueError(
            f"post has {sizes['draw']} draws per chain; a diagnosis needs {LEAST_DRAWS} at least. "
            "Try bg.sample(mixture, x, draws=1000)."
        )
    if "clustering" not in post.children:
        post = relabel(post, x=x, progress=progress)
    values, moved = label_free(post, x, progress), _moved(post)
    free, labelled = varying(values), varying(labelled_parameters(post))
    table, other = _table(free), _table(labelled)
    functionals, parameters = mixing(free), mixing(labelled)
    apart = _differ(table, functionals["r_hat"].to_numpy())
    stuck = _differ(other, parameters["r_hat"].to_numpy())
    group = np.zeros(sizes["chain"], dtype=int)
    if apart and len(group) > 1:
        group = _groups(table)
        # Slow chains that all go to and fro between the modes sit in none of them.
        apart = group.any()
    if apart:
        verdict = DIFFERENT_MODES
    elif moved.any() or stuck:
        # Density, weights and entropy agree, so that only what belongs to which label can differ.
        verdict = LABELS_MOVED
    elif not functionals["r_hat"].max() <= RHAT_APART:
        verdict = TOO_FEW
    else:
        verdict = CONVERGED
    chains = _chains(post, values, moved, group)
    modes = _competing_modes(post)
    faults = _faults(functionals, parameters, chains)
    advice = _advice(verdict, functionals, chains, modes, faults, moved, stuck)
    return Diagnosis(verdict, advice, not faults, functionals, parameters, chains, modes)


def mixing(quantities):
    """ArviZ's effective sample sizes and R-hat of every quantity."""
    import pandas as pd
    from arviz_stats.base import array_stats

    table = _table(quantities)
    axes = {"chain_axis": 1, "draw_axis": 2}
    columns = {
        "ess_bulk": array_stats.ess(table, method="bulk", **axes),
        "ess_tail": array_stats.ess(table, method="tail", prob=(0.05, 0.95), **axes),
        "r_hat": array_stats.rhat(table, **axes),
    }
    return pd.DataFrame(columns, index=list(quantities))


def varying(dataset):
    """Every entry that varies as a quantity of its own, (chain, draw); a single chain as two."""
    if dataset.sizes["chain"] == 1:
        dataset = _halves(dataset)
    quantities = {}
    for name, v in dataset.data_vars.items():
        others = [dim for dim in v.dims if dim not in ("chain", "draw")]
        spread = v.max(("chain", "draw")) - v.min(("chain", "draw"))
        for index in np.ndindex(*(v.sizes[dim] for dim in others)):
            at = dict(zip(others, index, strict=True))
            if spread.isel(at) > 0:
                labels = [v[dim].values[i] for dim, i in at.items()]
                quantities[entry_name(name, labels)] = v.isel(at, drop=True)
    return xr.Dataset(quantities)


def _halves(dataset):
    """A single chain as two."""
    half = dataset.sizes["draw"] // 2
    parts = [dataset.isel(draw=slice(i * half, (i + 1) * half)) for i in range(2)]
    parts = [p.assign_coords(chain=[i], draw=np.arange(half)) for i, p in enumerate(parts)]
    return xr.concat(parts, "chain")


def _table(quantities):
    """Quantities as one array, (quantity, chain, draw)."""
    columns = [v.transpose("chain", "draw").values for v in quantities.data_vars.values()]
    return np.array(columns, dtype=float)


def _effective(table):
    """Effective draws of every chain by itself, (quantity, chain), for a place and for a spread."""
    from arviz_stats.base import array_stats

    each = {"ary": table[:, :, None], "chain_axis": 2, "draw_axis": 3}
    size = np.min([array_stats.ess(**each, method=m) for m in ("bulk", "folded")], axis=0)
    return np.clip(size, 3, table.shape[2])


def _differ(table, r_hat):
    """Whether chains differ in a quantity by more than the noise of their length explains."""
    suspect = r_hat > RHAT_APART
    limit = _noise_limit(_effective(table[suspect])) if suspect.any() else np.inf
    return bool((r_hat[suspect] > limit).any())


def _noise_limit(effective):
    """R-hat of every quantity that equal chains exceed with a probability of ``LEVEL``.

    For 2 C half chains of m effective draws, R-hat² is about 1 + F / m, with F the ratio of
    variances between and within them, on 2 C − 1 and 2 C (m − 1) degrees of freedom. Never below
    1.1, where a difference matters little.
    """
    # The variances of the chains' means add up, hence the harmonic mean.
    m = 0.5 / (1 / effective).mean(axis=1)
    n = 2 * effective.shape[1]
    return np.maximum(RHAT_APART, np.sqrt(1 + stats.f.isf(LEVEL, n - 1, n * (m - 1)) / m))


def labelled_parameters(post):
    """Relabelled weights, means, and the spread, on and above the diagonal."""
    posterior = post["posterior"].to_dataset()
    name = SPREAD[Draws.of(post).covariance]
    spread = posterior[name]
    if "feature_bis" in spread.dims:
        d = posterior.sizes["feature"]
        above = xr.DataArray(np.triu(np.ones((d, d))), dims=("feature", "feature_bis"))
        spread = spread.transpose("chain", "draw", ...) * above.values
    return posterior[["weights", "means"]].assign({name: spread})


def _moved(post):
    """(chain, draw): whether a draw's labels are not those of most draws."""
    permutation = post["clustering"]["permutation"].transpose("chain", "draw", ...).values
    flat = permutation.reshape(-1, permutation.shape[-1])
    _, which, counts = np.unique(flat, axis=0, return_inverse=True, return_counts=True)
    return (which.ravel() != counts.argmax()).reshape(permutation.shape[:2])


def _chains(post, values, moved, group):
    """What every chain says of itself."""
    import pandas as pd

    columns = {"group": group}
    for name in ("log_posterior", "log_likelihood"):
        if name in values:
            columns[name] = values[name].mean("draw").values
    columns["moved"] = moved.mean(axis=1)
    statistics = post["sample_stats"] if "sample_stats" in post.children else {}
    if "diverging" in statistics:
        columns["divergences"] = statistics["diverging"].sum("draw").values
    if "energy" in statistics:
        energy = statistics["energy"].transpose("chain", "draw").values
        columns["e_bfmi"] = (np.diff(energy) ** 2).mean(axis=1) / energy.var(axis=1, ddof=1)
    return pd.DataFrame(columns, index=pd.Index(values["chain"].values, name="chain"))


def _groups(table):
    """A number for every chain, the same for chains that no quantity tells apart."""
    from arviz_stats.base import array_stats

    group = np.arange(table.shape[1])
    for i in range(len(group)):
        for j in range(i):
            pair = table[:, [j, i]]
            if not _differ(pair, array_stats.rhat(pair, chain_axis=1, draw_axis=2)):
                group[group == group[i]] = group[j]
    return np.unique(group, return_inverse=True)[1]


def _competing_modes(post):
    """The catalogue's modes within ``WINDOW`` nats of the best."""
    import pandas as pd

    columns = ["log_posterior", "below_best", "starts"]
    if "map" not in post.children or "mode_log_posterior" not in post["map"]:
        return pd.DataFrame(columns=columns)
    value = post["map"]["mode_log_posterior"].values
    table = pd.DataFrame(
        {columns[0]: value, columns[1]: value.max() - value if len(value) else value}
    ).assign(starts=post["map"]["mode_count"].values)
    return table[table["below_best"] <= WINDOW].rename_axis("mode")


def _faults(functionals, parameters, chains):
    """Sentences on what the draws do not suffice for."""
    import pandas as pd

    both = pd.concat([functionals, parameters])
    worst, least = both["r_hat"].max(), both[["ess_bulk", "ess_tail"]].min(axis=None)
    faults = []
    if not worst < RHAT_LIMIT:
        faults.append(f"the worst R-hat is {worst:.3f} ({both['r_hat'].idxmax()})")
    if not least >= ESS_PER_CHAIN * len(chains):
        faults.append(f"the smallest effective sample size is {least:.0f}")
    if "divergences" in chains and chains["divergences"].sum():
        faults.append(f"{chains['divergences'].sum()} transitions diverged")
    if "e_bfmi" in chains and chains["e_bfmi"].min() < BFMI_LIMIT:
        faults.append(f"the smallest E-BFMI is {chains['e_bfmi'].min():.2f}")
    return faults


def _advice(verdict, functionals, chains, modes, faults, moved, stuck):
    says = []
    if verdict == DIFFERENT_MODES:
        says.append(_apart(functionals, chains))
    elif verdict == LABELS_MOVED:
        says.append(
            f"Labels changed places in {moved.sum()} of {moved.size} draws, which bg.relabel "
            "undoes; nothing else tells the chains apart."
        )
        if stuck:
            says.append(
                "It did not make the labels agree, though: the components cannot be told apart, so "
                "read what needs no labels."
            )
    elif verdict == TOO_FEW:
        says.append("The chains differ, though by no more than chance explains in so short a run.")
    else:
        says.append("The chains agree, and labels mean the same in all draws.")
    if faults and verdict != DIFFERENT_MODES:
        says.append(
            f"The draws are not enough, though: {'; '.join(faults)}. Draw more, or raise "
            "target_accept."
        )
    if len(modes) > 1:
        says.append(
            f"The search for the MAP met {len(modes)} modes within {WINDOW:g} nats of one another: "
            "a chain may not have visited all of them."
        )
    if len(chains) == 1:
        says.append("One chain was compared with itself: draw several.")
    return " ".join(says)


def _apart(functionals, chains):
    """Which chains differ, in what, and by how much."""
    worst = functionals["r_hat"].idxmax()
    says = f"R-hat of {worst} is {functionals['r_hat'].max():.2f}, which labels cannot explain"
    level = "log_posterior" if "log_posterior" in chains else "log_likelihood"
    groups = chains.groupby("group", sort=False)
    if groups.ngroups > 1:
        parts = [
            f"{'chain' if len(g) == 1 else 'chains'} {', '.join(map(str, g.index))} at a mean "
            f"{level.replace('_', ' ')} of {g[level].mean():.1f}"
            for _, g in groups
        ]
        says += ": " + "; ".join(parts)
    return (
        f"{says}. Averages over these chains mean nothing: their shares are those of the starts. "
        "Try a longer tune and more chains, a larger n_starts for the MAP, or fewer components."
    )


def _worst_first(table):
    return table.rename_axis("quantity").sort_values("r_hat", ascending=False)
