"""The table of the posterior: its rows, its columns, and its numbers."""

import warnings

import numpy as np
import pytest
import xarray as xr
from oracles import STRUCTURES
from trees import draws_about, jittered, scrambled, tree_of

import bayesgmm as bg

# A handful of draws by hand is too few for a verdict.
pytestmark = pytest.mark.filterwarnings("ignore:Verdict")

ROWS = {
    "full": [
        *(f"covariances[{k}, {ab}]" for k in range(2) for ab in ("f0, f0", "f0, f1", "f1, f1")),
    ],
    "tied": ["covariance[f0, f0]", "covariance[f0, f1]", "covariance[f1, f1]"],
    "diag": [f"variances[{k}, f{j}]" for k in range(2) for j in range(2)],
    "spherical": ["variances[0]", "variances[1]"],
    "tied_diag": ["feature_variances[f0]", "feature_variances[f1]"],
    "tied_spherical": ["variance"],
    "proportional": [
        f"proportional_covariances[{k}, {ab}]"
        for k in range(2)
        for ab in ("f0, f0", "f0, f1", "f1, f1")
    ],
}
COLUMNS = [
    "mean", "sd", "eti94_lb", "eti94_ub", "ess_bulk", "ess_tail", "r_hat", "mcse_mean", "mcse_sd"
]  # fmt: skip


def relabelled(covariance, k=2, n_draws=80, **options):
    x, draws, centre = draws_about(covariance, k=k, n_draws=n_draws, width=0.1)
    return bg.relabel(tree_of(draws, x, n_chains=4, mode=centre), progress=False), draws


@pytest.mark.parametrize("covariance", STRUCTURES)
def test_every_parameter_has_one_row(covariance):
    post, _ = relabelled(covariance)
    table = bg.summary(post)
    weights = ["weights[0]", "weights[1]"]
    means = [f"means[{k}, f{j}]" for k in range(2) for j in range(2)]
    assert list(table.index) == [*weights, *means, *ROWS[covariance]]
    assert list(table.columns) == COLUMNS


def test_one_component_has_no_row_for_its_weight():
    post, _ = relabelled("full", k=1)
    table = bg.summary(post)
    assert not [name for name in table.index if name.startswith("weights")]
    assert np.isfinite(table.astype(float).to_numpy()).all()


def test_numbers_are_those_of_the_draws():
    post, draws = relabelled("full")
    table = bg.summary(post, round_to="none")
    np.testing.assert_array_equal(post["clustering"]["permutation"][..., 1], 1)
    values = {
        "weights[1]": [p.weights[1] for p in draws],
        "means[0, f1]": [p.means[0, 1] for p in draws],
        "covariances[1, f0, f1]": [p.covariances[1, 0, 1] for p in draws],
    }
    for name, sample in values.items():
        row = table.loc[name]
        assert row["mean"] == pytest.approx(np.mean(sample))
        assert row["sd"] == pytest.approx(np.std(sample, ddof=1), rel=1e-2)
        np.testing.assert_allclose(
            [row["eti94_lb"], row["eti94_ub"]], np.quantile(sample, [0.03, 0.97]), rtol=1e-6
        )


@pytest.mark.parametrize("covariance", STRUCTURES)
def test_a_raw_posterior_is_relabelled_first(covariance):
    x, draws, centre = draws_about(covariance, n_draws=80, width=0.1)
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    raw = tree_of(mixed, x, n_chains=4, mode=centre)
    straight = bg.relabel(tree_of(draws, x, n_chains=4, mode=centre), progress=False)
    table, expected = bg.summary(raw), bg.summary(straight)
    assert table.equals(expected)
    assert table["r_hat"].astype(float).max() < 1.2
    assert "clustering" not in raw.children


def test_interval_is_the_one_asked_for():
    post, _ = relabelled("diag")
    wide = bg.summary(post, ci_prob=0.99, round_to="none")
    narrow = bg.summary(post, ci_prob=0.5, round_to="none")
    assert (wide["eti99_lb"] < narrow["eti50_lb"]).all()
    assert "hdi94_lb" in bg.summary(post, ci_kind="hdi")
    assert list(bg.summary(post, ["means"]).index) == list(bg.summary(post).index[2:6])


def test_feature_names_with_spaces_and_commas():
    """The upper triangle of every matrix is shown, whatever the features are called."""
    post, _ = relabelled("full")
    names = ["a, b", "c [mm]"]
    posterior = post["posterior"].to_dataset().assign_coords(feature=names, feature_bis=names)
    post["posterior"] = posterior
    assert sum(name.startswith("covariances") for name in bg.summary(post).index) == 6


