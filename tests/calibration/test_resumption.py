"""A posterior put together from the pieces of an interrupted run is the exact one.

One component with a conjugate prior: the posterior of its mean and covariance is known in closed
form, and so is the rank of any posterior draw of ours in it. 200 runs are each cut short at random
draws three times and taken up again.
"""

import warnings
from contextlib import suppress

import numpy as np
import pytest
from interrupted import stop_at
from scipy import stats

import bayesgmm as bg
from bayesgmm.sampling import resumption
from bayesgmm.sampling.segments import Segment

N_RUNS = 200
CHAINS, DRAWS = 2, 100
X = np.array([[-1.2], [-0.3], [0.4], [2.1], [2.9]])
PRIOR = bg.NormalInverseWishart(2.0, 0.7, 0.3, 5.0, [[3.0]])
MIXTURE = bg.GaussianMixture(1, prior=PRIOR)
LEVEL = 0.001


def exact():
    """Laws of the mean (Student's t) and of the variance (inverse gamma)."""
    n, centre = len(X), X.mean()
    kappa, nu = 0.3 + n, 5.0 + n
    mean = (0.3 * 0.7 + n * centre) / kappa
    scatter = ((X - centre) ** 2).sum() + 0.3 * n / kappa * (centre - 0.7) ** 2
    psi = 3.0 + scatter
    return (
        stats.t(nu, mean, np.sqrt(psi / (nu * kappa))),
        stats.invgamma(nu / 2, scale=psi / 2),
    )


def pieced_together(seed, path, monkeypatch):
    """Uniform numbers, (quantity, chain, draw): where the draws of one run lie in their exact law.

    Cut at draws that do not depend on the chain, and once in the tuning.
    """
    rng = np.random.default_rng(seed)
    settings = {"draws": DRAWS, "tune": 300, "chains": CHAINS, "random_seed": seed}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with monkeypatch.context() as patch:
            stop_at(patch, rng.integers(-20, DRAWS, CHAINS).clip(max=DRAWS - 1).tolist())
            with suppress(KeyboardInterrupt):  # every chain was still tuned
                bg.sample(MIXTURE, X, store=path, start=START, progress=False, **settings)
        for _ in range(2):
            with monkeypatch.context() as patch:
                stop_at(patch, [int(rng.integers(1, DRAWS // 4))])
                bg.resume(path, cores=1, progress=False)
    post = bg.resume(path, progress=False)
    assert post["posterior"]["means"].shape == (CHAINS, DRAWS, 1, 1)
    drawn = (post["posterior"][name].values.reshape(CHAINS, DRAWS) for name in LAWS)
    return np.array([law.cdf(values) for law, values in zip(LAWS.values(), drawn, strict=True)])


LAWS = dict(zip(("means", "covariances"), exact(), strict=True))
START = bg.fit_map(MIXTURE, X, n_starts=1, random_seed=1, progress=False)


def p_values(runs):
    """Of every quantity, by tests over the runs: mean, spread, and the law of single draws."""
    found = {}
    for name, u in zip(LAWS, np.moveaxis(runs, 1, 0), strict=True):  # (run, chain, draw)
        found[name, "mean"] = stats.ttest_1samp(u.mean(axis=(1, 2)), 0.5).pvalue
        # One draw of every chain, at a place that goes round: independent across runs.
        thinned = np.array([u[r, c, (7 * r) % DRAWS] for r in range(len(u)) for c in range(CHAINS)])
        found[name, "one draw"] = stats.kstest(thinned, "uniform").pvalue
        found[name, "spread"] = stats.ttest_1samp(((u - 0.5) ** 2).mean(axis=(1, 2)), 1 / 12).pvalue
    return found


def calibrated(n_runs, tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda descriptor: None)  # no power is cut here
    runs = [pieced_together(seed, tmp_path / f"{seed}.zarr", monkeypatch) for seed in range(n_runs)]
    return p_values(np.array(runs))


@pytest.mark.slow
def test_two_hundred_interrupted_runs_draw_from_the_exact_posterior(tmp_path, monkeypatch):
    found = calibrated(N_RUNS, tmp_path, monkeypatch)
    assert min(found.values()) > LEVEL / len(found), found


class _Kept(dict):
    """Settings whose tuning draws are taken for draws, to be planted."""

    def __getitem__(self, name):
        return 0 if name == "tune" else super().__getitem__(name)


@pytest.mark.slow
def test_chains_that_begin_anew_at_the_mode_and_keep_their_tuning_are_caught(tmp_path, monkeypatch):
    def planted(run, tree, chain, left):
        segment = right(run, tree, chain, left)
        settings = _Kept(segment.settings | {"tune": int(left) - 1, "draws": 1})
        return Segment(segment.chains, run.compiled(run.whitened.centre), settings)

    right = resumption._segment
    monkeypatch.setattr(resumption, "_segment", planted)
    found = calibrated(N_RUNS // 4, tmp_path, monkeypatch)
    assert min(found.values()) < LEVEL / len(found), found
