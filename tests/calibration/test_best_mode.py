"""A default fit is never below the best of its peers, nor below its own best over many starts.

Data are those of tests/fit_cases.py; tests/reference/fits.py made the numbers.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from fit_cases import CASES, DESIGNED, HARD, LARGE, large
from sklearn.metrics import adjusted_rand_score

import bayesgmm as bg

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "reference" / "fits.json").read_text(encoding="utf-8")
)
PER_ROW = 1e-6
"""Nats per row that count for nothing."""


def fitted(k, structure, x, fit=bg.fit_ml, seed=1):
    return fit(bg.GaussianMixture(k, structure), x, random_seed=seed, progress=False)


@pytest.mark.parametrize("name", CASES)
def test_the_peers_had_these_rows(name):
    """One component's maximum is known: −n/2 log |2πe Σ|."""
    x = CASES[name]()
    covariance = np.atleast_2d(np.cov(x.T, ddof=0))
    maximum = -len(x) / 2 * np.linalg.slogdet(2 * np.pi * np.e * covariance)[1]
    value = REFERENCE["fits"][name]["full"][0][0]
    np.testing.assert_allclose(maximum, value, rtol=0, atol=PER_ROW * len(x))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_maximum_likelihood_is_at_least_the_peers(name):
    x, misses = CASES[name](), []
    for structure, fits in REFERENCE["fits"][name].items():
        for k, best in enumerate(fits, start=1):
            if best is None:
                continue
            value, peer, smallest, count = best
            fit = fitted(k, structure, x)
            short = np.inf if fit.collapsed else value - fit.log_likelihood
            if short > PER_ROW * len(x):
                misses.append(
                    f"{structure} {k}: {short:.3g} nats below {peer}, whose smallest component "
                    f"has {count:g} rows and a smallest eigenvalue of {smallest:g}"
                )
    assert not misses, "\n".join([f"{name}, {x.shape}", *misses])


@pytest.mark.slow
@pytest.mark.parametrize("fit", [bg.fit_map, bg.fit_ml])
def test_separate_clusters_are_all_found_however_many(fit):
    x, clusters = large("separated")
    assert adjusted_rand_score(clusters, fitted(20, "full", x, fit).predict(x)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_maximum_likelihood_of_a_large_case_is_at_least_the_peers(name):
    x, _ = large(name)
    short = REFERENCE["large"][name] - fitted(20, "full", x).log_likelihood
    assert short <= PER_ROW * len(x)


@pytest.mark.slow
@pytest.mark.parametrize("case", HARD)
def test_every_seed_finds_the_best_mode_known(case):
    name, structure, k, kind = case.split()
    x, known = (CASES | DESIGNED)[name](), REFERENCE["hard"][case]
    fit, what = getattr(bg, f"fit_{kind}"), {"map": "log_posterior", "ml": "log_likelihood"}[kind]
    values = [getattr(fitted(int(k), structure, x, fit, seed), what) for seed in range(100)]
    short = known - np.array(values)
    missed = short[short > PER_ROW * len(x)]
    assert len(missed) <= 2, f"{len(missed)} of 100 seeds fall {np.median(missed):.3g} nats short"