def test_weight_two_is_the_row_twice():
    x, draws, centre = draws_about("full", n_draws=40, width=0.3)
    mixed, _ = scrambled(draws, np.random.default_rng(1))
    weight = np.random.default_rng(0).integers(0, 4, size=len(x))
    weighted = tree_of(mixed, x, n_chains=4, weight=weight.astype(float), mode=centre)
    standing = tree_of(mixed, np.repeat(x, weight, axis=0), n_chains=4, mode=centre)
    assert bg.summary(weighted).equals(bg.summary(standing))


def ambiguous_tree():
    """Draws of three components that are one, so that their labels could be any."""
    x, draws, _ = draws_about("full", k=3, n_draws=80, width=0.3)
    for p in draws:
        p.means[:] = p.means.mean(axis=0) + 0.3 * np.random.default_rng(0).normal(size=(3, 2))
    rng = np.random.default_rng(1)
    draws = [jittered(p, rng, 0.5) for p in draws]
    tree = tree_of(draws, x, n_chains=4)
    lp = np.random.default_rng(2).normal(size=(4, 20))
    tree["sample_stats"] = xr.DataTree(xr.Dataset({"lp": (("chain", "draw"), lp)}))
    return tree, draws


def test_where_labels_are_ambiguous_it_warns_and_what_needs_no_labels_comes_first():
    tree, draws = ambiguous_tree()
    with pytest.warns(UserWarning, match=r"Labels are ambiguous: \d+% of the draws"):
        table = bg.summary(tree, round_to="none")
    assert table.attrs["note"].startswith("Labels are ambiguous")
    free = ["lp", *(f"sorted_weights[{i}]" for i in range(3))]
    free += [f"{name}[f{j}]" for name in ("mixture_mean", "mixture_sd") for j in range(2)]
    assert list(table.index[:8]) == free
    assert table.index[8] == "weights[0]"
    largest = [p.weights.max() for p in draws]
    assert table.loc["sorted_weights[0]", "mean"] == pytest.approx(np.mean(largest))
    second = [p.weights @ (p.covariances[:, 0, 0] + p.means[:, 0] ** 2) for p in draws]
    first = np.array([p.weights @ p.means[:, 0] for p in draws])
    assert table.loc["mixture_mean[f0]", "mean"] == pytest.approx(first.mean())
    assert table.loc["mixture_sd[f0]", "mean"] == pytest.approx(np.mean(np.sqrt(second - first**2)))
    mixed = tree_of(scrambled(draws, np.random.default_rng(3))[0], draws_about("full")[0], 4)
    with pytest.warns(UserWarning, match="Labels are ambiguous"):
        again = bg.summary(mixed, round_to="none")
    assert again.iloc[:7].equals(table.iloc[1:8])


def test_rows_asked_for_by_name_are_all_there_is_but_the_warning():
    tree, _ = ambiguous_tree()
    with pytest.warns(UserWarning, match="Labels are ambiguous"):
        assert list(bg.summary(tree, ["weights"]).index) == [f"weights[{c}]" for c in range(3)]


def test_clear_labels_have_no_note():
    post, _ = relabelled("full")
    assert "note" not in bg.summary(post).attrs


def test_draws_that_are_not_enough_are_a_warning_and_labels_that_moved_are_none(old_faithful):
    post = bg.sample(bg.GaussianMixture(2), old_faithful, random_seed=1, progress=False)
    with pytest.warns(UserWarning, match="Verdict: too few draws to tell"):
        bg.summary(post.isel(draw=slice(5), missing_dims="ignore"))
    swapped = post.copy()
    draws = post["posterior"].to_dataset()
    other = draws.isel(component=[1, 0]).assign_coords(component=[0, 1])
    swapped["posterior"] = xr.DataTree(
        xr.concat([draws.isel(chain=[0, 1]), other.isel(chain=[2, 3])], "chain")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, two = (bg.summary(tree, round_to="none") for tree in (post, swapped))
    np.testing.assert_allclose(one["mean"], two["mean"], rtol=1e-9)


def test_relabelled_draws_without_their_rows_have_a_summary():
    post, _ = relabelled("full")
    table = bg.summary(post)
    del post["observed_data"]
    assert bg.summary(post).equals(table)


def test_entries_of_features_with_commas_are_told_apart():
    post, draws = relabelled("full")
    names = {"feature": ["a", "a, a"], "feature_bis": ["a", "a, a"]}
    post["posterior"] = xr.DataTree(post["posterior"].to_dataset().assign_coords(names))
    table = bg.summary(post, round_to="none")
    assert table.index.is_unique
    assert [name for name in table.index if name.startswith("covariances[0")] == [
        "covariances[0, a, a]",
        'covariances[0, a, "a, a"]',
        'covariances[0, "a, a", "a, a"]',
    ]
    expected = np.mean([p.covariances[0, 0, 1] for p in draws])
    assert table.loc['covariances[0, a, "a, a"]', "mean"] == pytest.approx(expected)
