"""Whether chains have converged, by what needs no labels; and, apart from that, what labels did."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayesgmm.data import Rows
from bayesgmm.draws import Posterior, Reading, names
from bayesgmm.html import cells
from bayesgmm.labels import relabelled
from bayesgmm.posterior import advice as words
from bayesgmm.posterior.agreement import differ, groups_of, mixing, table_of, varying
from bayesgmm.posterior.label_free import functionals, with_few_rows

LEAST_DRAWS = 8
"""Per chain, for R-hat and effective sample sizes at all."""


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What ``diagnose`` found: the verdict, what labels did, and the evidence for both."""

    verdict: str
    """``converged``, ``not converged`` or ``chains sit in different modes``; ``too few draws to
    tell`` where not even independent draws would do."""
    advice: str
    """What that means, and what to do next."""
    labels: str
    """``labels are stable``, ``labels moved and were put back`` by relabelling, or ``labels are
    ambiguous`` even so. They play no part in the verdict."""
    labels_advice: str
    """What that means."""
    enough: bool
    """Whether the draws suffice: the verdict is ``converged``, and the relabelled parameters meet
    the limits of R-hat and effective sample size, too, unless labels are ambiguous."""
    functionals: pd.DataFrame
    """``ess_bulk``, ``ess_tail`` and ``r_hat`` of quantities that no relabelling can change: log
    posterior, log likelihood, entropy of the allocations, sorted weights, extreme log determinants,
    log density at rows, and the probability that two rows are together."""
    parameters: pd.DataFrame
    """The same of the relabelled parameters."""
    chains: pd.DataFrame
    """Per chain: ``group`` (chains of one group are alike), mean ``log_posterior`` and
    ``log_likelihood`` (nats), ``moved`` (share of draws whose labels were not those of most
    draws), and ``divergences`` and ``e_bfmi`` where the sampler kept them."""
    modes: pd.DataFrame
    """Modes that the starts of the MAP reached within 10 nats of the best: ``log_posterior`` and
    ``below_best`` (nats), and ``starts``, how many reached it."""

    @property
    def converged(self) -> bool:
        """Whether the verdict is ``converged``."""
        return self.verdict == words.CONVERGED

    @property
    def statements(self) -> tuple[str, str]:
        """The verdict and what labels did, each with its advice."""
        return (
            f"Verdict: {self.verdict}. {self.advice}",
            f"{self.labels.capitalize()}: {self.labels_advice}",
        )

    def __str__(self) -> str:
        return "\n".join(self.statements)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        titles = {
            "Chains": self.chains,
            "Quantities without labels, worst R-hat first": _worst_first(self.functionals),
            "Relabelled parameters, worst R-hat first": _worst_first(self.parameters),
            f"Modes found within {words.WINDOW:g} nats of the best": self.modes,
        }
        clear = self.labels != words.AMBIGUOUS
        return cells.card(
            cells.verdict(f"Verdict: {self.verdict}", self.advice, self.enough),
            cells.verdict(self.labels.capitalize(), self.labels_advice, clear),
            *(
                cells.folded(title, cells.frame_table(table, title))
                for title, table in titles.items()
                if len(table)
            ),
        )


