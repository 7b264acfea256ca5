"""Whole fits to the mode, beside scikit-learn's and daal4py's, which reach no higher."""

from statistics import median

import bayesgmm as bg
from benchmarks.em import far_from_the_end
from benchmarks.measure import REPETITIONS, Row, interleaved, size
from benchmarks.peers import daal, scikit_learn
from benchmarks.simulate import mixture_rows, penguins

N_STARTS = 20

DEFAULTS = {(5_000, 20, 20): "≥ 1", (3_000, 10, 20): "≥ 1"}
"""Default calls beside scikit-learn with n_init = 10; (200 000, 10, 10) in the full profile."""

SECONDS = {
    (1_000, 2, 3): ("fit_map", "≤ 0.15"),
    (200_000, 10, 10): ("fit_ml", "≤ 20"),
    (5_000, 100, 5): ("fit_map", "≤ 60"),
}
"""Default calls by the clock."""

SAME = (200_000, 10, 10)
"""Where daal4py and ours climb from one start."""

SLACK = 1e-9
"""Nats per row that our log likelihood may lie below a peer's: rounding."""


def rows(profile):
    for shape, (fit, target) in SECONDS.items():
        yield by_the_clock(shape, fit, target)
    yield beside_scikit_learn("penguins", penguins(), 3, N_STARTS, N_STARTS, "≥ 10", profile)
    defaults = DEFAULTS | ({(200_000, 10, 10): "≥ 10"} if profile == "full" else {})
    for (n, d, k), target in defaults.items():
        x = mixture_rows(n, d, k)[0]
        yield beside_scikit_learn("simulated", x, k, None, 10, target, profile)
    yield beside_daal(SAME)


def by_the_clock(shape, fit, target):
    x, mixture = mixture_rows(*shape)[0], bg.GaussianMixture(shape[2])

    def ours():
        return getattr(bg, fit)(mixture, x, random_seed=1, progress=False)

    seconds = interleaved({"bayesgmm": ours}, 5 if len(x) < 2000 else 1)["bayesgmm"]
    what = f"{fit} at {size(*shape)}, default call"
    name, extra = "default_{}_{}_{}".format(*shape), {"repetitions": seconds}
    return Row(name, what, target, "s", value=median(seconds), extra=extra)


def beside_scikit_learn(name, x, k, n_starts, n_init, target, profile):
    mixture, at = bg.GaussianMixture(k), size(*x.shape, k)

    def ours():
        return bg.fit_ml(mixture, x, n_starts=n_starts, random_seed=1, progress=False)

    # From as many starts as ours to the same end; beside a default call with its own rule to stop.
    tol = 1e-8 if n_starts else 1e-3
    theirs = scikit_learn.fit(x, k, n_init, tol)
    reached = {"scikit-learn": theirs().score(x) * len(x), "bayesgmm": ours().log_likelihood}
    not_below("scikit-learn", reached, len(x))
    call = "default call" if n_starts is None else f"{n_starts} starts"
    return Row(
        "fit_penguins" if name == "penguins" else "fit_{}_{}_{}".format(*x.shape, k),
        f"maximum likelihood, {name} {at}, {call}: scikit-learn with n_init={n_init} and "
        f"tol={tol:g}, whose log likelihood is at least reached",
        target,
        seconds=interleaved(
            {"scikit-learn": theirs, "bayesgmm": ours}, REPETITIONS[profile] if n_starts else 1
        ),
        extra={"log likelihood": reached},
    )


def beside_daal(shape):
    name = "fit_{}_{}_{}_daal".format(*shape)
    what = (
        f"from one start to the maximum of the likelihood, {size(*shape)}: daal4py's em_gmm until "
        "an iteration gains less than 1e-6 nats, whose log likelihood is at least reached"
    )
    if daal.MISSING:
        return Row(name, what, skipped=daal.MISSING)
    x, mixture = mixture_rows(*shape)
    start, k = far_from_the_end(x, mixture), shape[2]

    def ours(start=start, max_iter=1000):
        return bg.fit_ml(
            bg.GaussianMixture(k), x, start=start, n_starts=1, max_iter=max_iter, progress=False
        )

    theirs = daal.em(x, start, 10_000, threshold=1e-6)
    end = daal.mixture(theirs())
    reached = {"daal4py": ours(end, 1).log_likelihood, "bayesgmm": ours().log_likelihood}
    not_below("daal4py", reached, len(x))
    seconds = interleaved({"daal4py": theirs, "bayesgmm": ours}, 1)
    return Row(name, what, seconds=seconds, extra={"log likelihood": reached})


def not_below(peer, reached, n_obs):
    if reached["bayesgmm"] < reached[peer] - SLACK * n_obs:
        raise AssertionError(f"{peer} found a higher likelihood: {reached}.")
