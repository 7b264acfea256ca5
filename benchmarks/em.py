"""One iteration of EM, on every core, beside scikit-learn's and mclust's."""

from functools import partial

import numpy as np
from threadpoolctl import ThreadpoolController

import bayesgmm as bg
from bayesgmm.em.objective import Objective
from bayesgmm.likelihood.passes import responsibilities
from bayesgmm.likelihood.target import unconstrain
from benchmarks.measure import REPETITIONS, Row, interleaved, size
from benchmarks.peers import mclust, scikit_learn
from benchmarks.simulate import mixture_rows

TARGETS = {(200_000, 2, 3): "≥ 40", (200_000, 30, 10): "≥ 6", (1_000_000, 10, 10): "≥ 20"}

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


def em_iteration(x, start):
    """A call that makes one iteration of ours from ``start``, and the parameters it leads to."""
    mixture = bg.GaussianMixture(start.n_components)
    objective = Objective.of(mixture, x, np.ones(len(x)), flat=True)
    y = unconstrain(start.affine(1 / objective.scale, -objective.shift / objective.scale))
    # As in a fit: our threads are over the rows, those of BLAS would only get in their way.
    one_thread = partial(ThreadpoolController().limit, limits=1, user_api="blas")

    def iterate():
        with one_thread():
            return objective.step(y)

    return iterate, objective.in_data_units(objective.target.constrain(iterate()))


def same(ours, theirs, tolerance=1e-8):
    """Demand that two iterations lead to the same weights, means and covariances."""
    for a, b in zip((ours.weights, ours.means, ours.covariances), theirs, strict=True):
        np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance * np.abs(a).max())
