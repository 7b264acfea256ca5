"""``fit_map`` and ``fit_ml``: never down, up to a mode, the same in any units and order."""

import dataclasses
import os
import re
import signal
import sys
import threading
import time

import numpy as np
import pytest
import scipy.linalg
from oracles import (
    ISOTROPIC,
    MATRICES,
    SEPARABLE,
    STRUCTURES,
    brute_force,
    log_likelihood,
    log_prior,
    prior_by_component,
    random_parameters,
    random_rows,
)
from scipy.optimize import linear_sum_assignment

import bayesgmm as bg
from bayesgmm.data.bulk import Bulk
from bayesgmm.em import search
from bayesgmm.em.climb import approach, finish
from bayesgmm.em.objective import Objective
from bayesgmm.em.starts import draw_start
from bayesgmm.likelihood.target import Target, hessian, unconstrain

from .test_objective import dimensionless_norm

structures = pytest.mark.parametrize("covariance", STRUCTURES)
PRIORS = {
    "conjugate": bg.NormalInverseWishart(),
    "separate": bg.NormalLKJ(),
    "flat": bg.NormalInverseWishart(),
}
families = pytest.mark.parametrize("family", PRIORS)


def fit(family, covariance, x, k=2, prior=None, **settings):
    mixture = bg.GaussianMixture(k, covariance, PRIORS[family] if prior is None else prior)
    function = bg.fit_ml if family == "flat" else bg.fit_map
    return function(mixture, x, **{"random_seed": 1, "n_starts": 6, "progress": False, **settings})


def climb(objective, y, max_iter, tol):
    found = approach(objective, y, max_iter, tol)
    try:
        finish(objective, found, max_iter, tol, lambda _: False)
    except KeyboardInterrupt:
        found.finished = False
    return found


def overlapping(n=150, d=2, k=3, seed=3):
    rng = np.random.default_rng(seed)
    parameters = random_parameters(rng, "full", k, d)
    return random_rows(rng, parameters, n)


DATA = {
    "old faithful": (2, lambda request: request.getfixturevalue("old_faithful")),
    "penguins": (3, lambda request: request.getfixturevalue("penguins")),
    "galaxies": (4, lambda request: request.getfixturevalue("galaxies")),
    "overlapping": (3, lambda request: overlapping()),
    "one blob, too many components": (4, lambda request: overlapping(60, 2, 1)),
    "one component": (1, lambda request: overlapping()),
    "twelve features": (2, lambda request: overlapping(120, 12, 2)),
}
data_sets = pytest.mark.parametrize("name", DATA)


@pytest.fixture(scope="module")
def estimates():
    """Fits are made once; several properties are read off each."""
    return {}


@pytest.fixture
def case(name, covariance, family, request, estimates):
    """Number of components, rows, and the fit."""
    k, load = DATA[name]
    x = load(request)
    key = (name, covariance, family)
    if key not in estimates:
        estimates[key] = fit(family, covariance, x, k)
    return k, x, estimates[key]


# The objective


@data_sets
@structures
@families
def test_the_objective_never_falls(case):
    trace = case[2].trace
    assert np.isfinite(trace).all()
    assert (np.diff(trace) >= -1e-11 * np.abs(trace[:-1])).all()
    assert len(trace) == case[2].n_iter


@data_sets
@structures
@families
def test_the_last_value_of_the_trace_is_the_one_reported(case, family):
    estimate = case[2]
    reported = estimate.log_likelihood if family == "flat" else estimate.log_posterior
    np.testing.assert_allclose(estimate.trace[-1], reported, rtol=1e-12)
    np.testing.assert_allclose(estimate.modes[0].log_posterior, reported, rtol=1e-12)
    assert (estimate.log_posterior is None) == (family == "flat")


@data_sets
@structures
@families
def test_values_are_scipys_at_the_parameters(case, family):
    k, x, estimate = case
    expected = log_likelihood(x, estimate.parameters)
    np.testing.assert_allclose(estimate.log_likelihood, expected, rtol=1e-9)
    if family != "flat":
        expected += log_prior(
            PRIORS[family].resolved(x, np.ones(len(x)), k, estimate.parameters.covariance),
            estimate.parameters,
        )
        np.testing.assert_allclose(estimate.log_posterior, expected, rtol=1e-9)


