"""The PyMC distributions against SciPy, PyMC's own, and published formulas."""

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from declared import FAST, close, log_density, rows
from oracles import lkj_log_volume
from pymc.logprob.utils import ParameterValueError
from scipy import integrate, stats

import bayesgmm as bg

SIZES = [1, 2, 3]


def covariance_matrices(n, d, seed=0):
    """Random positive definite matrices with unequal scales."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, d, d + 2)) * np.array([1.0, 5.0, 0.3])[:d, None]
    return a @ a.mT / (d + 2)


def logp(rv, value):
    """Log density of a constant, evaluated."""
    return pytensor.function([], pm.logp(rv, value), mode=FAST)()


def draws(rv, seed=1):
    """One draw of a (large) random variable."""
    return pm.draw(rv, random_seed=seed, mode=FAST)


def assert_mean(sample, expected, z=4.5):
    """The mean of independent rows is within Monte Carlo error of the expected one."""
    error = sample.std(axis=0, ddof=1) / np.sqrt(len(sample))
    assert np.all(np.abs(sample.mean(axis=0) - expected) < z * error + 1e-12)


def assert_law(sample, law):
    assert stats.kstest(sample, law.cdf).pvalue > 1e-4


# Inverse-Wishart


@pytest.mark.parametrize("d", SIZES)
def test_inverse_wishart_equals_scipy(d):
    df, scale = d + 1.7, covariance_matrices(1, d, seed=1)[0]
    value = covariance_matrices(4, d)
    expected = [stats.invwishart(df, scale).logpdf(v) for v in value]
    close(logp(bg.InverseWishart.dist(df, scale, shape=(4, d, d)), value), expected, rtol=1e-11)
    close(logp(bg.InverseWishart.dist(df, scale), value[0]), expected[0], rtol=1e-11)


@pytest.mark.parametrize("d", SIZES)
def test_inverse_wishart_takes_a_batch_of_parameters(d):
    df, scale = np.array([3.0, 4.5, 9.0]), covariance_matrices(3, d, seed=1)
    value = covariance_matrices(3, d)
    expected = [stats.invwishart(df[i], scale[i]).logpdf(value[i]) for i in range(3)]
    actual = logp(bg.InverseWishart.dist(df, scale), value)
    assert actual.shape == (3,)
    close(actual, expected, rtol=1e-11)
    assert draws(bg.InverseWishart.dist(df, scale)).shape == (3, d, d)


def test_scaled_lkj_takes_a_batch_of_parameters():
    eta, scale = np.array([1.0, 2.0, 3.5]), np.array([[1.0, 4.0], [0.5, 2.0], [3.0, 1.0]])
    value = covariance_matrices(3, 2)
    expected = [logp(bg.ScaledLKJ.dist(scale[i], eta[i]), value[i]) for i in range(3)]
    actual = logp(bg.ScaledLKJ.dist(scale, eta), value)
    assert actual.shape == (3,)
    close(actual, expected, rtol=1e-11)
    assert draws(bg.ScaledLKJ.dist(scale, eta)).shape == (3, 2, 2)


def test_scale_and_its_factor_mean_the_same():
    scale, value = covariance_matrices(1, 3, 1)[0], covariance_matrices(1, 3)[0]
    by_scale = logp(bg.InverseWishart.dist(5.5, scale), value)
    by_factor = logp(bg.InverseWishart.dist(5.5, scale_chol=np.linalg.cholesky(scale)), value)
    assert by_factor == pytest.approx(by_scale, rel=1e-13)


@pytest.mark.parametrize("arguments", [{}, {"scale": np.eye(2), "scale_chol": np.eye(2)}])
def test_inverse_wishart_needs_one_scale(arguments):
    with pytest.raises(ValueError, match="exactly one of scale and scale_chol"):
        bg.InverseWishart.dist(4, **arguments)


def test_inverse_wishart_without_a_proper_df_is_refused():
    with pytest.raises(ParameterValueError, match="df > p - 1"):
        logp(bg.InverseWishart.dist(1.0, np.eye(2)), np.eye(2))


@pytest.mark.parametrize("d", SIZES)
def test_inverse_wishart_draws_have_its_moments(d):
    df, scale = d + 6.5, covariance_matrices(1, d, seed=1)[0]
    drawn = draws(bg.InverseWishart.dist(df, scale, shape=(20_000, d, d)))
    np.testing.assert_allclose(drawn, drawn.mT, rtol=1e-10)
    assert_mean(drawn, scale / (df - d - 1))
    assert_mean(np.linalg.inv(drawn), df * np.linalg.inv(scale))
    for j in range(d):
        law = stats.invgamma((df - d + 1) / 2, scale=scale[j, j] / 2)
        assert_law(drawn[:, j, j], law)
    # log |Ψ| − log |Σ| is a sum of independent log χ² with ν, ν − 1, … degrees of freedom.
    rng = np.random.default_rng(0)
    chi = rng.chisquare(df - np.arange(d), size=(20_000, d))
    log_det = np.linalg.slogdet(scale)[1] - np.linalg.slogdet(drawn)[1]
    assert stats.ks_2samp(log_det, np.log(chi).sum(axis=1)).pvalue > 1e-4


# Scales and LKJ correlations


def test_lkj_volume_of_the_oracle_is_the_published_one():
    """Of 3 × 3 and of 4 × 4 correlation matrices: Joe (2006), J. Multivariate Analysis 97."""
    assert np.exp(lkj_log_volume(1.0, 3)) == pytest.approx(np.pi**2 / 2, rel=1e-12)
    assert np.exp(lkj_log_volume(1.0, 4)) == pytest.approx(32 * np.pi**2 / 27, rel=1e-12)


def lkj_volume_by_quadrature(eta, d):
    """∫ |R|^(η−1) dR, without a formula."""
    if d == 1:
        return 1.0
    if d == 2:
        return integrate.quad(lambda r: (1 - r * r) ** (eta - 1), -1, 1)[0]

    def slice_at(a, b):
        room, centre = (1 - a * a) * (1 - b * b), a * b
        nodes, weights = np.polynomial.legendre.leggauss(40)
        c = centre + np.sqrt(room) * nodes
        det = np.maximum(room - (c - centre) ** 2, 0)
        return np.sqrt(room) * weights @ det ** (eta - 1)

    nodes, weights = np.polynomial.legendre.leggauss(40)
    return sum(
        v * w * slice_at(a, b)
        for a, v in zip(nodes, weights, strict=True)
        for b, w in zip(nodes, weights, strict=True)
    )


@pytest.mark.parametrize("eta", [2.0, 3.5])
@pytest.mark.parametrize("d", SIZES)
def test_scaled_lkj_is_normalised_as_published(d, eta):
    scale, value = np.array([1.0, 4.0, 0.5])[:d], covariance_matrices(3, d)
    sd = np.sqrt(np.diagonal(value, axis1=1, axis2=2))
    log_det = np.linalg.slogdet(value)[1] - 2 * np.log(sd).sum(axis=1)
    expected = (
        stats.halfnorm(scale=scale).logpdf(sd).sum(axis=1)
        + (eta - 1) * log_det
        - np.log(lkj_volume_by_quadrature(eta, d))
        - d * np.log(2)
        - d * np.log(sd).sum(axis=1)
    )
    close(logp(bg.ScaledLKJ.dist(scale, eta, shape=(3, d, d)), value), expected, rtol=1e-7)


@pytest.mark.parametrize("d", SIZES)
def test_scaled_lkj_differs_from_pymc_by_a_constant(d):
    """PyMC's density is one of the Cholesky factor: |∂Σ/∂L| = 2^d Π L_ii^(d − i + 1)."""
    eta, scale = 2.5, np.array([1.0, 4.0, 0.5])[:d]
    packed = pt.vector("packed")
    lower = pm.math.expand_packed_triangular(d, packed)
    sd = pm.HalfNormal.dist(scale, shape=d)
    theirs = pm.logp(pm.LKJCholeskyCov.dist(eta, d, sd_dist=sd, compute_corr=False), packed)
    jacobian = d * np.log(2) + (np.arange(d, 0, -1) * pt.log(pt.diagonal(lower))).sum()
    ours = pm.logp(bg.ScaledLKJ.dist(scale, eta), lower @ lower.mT) + jacobian
    outputs = [ours, pytensor.grad(ours, packed), theirs, pytensor.grad(theirs, packed)]
    function = pytensor.function([packed], outputs, mode=FAST)
    differences = []
    for matrix in covariance_matrices(6, d):
        value, slope, their_value, their_slope = function(
            np.linalg.cholesky(matrix)[np.tril_indices(d)]
        )
        differences.append(value - their_value)
        close(slope, their_slope)
    np.testing.assert_allclose(differences, differences[0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("eta", [0.7, 2.0])
def test_scaled_lkj_draws_have_its_marginals(eta):
    d, scale = 3, np.array([1.0, 4.0, 0.5])
    drawn = draws(bg.ScaledLKJ.dist(scale, eta, shape=(20_000, d, d)))
    sd = np.sqrt(np.diagonal(drawn, axis1=1, axis2=2))
    for j in range(d):
        assert_law(sd[:, j], stats.halfnorm(scale=scale[j]))
    correlation = drawn / (sd[:, :, None] * sd[:, None, :])
    law = stats.beta(eta + (d - 2) / 2, eta + (d - 2) / 2, loc=-1, scale=2)
    for i, j in [(1, 0), (2, 0), (2, 1)]:
        assert_law(correlation[:, i, j], law)
    # What the pairs' marginals do not see: E |R|^a is a ratio of two volumes.
    det = np.linalg.det(correlation)
    assert_mean(det, np.exp(lkj_log_volume(eta + 1, d) - lkj_log_volume(eta, d)))
    assert_mean(det**2, np.exp(lkj_log_volume(eta + 2, d) - lkj_log_volume(eta, d)))


@pytest.mark.parametrize("d", [1, 2, 4])
def test_scaled_lkj_draws_of_any_size(d):
    eta = 1.5
    drawn = draws(bg.ScaledLKJ.dist(np.ones(d), eta, shape=(5_000, d, d)))
    assert drawn.shape == (5_000, d, d)
    if d > 1:
        sd = np.sqrt(np.diagonal(drawn, axis1=1, axis2=2))
        last = drawn[:, -1, -2] / (sd[:, -1] * sd[:, -2])
        shape = eta + (d - 2) / 2
        assert_law(last, stats.beta(shape, shape, loc=-1, scale=2))


def test_scaled_lkj_refuses_an_eta_of_zero():
    with pytest.raises(ParameterValueError, match="eta > 0"):
        logp(bg.ScaledLKJ.dist(np.ones(2), 0.0), np.eye(2))


# The likelihood


def spreads(k=3, d=2):
    """Every form of spread: its argument, and the dense covariances it means."""
    rng = np.random.default_rng(5)
    full = covariance_matrices(k, d, seed=2)
    sd = rng.uniform(0.5, 2, size=(k, d))
    chol = np.linalg.cholesky(full)
    return {
        "full": ({"chol": chol}, full),
        "tied": ({"chol": chol[0]}, np.broadcast_to(full[0], (k, d, d))),
        "diag": ({"sigma": sd}, sd[..., None] ** 2 * np.eye(d)),
        "spherical": ({"sigma": sd[:, 0]}, sd[:, :1, None] ** 2 * np.eye(d)),
    }


FORMS = spreads()
every_form = pytest.mark.parametrize("form", FORMS)
WEIGHTS = np.array([0.2, 0.5, 0.3])
MEANS = np.array([[0.0, 0.0], [2.0, -5.0], [-1.0, 4.0]])
X = rows(12, 2) - [5.0, -40.0]


@every_form
def test_rows_equal_a_mixture_of_pymc(form):
    given, dense = FORMS[form]
    components = [pm.MvNormal.dist(m, cov=c) for m, c in zip(MEANS, dense, strict=True)]
    theirs = logp(pm.Mixture.dist(WEIGHTS, components, shape=X.shape), X)
    ours = logp(bg.MarginalMixture.dist(WEIGHTS, MEANS, **given, shape=X.shape), X)
    assert ours.shape == (12,)
    close(ours, theirs, rtol=1e-11)


@pytest.mark.parametrize("form", spreads(3, 1))
def test_one_feature_equals_scipy(form):
    given, dense = spreads(3, 1)[form]
    x, means = X[:, :1], MEANS[:, :1]
    expected = log_density(x, WEIGHTS, means, dense)
    close(
        logp(bg.MarginalMixture.dist(WEIGHTS, means, **given, shape=x.shape), x),
        expected,
        rtol=1e-11,
    )


@pytest.mark.parametrize("form", spreads(1, 2))
def test_one_component_is_a_normal(form):
    given, dense = spreads(1, 2)[form]
    expected = stats.multivariate_normal(MEANS[1], dense[0]).logpdf(X)
    rv = bg.MarginalMixture.dist([1.0], MEANS[1:2], **given, shape=X.shape)
    close(logp(rv, X), expected, rtol=1e-11)


def row_weights():
    return np.random.default_rng(3).dirichlet(np.ones(3), size=12)


@every_form
def test_weights_may_differ_from_row_to_row(form):
    given, dense = FORMS[form]
    for weights in (row_weights(), np.tile(WEIGHTS, (12, 1))):
        ours = logp(bg.MarginalMixture.dist(weights, MEANS, **given, shape=X.shape), X)
        close(ours, log_density(X, weights, MEANS, dense), rtol=1e-11)


@every_form
def test_gradient_of_weights_that_differ_from_row_to_row(form):
    """Along a random direction in every argument, against differences of SciPy's density."""
    given, _ = FORMS[form]
    [(name, spread)] = given.items()
    values = [row_weights(), MEANS, spread]
    free = [pt.tensor(n, shape=v.shape) for n, v in zip("wmf", values, strict=True)]
    rv = bg.MarginalMixture.dist(free[0], free[1], **{name: free[2]}, shape=X.shape)
    slopes = pytensor.function(free, pytensor.grad(pm.logp(rv, X).sum(), free), mode=FAST)(*values)
    rng = np.random.default_rng(8)
    directions = [rng.normal(size=v.shape) for v in values]
    if name == "chol":
        directions[2] = np.tril(directions[2])

    def along(step):
        w, m, f = (v + step * u for v, u in zip(values, directions, strict=True))
        if name == "chol":
            dense = np.broadcast_to(f @ f.mT, (3, 2, 2))
        else:
            dense = (f if f.ndim == 2 else f[:, None])[..., None] ** 2 * np.eye(2)
        return log_density(X, w, m, dense).sum()

    expected = (along(1e-6) - along(-1e-6)) / 2e-6
    actual = sum((g * u).sum() for g, u in zip(slopes, directions, strict=True))
    assert actual == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("weights", [WEIGHTS, row_weights()], ids=["shared", "by row"])
def test_sample_weight_multiplies_the_rows(weights):
    given, dense = FORMS["full"]
    count = np.arange(12.0)
    rv = bg.MarginalMixture.dist(weights, MEANS, **given, sample_weight=count, shape=X.shape)
    ours = logp(rv, X)
    close(ours, count * log_density(X, weights, MEANS, dense), rtol=1e-11)


@pytest.mark.parametrize("shape", [(2,), (12, 2), (3, 4, 2)])
def test_density_has_the_shape_of_the_rows(shape):
    given, dense = FORMS["full"]
    value = X[0] if len(shape) == 1 else X.reshape(shape)
    ours = logp(bg.MarginalMixture.dist(WEIGHTS, MEANS, **given, shape=shape), value)
    assert ours.shape == shape[:-1]
    expected = log_density(value.reshape(-1, 2), WEIGHTS, MEANS, dense)
    close(np.ravel(ours), expected, rtol=1e-11)


@every_form
def test_draws_have_mean_and_covariance_of_the_mixture(form):
    given, dense = FORMS[form]
    drawn = draws(bg.MarginalMixture.dist(WEIGHTS, MEANS, **given, size=20_000))
    assert drawn.shape == (20_000, 2)
    mean = WEIGHTS @ MEANS
    assert_mean(drawn, mean)
    centred = MEANS - mean
    between = np.einsum("k,ki,kj->ij", WEIGHTS, centred, centred)
    within = np.einsum("k,kij->ij", WEIGHTS, dense)
    products = (drawn - mean)[:, :, None] * (drawn - mean)[:, None, :]
    assert_mean(products, within + between)
    # The law itself, on the line: a normal mixture's distribution function.
    sd = np.sqrt(dense[:, 0, 0])
    line = np.sort(drawn[:, 0])[:, None]
    cdf = stats.norm(MEANS[:, 0], sd).cdf(line) @ WEIGHTS
    assert np.abs(cdf - (np.arange(20_000) + 0.5) / 20_000).max() < 2.2 / np.sqrt(20_000)


def test_draws_under_weights_that_differ_from_row_to_row():
    given, _ = FORMS["full"]
    drawn = draws(bg.MarginalMixture.dist(row_weights(), MEANS, **given, size=(4000, 12)))
    assert drawn.shape == (4000, 12, 2)
    assert_mean(drawn.reshape(4000, -1), (row_weights() @ MEANS).ravel())


@pytest.mark.parametrize(("size", "shape"), [(5, (5, 2)), ((4, 3), (4, 3, 2))])
def test_draws_have_the_size_asked_for(size, shape):
    given, _ = FORMS["tied"]
    rv = bg.MarginalMixture.dist(WEIGHTS, MEANS, **given, size=size)
    assert draws(rv).shape == shape


@pytest.mark.parametrize(
    ("weights", "shape"), [(WEIGHTS, (2,)), (row_weights(), (12, 2))], ids=["shared", "by row"]
)
def test_size_follows_from_the_parameters_where_none_is_given(weights, shape):
    given, dense = FORMS["tied"]
    assert draws(bg.MarginalMixture.dist(weights, MEANS, **given)).shape == shape
    value = X[: shape[0]] if len(shape) == 2 else X[0]
    ours = logp(bg.MarginalMixture.dist(weights, MEANS, **given), value)
    close(np.ravel(ours), log_density(np.atleast_2d(value), weights, MEANS, dense), rtol=1e-11)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "exactly one of chol and sigma"),
        ({"chol": np.eye(2), "sigma": np.ones(3)}, "exactly one of chol and sigma"),
        ({"chol": np.ones(2)}, "chol of a MarginalMixture must have 2 to 4 dimensions.*got 1"),
        ({"sigma": np.ones((1, 12, 3, 2))}, "sigma .* must have 0 to 3 dimensions.*got 4"),
        ({"sigma": np.ones(3), "means": 0.0}, "means .* must have 1 to 3 dimensions.*got 0"),
        ({"sigma": np.ones(3), "weights": 1.0}, "weights .* must have 1 to 2 dimensions.*got 0"),
    ],
)
def test_unfit_arguments_are_refused_in_words(arguments, words):
    with pytest.raises(ValueError, match=words):
        bg.MarginalMixture.dist(**({"weights": WEIGHTS, "means": MEANS} | arguments))


