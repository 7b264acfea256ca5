"""Value and gradient of the log posterior, on one core, beside PyMC's, NumPyro's and Stan's."""

import ctypes
import importlib.util
import os
from contextlib import ExitStack

import numpy as np
from threadpoolctl import threadpool_limits

import bayesgmm as bg
from bayesgmm.likelihood.target import Target, unconstrain
from bayesgmm.mixture.parameters import MixtureParameters
from bayesgmm.sampling.whitened import WhitenedTarget
from benchmarks.measure import REPETITIONS, Row, interleaved, size
from benchmarks.peers import stan_mixture
from benchmarks.simulate import mixture_rows

PEERS = {
    "PyMC": "PyMC's pm.Mixture of pm.MvNormal, numba backend",
    "NumPyro": "NumPyro's MixtureSameFamily, float64",
    "Stan": "Stan's gradient per leapfrog step, by its own clock",
}

TARGETS = {
    (1_000, 2, 3): {"PyMC": "≥ 20", "NumPyro": "≥ 20"},
    (10_000, 5, 5): {"PyMC": "≥ 25", "NumPyro": "≥ 15", "Stan": "≥ 30"},
}

AS_INSTALLED = (10_000, 5, 5)
"""Where PyMC is timed a second time, not held to one core."""

TOLERANCE = 1e-8
"""Largest relative difference of a peer's values and gradients from ours."""


def rows(profile):
    missing = {
        "NumPyro": "" if importlib.util.find_spec("numpyro") else "numpyro is not installed",
        "Stan": "" if stan_mixture.PYTHON.exists() else stan_mixture.MISSING,
    }
    what = "gradient, {}: value and gradient of the log posterior, {}, against our C function"
    n, d, k = AS_INSTALLED
    yield Row(
        f"gradient_{n}_{d}_{k}_pymc_as_installed",
        what.format(size(n, d, k), f"{PEERS['PyMC']}, BLAS with a thread per core as it comes"),
        seconds={
            "PyMC, as installed" if side == "PyMC" else side: seconds
            for side, seconds in timed(AS_INSTALLED, ["PyMC"], profile).items()
        },
    )
    # Before NumPyro and Stan have threads and processes; idle threads of BLAS would spin on the
    # one core that all of them share.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    threadpool_limits(1)
    for (n, d, k), targets in TARGETS.items():
        seconds = timed((n, d, k), [name for name in PEERS if not missing.get(name)], profile)
        for name, peer in PEERS.items():
            yield Row(
                f"gradient_{n}_{d}_{k}_{name.lower()}",
                what.format(size(n, d, k), f"{peer}, one core"),
                targets.get(name, ""),
                seconds={side: seconds.get(side, []) for side in (name, "bayesgmm")},
                skipped=missing.get(name, ""),
            )


def timed(shape, names, profile):
    """Seconds per value and gradient of these peers, checked, and of ours."""
    k = shape[2]
    x, start = mixture_rows(*shape)
    prior = bg.GaussianMixture(k, prior=bg.FraleyRaftery()).resolved_prior(x)
    target = Target.of("full", k, x, np.broadcast_to(1.0, 1), prior)
    sides = {}
    with ExitStack() as processes:
        for name in names:
            density = peer_density(name, x, prior, processes)
            check(density, target, start)
            sides[name] = density.at(start)
        return interleaved(sides | {"bayesgmm": as_sampled(target, start)}, REPETITIONS[profile])


def as_sampled(target, start):
    """Our density as the sampler calls it: a C function."""
    model = WhitenedTarget.at(target, start).nutpie_model()
    address, pointers = model.compiled_logp_func.address, 4 * [ctypes.c_void_p]
    density = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_size_t, *pointers)(address)
    y, gradient, value = np.zeros(target.n_dim), np.empty(target.n_dim), np.empty(1)
    given = [array.ctypes.data for array in (y, gradient, value, model.user_data)]
    kept = (model, y, gradient, value)  # as long as the call that writes to them
    return lambda: density(len(kept[1]), *given)


def peer_density(name, x, prior, processes):
    """A peer's density; a process that it needs ends with ``processes``."""
    if name == "PyMC":
        from benchmarks.peers import pymc_mixture

        return pymc_mixture.density(x, len(prior.concentration))
    if name == "NumPyro":
        from benchmarks.peers import numpyro_mixture

        return numpyro_mixture.density(x, prior)
    return stan_mixture.density(processes.enter_context(stan_mixture.worker()), x, prior)


def check(density, target, start, tolerance=TOLERANCE):
    """Demand that a peer's density is ours up to a constant, and its gradient ours."""
    rng = np.random.default_rng(1)
    points = [start] + [_near(start, rng) for _ in range(2)]
    expected = [target(unconstrain(point)) for point in points]
    found = [density.in_our_coordinates(point) for point in points]
    constants = [theirs - ours for (theirs, _), (ours, _) in zip(found, expected, strict=True)]
    largest = max(abs(value) for value, _ in expected)
    np.testing.assert_allclose(constants, constants[0], rtol=0, atol=tolerance * largest)
    for (_, theirs), (_, ours) in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            theirs, ours, rtol=tolerance, atol=tolerance * np.abs(ours).max()
        )


def _near(start, rng):
    weights = start.weights * np.exp(0.2 * rng.normal(size=start.n_components))
    means = start.means + 0.2 * rng.normal(size=start.means.shape)
    factor = start.factor * (1 + 0.1 * rng.normal(size=start.factor.shape))
    return MixtureParameters("full", weights / weights.sum(), means, factor)
