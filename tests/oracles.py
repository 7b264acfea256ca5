"""What the tests measure the package by: brute force in long double, SciPy, finite differences.

Nothing here calls the package's numerics; only the layouts of its arrays are shared.
"""

import numpy as np
from scipy import stats
from scipy.special import gammaln, logsumexp, multigammaln

from bayesgmm.mixture.parameters import MixtureParameters
from bayesgmm.mixture.priors import NormalInverseWishart

STRUCTURES = (
    "full", "tied", "diag", "spherical", "tied_diag", "tied_spherical", "proportional",
)  # fmt: skip
MATRICES = ("full", "tied", "proportional")
SEPARABLE = STRUCTURES[:-1]
"""Those that NormalLKJ has a form for."""
SHARED = ("tied", "tied_diag", "tied_spherical")
ISOTROPIC = ("spherical", "tied_spherical")
LONG = np.longdouble


def random_parameters(rng, covariance, k, d):
    """A mixture of unit scale whose components overlap."""
    blocks = 1 if covariance in SHARED else k
    if covariance in MATRICES:
        factor = np.tril(0.4 * rng.normal(size=(blocks, d, d)), -1)
        factor += np.exp(0.3 * rng.normal(size=(blocks, d)))[:, :, None] * np.eye(d)
        if covariance == "proportional":
            factor = np.exp(0.3 * rng.normal(size=blocks))[:, None, None] * factor[0]
    else:
        factor = np.exp(0.3 * rng.normal(size=(blocks, 1 if covariance in ISOTROPIC else d)))
    weights = rng.dirichlet(np.full(k, 3.0))
    return MixtureParameters(covariance, weights, 2 * rng.normal(size=(k, d)), factor)


def prior_by_component(rng, covariance, k, d):
    """A conjugate prior that tells all components apart by all its numbers."""
    blocks = () if covariance in (*SHARED, "proportional") else (k,)
    a = rng.normal(size=(*blocks, d, d))
    return NormalInverseWishart(
        rng.uniform(1, 4, size=k),
        rng.normal(size=(k, d)),
        rng.uniform(0.1, 2, size=k),
        d + rng.uniform(0.5, 3, size=blocks),
        a @ np.swapaxes(a, -1, -2) + np.eye(d),
    )


def random_rows(rng, parameters, n):
    """Rows of a mixture, with heavier tails than its own."""
    k, d = parameters.means.shape
    z = rng.standard_t(4, size=(n, d))
    component = rng.integers(k, size=n)
    return parameters.means[component] + np.einsum(
        "nij,nj->ni", lower_factors(parameters)[component], z
    )


def lower_factors(parameters):
    """Lower Cholesky factors (k, d, d), whatever the structure."""
    k, d = parameters.means.shape
    factor = parameters.factor
    if parameters.covariance in MATRICES:
        return np.array([factor[c % len(factor)] for c in range(k)])
    return np.array([np.diag(np.resize(factor[c % len(factor)], d)) for c in range(k)])


def covariances(parameters):
    lower = lower_factors(parameters)
    return lower @ lower.transpose(0, 2, 1)


def brute_force(x, parameters, weight=None):
    """Row log densities, responsibilities, nk, s, S by definition, in long double."""
    k, d = parameters.means.shape
    x, means, lower = (
        x.astype(LONG),
        parameters.means.astype(LONG),
        lower_factors(parameters).astype(LONG),
    )
    weight = np.ones(len(x), LONG) if weight is None else np.asarray(weight).astype(LONG)
    z = np.zeros((len(x), k, d), LONG)
    for i in range(d):
        done = np.einsum("nkj,kj->nk", z[:, :, :i], lower[:, i, :i])
        z[:, :, i] = (x[:, None, i] - means[:, i] - done) / lower[:, i, i]
    log_det = np.log(np.einsum("kii->ki", lower)).sum(axis=1)
    log_joint = np.log(parameters.weights.astype(LONG)) - log_det - (z**2).sum(axis=2) / 2
    log_joint -= d * np.log(2 * LONG(np.pi)) / 2
    highest = log_joint.max(axis=1, keepdims=True)
    share = np.exp(log_joint - highest)
    log_density = highest[:, 0] + np.log(share.sum(axis=1))
    r = share / share.sum(axis=1, keepdims=True)
    wr = r * weight[:, None]
    nk, s = wr.sum(axis=0), np.einsum("nk,nki->ki", wr, z)
    S = np.einsum("nk,nki,nkj->kij", wr, z, z)
    return log_density, r, nk, s, S


def log_likelihood(x, parameters, weight=None):
    """Log likelihood (nats) by SciPy's normal densities."""
    parts = [
        np.log(w) + stats.multivariate_normal(m, c, allow_singular=False).logpdf(x)
        for w, m, c in zip(
            parameters.weights, parameters.means, covariances(parameters), strict=True
        )
    ]
    rows = logsumexp(np.reshape(parts, (len(parts), len(x))), axis=0)
    return float(rows.sum() if weight is None else weight @ rows)