N, K = 12, 3
RNG = np.random.default_rng(6)


def positive(*shape):
    return RNG.uniform(0.5, 2, size=shape)


def lower(*lead, d=2):
    return np.linalg.cholesky(covariance_matrices(int(np.prod(lead)), d)).reshape(*lead, d, d)


SERVED = {
    "means by row": {"means": RNG.normal(size=(N, K, 2)), "sigma": positive(K)},
    "means by row, chol": {"means": RNG.normal(size=(N, K, 2)), "chol": lower(K)},
    "means by row, chol shared": {"means": RNG.normal(size=(N, K, 2)), "chol": lower(1)[0]},
    "sigma by row": {"sigma": positive(N, K, 2)},
    "sigma by row, spherical": {"sigma": positive(N, K)},
    "sigma by row, one for all components": {"sigma": positive(N, 1, 2)},
    "sigma by row, one number": {"sigma": positive(N, 1)},
    "chol by row": {"chol": lower(N, K)},
    "chol by row, shared": {"chol": lower(N, 1)},
    "all by row": {
        "weights": row_weights(),
        "means": RNG.normal(size=(N, K, 2)),
        "chol": lower(N, K),
    },
    "weights and sigma by row": {"weights": row_weights(), "sigma": positive(N, K, 2)},
    "weights of one row": {"weights": WEIGHTS[None]},
    "sigma a number": {"sigma": 0.7},
    "sigma of length one": {"sigma": positive(1)},
    "sigma shared by components": {"sigma": positive(1, 2)},
    "sigma shared by features": {"sigma": positive(K, 1)},
    "chol of length one": {"chol": lower(1)},
    "one feature": {"means": RNG.normal(size=K), "sigma": positive(K)},
    "one feature, means by row": {"means": RNG.normal(size=(N, K)), "sigma": positive(K)},
    "one feature, both by row": {"means": RNG.normal(size=(N, K)), "sigma": positive(N, K)},
    "one feature, sigma by row": {"means": MEANS[:, :1], "sigma": positive(N, K)},
}
every_served = pytest.mark.parametrize("case", SERVED)


