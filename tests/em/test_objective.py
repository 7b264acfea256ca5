"""The objective of EM: a step never lowers it, and its numbers are those of the data's units."""

import numpy as np
import pytest
import scipy.linalg
from oracles import (
    ISOTROPIC,
    MATRICES,
    STRUCTURES,
    log_likelihood,
    log_prior,
    prior_by_component,
    random_parameters,
    random_rows,
)

import bayesgmm as bg
from bayesgmm.data.bulk import Bulk
from bayesgmm.em.objective import Objective
from bayesgmm.em.starts import draw_start
from bayesgmm.likelihood.target import Target, unconstrain

structures = pytest.mark.parametrize("covariance", STRUCTURES)
PRIORS = {"conjugate": bg.NormalInverseWishart(), "separate": bg.NormalLKJ(), "flat": None}
families = pytest.mark.parametrize("family", PRIORS)


def scene(covariance, family, k=3, d=2, n=80, seed=1):
    """An objective at rows in awkward units, and a random point of its coordinates."""
    rng = np.random.default_rng(seed)
    p = random_parameters(rng, covariance, k, d)
    scale = np.full(d, 20.0) if covariance in ISOTROPIC else np.geomspace(1e-2, 1e2, d)
    x = random_rows(rng, p, n) * scale + 100 * scale
    weight = rng.choice([1.0, 2.0, 0.5], size=n)
    prior = PRIORS.get(family) or bg.NormalInverseWishart()
    if family == "by component":
        prior = prior_by_component(rng, covariance, k, d).affine(scale, 100 * scale)
    objective = Objective.of(bg.GaussianMixture(k, covariance, prior), x, weight, family == "flat")
    return objective, x, weight, prior, p


@structures
@pytest.mark.parametrize("family", [*PRIORS, "by component"])
def test_its_value_is_scipys_in_the_datas_units(covariance, family):
    objective, x, weight, prior, p = scene(covariance, family)
    point = objective.at(unconstrain(p))
    in_units = objective.in_data_units(p)
    expected = log_likelihood(x, in_units, weight)
    log_likelihood_here = point.moments.log_likelihood + objective.log_likelihood_offset
    np.testing.assert_allclose(log_likelihood_here, expected, rtol=1e-11)
    if family != "flat":
        expected += log_prior(prior.resolved(x, weight, 3, covariance), in_units)
    np.testing.assert_allclose(point.value + objective.offset, expected, rtol=1e-11)


@structures
@families
def test_its_gradient_is_the_targets(covariance, family):
    objective, _, _, _, p = scene(covariance, family)
    y = unconstrain(p)
    point = objective.at(y)
    value, gradient = objective.target(y, jacobian=False)
    np.testing.assert_allclose(point.value, value, rtol=1e-13)
    np.testing.assert_allclose(point.gradient, gradient, rtol=1e-10, atol=1e-10)


@structures
@pytest.mark.parametrize("family", ["conjugate", "by component", "flat"])
@pytest.mark.parametrize(("k", "d", "n"), [(1, 1, 10), (3, 2, 80), (4, 3, 30), (5, 1, 12)])
def test_a_step_of_em_never_lowers_it(covariance, family, k, d, n):
    for seed in range(8):
        objective, *_ = scene(covariance, family, k, d, n, seed)
        rng = np.random.default_rng(seed)
        y = unconstrain(random_parameters(rng, covariance, k, d))
        before = objective.at(y)
        for _ in range(15):
            after = objective.at(objective.step(before.y))
            # On the floor an eigenvalue of 1e-6 is rounded to 1e-10 of itself.
            assert after.value >= before.value - 2e-9
            before = after


@structures
@pytest.mark.parametrize("family", ["conjugate", "by component"])
def test_a_step_of_em_leaves_its_fixed_point_where_the_gradient_is_zero(covariance, family):
    objective, *_ = scene(covariance, family)
    point = objective.at(draw_start(objective, 0, np.random.default_rng(1)))
    for _ in range(3000):
        point = objective.at(objective.step(point.y))
    assert point.gradient_norm < 1e-9
    np.testing.assert_allclose(objective.step(point.y), point.y, atol=1e-7)