def log_prior(prior, parameters):
    """Log density (nats) of (w, μ, Σ) under a resolved prior, by SciPy."""
    k = len(parameters.means)
    structure, factor = parameters.covariance, parameters.factor
    value = 0.0 if k == 1 else stats.dirichlet(prior.concentration).logpdf(parameters.weights)
    spread_log_density = _inverse_wishart if isinstance(prior, NormalInverseWishart) else _separate
    if structure == "proportional":
        value += _proportional(prior, covariances(parameters))
        factor = []
    for block, rows in enumerate(factor):
        spread = rows @ rows.T if structure in MATRICES else rows**2
        value += spread_log_density(prior, block, spread)
    for c, (mean, cov) in enumerate(zip(parameters.means, covariances(parameters), strict=True)):
        if isinstance(prior, NormalInverseWishart):
            cov = cov / of_component(prior.mean_concentration, c, 0)
        else:
            cov = np.diag(of_component(prior.mean_scale, c, 1) ** 2)
        value += stats.multivariate_normal(of_component(prior.mean, c, 1), cov).logpdf(mean)
    return float(value)


def of_component(number, c, n_dims):
    """A prior's number for component c, which may be the same for all."""
    return number[c] if np.ndim(number) > n_dims else number


def _inverse_wishart(prior, block, spread):
    df, scale = of_component(prior.df, block, 0), of_component(prior.scale, block, 2)
    if spread.ndim == 2:
        return stats.invwishart(df, scale).logpdf(spread)
    psi = np.diag(scale) if len(spread) == len(scale) else [np.trace(scale) / len(scale)]
    return sum(
        stats.invgamma(df / 2, scale=p / 2).logpdf(v) for p, v in zip(psi, spread, strict=True)
    )


def _proportional(prior, matrices):
    """Volumes given the shape, and the shape, as an inverse-Wishart of all degrees of freedom has.

    That of a matrix λ C is p(C) times an inverse gamma's of λ, less (d (d + 1) / 2 − 1) log λ.
    """
    k, d = len(matrices), len(matrices[0])
    jacobian = d * (d + 1) / 2 - 1
    log_volumes = np.linalg.slogdet(matrices)[1] / d
    shape = matrices[0] / np.exp(log_volumes[0])
    half_trace = np.trace(np.linalg.solve(shape, prior.scale)) / 2
    of_all = stats.invwishart(k * prior.df, prior.scale).logpdf(shape)
    of_all -= stats.invgamma(k * prior.df * d / 2, scale=half_trace).logpdf(1.0)
    volumes = stats.invgamma(prior.df * d / 2, scale=half_trace)
    return of_all + volumes.logpdf(np.exp(log_volumes)).sum() - jacobian * log_volumes.mean()


def _separate(prior, _, spread):
    if spread.ndim == 1:
        d = len(prior.scale)
        sigma = prior.scale if len(spread) == d else [np.sqrt(np.mean(prior.scale**2))]
        if not prior.half_normal:
            return _inverse_chi_square(prior.df, np.array(sigma), spread)
        sd = np.sqrt(spread)
        return sum(
            stats.halfnorm(scale=a).logpdf(s) - np.log(2 * s)
            for a, s in zip(sigma, sd, strict=True)
        )
    sd = np.sqrt(np.diag(spread))
    correlation = spread / np.outer(sd, sd)
    lkj = (prior.eta - 1) * np.linalg.slogdet(correlation)[1] - lkj_log_volume(prior.eta, len(sd))
    if prior.half_normal:
        scales = stats.halfnorm(scale=prior.scale).logpdf(sd).sum()
    else:
        # From the variance given the others, s² / (R⁻¹)_jj, to the standard deviation s.
        excess = np.diag(np.linalg.inv(correlation))
        scales = _inverse_chi_square(prior.df, prior.scale, sd**2 / excess)
        scales += np.log(2 * sd / excess).sum()
    return scales + lkj - _log_jacobian_of_scales_and_correlations(sd, correlation)


def _inverse_chi_square(df, scale, variance):
    return stats.invgamma(df / 2, scale=df * scale**2 / 2).logpdf(variance).sum()


def lkj_log_volume(eta, d):
    """Log ∫ |R|^(η−1) dR: what integrating the scales out of a Wishart density leaves.

    With ν = 2η + d − 1 the integral is Γ_d(ν/2) / Γ(ν/2)^d (Gupta & Nagar 2000, Matrix Variate
    Distributions, theorem 3.3.24), which shares nothing with the vine of Lewandowski et al.
    """
    half = eta + (d - 1) / 2
    return multigammaln(half, d) - d * gammaln(half)


def _log_jacobian_of_scales_and_correlations(sd, correlation):
    """log |∂Σ / ∂(s, R)|, by complex steps: exact to rounding."""
    d = len(sd)
    i, j = np.tril_indices(d, -1)
    at = np.concatenate([sd, correlation[i, j]]).astype(complex)

    def matrix(v):
        r = np.eye(d, dtype=complex)
        r[i, j] = r[j, i] = v[d:]
        full = r * np.outer(v[:d], v[:d])
        return full[np.tril_indices(d)]

    step = 1e-30
    columns = [matrix(at + 1j * step * e).imag / step for e in np.eye(len(at))]
    return np.linalg.slogdet(np.array(columns))[1]


def central_differences(function, y, step=1e-5):
    """Gradient of a function of a vector, by differences of order four."""
    gradient = []
    for e in np.eye(len(y)) * step:
        near = function(y + e) - function(y - e)
        far = function(y + 2 * e) - function(y - 2 * e)
        gradient.append((8 * near - far) / (12 * step))
    return np.array(gradient)