def served(case):
    """Arguments; and rows, weights, means and covariances of every row in full."""
    given = {"weights": WEIGHTS, "means": MEANS} | SERVED[case]
    if not {"sigma", "chol"} & set(given):
        given["sigma"] = np.ones(3)
    means = given["means"]
    one = means.ndim == 1 or case.startswith("one feature")
    x = X[:, :1] if one else X
    d = x.shape[1]
    means = np.broadcast_to(means[..., None] if one and means.shape[-1] == K else means, (N, K, d))
    if "chol" in given:
        dense = given["chol"] @ given["chol"].mT
    else:
        sigma = np.asarray(given["sigma"])
        has_features = sigma.ndim == 3 or sigma.shape in [(K, 2), (1, 2), (K, 1)]
        sigma = sigma if has_features or sigma.ndim == 0 else sigma[..., None]
        dense = np.broadcast_to(sigma, (N, K, d))[..., None] ** 2 * np.eye(d)
    weights = np.broadcast_to(given["weights"], (N, K))
    return given, x, weights, means, np.broadcast_to(dense, (N, K, d, d))


@every_served
def test_every_form_of_the_arguments_equals_scipy_row_by_row(case):
    given, x, *full = served(case)
    expected = [
        log_density(row[None], w[None], m, c)[0] for row, w, m, c in zip(x, *full, strict=True)
    ]
    for shape in (x.shape, None):
        ours = logp(bg.MarginalMixture.dist(**given, shape=shape), x)
        assert ours.shape == (N,)
        close(ours, expected, rtol=1e-11)
    if x.shape[1] == 1:
        ours = logp(bg.MarginalMixture.dist(**given, shape=N), x[:, 0])
        assert ours.shape == (N,)
        close(ours, expected, rtol=1e-11)