@data_sets
@structures
@families
def test_the_gradient_of_the_target_is_zero_at_the_end(case, covariance, family):
    k, x, estimate = case
    assert estimate.converged
    assert estimate.gradient_norm <= 1e-8
    weight = np.ones(len(x))
    prior = None if family == "flat" else PRIORS[family].resolved(x, weight, k, covariance)
    target = Target.of(covariance, k, x, weight, prior)
    assert dimensionless_norm(target, estimate.parameters, len(x)) < 2e-8


@data_sets
@structures
@pytest.mark.parametrize("family", ["conjugate", "separate"])
def test_the_end_is_a_maximum(case, covariance, family):
    k, x, estimate = case
    weight = np.ones(len(x))
    scale = np.full(x.shape[1], x.std()) if covariance in ISOTROPIC else x.std(axis=0)
    shift = x.mean(axis=0)
    prior = PRIORS[family].resolved(x, weight, k, covariance).affine(1 / scale, -shift / scale)
    target = Target.of(covariance, k, x, weight, prior, shift, scale)
    parameters = estimate.parameters.affine(1 / scale, -shift / scale)
    eigenvalues = np.linalg.eigvalsh(hessian(target, unconstrain(parameters), jacobian=False))
    assert eigenvalues.max() < 1e-5 * np.abs(eigenvalues).max()


@data_sets
@structures
@families
def test_components_come_in_order_of_weight(case):
    weights = case[2].weights
    np.testing.assert_allclose(weights.sum(), 1)
    assert (np.diff(weights) <= 0).all()


@structures
def test_the_gradient_is_zero_where_the_prior_tells_components_apart(covariance):
    x, scale = overlapping(), np.array([2.0, 300.0])
    if covariance in ISOTROPIC:
        scale[:] = 20.0
    prior = prior_by_component(np.random.default_rng(6), covariance, 3, 2)
    here = fit("conjugate", covariance, x, 3, prior)
    target = Target.of(covariance, 3, x, np.ones(len(x)), prior)
    assert here.converged
    assert dimensionless_norm(target, here.parameters, len(x)) < 2e-8
    there = fit("conjugate", covariance, x * scale - 5, 3, prior.affine(scale, -5.0))
    moved = here.parameters.affine(scale, -5.0)
    np.testing.assert_allclose(there.weights, moved.weights, rtol=1e-6)
    np.testing.assert_allclose(there.means, moved.means, rtol=1e-5)
    np.testing.assert_allclose(there.covariances, moved.covariances, rtol=1e-5, atol=1e-9)


@structures
@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]], ids=str)
def test_components_that_the_prior_names_are_where_it_has_them(covariance, order):
    """From most starts, though clusters are found in any order."""
    places = np.array([[0.0, 0.0], [6.0, 6.0], [12.0, 12.0]])[order]
    rng = np.random.default_rng(7)
    x = np.vstack([rng.normal(m, 1, (n, 2)) for m, n in zip(places, (20, 80, 50), strict=True)])
    prior = bg.NormalInverseWishart(mean=places, mean_concentration=1)
    estimate = fit("conjugate", covariance, x, 3, prior, n_starts=12)
    assert estimate.modes[0].count >= 6
    np.testing.assert_allclose(estimate.means, places, atol=0.7)


def test_components_come_in_order_of_weight_among_those_the_prior_does_not_tell_apart():
    x = np.vstack(
        [overlapping(n, 2, 1, s) + c for n, s, c in ((90, 1, 0), (20, 2, 30), (50, 3, -30))]
    )
    prior = bg.NormalInverseWishart(mean=[[30, 30], [-10, -10], [-10, -10]], mean_concentration=3)
    estimate = fit("conjugate", "full", x, 3, prior)
    assert estimate.means[0].min() > 20
    assert estimate.weights[0] < estimate.weights[2] < estimate.weights[1]


def test_modes_whose_labels_the_prior_tells_apart_are_two():
    x = overlapping(60, 1, 1)
    apart = bg.NormalInverseWishart(concentration=[2.0, 2.1], scale=0.02, df=20)
    alike = dataclasses.replace(apart, concentration=2.0)
    for prior, n_modes in ((apart, 2), (alike, 1)):
        mode = fit("conjugate", "full", x, 2, prior).parameters
        both = [
            fit("conjugate", "full", x, 2, prior, start=start, n_starts=1).log_posterior
            for start in (mode, mode.permuted([1, 0]))
        ]
        assert len({round(value, 6) for value in both}) == n_modes


