"""What a clustering claims is true as often as it says, over data sets drawn from a fixed prior.

Pairs of rows with a similarity of 0.3 share a component in three data sets of ten; intervals of
relabelled parameters hold the truth at their nominal rate; labels that mean nothing are called so.
"""

from itertools import permutations

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import bayesgmm as bg
from bayesgmm.labels.relabelling import relabelled

N_SETS, LEVEL = 200, 0.001
D, K = 2, 2
MEAN, SCALE, DF = np.array([1.0, -2.0]), np.array([[3.0, 0.8], [0.8, 2.0]]), D + 4.0
OVERLAPPING = bg.NormalInverseWishart(2.0, MEAN, 0.3, DF, SCALE)
SEPARATED = bg.NormalInverseWishart(10.0, MEAN, 0.0005, DF, SCALE)


def truth_and_rows(prior, n_obs, rng):
    """Weights, means, covariances from the prior, by SciPy; component of every row, and rows."""
    dense = stats.invwishart(DF, SCALE).rvs(K, random_state=rng)
    kappa = prior.mean_concentration
    means = np.array([rng.multivariate_normal(MEAN, c / kappa) for c in dense])
    weights = rng.dirichlet(np.full(K, prior.concentration))
    z = rng.choice(K, size=n_obs, p=weights)
    x = means[z] + (np.linalg.cholesky(dense)[z] @ rng.normal(size=(n_obs, D, 1)))[..., 0]
    return (weights, means, dense), z, x


def sampled(prior, x, seed):
    """The mode, and draws of the posterior about which four chains agree."""
    mixture = bg.GaussianMixture(K, "full", prior)
    mode = bg.fit_map(mixture, x, n_starts=4, random_seed=1, progress=False)
    return mode, bg.sample(
        mixture, x, start=mode, draws=400, tune=300, chains=4, random_seed=seed, progress=False
    )


def p_value(deviations):
    """That the mean of deviations (n_sets, n_bins), one row per independent data set, is zero.

    The joint χ² over the bins with the covariance of the data sets' own sums, so that pairs of one
    data set may err together; by Hotelling's F, since that covariance is estimated.
    """
    n, q = deviations.shape
    mean = deviations.mean(axis=0)
    statistic = n * mean @ np.linalg.solve(np.cov(deviations.T), mean)
    return stats.f.sf(statistic * (n - q) / (q * (n - 1)), q, n - q)


def deviation(similarity, z):
    """Σ over pairs of (together − similarity) by tenths of the similarity, (10,)."""
    pairs = np.triu_indices(len(z), 1)
    claimed = similarity[pairs]
    tenth = np.minimum((10 * claimed).astype(int), 9)
    return np.bincount(tenth, (z[:, None] == z)[pairs] - claimed, minlength=10)


def sharpened(similarity):
    return similarity**2 / (similarity**2 + (1 - similarity) ** 2)


@pytest.fixture(scope="module")
def clusterings():
    """Of every data set: component of every row, similarity, and the MAP's alone."""
    found = []
    for seed in range(N_SETS):
        _, z, x = truth_and_rows(OVERLAPPING, 20, np.random.default_rng([1, seed]))
        mode, post = sampled(OVERLAPPING, x, seed)
        r = mode.predict_proba(x)
        found.append((z, bg.similarity(post, progress=False).values, r @ r.T))
    return found


@pytest.mark.slow
def test_pairs_share_a_component_as_often_as_their_similarity_says(clusterings):
    assert p_value(np.array([deviation(psm, z) for z, psm, _ in clusterings])) > LEVEL


@pytest.mark.slow
def test_a_similarity_that_is_too_sure_is_caught(clusterings):
    for claims in (
        [deviation(of_map, z) for z, _, of_map in clusterings],
        [deviation(sharpened(psm), z) for z, psm, _ in clusterings],
    ):
        assert p_value(np.array(claims)) < LEVEL


def test_true_probabilities_pass_and_others_do_not():
    rng = np.random.default_rng(0)
    r = rng.beta(0.5, 0.5, size=(N_SETS, 20))
    z = (rng.random((N_SETS, 20)) > r).astype(int)
    r = np.stack([r, 1 - r], axis=2)
    psm = r @ np.swapaxes(r, 1, 2)
    for distort, calibrated in ((lambda p: p, True), (sharpened, False), (np.sqrt, False)):
        claims = [deviation(distort(p), labels) for p, labels in zip(psm, z, strict=True)]
        assert bool(p_value(np.array(claims)) > LEVEL) is calibrated


def scrambled(post, rng):
    """The posterior with its components in another order in every draw."""
    posterior = post["posterior"].to_dataset()
    orders = np.argsort(rng.random((posterior.sizes["chain"], posterior.sizes["draw"], K)), axis=2)
    orders = xr.DataArray(orders, dims=("chain", "draw", "component"))
    out = post.copy()
    moved = posterior.drop_vars("component").isel(component=orders)
    out["posterior"] = moved.assign_coords(component=posterior["component"])
    return out


def inside(truth, table, like):
    """Share of weights, means and covariances inside their intervals, labels as in ``like``."""
    order = min(map(list, permutations(range(K))), key=lambda o: ((truth[1][o] - like) ** 2).sum())
    upper = np.triu_indices(D)
    flat = [truth[0][order], truth[1][order].ravel(), truth[2][order][:, *upper].ravel()]
    low, high = table.filter(like="_lb").values[:, 0], table.filter(like="_ub").values[:, 0]
    cuts = np.cumsum([len(v) for v in flat])[:-1]
    covered = (low <= np.concatenate(flat)) & (np.concatenate(flat) <= high)
    return [part.mean() for part in np.split(covered, cuts)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Verdict")
def test_intervals_of_relabelled_parameters_hold_the_truth_at_their_rate():
    """And 80 % intervals that are taken for 90 % are caught."""
    held = {0.9: [], 0.8: []}
    for seed in range(N_SETS):
        rng = np.random.default_rng([2, seed])
        truth, _, x = truth_and_rows(SEPARATED, 40, rng)
        mode, post = sampled(SEPARATED, x, seed)
        post = bg.relabel(scrambled(post, rng), progress=False)
        for prob, shares in held.items():
            table = bg.summary(post, ci_prob=prob, round_to="none")
            shares.append(inside(truth, table, mode.means))
    assert p_value(np.array(held[0.9]) - 0.9) > LEVEL, np.mean(held[0.9], axis=0)
    assert p_value(np.array(held[0.8]) - 0.9) < LEVEL, np.mean(held[0.8], axis=0)


@pytest.mark.slow
def test_labels_are_ambiguous_where_there_is_nothing_to_tell_apart():
    """Components that are one; in a data set of ten chance makes two groups that a fit believes.

    And labels are not called ambiguous where components are separated.
    """
    called = []
    for separation in (0.0, 8.0):
        rng = np.random.default_rng(3)
        called.append(0)
        for seed in range(50):
            x = rng.normal(MEAN, size=(60, D)) + separation * (np.arange(60) % 2)[:, None]
            _, post = sampled(OVERLAPPING, x, seed)
            called[-1] += relabelled(post).labels_are_ambiguous
    assert called[0] >= 45
    assert called[1] == 0