@pytest.mark.parametrize("case", [case for case in SERVED if "by row" in case])
def test_draws_under_every_form_have_mean_and_covariance_of_their_row(case):
    given, x, weights, means, dense = served(case)
    d, last = x.shape[1], N - 1
    rv = bg.MarginalMixture.dist(**given, shape=(4000, *x.shape))
    drawn = draws(rv)
    assert drawn.shape == (4000, N, d)
    mean = np.einsum("nk,nkd->nd", weights, means)
    assert_mean(drawn.reshape(4000, -1), mean.ravel())
    centred = means[last] - mean[last]
    between = np.einsum("k,ki,kj->ij", weights[last], centred, centred)
    within = np.einsum("k,kij->ij", weights[last], dense[last])
    away = drawn[:, last] - mean[last]
    assert_mean(away[:, :, None] * away[:, None, :], within + between)


@pytest.mark.parametrize("means", [MEANS[:, :1], MEANS[:, 0]], ids=["column", "vector"])
def test_a_vector_is_rows_of_one_feature(means):
    sigma = positive(K)
    expected = log_density(X[:, :1], WEIGHTS, MEANS[:, :1], sigma[:, None, None] ** 2)
    for shape in (N, None):
        rv = bg.MarginalMixture.dist(WEIGHTS, means, sigma=sigma, shape=shape)
        close(logp(rv, X[:, 0]), expected, rtol=1e-11)
        close(logp(rv, X[:, :1]), expected, rtol=1e-11)
    drawn = draws(bg.MarginalMixture.dist(WEIGHTS, means, sigma=sigma, shape=20_000))
    assert drawn.shape == (20_000,)
    assert_mean(drawn, WEIGHTS @ MEANS[:, 0])
    assert draws(bg.MarginalMixture.dist(WEIGHTS, MEANS[:, 0], sigma=sigma)).shape == ()
    count = np.arange(12.0)
    rv = bg.MarginalMixture.dist(WEIGHTS, means, sigma=sigma, sample_weight=count, shape=N)
    close(logp(rv, X[:, 0]), count * expected, rtol=1e-11)


