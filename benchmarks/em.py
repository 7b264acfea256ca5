"""Iterations of EM, on every core, beside scikit-learn's, daal4py's and mclust's."""

import time

import numpy as np

import bayesgmm as bg
from bayesgmm.em.objective import Objective
from bayesgmm.likelihood.passes import responsibilities
from bayesgmm.likelihood.target import unconstrain
from bayesgmm.mixture.parameters import MixtureParameters
from bayesgmm.runtime import in_order, one_blas_thread
from benchmarks.measure import REPETITIONS, Row, Seconds, interleaved, size
from benchmarks.peers import daal, mclust, scikit_learn
from benchmarks.simulate import mixture_rows

TARGETS = {(200_000, 2, 3): "≥ 40", (200_000, 30, 10): "≥ 6", (1_000_000, 10, 10): "≥ 20"}

ITERATIONS = 30
"""Of a call, that what is done before the first counts for little."""
CLIMBS = 20
"""The starts of a fit."""
DAAL_TARGETS = {
    (2_000, 2, 3): "≥ 2",
    (20_000, 2, 3): "≥ 2",
    (200_000, 2, 3): "≥ 2",
    (200_000, 10, 10): "≥ 2",
    (50_000, 30, 10): "≥ 1.5",
    (5_000, 100, 5): "≥ 1.2",
    (20_000, 50, 20): "≥ 1.2",
}

SMALL = 5_000_000
"""Numbers n d K up to which the quick profile, too, waits for mclust."""


def rows(profile):
    for (n, d, k), target in TARGETS.items():
        x, start = mixture_rows(n, d, k)
        ours, end = em_iteration(x, start)
        sklearn = scikit_learn.em_iteration(x, start)
        same(end, sklearn())
        yield Row(
            f"em_{n}_{d}_{k}",
            f"one EM iteration, {size(n, d, k)}: scikit-learn's E and M step alone, both cores",
            target,
            seconds=interleaved({"scikit-learn": sklearn, "bayesgmm": ours}, REPETITIONS[profile]),
        )
        if profile == "full" or n * d * k <= SMALL:
            yield beside_mclust(x, start, ours, end, profile)
    for shape, target in DAAL_TARGETS.items():
        yield beside_daal(shape, target, profile)


def beside_mclust(x, start, ours, end, profile):
    name = "em_{}_{}_{}_mclust".format(*x.shape, start.n_components)
    at = size(*x.shape, start.n_components)
    what = (
        f"one EM iteration, {at}: mclust's me, model VVV, one of two more iterations by R's clock"
    )
    if not mclust.versions():
        return Row(name, what, skipped=mclust.MISSING)
    z = responsibilities(x, start.log_weights, start.means, start.factor)
    with mclust.worker() as r:
        theirs, parameters = mclust.em_iteration(r, x, z)
        same(end, parameters())
        seconds = interleaved({"mclust": theirs, "bayesgmm": ours}, REPETITIONS[profile])
    return Row(name, what, seconds=seconds)


def beside_daal(shape, target, profile):
    name = "em_{}_{}_{}_daal".format(*shape)
    what = (
        f"one EM iteration of {ITERATIONS} in a call, {size(*shape)}: daal4py's em_gmm, both "
        "cores; ours in climbs side by side where rows are few, as in a fit"
    )
    if daal.MISSING:
        return Row(name, what, target, skipped=daal.MISSING)
    x, start = mixture_rows(*shape)
    start = far_from_the_end(x, start)
    same(em_iteration(x, start)[1], daal.parameters(daal.em(x, start, 1)()), tolerance=1e-6)
    theirs = daal.iterations(daal.em(x, start, ITERATIONS))
    sides = {"daal4py": theirs, "bayesgmm": em_iterations(x, start)}
    return Row(name, what, target, seconds=interleaved(sides, REPETITIONS[profile]))


def far_from_the_end(x, mixture):
    """Components that all have the spread of the rows, their means drawn together."""
    k, centre = mixture.n_components, x.mean(axis=0)
    factor = np.broadcast_to(np.linalg.cholesky(np.atleast_2d(np.cov(x.T))), mixture.factor.shape)
    means = centre + 0.3 * (mixture.means - centre)
    return MixtureParameters("full", np.full(k, 1 / k), means, factor.copy())


def em_iterations(x, start):
    """A call that times one of the passes of climbs from ``start``.

    They go side by side where rows are few, as the starts of a fit do: both cores are busy then, as
    daal4py's call keeps them.
    """
    objective, y = objective_at(x, start)
    n_climbs = CLIMBS if objective.is_small else 1

    def climb(_):
        objective.go_on(objective.ascent(y, ITERATIONS), -1.0, ITERATIONS)

    def climbs():
        began = time.perf_counter()
        with one_blas_thread():
            list((in_order if objective.is_small else map)(climb, range(n_climbs)))
        return Seconds((time.perf_counter() - began) / (n_climbs * ITERATIONS))

    return climbs


def em_iteration(x, start):
    """A call that makes one iteration of ours from ``start``, and the parameters it leads to."""
    objective, y = objective_at(x, start)

    def iterate():
        with one_blas_thread():
            return objective.step(y)

    return iterate, objective.in_data_units(objective.target.constrain(iterate()))


def objective_at(x, start):
    """The likelihood of the rows, and the vector of a mixture."""
    objective = Objective.of(bg.GaussianMixture(start.n_components), x, None, flat=True)
    y = unconstrain(start.affine(1 / objective.scale, -objective.shift / objective.scale))
    return objective, y


def same(ours, theirs, tolerance=1e-8):
    """Demand that two iterations lead to the same weights, means and covariances."""
    for a, b in zip((ours.weights, ours.means, ours.covariances), theirs, strict=True):
        np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance * np.abs(a).max())