@structures
@pytest.mark.parametrize("family", ["conjugate", "separate"])
def test_its_gradient_norm_is_dimensionless(covariance, family):
    objective, x, weight, prior, p = scene(covariance, family)
    here = objective.at(unconstrain(p))
    scale = np.full(2, 1e5) if covariance in ISOTROPIC else np.array([1e5, 1e-4])
    mixture = bg.GaussianMixture(3, covariance, prior)
    moved = Objective.of(mixture, x * scale - 3 * scale, weight).at(unconstrain(p))
    np.testing.assert_allclose(moved.gradient_norm, here.gradient_norm, rtol=1e-7)


@structures
@pytest.mark.parametrize("family", ["conjugate", "separate"])
def test_its_gradient_norm_is_the_largest_of_its_three_parts(covariance, family):
    objective, x, weight, prior, p = scene(covariance, family)
    point = objective.at(unconstrain(p))
    in_units = objective.in_data_units(p)
    raw = Target.of(covariance, 3, x, weight, prior.resolved(x, weight, 3, covariance))
    assert np.isclose(
        dimensionless_norm(raw, in_units, weight.sum()), point.gradient_norm, rtol=1e-6
    )


def dimensionless_norm(target, parameters, n_obs):
    """|∂/∂log w| on the simplex, |Lᵀ ∂/∂μ| and |∂/∂ unconstrained spread|, per row.

    Only the factor's diagonal is logarithmic in the target's coordinates; its other entries have
    the feature's units, so that data of unit scale give a number without units.
    """
    k, d = parameters.means.shape
    gradient = target(unconstrain(parameters), jacobian=False)[1]
    # A softmax over logits v with Σ v = 0 has ∂f/∂v_i − ∂f/∂v_K in its K − 1 coordinates.
    logits = np.append(gradient[: k - 1], 0.0)
    logits = logits - logits.mean()
    lower = np.linalg.cholesky(parameters.covariances)
    means = np.einsum("kij,ki->kj", lower, gradient[-k * d :].reshape(k, d))
    spread = gradient[k - 1 : -k * d].copy()
    if parameters.factor.ndim == 3:
        rows, weight = target.evidence.values, target.evidence.each
        unit = np.sqrt(np.diag(Bulk.of(rows, weight, target.structure).covariance))
        i, j = np.tril_indices(d)
        units = np.tile(np.where(i == j, 1.0, unit[i]), len(parameters.factor))
        if target.covariance == "proportional":  # of the shape, after the volumes
            unit = unit / np.exp(np.log(unit).mean())
            units = np.concatenate([np.ones(k), np.where(i == j, 1.0, unit[i])[:-1]])
        spread *= units
    return max(np.abs(part).max() for part in (logits, means, spread)) / n_obs


@pytest.mark.parametrize("eigenvalue", [1e-6, 3e-7, 1e-3])
@structures
def test_only_maximum_likelihood_has_a_floor(covariance, eigenvalue):
    flat, *_ = scene(covariance, "flat")
    bayesian, *_ = scene(covariance, "conjugate")
    p = random_parameters(np.random.default_rng(1), covariance, 3, 2)
    smallest = np.linalg.eigvalsh(p.covariances[-1])[0]
    if covariance in MATRICES:  # relative to the covariance of all rows
        smallest = scipy.linalg.eigvalsh(p.covariances[-1], flat.correlation)[0]
    p.factor[-1] *= np.sqrt(eigenvalue / smallest)
    np.testing.assert_allclose(flat.smallest_eigenvalues(p).min(), eigenvalue, rtol=1e-9)
    assert flat.on_floor(p) == (eigenvalue <= 1e-6)
    assert not bayesian.on_floor(p)


def test_em_climbs_a_conjugate_surrogate_of_a_prior_it_has_no_step_for():
    separate, *_ = scene("full", "separate")
    conjugate, *_ = scene("full", "conjugate")
    flat, *_ = scene("full", "flat")
    assert isinstance(separate.surrogate.prior, bg.NormalInverseWishart)
    assert conjugate.surrogate is conjugate
    assert flat.surrogate is flat
