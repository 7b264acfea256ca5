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
from bayesgmm.clusterings.losses import LOSSES
from bayesgmm.draws.monte_carlo_error import mcse_of_mean

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
    farther = out > found.distance + 1e-9
    assert (found.farther, found.farther_mcse) == (np.mean(farther), mcse_of_mean(farther, 2))
    assert found.inside == (found.distance <= found.ball.radius + 1e-9)
    assert list(found.losses.index) == list(LOSS)
    for loss, by_hand in LOSS.items():
        own = bg.partition(post, loss, **QUIET).labels
        of_map, of_best = np.array([[by_hand(draw, c) for c in (labels, own)] for draw in z]).T
        row = found.losses.loc[loss]
        assert row["map"] == pytest.approx(of_map.mean())
        assert row["posterior"] == pytest.approx(of_best.mean())
        assert row["regret"] == pytest.approx((of_map - of_best).mean())
        assert row["regret"] >= 0
        assert row["mcse"] == pytest.approx(mcse_of_mean(of_map - of_best, 2))


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
    surprise = -np.log(np.maximum(mean, 1e-300))
    np.testing.assert_allclose(rows["entropy"], (mean * surprise).sum(axis=1), atol=1e-9)
    np.testing.assert_array_equal(rows["disputed"], 1 - at_map > 0.1)
    errors = mcse_of_mean(p[:, np.arange(len(x)), found.map_labels], 2)
    np.testing.assert_allclose(rows["mcse"], errors, atol=1e-10)
    # To first order, as the error of the mean cross-entropy.
    errors = mcse_of_mean((p * surprise).sum(axis=2), 2)
    np.testing.assert_allclose(rows["entropy_mcse"], errors, atol=1e-9)
    products = np.einsum("sik,sjk->sij", p, p)
    alike = products.mean(axis=0)
    gap = np.abs(alike - (found.map_labels[:, None] == found.map_labels))
    worst = np.sort(gap[np.triu_indices(len(x), 1)])[::-1][:20]
    pairs = found.pairs
    np.testing.assert_allclose(
        np.abs(pairs["similarity"] - pairs["together_in_map"]), worst, atol=1e-8
    )
    at = pairs["obs"], pairs["obs_bis"]
    np.testing.assert_allclose(pairs["similarity"], alike[at])
    np.testing.assert_allclose(pairs["mcse"], mcse_of_mean(products, 2)[at], rtol=1e-5, atol=1e-9)


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


def test_the_headlines_are_numbers_of_the_record(found):
    frame = found.to_dataframe()
    assert set(frame["unit"]) == {"bits", "", "rows"} | {LOSSES[loss].unit for loss in LOSS}
    expected = {
        "variation of information": (found.distance, np.nan),
        "adjusted Rand index": (found.adjusted_rand, np.nan),
        "radius of the credible ball": (found.ball.radius, np.nan),
        "probability in the ball": (found.ball.achieved, found.ball.mcse),
        "share of draws farther than the MAP": (found.farther, found.farther_mcse),
        **{f"regret, {n}": tuple(found.losses.loc[n, ["regret", "mcse"]]) for n in LOSS},
        "clusters of the MAP": (len(set(found.map_labels)), np.nan),
        "clusters of the posterior": (found.partition.n_clusters, np.nan),
        "expected rows with a wrong MAP label": (found.rows["p_wrong"].sum(), np.nan),
        "disputed rows": ((found.rows["p_wrong"] > 0.1).sum(), np.nan),
    }
    numbers = frame.loc[list(expected), ["value", "mcse"]]
    np.testing.assert_array_equal(numbers.astype(float), [*expected.values()])
    assert len(frame) == len(expected) + 1
    [likely] = set(frame.index) - set(expected)
    most = int(found.occupied.values.argmax())
    assert likely == f"probability that {most + 1} components hold rows"
    assert tuple(frame.loc[likely, ["value", "mcse"]]) == (
        found.occupied[most],
        found.occupied["mcse"][most],
    )


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
