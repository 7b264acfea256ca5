"""The MAP against the posterior: every number by plain loops, and what it says in words."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import STRUCTURES
from sklearn.metrics import adjusted_rand_score
from trees import draws_about, responsibilities, scrambled, tree_of

import bayesgmm as bg

from .labels import LOSS, information

QUIET = {"random_seed": 1, "progress": False}


@pytest.fixture(scope="module")
def overlapping():
    """A relabelled tree of two chains, its rows, draws and MAP."""
    x, draws, centre = draws_about("full", n_obs=40, n_draws=100, width=0.4, seed=3)
    return bg.relabel(tree_of(draws, x, mode=centre), progress=False), x, draws, centre


@pytest.fixture(scope="module")
def found(overlapping):
    return bg.compare(overlapping[0], **QUIET)


def test_clusterings_are_compared_as_by_hand(overlapping, found):
    post, x, _, centre = overlapping
    labels = responsibilities(x, centre).argmax(axis=1)
    np.testing.assert_array_equal(found.map_labels, labels)
    best = found.partition.labels
    np.testing.assert_array_equal(best, bg.partition(post, **QUIET).labels)
    assert found.distance == pytest.approx(information(labels, best))
    assert found.adjusted_rand == pytest.approx(adjusted_rand_score(labels, best))
    z = bg.assignments(post, **QUIET)
    out = np.array([information(draw, best) for draw in z])
    assert found.farther == np.mean(out > found.distance + 1e-9)
    assert found.inside == (found.distance <= found.ball.radius + 1e-9)
    assert list(found.losses.index) == list(LOSS)
    for loss, by_hand in LOSS.items():
        of_map = np.mean([by_hand(draw, labels) for draw in z])
        row = found.losses.loc[loss]
        assert row["map"] == pytest.approx(of_map)
        assert row["regret"] == pytest.approx(of_map - row["posterior"])
        assert row["regret"] >= 0
        assert row["mcse"] > 0


def test_rows_are_doubted_as_by_hand(overlapping, found):
    post, x, _, _ = overlapping
    draws = bg.relabel(post, progress=False)["posterior"].to_dataset()
    p = np.array(
        [
            responsibilities_of(x, draws.isel(chain=c, draw=s))
            for c in range(draws.sizes["chain"])
            for s in range(draws.sizes["draw"])
        ]
    )
    mean, rows = p.mean(axis=0), found.rows
    at_map = mean[np.arange(len(x)), found.map_labels]
    np.testing.assert_allclose(rows["p_wrong"], 1 - at_map, atol=1e-10)
    entropy = -(mean * np.log(np.maximum(mean, 1e-300))).sum(axis=1)
    np.testing.assert_allclose(rows["entropy"], entropy, atol=1e-9)
    np.testing.assert_array_equal(rows["disputed"], 1 - at_map > 0.1)
    assert (rows[["mcse", "entropy_mcse"]] >= 0).all(axis=None)
    alike = np.einsum("sik,sjk->ij", p, p) / len(p)
    gap = np.abs(alike - (found.map_labels[:, None] == found.map_labels))
    worst = np.sort(gap[np.triu_indices(len(x), 1)])[::-1][:20]
    pairs = found.pairs
    np.testing.assert_allclose(
        np.abs(pairs["similarity"] - pairs["together_in_map"]), worst, atol=1e-8
    )
    np.testing.assert_allclose(pairs["similarity"], alike[pairs["obs"], pairs["obs_bis"]])


def responsibilities_of(x, draw):
    from bayesgmm.mixture.parameters import MixtureParameters

    factor = np.linalg.cholesky(draw["covariances"].values)
    return responsibilities(
        x, MixtureParameters("full", draw["weights"].values, draw["means"].values, factor)
    )


def test_parameters_have_their_place_in_the_posterior(overlapping, found):
    post, _, _, centre = overlapping
    at = found.parameters.loc["means[1, f0]"]
    one = post["posterior"]["means"].sel(component=1, feature="f0").values.ravel()
    assert at["map"] == centre.means[1, 0]
    assert at["mean"] == pytest.approx(one.mean())
    assert at["sd"] == pytest.approx(one.std(ddof=1))
    assert at["position"] == np.mean(one < centre.means[1, 0])
    np.testing.assert_allclose(at[["lower", "upper"]], np.quantile(one, [0.025, 0.975]))
    assert "covariances[0, f1, f0]" not in found.parameters.index
    assert not found.parameters.isna().any(axis=None)


@pytest.mark.parametrize("covariance", STRUCTURES)
@pytest.mark.parametrize(("k", "d"), [(1, 1), (3, 2)])
def test_every_structure_has_a_comparison(covariance, k, d):
    x, draws, centre = draws_about(covariance, k=k, d=d, n_draws=20)
    found = bg.compare(tree_of(draws, x, mode=centre), **QUIET)
    n_spread = {"full": k * d * (d + 1) // 2, "tied": d * (d + 1) // 2, "diag": k * d}
    n_spread |= {"tied_diag": d, "tied_spherical": 1, "proportional": n_spread["full"]}
    n = n_spread.get(covariance, k) + k * d + (k if k > 1 else 0)
    assert len(found.parameters) == n
    assert found.sentence in found._repr_html_()
    assert set(found.to_dataframe().columns) == {"value", "mcse", "unit"}


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**31))
def test_labels_of_draws_change_nothing(overlapping, found, seed):
    _, x, draws, centre = overlapping
    mixed, _ = scrambled(draws, np.random.default_rng(seed))
    again = bg.compare(tree_of(mixed, x, mode=centre), **QUIET)
    np.testing.assert_array_equal(again.partition.labels, found.partition.labels)
    assert again.to_dataframe().equals(found.to_dataframe())
    np.testing.assert_allclose(again.rows["p_wrong"], found.rows["p_wrong"], atol=1e-12)
    assert again.sentence == found.sentence


def test_a_mode_of_ones_own_takes_the_order_of_the_posterior(old_faithful):
    mixture = bg.GaussianMixture(2)
    mode = bg.fit_map(mixture, old_faithful, random_seed=1, progress=False)
    post = bg.relabel(
        bg.sample(mixture, old_faithful, start=mode, progress=False, random_seed=1), progress=False
    )
    own = bg.compare(post, **QUIET)
    flipped = bg.PointEstimate(**(vars(mode) | {"parameters": mode.parameters.permuted([1, 0])}))
    again = bg.compare(post, flipped, **QUIET)
    np.testing.assert_array_equal(again.map_labels, own.map_labels)
    pd.testing.assert_frame_equal(again.parameters, own.parameters, rtol=1e-12)
    assert own.distance == 0
    assert own.losses["regret"].eq(0).all()
    assert "is the posterior's own" in str(own)


def test_a_map_far_from_the_posterior_is_said_to_be():
    x, draws, centre = draws_about("full", n_obs=40, n_draws=100, width=0.05, seed=3)
    elsewhere = centre.permuted([0, 1, 2])
    elsewhere.means[:] = centre.means[::-1] + 3 * np.random.default_rng(0).normal(size=(3, 2))
    found = bg.compare(tree_of(draws, x, mode=elsewhere), **QUIET)
    assert not found.inside
    assert "outside the 95% credible ball" in str(found)
    assert found.losses.loc["vi", "regret"] > 0.1


def test_refusals_name_what_is_missing(overlapping):
    post, x, draws, _ = overlapping
    with pytest.raises(ValueError, match=r"no MAP in post\['map'\]. Try mode="):
        bg.compare(tree_of(draws, x), **QUIET)
    with pytest.raises(TypeError, match=r"mode must be a PointEstimate; got .*dict"):
        bg.compare(post, {}, **QUIET)
    with pytest.raises(ValueError, match=r"prob must be a number between 0 and 1; got 1\.5"):
        bg.compare(post, prob=1.5)
    other = bg.fit_map(bg.GaussianMixture(2), x, random_seed=1, progress=False)
    with pytest.raises(ValueError, match=r"expected .* = \('full', 3, 2\); got \('full', 2, 2\)"):
        bg.compare(post, other, **QUIET)


def test_the_sentence_begins_with_the_verdict_where_the_draws_are_not_enough():
    x, draws, centre = draws_about("full", n_draws=4000, width=0.1)
    post = tree_of(draws, x, n_chains=4, mode=centre)
    enough = bg.compare(post, **QUIET)
    assert enough.enough
    assert enough.sentence.startswith("The MAP's clustering")
    few = bg.compare(post.isel(draw=slice(50), missing_dims="ignore"), **QUIET)
    assert not few.enough
    assert few.sentence.startswith("Verdict: too few draws to tell. There are 50 draws per chain")
    assert 'class="verdict poor"' in few._repr_html_()