@structures
@pytest.mark.parametrize("family", ["conjugate", "separate"])
@pytest.mark.parametrize("concentration", [1.0, 1.5, 10.0])
def test_a_given_concentration_is_maximised_too(covariance, family, concentration, old_faithful):
    prior = dataclasses.replace(PRIORS[family], concentration=concentration)
    estimate = fit(family, covariance, old_faithful, 2, prior)
    resolved = prior.resolved(old_faithful, np.ones(272), 2, covariance)
    target = Target.of(covariance, 2, old_faithful, np.ones(272), resolved)
    assert estimate.converged
    assert dimensionless_norm(target, estimate.parameters, 272) < 2e-8


# Ill-posed rows that the prior makes well-posed


@structures
@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("noise", [0.0, 1e-5, 1e-3, 1e-2, 0.1])
def test_collinear_features_are_named_or_leave_the_clusters_alone(covariance, flat, noise):
    rng = np.random.default_rng(3)
    a = rng.normal(size=(1000, 2)) + np.repeat([[1.0, 2.0], [4.0, 5.0]], 500, axis=0)
    x = np.column_stack([a, a.sum(axis=1) + noise * rng.normal(size=1000)])
    fitted = bg.fit_ml if flat else bg.fit_map
    mixture = bg.GaussianMixture(2, covariance)
    if covariance in MATRICES and noise <= 1e-3:
        with pytest.raises(ValueError, match=r"'x3' is 1 × 'x1' \+ 1 × 'x2'.*\['x1', 'x2'\]"):
            fitted(mixture, x, progress=False)
        return
    estimate = fitted(mixture, x, n_starts=5, random_seed=1, progress=False)
    np.testing.assert_allclose(estimate.weights, 0.5, atol=0.05)


@pytest.mark.parametrize("bad", [(0.0, 0.0, 50.0), (-999.0, 1.0, -999.0), (0.0, 0.0, 1e6)])
def test_collinear_features_are_named_though_a_few_rows_belie_it(bad):
    a = np.random.default_rng(3).normal(size=(300, 2))
    x = np.vstack([np.column_stack([a, a[:, 0] - 2 * a[:, 1] + 5]), [bad] * 3])
    with pytest.raises(ValueError, match=r"'x3' is 1 × 'x1' \+ -2 × 'x2'"):
        bg.fit_map(bg.GaussianMixture(2), x, progress=False)


@structures
@pytest.mark.parametrize("family", ["conjugate", "separate"])
def test_fewer_rows_than_features_have_a_mode(covariance, family):
    x = np.random.default_rng(5).normal(size=(4, 6))
    estimate = fit(family, covariance, x, 2)
    assert np.isfinite(estimate.log_posterior)
    assert (np.diff(estimate.trace) >= -1e-9 * np.abs(estimate.trace[:-1])).all()


@structures
@families
def test_a_far_outlier_does_no_harm(covariance, family):
    x = np.vstack([overlapping(100), [[1e6, 1e6]]])
    estimate = fit(family, covariance, x, 2)
    assert np.isfinite(estimate.log_likelihood)
    assert np.isfinite(estimate.predict_proba(x)).all()


@pytest.mark.parametrize(
    ("covariance", "seed"),
    [("full", 1), ("spherical", 6), ("diag", 10), ("spherical", 46), ("spherical", 52)],
)
def test_heavy_tails_are_fitted_without_a_warning(covariance, seed):
    # Where EM no longer moves in floating point, an extrapolated step has no finite length.
    draws = np.random.default_rng(seed).standard_t(1, size=(3, 30, 2))
    x = draws[("spherical", "diag", "full").index(covariance)]
    estimate = fit("flat", covariance, x, 3, n_starts=4, random_seed=seed)
    assert np.isfinite(estimate.log_likelihood)


# Collapse


@pytest.mark.parametrize("covariance", SEPARABLE)
@pytest.mark.parametrize("k", [4, 6])
def test_a_prior_that_lets_components_collapse_does_not_return_a_collapsed_mode(
    covariance, k, old_faithful
):
    # The density of NormalLKJ on Σ itself grows without bound as a scale goes to 0, with or
    # without a row inside: there is no highest mode, as under maximum likelihood.
    estimate = fit("separate", covariance, old_faithful, k, n_starts=20)
    unit = old_faithful.std(axis=0)
    if covariance in ISOTROPIC:
        unit = np.full(2, unit.max())
    assert estimate.converged
    for mode in estimate.modes:
        assert np.linalg.eigvalsh(mode.parameters.covariances / np.outer(unit, unit)).min() > 1e-6
    assert sum(mode.count for mode in estimate.modes) + sum(lost(estimate)) == 20


