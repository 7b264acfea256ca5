"""The PyMC distributions against SciPy, PyMC's own, and published formulas."""

import numpy as np
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