def test_where_both_readings_fit_means_are_components_by_features():
    """As many rows as components and features: (K, K) means and sigma."""
    means, sigma = RNG.normal(size=(2, 2)), positive(2, 2)
    rv = bg.MarginalMixture.dist(WEIGHTS[:2] / 0.7, means, sigma=sigma, shape=(2, 2))
    dense = sigma[..., None] ** 2 * np.eye(2)
    close(logp(rv, X[:2]), log_density(X[:2], WEIGHTS[:2] / 0.7, means, dense), rtol=1e-11)


MISTAKES = {
    "means of a .* n_components = 3; got 2": {"means": MEANS[:2]},
    "means of a .* n_components = 1; got 3": {"weights": [1.0]},
    "sigma of a .* n_components = 3; got 2": {"sigma": [1.0, 1.0]},
    "means of a .* n_features = 2; got 3": {"means": np.zeros((3, 3))},
    "means of a .* n_features = 2; got 1": {"means": np.zeros((3, 1))},
    "sigma of a .* n_obs = 12; got 11": {"sigma": positive(11, 3)},
    "sigma of a .* n_features = 2; got 4": {"sigma": np.ones((12, 3, 4))},
    "weights of a .* n_obs = 12; got 5": {"weights": np.full((5, 3), 1 / 3)},
    "means of a .* n_obs = 12; got 10": {"means": np.zeros((10, 3, 2))},
    "sample_weight of a .* n_obs = 12; got 11": {"sample_weight": np.ones(11)},
    "sample_weight of a .* n_obs = 12; got 1": {"sample_weight": np.ones(1)},
    "chol of a .* n_components = 3; got 2": {"chol": np.tile(np.eye(2), (2, 1, 1))},
    "chol of a .* n_features = 2; got 3": {"chol": np.eye(3)},
    "chol of a .* n_obs = 12; got 4": {"chol": np.tile(np.eye(2), (4, 3, 1, 1))},
}