def test_starts_that_all_collapse_are_said_to():
    x = np.array([[0.0, 0.0], [1.0, 0.3], [0.2, 1.0], [5.0, 5.0]])
    estimate = fit("flat", "full", x, 4)
    assert "All 6 starts collapsed" in estimate.status
    assert "fit_map" in estimate.status
    assert not estimate.converged
    assert np.isfinite(estimate.log_likelihood)
    total = Bulk.of(x, np.ones(4)).covariance
    smallest = min(scipy.linalg.eigvalsh(c, total)[0] for c in estimate.covariances)
    assert smallest >= 1e-6 * (1 - 1e-6)


@pytest.mark.parametrize("covariance", ["full", "diag", "spherical"])
def test_copies_of_few_rows_collapse_and_are_said_to(covariance):
    x = np.repeat([[0.0, 0.0], [1.0, 0.4], [0.3, 1.0]], 8, axis=0)
    estimate = fit("flat", covariance, x, 3)
    assert "collapsed" in estimate.status
    assert not estimate.converged


def test_starts_that_collapse_are_left_out_and_counted(galaxies):
    estimate = fit("flat", "full", galaxies, 9, n_starts=20)
    collapsed, below = lost(estimate)
    assert collapsed > 0
    assert sum(mode.count for mode in estimate.modes) + collapsed + below == 20
    unit = galaxies.var(ddof=1)
    assert min(mode.parameters.covariances.min() for mode in estimate.modes) > 1e-6 * unit


# The same data, otherwise written


def assert_same_mode(a, b, scale=1.0, shift=0.0, tolerance=1e-6):
    """b is a's mode after x → scale x + shift, to a tolerance in standard deviations."""
    d = a.means.shape[1]
    scale = np.broadcast_to(np.asarray(scale, dtype=float), (d,))
    moved = a.parameters.affine(scale, shift)
    sd = np.sqrt(np.einsum("kii->ki", moved.covariances))
    distance = np.abs(moved.means[:, None] - b.means) / sd.max(axis=0)
    mine, order = linear_sum_assignment(distance.max(axis=2))
    np.testing.assert_allclose(b.weights[order], moved.weights[mine], atol=tolerance)
    assert (np.abs(b.means[order] - moved.means[mine]) / sd).max() < tolerance
    units = sd[:, :, None] * sd[:, None, :]
    assert (np.abs(b.covariances[order] - moved.covariances[mine]) / units).max() < tolerance


@structures
@families
@pytest.mark.parametrize(
    ("scale", "shift", "tolerance"),
    [
        ((1e-8, 1e-8), (0.0, 0.0), 1e-6),
        ((1e8, 1e8), (0.0, 0.0), 1e-6),
        ((1e-8, 1e8), (-3e-8, 5e8), 1e-6),
        ((1e8, 1e-8), (7e9, 0.0), 1e-6),
        # A row at 1e8 resolves 1.5e-8, a hundred millionth of a standard deviation here.
        ((1.0, 1.0), (1e8, -1e8), 1e-6),
        ((1e-8, 1e-8), (1.0, 1.0), 1e-6),
    ],
)
def test_units_and_origin_do_not_matter(covariance, family, scale, shift, tolerance, old_faithful):
    if covariance in ISOTROPIC and scale[0] != scale[1]:
        scale = (scale[0], scale[0])
        shift = (shift[0], shift[0])
    scale, shift = np.array(scale), np.array(shift)
    moved = old_faithful * scale + shift
    a = fit(family, covariance, old_faithful, n_starts=3)
    b = fit(family, covariance, moved, n_starts=3)
    assert a.converged
    assert b.converged
    assert_same_mode(a, b, scale, shift, tolerance)
    np.testing.assert_allclose(b.predict_proba(moved), a.predict_proba(old_faithful), atol=1e-5)
    jacobian = 272 * np.log(scale).sum()
    np.testing.assert_allclose(b.log_likelihood + jacobian, a.log_likelihood, rtol=1e-7)


