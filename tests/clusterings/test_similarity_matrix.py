"""Similarity, against sums over draws by definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import STRUCTURES
from trees import draws_about, responsibilities, scrambled, tree_of

import bayesgmm as bg
from bayesgmm.clusterings import similarity_matrix as module
from bayesgmm.draws.monte_carlo_error import batches, mcse_of_mean

from .labels import random_assignments, scrambled_labels, together

every_structure = pytest.mark.parametrize("covariance", STRUCTURES)


def similarity(source, *args, **options):
    return bg.similarity(source, *args, progress=False, **options)


def by_definition(x, draws):
    """Mean over draws of R Rᵀ, 1 on the diagonal."""
    tables = [responsibilities(x, p) for p in draws]
    psm = np.mean([r @ r.T for r in tables], axis=0)
    np.fill_diagonal(psm, 1)
    return psm


@every_structure
def test_it_is_the_mean_product_of_responsibilities(covariance):
    x, draws, _ = draws_about(covariance, n_draws=22)
    psm = similarity(tree_of(draws, x))
    assert psm.dims == ("obs", "obs_bis")
    np.testing.assert_allclose(psm, by_definition(x, draws), rtol=1e-9)


def test_of_assignments_it_is_the_share_of_draws_together():
    z = random_assignments(np.random.default_rng(0), 37, 11, 3)
    psm = similarity(z)
    np.testing.assert_allclose(psm, np.mean([together(row) for row in z], axis=0), rtol=1e-12)
    np.testing.assert_array_equal(np.diag(psm), 1)
    np.testing.assert_array_equal(np.diag(psm["mcse"]), 0)


def test_tiles_give_what_the_whole_gives(monkeypatch):
    x, draws, _ = draws_about("full")
    z = random_assignments(np.random.default_rng(0), 20, 30, 3)
    whole = [similarity(source) for source in (tree_of(draws, x), z)]
    monkeypatch.setattr(module, "TILE", 7)
    for one, source in zip(whole, (tree_of(draws, x), z), strict=True):
        parts = similarity(source)
        np.testing.assert_allclose(parts, one, rtol=1e-12)
        np.testing.assert_allclose(parts["mcse"], one["mcse"], rtol=1e-6, atol=1e-9)
        np.testing.assert_array_equal(parts, parts.T)
        np.testing.assert_array_equal(parts["mcse"], parts["mcse"].T)


def test_rows_and_pairs_are_entries_of_the_matrix(monkeypatch):
    monkeypatch.setattr(module, "PAIRS", 3)
    x, draws, _ = draws_about("full")
    tree = tree_of(draws, x)
    tree["observed_data"] = tree["observed_data"].to_dataset().assign_coords(obs=np.arange(30) * 2)
    z = random_assignments(np.random.default_rng(0), 20, 30, 3)
    rows, pairs = [5, 2, 29], [[5, 2], [2, 5], [7, 7], [0, 29]]
    for source, step in ((tree, 2), (z, 1)):
        psm = similarity(source)
        some = similarity(source, rows)
        np.testing.assert_allclose(some, psm.values[np.ix_(rows, rows)], rtol=1e-12)
        np.testing.assert_array_equal(some["obs"], np.array(rows) * step)
        few = similarity(source, pairs=pairs)
        i, j = np.transpose(pairs)
        np.testing.assert_allclose(few, psm.values[i, j], rtol=1e-12)
        np.testing.assert_allclose(few["mcse"], psm["mcse"].values[i, j], rtol=1e-6, atol=1e-9)
        np.testing.assert_array_equal(few["obs"], i * step)


def test_the_error_is_that_of_batch_means():
    """Four chains of 30 draws: five batches of six in each."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(120, 3)).cumsum(axis=0)
    means = values.reshape(20, 6, 3).mean(axis=1)
    expected = means.std(axis=0, ddof=1) / np.sqrt(20)
    np.testing.assert_allclose(mcse_of_mean(values, 4), expected, rtol=1e-9)


def test_the_error_of_similarity_is_that_of_its_draws():
    x, draws, _ = draws_about("full", n_draws=24)
    products = np.array([r @ r.T for r in (responsibilities(x, p) for p in draws)])
    expected = mcse_of_mean(products, 2)
    np.fill_diagonal(expected, 0)
    actual = similarity(tree_of(draws, x))["mcse"]
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-9)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(1, 300), st.integers(1, 6))
def test_batches_hold_every_draw_once_and_stay_in_their_chain(length, n_chains):
    equal, rest = batches(length * n_chains, n_chains)
    held = np.concatenate([np.arange(b.start, b.stop) for b in equal + rest])
    np.testing.assert_array_equal(np.sort(held), np.arange(length * n_chains))
    assert len({b.stop - b.start for b in equal}) == 1
    assert all(b.start // length == (b.stop - 1) // length for b in equal + rest)


def test_errors_cover_what_independent_draws_would_give():
    """Over many replicates the standard error matches the spread of the estimates."""
    rng = np.random.default_rng(1)
    replicates = [similarity(rng.integers(2, size=(400, 2))) for _ in range(300)]
    spread = np.std([r.values[0, 1] for r in replicates])
    error = np.sqrt(np.mean([r["mcse"].values[0, 1] ** 2 for r in replicates]))
    assert error == pytest.approx(spread, rel=0.15)


def test_one_draw_has_no_standard_error():
    psm = similarity(np.array([[0, 0, 1]]))
    np.testing.assert_array_equal(psm, together([0, 0, 1]))
    assert np.isnan(psm["mcse"].values[0, 1])


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.sampled_from(STRUCTURES), st.integers(1, 4))
def test_neither_labels_nor_the_order_of_rows_matter(seed, covariance, k):
    rng = np.random.default_rng(seed)
    x, draws, _ = draws_about(covariance, k=k, n_draws=8, n_obs=12, width=0.5, seed=seed)
    mixed, _ = scrambled(draws, rng)
    psm, order = similarity(tree_of(draws, x)), rng.permutation(12)
    np.testing.assert_array_equal(similarity(tree_of(mixed, x)), psm)
    shuffled = similarity(tree_of(mixed, x[order]))
    np.testing.assert_allclose(shuffled, psm.values[np.ix_(order, order)], rtol=1e-12)
    z = rng.integers(4, size=(8, 12))
    other = similarity(scrambled_labels(rng, z)[:, order])
    np.testing.assert_array_equal(other, similarity(z).values[np.ix_(order, order)])


def test_what_does_not_fit_is_refused_in_words():
    z = np.zeros((2, 30), dtype=int)
    with pytest.raises(ValueError, match=r"matrix of 30 rows .* max_gib=1e-06.*rows= or pairs="):
        similarity(z, max_gib=1e-6)
    assert similarity(z, [1, 2], max_gib=1e-6).shape == (2, 2)
    with pytest.raises(ValueError, match="rows and pairs are both given"):
        similarity(z, [1], pairs=[[1, 2]])
    for rows in ([30], [-1]):
        with pytest.raises(ValueError, match="rows must hold integers from 0 to 29"):
            similarity(z, rows)
    with pytest.raises(ValueError, match=r"pairs must be an array of integers.*\(n_pairs, 2\)"):
        similarity(z, pairs=[1, 2])
    with pytest.raises(TypeError, match=r"a DataTree or an array of integers.*float64"):
        similarity(z.astype(float))
    with pytest.raises(ValueError, match=r"shape \(n_draws, n_obs\); got shape \(30,\)"):
        similarity(z[0])
