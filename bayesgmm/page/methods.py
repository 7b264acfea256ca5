"""The paragraph of methods, ready to paste, and the works that it cites."""

from collections.abc import Iterator
from typing import Any

from bayesgmm.mixture import Prior, Structure, prior_of_dict, structure_named

WORKS = {
    "Fraley & Raftery (2007)": "Fraley, C. & Raftery, A. E. (2007). Bayesian regularization for "
    "normal mixture estimation and model-based clustering. Journal of Classification 24, 155–181.",
    "García-Escudero et al., 2008": "García-Escudero, L. A., Gordaliza, A., Matrán, C. & "
    "Mayo-Iscar, A. (2008). A general trimming approach to robust cluster analysis. The Annals of "
    "Statistics 36, 1324–1345.",
    "Lewandowski et al., 2009": "Lewandowski, D., Kurowicka, D. & Joe, H. (2009). Generating "
    "random correlation matrices based on vines and extended onion method. Journal of Multivariate "
    "Analysis 100, 1989–2001.",
    "Dempster et al., 1977": "Dempster, A. P., Laird, N. M. & Rubin, D. B. (1977). Maximum "
    "likelihood from incomplete data via the EM algorithm. Journal of the Royal Statistical "
    "Society B 39, 1–38.",
    "Hoffman & Gelman, 2014": "Hoffman, M. D. & Gelman, A. (2014). The No-U-Turn sampler: "
    "adaptively setting path lengths in Hamiltonian Monte Carlo. Journal of Machine Learning "
    "Research 15, 1593–1623.",
    "Betancourt, 2017": "Betancourt, M. (2017). A conceptual introduction to Hamiltonian Monte "
    "Carlo. arXiv:1701.02434.",
    "Shahbaba et al., 2014": "Shahbaba, B., Lan, S., Johnson, W. O. & Neal, R. M. (2014). Split "
    "Hamiltonian Monte Carlo. Statistics and Computing 24, 339–349.",
    "Stephens, 2000": "Stephens, M. (2000). Dealing with label switching in mixture models. "
    "Journal of the Royal Statistical Society B 62, 795–809.",
    "Papastamoulis & Iliopoulos, 2010": "Papastamoulis, P. & Iliopoulos, G. (2010). An artificial "
    "allocations based solution to the label switching problem in Bayesian analysis of mixtures of "
    "distributions. Journal of Computational and Graphical Statistics 19, 313–331.",
    "Vehtari et al., 2021": "Vehtari, A., Gelman, A., Simpson, D., Carpenter, B. & Bürkner, P.-C. "
    "(2021). Rank-normalization, folding, and localization: an improved R-hat for assessing "
    "convergence of MCMC. Bayesian Analysis 16, 667–718.",
    "Meilă, 2007": "Meilă, M. (2007). Comparing clusterings – an information based distance. "
    "Journal of Multivariate Analysis 98, 873–895.",
    "Wade & Ghahramani, 2018": "Wade, S. & Ghahramani, Z. (2018). Bayesian cluster analysis: point "
    "estimation and credible balls. Bayesian Analysis 13, 559–626.",
    "Dahl et al. (2022)": "Dahl, D. B., Johnson, D. J. & Müller, P. (2022). Search algorithms and "
    "loss functions for Bayesian clustering. Journal of Computational and Graphical Statistics 31, "
    "1189–1201.",
    "Gelman et al., 1996": "Gelman, A., Meng, X.-L. & Stern, H. (1996). Posterior predictive "
    "assessment of model fitness via realized discrepancies. Statistica Sinica 6, 733–760.",
    "Flegal & Jones, 2010": "Flegal, J. M. & Jones, G. L. (2010). Batch means and spectral "
    "variance estimators in Markov chain Monte Carlo. The Annals of Statistics 38, 1034–1070.",
}
"""How the text cites a work, and the work."""

SAMPLERS = {
    "NUTS": "the No-U-Turn sampler (Hoffman & Gelman, 2014)",
    "HMC": "Hamiltonian Monte Carlo with a multinomial choice along trajectories of a fixed length "
    "(Betancourt, 2017), integrated by steps that are exact for the normal approximation at the "
    "mode (Shahbaba et al., 2014)",
}
RELABELLING = {
    "stephens": "to minimise the Kullback–Leibler divergence of its allocation probabilities from "
    "their mean (Stephens, 2000)",
    "ecr": "to agree best with the MAP's clustering (Papastamoulis & Iliopoulos, 2010)",
}