@structures
@families
def test_the_log_posterior_changes_with_units_as_a_density_does(covariance, family, old_faithful):
    scale = np.full(2, 50.0) if covariance in ISOTROPIC else np.array([60.0, 0.01])
    x = old_faithful * scale
    estimate = fit(family, covariance, x, n_starts=3)
    expected = log_likelihood(x, estimate.parameters)
    if family != "flat":
        expected += log_prior(
            PRIORS[family].resolved(x, np.ones(272), 2, covariance), estimate.parameters
        )
        assert estimate.log_posterior == pytest.approx(expected, rel=1e-10)
    assert estimate.trace[-1] == pytest.approx(expected, rel=1e-10)


@structures
@families
def test_a_row_of_weight_two_is_the_row_twice(covariance, family, old_faithful):
    weight = np.random.default_rng(6).integers(0, 4, size=272)
    a = fit(family, covariance, old_faithful, sample_weight=weight)
    b = fit(family, covariance, np.repeat(old_faithful, weight, axis=0))
    assert_same_mode(a, b, tolerance=1e-7)
    for name in ("log_likelihood", "bic", "icl", "aic", "n_obs"):
        assert getattr(a, name) == pytest.approx(getattr(b, name), rel=1e-9)
    if family != "flat":
        assert a.log_posterior == pytest.approx(b.log_posterior, rel=1e-10)
    assert [mode.count for mode in a.modes] == [mode.count for mode in b.modes]


@structures
@families
def test_a_row_of_weight_zero_is_absent(covariance, family, old_faithful):
    x = np.vstack([old_faithful, [[1e3, -1e3], [50.0, 0.0]]])
    a = fit(family, covariance, x, sample_weight=np.append(np.ones(272), [0.0, 0.0]))
    assert_same_mode(a, fit(family, covariance, old_faithful), tolerance=1e-7)
    assert a.n_obs == 272


@structures
@families
def test_the_order_of_rows_does_not_matter(covariance, family, old_faithful):
    shuffled = np.random.default_rng(7).permutation(old_faithful)
    a, b = (fit(family, covariance, x) for x in (old_faithful, shuffled))
    assert_same_mode(a, b, tolerance=1e-6)


@structures
@families
def test_the_order_of_features_does_not_matter(covariance, family, old_faithful):
    a = fit(family, covariance, old_faithful)
    b = fit(family, covariance, np.ascontiguousarray(old_faithful[:, ::-1]))
    np.testing.assert_allclose(b.weights, a.weights, atol=1e-6)
    np.testing.assert_allclose(b.means[:, ::-1], a.means, rtol=1e-5)
    np.testing.assert_allclose(b.covariances[:, ::-1, ::-1], a.covariances, rtol=1e-5, atol=1e-9)