@pytest.mark.parametrize("words", MISTAKES)
def test_sizes_that_disagree_are_refused_when_the_model_is_built(words):
    given = {"weights": WEIGHTS, "means": MEANS} | MISTAKES[words]
    given |= {} if "chol" in given or "sigma" in given else {"sigma": np.ones(3)}
    with pm.Model(), pytest.raises(ValueError, match=words):
        bg.MarginalMixture("x", **given, observed=X)


@pytest.mark.parametrize("words", MISTAKES)
def test_sizes_that_disagree_are_refused_at_run_time(words):
    """Of tensors whose types know no size."""
    given = {"weights": WEIGHTS, "means": MEANS} | MISTAKES[words]
    given |= {} if "chol" in given or "sigma" in given else {"sigma": np.ones(3)}
    values = [np.asarray(v, dtype=float) for v in given.values()]
    if any(len(v) == 5 or v.shape == (11, 3) for v in values):
        values = [v[:, :, None] if v.shape == (11, 3) else v for v in values]
    free = [pt.tensor(shape=(None,) * v.ndim) for v in values]
    x = pt.matrix()
    density = pm.logp(bg.MarginalMixture.dist(**dict(zip(given, free, strict=True))), x)
    function = pytensor.function([x, *free], density, mode=FAST)
    with pytest.raises(ValueError, match=r"of a MarginalMixture (must have|disagree)"):
        function(X, *values)


def test_draws_are_refused_where_sizes_turn_out_to_disagree():
    means = pt.matrix()
    rv = bg.MarginalMixture.dist(WEIGHTS, means, sigma=0.5, size=12)
    drawn = pytensor.function([means], rv, mode=FAST)
    assert drawn(MEANS).shape == (12, 2)
    with pytest.raises(ValueError, match=r"sizes .* of a MarginalMixture disagree"):
        drawn(np.zeros((4, 2)))


