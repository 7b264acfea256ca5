"""A whole fit to the mode, 20 starts, beside scikit-learn's."""

import bayesgmm as bg
from benchmarks.measure import REPETITIONS, Row, interleaved, size
from benchmarks.peers import scikit_learn
from benchmarks.simulate import mixture_rows, penguins

N_STARTS = 20

SLACK = 1e-6
"""Nats that our log likelihood may lie below scikit-learn's: rounding."""


def rows(profile):
    yield fit("penguins", penguins(), 3, REPETITIONS[profile])
    if profile == "full":
        # scikit-learn takes minutes where a start of its own climbs slowly.
        yield fit("simulated", mixture_rows(10_000, 5, 5)[0], 5, REPETITIONS["quick"])


def fit(name, x, n_components, repetitions):
    mixture = bg.GaussianMixture(n_components)

    def ours():
        return bg.fit_ml(mixture, x, n_starts=N_STARTS, random_seed=1, progress=False)

    theirs = scikit_learn.fit(x, n_components, N_STARTS)
    reached = {"scikit-learn": theirs().score(x) * len(x), "bayesgmm": ours().log_likelihood}
    if reached["bayesgmm"] < reached["scikit-learn"] - SLACK:
        raise AssertionError(f"scikit-learn found a higher likelihood: {reached}.")
    return Row(
        f"fit_{name}",
        f"fit from {N_STARTS} starts, {name} {size(*x.shape, n_components)}: maximum likelihood, "
        "scikit-learn with n_init=20 and tol=1e-8, whose log likelihood is at least reached",
        "≥ 10",
        seconds=interleaved({"scikit-learn": theirs, "bayesgmm": ours}, repetitions),
        extra={"log likelihood": reached},
    )