def methods_of(found: dict[str, Any]) -> dict[str, Any]:
    """``text``, a paragraph that says what was done, and ``references``, those it cites, sorted."""
    text = " ".join(_sentences(found))
    return {"text": text, "references": sorted(WORKS[cited] for cited in WORKS if cited in text)}


def _sentences(found: dict[str, Any]) -> Iterator[str]:
    fit = found["fit"]
    yield from _model(fit)
    yield from _mode(found["map"])
    yield from _sampling(fit, found["posterior"], found["convergence"])
    yield from _clusterings(found["clustering"], found["comparison"])
    yield (
        f"Intervals are central and hold {found['interval']:.0%} of the posterior. The fit was "
        f"checked by {found['checks']['n_replicas']} replicas of the data (Gelman et al., 1996). "
        "Standard errors of what is averaged over draws are by batch means (Flegal & Jones, 2010)."
    )
    tools = ("bayesgmm", "pymc", "nutpie", "arviz", "numpy")
    if using := ", ".join(f"{n} {fit['versions'][n]}" for n in tools if n in fit["versions"]):
        yield f"Computations used {using}."


def _model(fit: dict[str, Any]) -> Iterator[str]:
    k, data = fit["n_components"], fit["data"]
    weights = ""
    if data["sample_weight_sum"] is not None:
        weights = f", with row weights that sum to {data['sample_weight_sum']:.6g}"
    yield (
        f"The {data['n_obs']} observations of {count(data['n_features'], 'feature')}{weights} "
        f"were modelled as independent draws from a mixture of {count(k, 'Gaussian component')} "
        f"with {fit['structure']}; the assignment of observations to components was summed out."
    )
    if fit["prior"]:
        prior, structure = prior_of_dict(fit["prior"]), structure_named(fit["covariance"])
        yield from _prior(prior, fit["prior_scaled"], structure)


def _prior(prior: Prior, scaled: list[str], structure: Structure) -> Iterator[str]:
    says = prior.words(structure)
    yield f"The weights had a Dirichlet prior, {says}; the numbers are listed in the report."
    if scaled:
        names = ", ".join(name.replace("_", " ") for name in scaled)
        yield f"Those of the data's scale ({names}) are taken from {prior.source}."


def _mode(mode: dict[str, Any]) -> Iterator[str]:
    if "unavailable" in mode:
        return
    starts = f" from {mode['n_starts']} starts" if mode["n_starts"] else ""
    yield (
        "The posterior's mode (MAP), that of the density of weights, means and covariances "
        "without the Jacobian of any transform, was found by expectation–maximisation (Dempster "
        f"et al., 1977){starts}, finished by a quasi-Newton method."
    )


def _sampling(
    fit: dict[str, Any], posterior: dict[str, Any], convergence: dict[str, Any]
) -> Iterator[str]:
    run, method = fit["sampling"], posterior["relabelling"]
    tune = f" after {run['n_tune']} tuning steps" if run["n_tune"] else ""
    yield (
        f"The posterior was sampled by {SAMPLERS[run['sampler'] or 'NUTS']}: "
        f"{count(run['n_chains'], 'chain')} of {run['n_draws']} draws{tune}."
    )
    if method is not None:
        how = RELABELLING.get(method, "to bring its parameters nearest to the MAP's")
        yield (
            "Since the posterior does not change when exchangeable components swap labels, those "
            f"of every draw were permuted {how} before labelled quantities were summarised."
        )
    elif fit["n_components"] > 1:
        yield "Components kept the labels that the prior gives them."
    yield (
        "Convergence was judged by rank-normalised split R-hat and effective sample sizes (Vehtari "
        f"et al., 2021) of quantities that do not depend on labels: {convergence['verdict']}."
    )


def _clusterings(clustering: dict[str, Any], comparison: dict[str, Any]) -> Iterator[str]:
    part = "" if clustering["all_rows"] else f" of {clustering['n_rows']} rows drawn at random"
    yield (
        f"The reported clustering{part} minimises the posterior expected variation of information "
        "(Meilă, 2007; Wade & Ghahramani, 2018), by the search of Dahl et al. (2022); its "
        f"uncertainty is given by a {clustering['ball']['prob']:.0%} credible ball (Wade & "
        "Ghahramani, 2018)."
    )
    if "unavailable" not in comparison:
        yield "The MAP's clustering was compared with it by the same loss."


def count(n: int, noun: str) -> str:
    """So many of a thing, such as "1 row" or "2 rows"."""
    return f"{n} {noun}{'' if n == 1 else 's'}"