def test_sizes_of_shared_data_and_coordinates_are_checked_as_they_are():
    coords = {"component": range(3), "feature": ["a"], "obs": range(N)}
    with pm.Model(coords=coords) as model:
        means = pm.Normal("means", dims=("component", "feature"))
        z, y, again = (pm.Data(name, X[:, 0]) for name in ("z", "y", "again"))
        bg.MarginalMixture("one", WEIGHTS, means, sigma=1.0, observed=y, dims="obs")
        slope = pm.Normal("slope", shape=3)
        line = bg.MarginalMixture("line", WEIGHTS, slope * z[:, None], sigma=1.0, observed=again)
        assert line.ndim == 1
        with pytest.raises(ValueError, match=r"means .* n_components = 2; got 3"):
            bg.MarginalMixture("two", WEIGHTS[:2] / 0.7, means, sigma=1.0, observed=y)
        with pytest.raises(ValueError, match=r"means .* n_features = 2; got 1"):
            bg.MarginalMixture("wide", WEIGHTS, means, sigma=1.0, observed=X)
        five = {"z": np.ones(5), "y": X[:5, 0], "again": X[:5, 0]}
        pm.set_data(five, coords={"obs": range(5)})
        assert line.shape.eval() == 5
    at = {"means": np.array([[0.0], [1.0], [2.0]]), "slope": np.array([0.5, 1.0, 2.0])}
    [one, sloped] = model.compile_fn(model.logp(sum=False)[-2:], mode=FAST)(at)
    close(one, log_density(X[:5, :1], WEIGHTS, at["means"], np.ones((3, 1, 1))))
    close(sloped, log_density(X[:5, :1], WEIGHTS, at["slope"][:, None], np.ones((3, 1, 1))))
    with model:
        pm.set_data({"z": np.ones(6)})
    with pytest.raises(ValueError, match=r"means .* n_obs = 5; got 6"):
        model.logp()


VALUES = {
    "sum to two": {"weights": [0.5, 0.5, 1.0]},
    "negative": {"weights": [-0.5, 0.5, 1.0]},
    "a row off": {"weights": np.vstack([row_weights()[1:], [[0.5, 0.5, 0.5]]])},
    "negative sigma": {"sigma": [1.0, -1.0, 1.0]},
    "sigma of zero": {"sigma": [1.0, 0.0, 1.0]},
    "sigma by row": {"sigma": np.where(np.arange(36) == 30, -1, 1).reshape(12, 3)},
    "chol": {"chol": [[1.0, 0.0], [0.5, -1.0]]},
}


@pytest.mark.parametrize("case", VALUES)
def test_values_without_a_meaning_are_refused_as_pymc_does(case):
    given = {"weights": WEIGHTS, "means": MEANS} | VALUES[case]
    given |= {} if "chol" in given or "sigma" in given else {"sigma": np.ones(3)}
    with pytest.raises(ParameterValueError, match="MarginalMixture needs weights >= 0"):
        logp(bg.MarginalMixture.dist(**given, shape=X.shape), X)
    with pm.Model() as model:
        means = pm.Normal("means", MEANS, shape=(3, 2))
        bg.MarginalMixture("x", **given | {"means": means}, observed=X)
    assert model.compile_logp(mode=FAST)({"means": MEANS}) == -np.inf


def test_weights_need_not_sum_to_one_beyond_rounding():
    rv = bg.MarginalMixture.dist(WEIGHTS.astype("float32"), MEANS, sigma=1.0, shape=X.shape)
    assert np.isfinite(logp(rv, X)).all()


@pytest.mark.parametrize("far", [0.0, 1e3])
def test_known_members_have_a_gradient(far):
    """Rows whose weights are one and zeros, wherever the excluded component lies."""
    known = np.arange(N) < 6
    one_hot = np.eye(3)[RNG.integers(0, 3, size=N)]
    means, x = MEANS.copy(), X.copy()
    one_hot[1] = [1, 0, 0]
    means[1, 1] += far
    x[1, 1] += far
    with pm.Model() as model:
        w = pm.Dirichlet("w", [2.0, 2.0, 2.0])
        mu = pm.Normal("mu", means, 1, shape=(3, 2))
        bg.MarginalMixture(
            "x", pt.where(known[:, None], one_hot, w), mu, sigma=np.full(3, 20.0), observed=x
        )
    functions = [model.compile_logp(mode=FAST), model.compile_dlogp(mode=FAST)]
    at = model.initial_point()
    at["w_simplex__"] = np.array([0.3, -0.2])
    value, slopes = (f(at) for f in functions)
    moved, expected = {}, []
    for i in range(len(slopes)):
        sides = []
        for step in (1e-5, -1e-5):
            flat = np.concatenate([np.ravel(v) for v in at.values()])
            flat[i] += step
            moved = {"w_simplex__": flat[:2], "mu": flat[2:].reshape(3, 2)}
            sides.append(functions[0](moved))
        expected.append((sides[0] - sides[1]) / 2e-5)
    assert list(at) == ["w_simplex__", "mu"]
    assert np.isfinite(value)
    np.testing.assert_allclose(slopes, expected, rtol=1e-5, atol=1e-4)