@structures
@families
def test_the_same_seed_gives_the_same_result(covariance, family, old_faithful):
    a, b = (fit(family, covariance, old_faithful, n_starts=3) for _ in range(2))
    for name in ("weights", "means", "covariances", "trace"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert a.status == b.status


# The catalogue


@data_sets
@structures
@families
def test_the_catalogue_counts_every_start_off_the_floor_best_first(case, family):
    estimate = case[2]
    values = [mode.log_posterior for mode in estimate.modes]
    assert values == sorted(values, reverse=True)
    total = sum(mode.count for mode in estimate.modes)
    assert 1 <= total <= 6
    assert total + sum(lost(estimate)) == 6
    assert f"found {len(estimate.modes)} mode" in estimate.status
    if family == "conjugate":
        assert lost(estimate)[0] == 0


def lost(estimate):
    """How many starts the status says to have collapsed, and to have been given up."""
    said = (r"(\d+) of \d+ starts collapsed", r"(\d+) more led lower")
    found = (re.search(pattern, estimate.status) for pattern in said)
    return [int(words[1]) if words else 0 for words in found]


@data_sets
@structures
@families
def test_modes_of_the_catalogue_are_distinct_modulo_permutation(case):
    _, x, estimate = case
    for i, a in enumerate(estimate.modes):
        for b in estimate.modes[:i]:
            gap = abs(a.log_posterior - b.log_posterior)
            sd = x.std(axis=0)
            p, q = a.parameters, b.parameters
            distance = np.abs((p.means[:, None] - q.means) / sd).max(axis=2)
            distance += np.abs(p.weights[:, None] - q.weights)
            spread = np.abs(p.covariances[:, None] - q.covariances) / np.outer(sd, sd)
            distance += spread.max(axis=(2, 3))
            pairs = linear_sum_assignment(distance)
            assert gap > 1e-6 * abs(a.log_posterior) or distance[pairs].max() > 1e-3


def test_a_mode_found_from_other_labels_is_the_same_mode():
    x = np.vstack([overlapping(60, 2, 1, s) + c for s, c in ((1, 0.0), (2, 30.0), (3, -30.0))])
    estimate = fit("conjugate", "full", x, 3, n_starts=20)
    assert estimate.modes[0].count >= 10
    first = estimate.modes[0].parameters
    np.testing.assert_array_equal(first.means, estimate.means)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("family", ["conjugate", "flat"])
def test_every_catalogued_mode_is_a_maximum_and_no_saddle(family, seed, galaxies):
    estimate = fit(family, "full", galaxies, 6, n_starts=20, random_seed=seed)
    assert estimate.converged
    unit, ones = galaxies.std(axis=0), np.ones(82)
    x = (galaxies - galaxies.mean()) / unit
    prior = None if family == "flat" else PRIORS[family].resolved(x, ones, 6, "full")
    target = Target.of("full", 6, x, ones, prior)
    for mode in estimate.modes:
        parameters = mode.parameters.affine(1 / unit, -galaxies.mean() / unit)
        y = unconstrain(parameters)
        offset = -82 * np.log(unit[0])
        if family == "flat":
            assert target(y, False)[0] + offset == pytest.approx(mode.log_posterior, rel=1e-9)
        # On a ridge, as where two components almost coincide, a climb may run out of iterations.
        norm = dimensionless_norm(target, parameters, 82)
        assert norm < 1e-4
        if norm < 1e-7:
            curvature = np.linalg.eigvalsh(hessian(target, y, jacobian=False))
            assert curvature.max() < 1e-8 * np.abs(curvature).max()


# Information criteria


@structures
def test_information_criteria_are_those_of_their_definitions(covariance, old_faithful):
    estimate = fit("flat", covariance, old_faithful)
    size = {"full": 11, "tied": 8, "diag": 9, "spherical": 7, "tied_diag": 7, "tied_spherical": 6}
    size = (size | {"proportional": 9})[covariance]
    assert estimate.n_parameters == size
    log_density, r, *_ = brute_force(old_faithful, estimate.parameters)
    deviance = -2 * float(log_density.sum())
    assert estimate.aic == pytest.approx(deviance + 2 * size)
    assert estimate.bic == pytest.approx(deviance + size * np.log(272))
    # Biernacki, Celeux & Govaert (2000), equation of ICL-BIC with the rows' most probable labels.
    certainty = float(np.log(r.max(axis=1)).sum())
    assert estimate.icl == pytest.approx(deviance + size * np.log(272) - 2 * certainty)


# Settings


def degenerate(kind):
    """Rows that leave a covariance matrix nothing to vary in, in one direction or more."""
    rng = np.random.default_rng(0)
    if kind == "few":
        return rng.normal(size=(5, 4)), 2
    if kind == "fewer":
        return rng.normal(size=(6, 4)), 3
    if kind == "one each":
        return rng.normal(size=(3, 2)), 3
    if kind == "repeated":
        return np.repeat(rng.normal(size=(4, 2)), 10, axis=0), 3
    if kind == "lines":
        t = rng.normal(size=40)
        return np.column_stack([t, t + 3.0 * (np.arange(40) % 2)]), 2
    return rng.integers(1, 4, size=(100, 2)).astype(float), 5


@structures
@pytest.mark.parametrize("kind", ["few", "fewer", "one each", "repeated", "lines", "coarse"])
def test_maximum_likelihood_of_degenerate_rows_collapses_in_words(kind, covariance):
    x, k = degenerate(kind)
    estimate = fit("flat", covariance, x, k, n_starts=4)
    assert np.isfinite(estimate.log_likelihood)
    assert np.linalg.eigvalsh(estimate.covariances).min() > 0
    # On the floor a value is rounded to 1e-10 of itself.
    assert (np.diff(estimate.trace) >= -1e-9 * np.abs(estimate.trace[1:])).all()


def test_no_step_of_em_falls_where_proportional_volumes_rest_on_the_floor():
    x, k = degenerate("repeated")
    mixture = bg.GaussianMixture(k, "proportional")
    objective = Objective.of(mixture, x, np.ones(len(x)), flat=True)
    for seed in range(30):
        point = objective.at(draw_start(objective, seed, np.random.default_rng(seed)))
        for _ in range(10):
            before, point = point, objective.at(objective.step(point.y))
            assert point.value >= before.value - 1e-9 * abs(before.value)


def test_ends_that_did_not_converge_are_no_modes(penguins):
    """They are as many as there are starts."""
    estimate = fit("flat", "full", penguins, 3, max_iter=3)
    assert estimate.modes == ()
    assert not estimate.converged
    assert not estimate.collapsed
    assert np.isfinite(estimate.bic)


def test_too_few_iterations_are_not_called_converged_and_more_are_advised():
    estimate = fit("conjugate", "full", overlapping(), 3, max_iter=1)
    assert not estimate.converged
    assert estimate.n_iter <= 2
    assert estimate.gradient_norm > 1e-8
    assert estimate.status.startswith("Not converged")
    assert "max_iter" in estimate.status


def test_max_iter_bounds_the_iterations():
    for max_iter in (1, 2, 5, 20):
        estimate = fit("conjugate", "full", overlapping(), 4, max_iter=max_iter)
        assert estimate.n_iter <= max_iter + 1


def test_a_looser_tolerance_stops_earlier_and_keeps_its_word():
    loose = fit("conjugate", "full", overlapping(), 3, tol=1e-3, n_starts=1)
    tight = fit("conjugate", "full", overlapping(), 3, tol=1e-10, n_starts=1)
    assert loose.converged
    assert loose.gradient_norm <= 1e-3
    assert tight.gradient_norm <= 1e-10
    assert loose.n_iter < tight.n_iter


def test_a_mode_found_once_among_many_starts_is_doubted(galaxies):
    for seed in range(20):
        estimate = fit("conjugate", "full", galaxies, 8, n_starts=2, random_seed=seed)
        if estimate.modes[0].count <= 1:
            assert "n_starts" in estimate.status
            return
    pytest.fail("no seed found its best mode only once")


# Ctrl-C


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def until_interrupted(function, *arguments, **settings):
    """The result of a call that is interrupted a second after its first pass over the rows."""
    timer, first = threading.Timer(1.0, press_ctrl_c), Objective.at

    def begun(self, y):
        Objective.at = first
        point = first(self, y)
        timer.start()
        return point

    Objective.at = begun
    try:
        return function(*arguments, **settings)
    except KeyboardInterrupt:  # which would end the whole test session
        pytest.fail("the interrupt came through")
    finally:
        Objective.at = first
        timer.cancel()


FOR_EVER = {"tol": 1e-300, "max_iter": 10**9}
no_windows = pytest.mark.skipif(sys.platform == "win32", reason="SIGINT ends the process there")


@no_windows
def test_an_interrupted_fit_keeps_the_best_start(monkeypatch, galaxies):
    made = []

    def finish_or_wait(objective, climb, *settings):
        if len(made) == 1:
            press_ctrl_c()
            time.sleep(0.5)
        finish(objective, climb, *settings)
        made.append(climb)

    monkeypatch.setattr("bayesgmm.em.search.finish", finish_or_wait)
    estimate = until_interrupted(fit, "conjugate", "full", galaxies, 5, n_starts=10)
    assert estimate.interrupted
    assert len(made) == 1
    assert re.search(r"Interrupted after \d of 10 starts; the best of them", estimate.status)
    best = max(made, key=lambda c: c.end.value)
    offset = estimate.log_posterior - best.end.value
    np.testing.assert_allclose(estimate.trace, np.array(best.trace) + offset)


@no_windows
@pytest.mark.parametrize("n", [300, 40_000])
@pytest.mark.parametrize("family", ["conjugate", "flat"])
def test_a_fit_interrupted_in_its_first_start_returns_its_best_point(n, family):
    x = overlapping(n, 3, 4)
    estimate = until_interrupted(fit, family, "full", x, 4, n_starts=3, **FOR_EVER)
    assert estimate.interrupted
    assert not estimate.converged
    assert "Interrupted after 0 of 3 starts; the best point so far is kept." in estimate.status
    assert "let it run on" in estimate.status
    assert estimate.modes == ()
    reported = estimate.log_likelihood if family == "flat" else estimate.log_posterior
    np.testing.assert_allclose(estimate.trace[-1], reported, rtol=1e-12)
    np.testing.assert_allclose(
        estimate.log_likelihood, log_likelihood(x, estimate.parameters), rtol=1e-9
    )


@no_windows
def test_ctrl_c_after_the_last_climb_is_not_lost(monkeypatch, galaxies):
    class Bar(search.Bar):
        def advance(self, share):
            super().advance(share)
            if self.done == 3:
                press_ctrl_c()

    monkeypatch.setattr("bayesgmm.em.search.Bar", Bar)
    estimate = until_interrupted(fit, "conjugate", "full", galaxies, 2, n_starts=3)
    assert estimate.interrupted


@no_windows
def test_an_interrupted_climb_ends_where_it_is():
    objective = Objective.of(bg.GaussianMixture(4), overlapping(300, 3, 4), np.ones(300))
    y = draw_start(objective, 0, np.random.default_rng(0))
    found = until_interrupted(climb, objective, y, *reversed(FOR_EVER.values()))
    assert not found.finished
    assert found.end.value == found.trace[-1] >= max(found.trace) - 1e-9
    assert found.n_passes >= len(found.trace) > 10


def test_progress_goes_nowhere_where_output_goes_to_a_file(old_faithful, capfd):
    fit("conjugate", "full", old_faithful, n_starts=2, progress=True)
    assert capfd.readouterr() == ("", "")


# Refusals


@pytest.mark.parametrize("family", ["conjugate", "separate"])
@pytest.mark.parametrize("concentration", [0.99, [2.0, 0.5]])
def test_a_prior_without_an_interior_mode_is_refused(family, concentration, old_faithful):
    prior = dataclasses.replace(PRIORS[family], concentration=concentration)
    with pytest.raises(ValueError) as caught:
        fit(family, "full", old_faithful, 2, prior)
    message = str(caught.value)
    assert message.startswith("concentration of the prior")
    assert "Try concentration=1" in message


def test_maximum_likelihood_ignores_the_prior(old_faithful):
    sparse = bg.NormalInverseWishart(concentration=0.1, mean=1e6, scale=1e9)
    a, b = (fit("flat", "full", old_faithful, 2, prior) for prior in (sparse, bg.NormalLKJ()))
    np.testing.assert_array_equal(a.means, b.means)


@pytest.mark.parametrize("function", [bg.fit_map, bg.fit_ml])
@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"n_starts": 0}, ValueError, ["n_starts", "from 1", "0"]),
        ({"n_starts": 2.0}, TypeError, ["n_starts", "2.0"]),
        ({"n_starts": True}, TypeError, ["n_starts", "True"]),
        ({"max_iter": 0}, ValueError, ["max_iter", "at least 1", "0"]),
        ({"tol": 0.0}, ValueError, ["tol", "above 0", "0.0"]),
        ({"tol": -1e-8}, ValueError, ["tol", "above 0", "-1e-08"]),
        ({"tol": float("nan")}, ValueError, ["tol", "above 0", "nan"]),
        ({"sample_weight": [1.0, 2.0]}, ValueError, ["sample_weight", "2", "272"]),
        ({"sample_weight": np.full(272, -1.0)}, ValueError, ["sample_weight", "-1.0"]),
    ],
)
def test_a_bad_setting_is_named(function, settings, error, words, old_faithful):
    with pytest.raises(error) as caught:
        function(bg.GaussianMixture(2), old_faithful, progress=False, **settings)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize("function", [bg.fit_map, bg.fit_ml])
def test_more_components_than_distinct_rows_are_refused(function):
    x = np.repeat([[0.0, 1.0], [2.0, 0.0]], 10, axis=0)
    with pytest.raises(ValueError) as caught:
        function(bg.GaussianMixture(3), x, progress=False)
    for word in ("2 distinct rows", "n_components=3", "n_components=2"):
        assert word in str(caught.value)


@pytest.mark.parametrize("function", [bg.fit_map, bg.fit_ml])
def test_a_constant_column_is_refused_by_name(function, old_faithful):
    import pandas as pd

    table = pd.DataFrame(old_faithful, columns=["eruptions", "waiting"]).assign(station=7.0)
    with pytest.raises(ValueError) as caught:
        function(bg.GaussianMixture(2), table, progress=False)
    assert "'station' is constant" in str(caught.value)