def diagnose(post: Posterior, *, x: Rows | None = None, progress: bool = True) -> Diagnosis:
    """Whether the chains have converged, and, apart from that, whether their labels moved.

    R-hat of labelled parameters cannot tell: it is high where labels switch, and that is harmless.
    So the verdict is that of quantities that no permutation of exchangeable components changes, and
    of the sampler's own signs of trouble. What labels did is read off the permutations that
    relabelling needs, and is said separately. A component that the prior tells apart has no label
    to move: where chains differ in it, they differ.

    Parameters
    ----------
    post : xarray.DataTree
        Relabelled or not; ``labels`` is about them as they were drawn.
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
        The tree lacks what is needed.

    Notes
    -----
    *Converged* is said only if of every label-free quantity the rank-normalised split R-hat [1]_ is
    below 1.01 and bulk and tail effective sample sizes are at least 100 per chain, no transition
    diverged, and every chain's E-BFMI is 0.3 or more. Otherwise the verdict is

    - *chains sit in different modes* if an R-hat exceeds 1.1 and what chains that agree would reach
      once in 10 000, given their effective sample size, and does so for two chains by themselves
      with no third between them;
    - *too few draws to tell* if there are fewer than 100 draws per chain, so that not even
      independent ones would do;
    - *not converged* in all other cases.

    *Labels are ambiguous* if relabelling finds them so (see :func:`relabel`), or if parameters of
    chains that otherwise agree still differ by more than chance explains.

    A single chain is compared half by half; no run can tell of a mode that no chain has visited.
    Of more than 2000 rows so many stand for all, at even steps through the sorted data: the log
    likelihood is then estimated from them, and so are the permutations of a tree that is not yet
    relabelled. The log posterior is the sampler's own, of all rows.

    References
    ----------
    .. [1] Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Bayesian Analysis 16, 667–718.
    """
    few = relabelled(with_few_rows(Reading.of(post, x)), progress=progress)
    n_chains, n_draws = map(len, few.lead.values())
    values, moved = functionals(few, progress), _moved(few)
    long_enough = n_draws >= LEAST_DRAWS
    free, labelled = (
        varying(v) if long_enough else xr.Dataset() for v in (values, labelled_parameters(few))
    )
    mixed, parameters = mixing(free, progress), mixing(labelled, progress)
    table, group = table_of(free), np.zeros(n_chains, dtype=int)
    apart = differ(table, mixed["r_hat"].to_numpy())
    if apart and len(group) > 1:
        group = groups_of(table)
        # Slow chains that all go to and fro between the modes sit in none of them.
        apart = bool(group.any())
    chains = _chains(few, values, moved, group)
    modes = _competing_modes(few.group(names.MAP))
    faults = [*words.poor(mixed, n_chains), *words.trouble(chains)]
    if apart:
        verdict = words.DIFFERENT_MODES
    elif not faults:
        verdict = words.CONVERGED
    elif n_draws < words.ESS_PER_CHAIN:
        verdict = words.TOO_FEW
    else:
        verdict = words.NOT_CONVERGED
    stuck = not apart and differ(table_of(labelled), parameters["r_hat"].to_numpy())
    labels, labels_advice = words.labels_of(few, moved, stuck)
    doubts = [] if labels == words.AMBIGUOUS else words.poor(parameters, n_chains)
    return Diagnosis(
        verdict=verdict,
        advice=words.advice_on(verdict, mixed, chains, modes, faults, doubts, n_draws),
        labels=labels,
        labels_advice=labels_advice,
        enough=verdict == words.CONVERGED and not doubts,
        functionals=mixed,
        parameters=parameters,
        chains=chains,
        modes=modes,
    )


def labelled_parameters(reading: Reading) -> xr.Dataset:
    """Relabelled weights, means, and the spread, on and above the diagonal."""
    posterior, name = reading.posterior, reading.parameters.structure.spread
    spread = posterior[name]
    if names.FEATURE_BIS in spread.dims:
        spread = spread.transpose(*names.LEAD, ...) * np.tri(len(reading.features)).T
    return posterior[[names.WEIGHTS, names.MEANS]].assign({name: spread})


def _moved(reading: Reading) -> np.ndarray:
    """(chain, draw): whether a draw's labels are not those of most draws."""
    permutation = reading.permutations
    flat = permutation.reshape(-1, permutation.shape[-1])
    _, which, counts = np.unique(flat, axis=0, return_inverse=True, return_counts=True)
    moved: np.ndarray = which.ravel() != counts.argmax()
    return moved.reshape(permutation.shape[:2])


def _chains(
    reading: Reading, values: xr.Dataset, moved: np.ndarray, group: np.ndarray
) -> pd.DataFrame:
    """What every chain says of itself."""
    columns = {"group": group}
    for name in ("log_posterior", "log_likelihood"):
        if name in values:
            columns[name] = values[name].mean(names.DRAW).values
    columns["moved"] = moved.mean(axis=1)
    statistics = reading.group(names.STATISTICS)
    if "diverging" in statistics:
        columns["divergences"] = statistics["diverging"].sum(names.DRAW).values
    if "energy" in statistics:
        energy = statistics["energy"].transpose(*names.LEAD).values
        columns["e_bfmi"] = (np.diff(energy) ** 2).mean(axis=1) / energy.var(axis=1, ddof=1)
    return pd.DataFrame(columns, index=pd.Index(values[names.CHAIN].values, name=names.CHAIN))


def _competing_modes(group: xr.Dataset) -> pd.DataFrame:
    """The catalogue's modes within ``WINDOW`` nats of the best."""
    if "mode_log_posterior" not in group:
        return pd.DataFrame(columns=["log_posterior", "below_best", "starts"])
    value, starts = group["mode_log_posterior"].values, group["mode_count"].values
    below = value.max(initial=-np.inf) - value
    table = pd.DataFrame({"log_posterior": value, "below_best": below, "starts": starts})
    return table[below <= words.WINDOW].rename_axis("mode")


def _worst_first(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename_axis("quantity").sort_values("r_hat", ascending=False)