def test_gradient_in_weights_of_zero_per_row_is_how_the_density_starts_to_rise():
    weights = pt.matrix()
    x, one_hot, sigma = X[:3], np.eye(3), np.full(3, 20.0)
    rv = bg.MarginalMixture.dist(weights, MEANS, sigma=sigma, shape=x.shape)
    slopes = pytensor.grad(pm.logp(rv, x).sum(), weights)
    alone = [stats.multivariate_normal(m, 400).pdf(x) for m in MEANS]
    alone = np.transpose(alone)
    close(
        pytensor.function([weights], slopes, mode=FAST)(one_hot),
        alone / (one_hot * alone).sum(axis=1, keepdims=True),
    )


@pytest.mark.parametrize("case", ["sigma a number", "chol of length one", "all by row"])
def test_a_mixture_may_be_the_prior_of_latent_effects(case):
    """The gradient in x is −Σ_k r_nk Σ_k⁻¹ (x_n − μ_k)."""
    given, x, weights, means, dense = served(case)
    with pm.Model() as model:
        bg.MarginalMixture("theta", **given, shape=x.shape)
    slopes = model.compile_dlogp(mode=FAST)({"theta": x}).reshape(x.shape)
    for n in range(N):
        away = x[n] - means[n]
        joint = [
            np.log(w) + stats.multivariate_normal(m, c).logpdf(x[n])
            for w, m, c in zip(weights[n], means[n], dense[n], strict=True)
        ]
        r = np.exp(joint - np.max(joint))
        pulls = [np.linalg.solve(c, v) for c, v in zip(dense[n], away, strict=True)]
        close(slopes[n], -(r / r.sum()) @ pulls)
    assert np.isfinite(model.initial_point()["theta"]).all()
    assert model.initial_point()["theta"].shape == x.shape


def test_latent_effects_of_one_feature_may_be_a_vector():
    with pm.Model() as model:
        mu = pm.Normal("mu", [-1.0, 1.0], 2, shape=2)
        bg.MarginalMixture("theta", [0.5, 0.5], mu, sigma=0.5, shape=30)
    at = {"mu": np.array([-1.0, 1.0]), "theta": np.linspace(-2, 2, 30)}
    slopes = model.compile_dlogp([model["theta"]], mode=FAST)(at)
    near, far = at["theta"] - 1, at["theta"] + 1
    r = 1 / (1 + np.exp((near**2 - far**2) / 0.5))
    close(slopes, -(r * near + (1 - r) * far) / 0.25)
    assert model.initial_point()["theta"].shape == (30,)


@pytest.mark.parametrize("holder", ["array", "frame", "mask", "Data"])
def test_rows_with_gaps_are_refused_by_number(holder):
    gaps = X.copy()
    gaps[4, 1] = gaps[7, 0] = np.inf if holder == "Data" else np.nan
    observed = gaps
    with pm.Model():
        if holder == "frame":
            observed = pd.DataFrame(gaps)
        elif holder == "mask":
            observed = np.ma.masked_array(X, np.isnan(gaps))
        elif holder == "Data":
            observed = pm.Data("data", gaps)
        with pytest.raises(ValueError, match=r"'x' must be finite.* 2 rows .* row 4"):
            bg.MarginalMixture("x", WEIGHTS, MEANS, sigma=1.0, observed=observed)


def test_predictive_draws_in_a_model_have_the_shape_of_the_rows():
    given, _ = FORMS["full"]
    with pm.Model():
        means = pm.Normal("means", MEANS, 0.1, shape=MEANS.shape)
        bg.MarginalMixture("x", WEIGHTS, means, **given, observed=X)
        prior = pm.sample_prior_predictive(7, random_seed=1, compile_kwargs={"mode": FAST})
        after = pm.sample_posterior_predictive(
            prior.prior, random_seed=1, progressbar=False, compile_kwargs={"mode": FAST}
        )
    assert prior["prior_predictive"]["x"].shape == (1, 7, 12, 2)
    assert after["posterior_predictive"]["x"].shape == (1, 7, 12, 2)
    assert np.isfinite(after["posterior_predictive"]["x"]).all()
    assert len(np.unique(after["posterior_predictive"]["x"])) == 7 * 12 * 2


@pytest.mark.parametrize("bad", [[1.0, -1.0, 1.0], [1.0, np.nan, 1.0], np.inf, "a"])
def test_row_weights_that_are_none_are_refused(bad):
    weight = np.array(bad) if isinstance(bad, list) else bad
    with pytest.raises(ValueError, match="sample_weight of a MarginalMixture must be finite"):
        bg.MarginalMixture.dist([0.5, 0.5], [[0.0], [1.0]], sigma=1.0, sample_weight=weight)
