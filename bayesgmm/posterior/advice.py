"""The words of a diagnosis, and the limits that decide which are said."""

import numpy as np
import pandas as pd

from bayesgmm.draws import Reading

CONVERGED = "converged"
NOT_CONVERGED = "not converged"
DIFFERENT_MODES = "chains sit in different modes"
TOO_FEW = "too few draws to tell"
VERDICTS = (CONVERGED, NOT_CONVERGED, DIFFERENT_MODES, TOO_FEW)

STABLE = "labels are stable"
PUT_BACK = "labels moved and were put back"
AMBIGUOUS = "labels are ambiguous"
LABELS = (STABLE, PUT_BACK, AMBIGUOUS)

RHAT_LIMIT = 1.01
"""Below it estimates can be trusted: Vehtari et al. (2021)."""
ESS_PER_CHAIN = 100
"""The same source's smallest effective sample size, per chain."""
BFMI_LIMIT = 0.3
"""Betancourt (2016), arXiv:1604.00695."""

WINDOW = 10.0
"""Modes of the catalogue compete within so many nats of the best."""


def ambiguity(share: float) -> str:
    """What to mind where labels of this share of the draws are ambiguous."""
    return (
        f"{share:.0%} of the draws could as well have their components in another order. What is "
        "said of single components mixes what belongs to several; trust what needs no labels, or "
        "fit fewer components."
    )


def labels_of(reading: Reading, moved: np.ndarray, stuck: bool) -> tuple[str, str]:
    """What labels did, and what that means."""
    if reading.labels_are_ambiguous:
        return AMBIGUOUS, ambiguity(reading.ambiguous)
    if stuck:
        return AMBIGUOUS, (
            "relabelling did not make the chains agree on single components, which cannot be told "
            "apart; trust what needs no labels, or fit fewer components."
        )
    if moved.any():
        return PUT_BACK, (
            f"components changed places in {moved.sum()} of {moved.size} draws, which bg.relabel "
            "undoes."
        )
    return STABLE, "each means the same component in every draw."


def poor(table: pd.DataFrame, n_chains: int) -> list[str]:
    """Clauses on the R-hat and effective sample sizes of a table that miss their limits."""
    if table.empty:
        return ["R-hat and effective sample sizes cannot be had of these draws"]
    clauses = []
    r_hat = table["r_hat"].to_numpy()
    size = table[["ess_bulk", "ess_tail"]].to_numpy().min(axis=1)
    worst, least = r_hat.argmax(), size.argmin()  # NaN is both
    if not r_hat[worst] < RHAT_LIMIT:
        clauses.append(
            f"R-hat reaches {r_hat[worst]:.3f} ({table.index[worst]}) and should stay below "
            f"{RHAT_LIMIT}"
        )
    if not size[least] >= ESS_PER_CHAIN * n_chains:
        clauses.append(
            f"the effective sample size falls to {size[least]:.0f} ({table.index[least]}) and "
            f"should be {ESS_PER_CHAIN * n_chains} or more"
        )
    return clauses


def trouble(chains: pd.DataFrame) -> list[str]:
    """Clauses on what the sampler itself complains of."""
    clauses = []
    if "divergences" in chains and chains["divergences"].sum():
        n = chains["divergences"].sum()
        clauses.append(f"{n} transition{'s' if n > 1 else ''} diverged")
    if "e_bfmi" in chains and not chains["e_bfmi"].to_numpy().min() >= BFMI_LIMIT:
        clauses.append(
            f"E-BFMI falls to {chains['e_bfmi'].min():.2f} and should be {BFMI_LIMIT} or more"
        )
    return clauses


def advice_on(
    verdict: str,
    functionals: pd.DataFrame,
    chains: pd.DataFrame,
    modes: pd.DataFrame,
    faults: list[str],
    doubts: list[str],
    n_draws: int,
) -> str:
    """What the verdict means and what to do; ``doubts`` are about the relabelled parameters."""
    said = "; ".join(faults)
    if verdict == DIFFERENT_MODES:
        says = [_apart(functionals, chains)]
    elif verdict == TOO_FEW:
        says = [
            f"There are {n_draws} draws per chain: {said}. Draw more, as by "
            "bg.sample(mixture, x, draws=1000)."
        ]
    elif verdict == NOT_CONVERGED:
        says = [
            f"{said[0].upper()}{said[1:]}. Do not trust estimates from these draws yet: draw more, "
            "raise target_accept, or fit fewer components."
        ]
    else:
        says = ["The chains agree."]
        if doubts:
            says.append(
                f"For the relabelled parameters the draws are not enough, though: "
                f"{'; '.join(doubts)}. Draw more."
            )
    if len(modes) > 1:
        says.append(
            f"The search for the MAP met {len(modes)} modes within {WINDOW:g} nats of one another: "
            "a chain may not have visited all of them."
        )
    if len(chains) == 1:
        says.append("One chain was compared with itself: draw several.")
    return " ".join(says)


def _apart(functionals: pd.DataFrame, chains: pd.DataFrame) -> str:
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
