"""The declared PyMC model: the target's twin, and the published density."""

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytest
from declared import (
    FAST,
    PRIORS,
    close,
    compiled,
    draw_parameters,
    flat,
    log_density,
    pieces,
    rows,
    value_and_gradient,
)
from oracles import MATRICES, STRUCTURES, log_prior, prior_by_component
from pytensor.compile.mode import Mode
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky

import bayesgmm as bg
from bayesgmm.likelihood.target import Target, unconstrain
from bayesgmm.mixture import structure_named
from bayesgmm.pymc_model.op import MixtureRows, MixtureSum

# (n_components, n_features)
SHAPES = [
    (3, 2),
    (1, 1),
    *(pytest.param(s, marks=pytest.mark.slow) for s in [(2, 3), (1, 2), (2, 1)]),
]


def names(covariance):
    """The unconstrained variables, in the order of the flat vector."""
    transform = "cholesky-cov" if covariance in MATRICES else "log"
    transform = "proportional" if covariance == "proportional" else transform
    return ["weights_simplex__", f"{structure_named(covariance).spread}_{transform}__", "means"]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("family", PRIORS)
@pytest.mark.parametrize("covariance", STRUCTURES)
def test_declared_density_and_gradient_are_the_targets(covariance, family, shape):
    (k, d), rng = shape, np.random.default_rng(1)
    x, weight = rows(30, d), rng.integers(0, 3, size=30).astype(float)
    mixture = bg.GaussianMixture(k, covariance, PRIORS[family])
    model = bg.declare(mixture, x, sample_weight=weight)
    assert [v.name for v in model.value_vars] == names(covariance)
    function = compiled(model, value_and_gradient(model, True) + value_and_gradient(model, False))
    assert_one_pass(function)
    target = Target.of(covariance, k, x, weight, mixture.resolved_prior(x, weight))
    for _ in range(3):
        parameters = draw_parameters(mixture, x, weight, rng)
        y = unconstrain(parameters) + 0.1 * rng.normal(size=target.n_dim)
        results = function(*pieces(model, y))
        half = len(results) // 2
        for jacobian, (value, *slopes) in ((True, results[:half]), (False, results[half:])):
            expected, gradient = target(y, jacobian)
            assert value == pytest.approx(expected, rel=1e-9)
            close(flat(slopes), gradient)


@pytest.mark.parametrize("family", PRIORS)
@pytest.mark.parametrize("covariance", STRUCTURES)
def test_declared_density_is_the_published_one(covariance, family):
    """Dirichlet, inverse-Wishart or half-normal and LKJ, normal, and the rows: all by SciPy."""
    (k, d), rng = (2, 3), np.random.default_rng(2)
    x, ones = rows(30, d), np.ones(30)
    mixture = bg.GaussianMixture(k, covariance, PRIORS[family])
    model = bg.declare(mixture, x)
    function = compiled(model, model.logp(jacobian=False))
    prior = mixture.resolved_prior(x, ones)
    for _ in range(3):
        p = draw_parameters(mixture, x, ones, rng)
        expected = log_prior(prior, p)
        expected += log_density(x, p.weights, p.means, p.covariances).sum()
        assert function(*pieces(model, unconstrain(p))) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("covariance", STRUCTURES)
def test_a_prior_that_tells_components_apart_is_declared_compiled_and_published_alike(covariance):
    (k, d), rng = (3, 2), np.random.default_rng(5)
    x, ones = rows(30, d), np.ones(30)
    prior = prior_by_component(rng, covariance, k, d).affine(x.std(axis=0), x.mean(axis=0))
    mixture = bg.GaussianMixture(k, covariance, prior)
    model = bg.declare(mixture, x)
    function = compiled(model, value_and_gradient(model, False))
    target = Target.of(covariance, k, x, ones, prior)
    for _ in range(3):
        p = draw_parameters(mixture, x, ones, rng)
        published = log_prior(prior, p)
        published += log_density(x, p.weights, p.means, p.covariances).sum()
        value, *slopes = function(*pieces(model, unconstrain(p)))
        expected, gradient = target(unconstrain(p), jacobian=False)
        assert value == pytest.approx(published, rel=1e-9)
        assert expected == pytest.approx(published, rel=1e-9)
        close(flat(slopes), gradient)


def assert_one_pass(function):
    ops = [node.op for node in function.maker.fgraph.toposort()]
    assert sum(isinstance(op, MixtureSum) for op in ops) == 1
    assert not any(isinstance(op, MixtureRows) for op in ops)
    assert not has_cholesky(function)


def has_cholesky(function):
    ops = [node.op for node in function.maker.fgraph.toposort()]
    inner = [getattr(op, "core_op", op) for op in ops]
    return any(isinstance(op, Cholesky) or "cholesky" in str(op).lower() for op in inner)


@pytest.mark.parametrize("family", PRIORS)
@pytest.mark.parametrize("covariance", STRUCTURES)
def test_samplers_get_one_pass_and_no_cholesky_decomposition(covariance, family):
    """With the rewrites of PyTensor's default mode."""
    model = bg.declare(bg.GaussianMixture(2, covariance, PRIORS[family]), rows())
    mode = Mode(linker="py", optimizer="fast_run")
    assert_one_pass(compiled(model, value_and_gradient(model, True), mode))


def test_a_cholesky_decomposition_would_be_noticed():
    """The search of the test above finds the operation where it is."""
    matrix = pytensor.tensor.matrix()
    function = pytensor.function([matrix], pytensor.tensor.linalg.cholesky(matrix), mode=FAST)
    assert has_cholesky(function)


