"""Simulation-based calibration: ranks of the truth among posterior draws are uniform.

Parameters are drawn from the prior, rows from the parameters; then the truth and the posterior's
draws are exchangeable (Talts et al. 2018). Only label-free quantities are ranked, the log
likelihood of the rows among them, which depends on the data (Modrák et al. 2023).
"""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

import bayesgmm as bg
from bayesgmm.sampling import whitened
from bayesgmm.sampling.whitened import WhitenedTarget

from .exact import log_joint_density, without_jacobian

N_REPLICATIONS = 200
N_DRAWS = 99
LEVEL = 0.001
N_OBS, D, K = 20, 2, 2

MEAN = np.array([1.0, -2.0])
CONJUGATE = bg.NormalInverseWishart(2.0, MEAN, 0.3, D + 4.0, [[3.0, 0.8], [0.8, 2.0]])
SEPARATE = bg.NormalLKJ(2.0, MEAN, [3.0, 2.0], [1.0, 1.5], 2.0)


def conjugate_full(rng):
    """Weights, means, covariances from the prior, by SciPy."""
    dense = stats.invwishart(CONJUGATE.df, CONJUGATE.scale).rvs(K, random_state=rng)
    kappa = CONJUGATE.mean_concentration
    means = np.array([rng.multivariate_normal(MEAN, c / kappa) for c in dense])
    return rng.dirichlet(np.full(K, 2.0)), means, dense


def separate_diag(rng):
    sd = SEPARATE.scale * np.sqrt(4 / rng.chisquare(4, size=(K, D)))  # inverse χ², ν = 4
    means = rng.normal(MEAN, SEPARATE.mean_scale, size=(K, D))
    return rng.dirichlet(np.full(K, 2.0)), means, sd[..., None] ** 2 * np.eye(D)


def conjugate_proportional(rng):
    """A shape as an inverse-Wishart of the degrees of both components has it, and two volumes."""
    nu, scale = CONJUGATE.df, CONJUGATE.scale
    shape = stats.invwishart(K * nu, scale).rvs(random_state=rng)
    shape = shape / np.linalg.det(shape) ** (1 / D)
    volumes = np.trace(np.linalg.solve(shape, scale)) / rng.chisquare(nu * D, size=K)
    dense = volumes[:, None, None] * shape
    kappa = CONJUGATE.mean_concentration
    means = np.array([rng.multivariate_normal(MEAN, c / kappa) for c in dense])
    return rng.dirichlet(np.full(K, 2.0)), means, dense


CASES = {
    "full, conjugate": (bg.GaussianMixture(K, "full", CONJUGATE), conjugate_full),
    "diag, separate": (bg.GaussianMixture(K, "diag", SEPARATE), separate_diag),
    "proportional, conjugate": (
        bg.GaussianMixture(K, "proportional", CONJUGATE),
        conjugate_proportional,
    ),
}

# Chains start about a mode that always exists, whatever the prior under test.
START = {m.covariance: bg.GaussianMixture(K, m.covariance) for m, _ in CASES.values()}


def quantities(x, weights, means, covariances):
    """Label-free numbers of mixtures, (…, n_quantities)."""
    centre = (weights[..., None] * means).sum(axis=-2)
    between = ((means - centre[..., None, :]) ** 2).sum(axis=-1)
    within = np.trace(covariances, axis1=-2, axis2=-1)
    density = log_joint_density(np.vstack([x, MEAN]), weights, means, covariances)
    by_row = logsumexp(density, axis=-1)
    return np.stack(
        [
            by_row[..., :-1].sum(axis=-1),
            weights.max(axis=-1),
            (weights * (between + within)).sum(axis=-1),
            by_row[..., -1],
            centre[..., 0],
        ],
        axis=-1,
    )


NAMES = ("log likelihood", "largest weight", "total variance", "density at a point", "centre")


def ranks(mixture, draw, n_replications, seed):
    """(n_replications, n_quantities) ranks in 0..N_DRAWS."""
    table = []
    for replication in range(n_replications):
        rng = np.random.default_rng([seed, replication])
        weights, means, dense = draw(rng)
        component = rng.choice(K, size=N_OBS, p=weights)
        noise = rng.normal(size=(N_OBS, D, 1))
        x = means[component] + (np.linalg.cholesky(dense)[component] @ noise)[..., 0]
        start = bg.fit_map(START[mixture.covariance], x, n_starts=4, random_seed=1, progress=False)
        post = bg.sample(
            mixture, x, start=start, draws=400, tune=300, chains=4, random_seed=replication,
            progress=False,
        )  # fmt: skip
        drawn = [post["posterior"]["weights"], post["posterior"]["means"], bg.covariances(post)]
        drawn = [v.values.reshape(-1, *v.shape[2:]) for v in drawn]
        kept = np.linspace(0, len(drawn[0]) - 1, N_DRAWS).astype(int)
        sampled = quantities(x, *(v[kept] for v in drawn))
        table.append((sampled < quantities(x, weights, means, dense)).sum(axis=0))
    return np.array(table)


def p_values(table):
    """For every quantity the smaller, doubled, of two tests of uniformity: χ², and of the ECDF."""
    found = {}
    for name, column in zip(NAMES, table.T, strict=True):
        counts = np.histogram(column, bins=10, range=(0, N_DRAWS + 1))[0]
        # Between 0 and 1, jittered evenly inside the rank's step.
        u = (column + np.random.default_rng(0).random(len(column))) / (N_DRAWS + 1)
        tests = stats.chisquare(counts).pvalue, stats.kstest(u, "uniform").pvalue
        found[name] = min(1.0, 2 * min(tests))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_ranks_of_the_truth_are_uniform(case):
    found = p_values(ranks(*CASES[case], N_REPLICATIONS, seed=1))
    assert min(found.values()) > LEVEL / len(NAMES), found


@pytest.mark.slow
def test_a_wrong_density_is_caught(monkeypatch):
    """Without the transforms' Jacobian, and fewer replications, ranks are not uniform."""
    monkeypatch.setattr(whitened, "MANY_ROWS", 0)
    monkeypatch.setattr(WhitenedTarget, "__call__", without_jacobian)
    found = p_values(ranks(*CASES["full, conjugate"], N_REPLICATIONS // 2, seed=1))
    assert min(found.values()) < LEVEL / len(NAMES), found


def test_uniform_ranks_pass_and_others_do_not():
    rng = np.random.default_rng(0)
    uniform = rng.integers(0, N_DRAWS + 1, size=(N_REPLICATIONS, len(NAMES)))
    assert min(p_values(uniform).values()) > LEVEL / len(NAMES)
    narrow = (uniform + N_DRAWS // 2) // 2
    shifted = np.minimum(uniform + 20, N_DRAWS)
    for table in (narrow, shifted):
        assert max(p_values(table).values()) < LEVEL / len(NAMES)
