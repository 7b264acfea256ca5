"""oneDAL's EM, through ``daal4py`` of scikit-learn-intelex: the fastest on a CPU that we know."""

import importlib.util
import time

import numpy as np

from bayesgmm.mixture.parameters import MixtureParameters
from benchmarks.measure import Seconds

MISSING = "" if importlib.util.find_spec("daal4py") else "scikit-learn-intelex is not installed"


def em(x, start, n_iter, threshold=0.0):
    """A call that makes so many iterations from ``start``; with a threshold it ends where the log
    likelihood gains less than that."""
    import daal4py

    x, covariances = np.ascontiguousarray(x), start.factor @ np.swapaxes(start.factor, 1, 2)
    algorithm = daal4py.em_gmm(
        start.n_components, maxIterations=n_iter, accuracyThreshold=threshold
    )

    def fit():
        return algorithm.compute(x, start.weights[None], start.means, list(covariances))

    return fit


def iterations(fit):
    """A call that times one of the iterations that it makes; daal4py ends at a fixed point."""

    def iterate():
        began = time.perf_counter()
        found = fit()
        return Seconds((time.perf_counter() - began) / found.nIterations[0, 0])

    return iterate


def parameters(found):
    """Weights, means, covariances."""
    return found.weights[0], found.means, np.array(found.covariances)


def mixture(found):
    weights, means, covariances = parameters(found)
    return MixtureParameters("full", weights, means, np.linalg.cholesky(covariances))