@pytest.mark.parametrize("covariance", STRUCTURES)
def test_the_row_wise_density_is_the_mixtures(covariance):
    x = rows()
    mixture = bg.GaussianMixture(2, covariance)
    model = bg.declare(mixture, x)
    [by_row] = model.logp(vars=model["x"], sum=False)
    p = draw_parameters(mixture, x, np.ones(len(x)), np.random.default_rng(3))
    values = pieces(model, unconstrain(p))
    actual = pytensor.function(model.value_vars, by_row, mode=FAST, on_unused_input="ignore")(
        *values
    )
    close(actual, log_density(x, p.weights, p.means, p.covariances))


@pytest.mark.parametrize("family", PRIORS)
@pytest.mark.parametrize("covariance", STRUCTURES)
def test_initial_values_differ_between_components(covariance, family):
    """From identical ones an optimiser would stop at the symmetric saddle."""
    model = bg.declare(bg.GaussianMixture(3, covariance, PRIORS[family]), rows())
    point = model.initial_point()
    values = [point[v.name] for v in model.value_vars]
    means = point["means"]
    distance = np.abs(means[:, None] - means).max(axis=2) / rows().std(axis=0).min()
    assert distance[~np.eye(3, dtype=bool)].min() > 0.1
    slopes = compiled(model, value_and_gradient(model, True))(*values)
    assert all(np.isfinite(s).all() for s in slopes)


def test_initial_values_are_the_same_every_time():
    points = [bg.declare(bg.GaussianMixture(3), rows()).initial_point() for _ in range(2)]
    for name, value in points[0].items():
        np.testing.assert_array_equal(value, points[1][name])


@pytest.mark.parametrize("covariance", STRUCTURES)
def test_dims_and_coords_name_every_axis(covariance):
    frame = pd.DataFrame(rows(n_features=2), columns=["waiting", "eruptions"])
    model = bg.declare(bg.GaussianMixture(2, covariance), frame)
    assert model.named_vars_to_dims == {
        "weights": ("component",),
        structure_named(covariance).spread: structure_named(covariance).dims,
        "means": ("component", "feature"),
        "x": ("obs", "feature"),
    }
    assert list(model.coords["feature"]) == ["waiting", "eruptions"]
    assert list(model.coords["feature_bis"]) == ["waiting", "eruptions"]
    assert list(model.coords["component"]) == [0, 1]
    assert list(model.coords["obs"]) == list(range(40))
    assert [v.name for v in model.free_RVs] == [
        "weights",
        structure_named(covariance).spread,
        "means",
    ]
    assert [v.name for v in model.observed_RVs] == ["x"]


def test_rows_left_out_leave_their_positions_in_the_coords():
    x = rows(10, 2)
    x[[2, 5]] = np.nan
    kept = bg.observations(x, drop_missing=True)
    assert list(bg.declare(bg.GaussianMixture(2), kept).coords["obs"]) == [0, 1, 3, 4, 6, 7, 8, 9]


@pytest.mark.parametrize("family", PRIORS)
@pytest.mark.parametrize("covariance", STRUCTURES)
def test_draws_from_the_prior_follow_the_declared_numbers(covariance, family):
    """Shapes, and the means' law: about m, as wide as declared."""
    k, d, n_draws = 2, 2, 400
    x = rows(20, d)
    mixture = bg.GaussianMixture(k, covariance, PRIORS[family])
    model = bg.declare(mixture, x)
    drawn = pm.sample_prior_predictive(
        n_draws, model=model, random_seed=4, compile_kwargs={"mode": FAST}
    )
    prior = drawn["prior"]
    assert prior["weights"].shape == (1, n_draws, k)
    assert prior[structure_named(covariance).spread].shape == (
        1,
        n_draws,
        *structure_named(covariance).spread_shape(k, d),
    )
    assert drawn["prior_predictive"]["x"].shape == (1, n_draws, 20, d)
    np.testing.assert_allclose(prior["weights"].sum("component"), 1)
    # Dirichlet(2, 2): each weight has variance 1 / 20.
    assert prior["weights"].values.var(axis=1) == pytest.approx(1 / 20, rel=0.25)
    resolved = mixture.resolved_prior(x, np.ones(20))
    centred = prior["means"].values[0] - resolved.mean
    if family == "separate":
        width = np.broadcast_to(resolved.mean_scale, (n_draws, k, d))
    else:
        spread = prior[structure_named(covariance).spread].values[0]
        variance = {
            "full": lambda: np.diagonal(spread, axis1=-2, axis2=-1),
            "tied": lambda: np.diagonal(spread, axis1=-2, axis2=-1)[:, None],
            "proportional": lambda: np.diagonal(spread, axis1=-2, axis2=-1),
            "diag": lambda: spread,
            "spherical": lambda: spread[..., None],
            "tied_diag": lambda: spread[:, None],
            "tied_spherical": lambda: spread[:, None, None],
        }[covariance]()
        width = np.sqrt(variance / resolved.mean_concentration)
    z = centred / width
    assert np.abs(z.mean(axis=0)).max() < 4 / np.sqrt(n_draws)
    assert np.abs(z.var(axis=0) - 1).max() < 4 * np.sqrt(2 / n_draws)


def test_unfit_rows_are_refused_by_name():
    with pytest.raises(ValueError, match="x1"):
        bg.declare(bg.GaussianMixture(2), np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]]))
    with pytest.raises(ValueError, match="sample_weight"):
        bg.declare(bg.GaussianMixture(2), rows(), sample_weight=-np.ones(40))
