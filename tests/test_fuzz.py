"""Whatever the data and the mixture: numbers that are finite, or an error of ours, in words.

From rows of many kinds through the mode, the sampler, relabelling, summary, clusterings and the
verdict: no exception or warning of another library, no NaN, no log posterior that falls.
"""

import traceback
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from oracles import SEPARABLE, STRUCTURES

import bayesgmm as bg
from bayesgmm.posterior.advice import AMBIGUOUS, DIFFERENT_MODES, NOT_CONVERGED, TOO_FEW

LEAST_DRAWS = 8


def normal(rng, n, d):
    return rng.normal(size=(n, d))


def clusters(rng, n, d):
    return rng.normal(size=(n, d)) + 8 * rng.integers(3, size=(n, 1))


def ties(rng, n, d):
    return rng.integers(-2, 3, size=(n, d)).astype(float)


def heavy_tails(rng, n, d):
    return rng.standard_t(1, size=(n, d))


def duplicates(rng, n, d):
    return rng.normal(size=(n, d))[rng.integers(max(1, n // 3), size=n)]


def far_away(rng, n, d):
    return 1e8 + rng.normal(size=(n, d))


FAMILIES = (normal, clusters, ties, heavy_tails, duplicates, far_away)


def constant_column(rng, x):
    x[:, 0] = x[0, 0]


def collinear(rng, x):
    x[:, -1] = 2 * x[:, 0]


def sentinel_row(rng, x):
    x[-1] = -9999


def missing_cell(rng, x):
    x[rng.integers(len(x)), 0] = np.nan


def infinite_cell(rng, x):
    x[rng.integers(len(x)), 0] = np.inf


BLEMISHES = (constant_column, collinear, sentinel_row, missing_cell, infinite_cell)


@st.composite
def rows(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(1, 60)), draw(st.integers(1, 4))
    x = draw(st.sampled_from(FAMILIES))(rng, n, d)
    for blemish in draw(st.lists(st.sampled_from(BLEMISHES), max_size=1)):
        blemish(rng, x)
    exponent = draw(st.sampled_from([0] * 6 + [-8, 8, -35, 35, -150, 150]))
    return x * 10.0**exponent


@st.composite
def mixtures(draw):
    concentration = draw(st.sampled_from([None, None, 1.0, 2, 0.5, 1e-3, 50.0]))
    family = draw(st.sampled_from([bg.NormalInverseWishart, bg.FraleyRaftery, bg.NormalLKJ]))
    n_components = draw(st.integers(1, 5))
    structures = SEPARABLE if family is bg.NormalLKJ else STRUCTURES
    covariance = draw(st.sampled_from(structures))
    return bg.GaussianMixture(n_components, covariance, family(concentration=concentration))


def is_ours(error):
    """Whether an error is one that the package means to raise."""
    ours = "/bayesgmm/" in traceback.extract_tb(error.__traceback__)[-1].filename
    return ours and isinstance(error, ValueError | TypeError)


def assert_finite(**arrays):
    for name, values in arrays.items():
        values = np.asarray(values, dtype=float)
        assert np.isfinite(values).all(), f"{name} holds {values[~np.isfinite(values)][0]}"


def walk(x, mixture, seed):
    """From rows to a comparison, looking at every number on the way."""
    quiet = {"random_seed": seed, "progress": False}
    mode = bg.fit_map(mixture.with_interior_mode(), x, n_starts=3, **quiet)
    assert_finite(
        weights=mode.weights, means=mode.means, covariances=mode.covariances, trace=mode.trace,
        criteria=[mode.log_posterior, mode.log_likelihood, mode.bic, mode.icl, mode.aic],
        modes=[m.log_posterior for m in mode.modes], probability=mode.predict_proba(x),
    )  # fmt: skip
    fall = np.diff(mode.trace)
    assert (fall >= -1e-9 * np.maximum(1, np.abs(mode.trace[1:]))).all(), fall.min()
    sizes = {"draws": LEAST_DRAWS, "tune": 10, "chains": 2, "cores": 1}
    drawn = bg.sample(mixture, x, start=mode, **sizes, **quiet)
    post = bg.relabel(drawn, progress=False)
    for group in ("posterior", "map"):
        assert_finite(**post[group].to_dataset().data_vars)
    assert_finite(lp=post["sample_stats"]["lp"], p=post["clustering"]["mean_probability"])
    table = bg.summary(post, round_to="none")  # with a verdict on the chains
    assert_finite(summary=table[["mean", "sd"]])
    best = bg.partition(post, **quiet)
    assert_finite(loss=best.expected_loss, certainty=best.certainty)
    comparison = bg.compare(post, **quiet)
    assert_finite(losses=comparison.losses, rows=comparison.rows, parameters=comparison.parameters)


def examine(x, mixture, seed):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Ours, and what so few draws deserve.
        few = "|".join([NOT_CONVERGED, DIFFERENT_MODES, TOO_FEW])
        warnings.filterwarnings("ignore", message=f"Verdict: ({few})|{AMBIGUOUS.capitalize()}")
        try:
            walk(x, mixture, seed)
            event("numbers")
        except Exception as error:
            if not is_ours(error):
                raise
            event("refused")


examples = given(x=rows(), mixture=mixtures(), seed=st.integers(0, 2**31))
common = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=500, derandomize=True, **common)
@examples
def test_any_rows_and_mixture_give_finite_numbers_or_an_error_of_ours(x, mixture, seed):
    examine(x, mixture, seed)


@pytest.mark.slow
@settings(max_examples=20_000, **common)
@examples
def test_twenty_thousand_rows_and_mixtures_do_as_well(x, mixture, seed):
    examine(x, mixture, seed)
