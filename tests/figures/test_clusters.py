"""Figures of clusterings and of convergence: the rows, colours and sentences a reader sees."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from scipy.stats import rankdata

import bayesgmm as bg
from bayesgmm.figures.certainty import MANY, in_colours
from bayesgmm.figures.style import PALETTE, colour

from .test_plots import (
    LONG,
    data_of,
    drawn,
    expected_rows,
    first,
    in_order,
    lines_of,
    posterior,
    rings_of,
    rows_on,
    texts_of,
)

SIZES = pytest.mark.parametrize(
    ("n_features", "n_components"), [(1, 1), (1, 3), (2, 1), (2, 3), (4, 9)]
)


def legend_of(axes):
    return dict(zip(texts_of(axes), axes.get_legend().legend_handles, strict=True))


def partition_of(tree):
    return bg.partition(tree, random_seed=1, progress=False)


def comparison_of(labels, clusters, p_wrong):
    rows = pd.DataFrame({"p_wrong": p_wrong, "disputed": p_wrong > 0.1})
    best = made(bg.Partition, labels=clusters, certainty=1 - p_wrong)
    return made(bg.Comparison, map_labels=labels, partition=best, rows=rows)


def made(kind, **fields):
    """A record with these fields only."""
    record = object.__new__(kind)
    for name, value in fields.items():
        object.__setattr__(record, name, value)
    return record


def fake(n_obs=90):
    """Three rows disputed; a cluster for the two components, and one that none has."""
    p_wrong = np.zeros(n_obs)
    p_wrong[:3] = 0.4
    clusters = np.arange(n_obs) % 2
    clusters[:3] = 2
    return comparison_of(np.arange(n_obs) % 2, clusters, p_wrong)


@SIZES
def test_the_heatmap_is_the_similarity_cluster_by_cluster(n_features, n_components):
    tree = posterior(n_features, n_components)
    shown = drawn(bg.plot_similarity(tree)).images[0].get_array().data
    psm, best = bg.similarity(tree, progress=False).values, partition_of(tree)
    ends = np.cumsum(best.sizes)
    for k, part in enumerate(map(slice, ends - best.sizes, ends)):
        rows = shown[part]
        np.testing.assert_allclose(np.sort(rows, None), np.sort(psm[best.labels == k], None))
        inside = psm[np.ix_(best.labels == k, best.labels == k)]
        np.testing.assert_allclose(np.sort(rows[:, part], None), np.sort(inside, None))


@SIZES
def test_both_clusterings_are_shown_row_by_row(n_features, n_components):
    tree = posterior(n_features, n_components)
    found = bg.compare(tree, random_seed=1, progress=False)
    right = found.rows["p_wrong"].rsub(1).to_numpy()
    own = in_colours(found.partition.labels, found.map_labels, n_components)
    panels = drawn(bg.plot_comparison(tree))
    sides = (found.map_labels, right), (own, found.partition.certainty)
    for axes, (labels, sure) in zip(panels, sides, strict=True):
        expected = expected_rows(axes, data_of(tree), labels, sure)
        np.testing.assert_allclose(rows_on(axes), expected, atol=1e-12)


@pytest.mark.parametrize("of", ["one component", "nine components", "assignments"])
def test_occupied_components_have_their_probabilities(of):
    source = np.random.default_rng(1).integers(3, size=(400, 6))
    if of != "assignments":
        source = posterior(4, 9) if of == "nine components" else posterior(1, 1)
    found = bg.occupied_components(source, random_seed=1, progress=False)
    axes = drawn(bg.plot_occupied(source))
    assert [bar.get_height() for bar in axes.patches] == found.values.tolist()
    [whiskers] = rings_of(axes)
    expected = found.values + np.outer([-2, 2], np.nan_to_num(found["mcse"]))
    np.testing.assert_allclose(np.array(whiskers)[:, :, 1], expected.T)
    some = [p for p in found.values if p > 0]
    assert [t.get_text() for t in axes.texts] == [
        f"{p:.2f}" if p >= 0.005 else "<0.01" for p in some
    ]
    assert axes.get_xticks().tolist() == found["n_occupied"].values.tolist()
    again = bg.plot_occupied(found, ax=axes.figure.add_subplot())
    assert [bar.get_height() for bar in again.patches] == found.values.tolist()


@SIZES
def test_traces_are_the_draws_and_curves_their_ranks(n_features, n_components):
    tree = posterior(n_features, n_components)
    grid = drawn(bg.plot_convergence(tree))
    assert len(grid) == 6 - (n_features == n_components == 1)
    lp = tree["sample_stats"]["lp"].values
    np.testing.assert_array_equal([line[:, 1] for line in lines_of(grid[0, 0])], lp)
    share = rankdata(lp, method="ordinal").reshape(lp.shape) / lp.size
    for chain, curve in zip(share, lines_of(grid[0, 1]), strict=False):
        below = (chain <= curve[:, :1]).mean(axis=1)
        np.testing.assert_allclose(curve[:, 1], below - curve[:, 0], atol=1e-12)


@pytest.mark.parametrize(
    "plot", [bg.plot_similarity, bg.plot_comparison, bg.plot_occupied, bg.plot_convergence]
)
def test_long_names_stay_inside_the_figure(plot):
    names = tuple(f"{LONG[:-1]}{j}" for j in range(2))
    figure = first(plot(posterior(2, 2, names=names))).figure
    figure.draw_without_rendering()
    for axes in figure.axes:
        low, high = sorted(axes.get_ylim())
        shown = [t for t in axes.get_yticklabels() if low <= t.get_position()[1] <= high]
        for label in (axes.xaxis.label, axes.yaxis.label, *shown):
            if label.get_text():
                box = label.get_window_extent()
                assert box.x0 >= -1
                assert box.y0 >= -1
                assert box.x1 <= figure.bbox.x1 + 1


def test_clusters_take_the_colours_of_their_components_and_others_new_ones():
    components = np.array([1, 1, 1, 0, 0, 1])
    np.testing.assert_array_equal(
        in_colours(np.array([0, 0, 0, 1, 1, 2]), components, 2), [1, 1, 1, 0, 0, 2]
    )


def test_a_partition_keeps_its_numbers_and_its_components_colours():
    tree = posterior(2, 2)
    best = partition_of(tree)
    handles = legend_of(bg.plot_assignments(tree, best))
    own = tree["clustering"]["mean_probability"].values.argmax(axis=1)
    for cluster, size in enumerate(best.sizes):
        shade = to_hex(handles[f"cluster {cluster}: {size:,} rows"].get_color()).upper()
        assert shade == colour(np.bincount(own[best.labels == cluster]).argmax())


@pytest.mark.parametrize("n_features", [1, 2, 3])
def test_the_rows_a_comparison_disputes_are_marked(n_features):
    tree, comparison = posterior(n_features, 2), fake()
    x, own = data_of(tree), tree["clustering"]["mean_probability"].values
    left, right = bg.plot_comparison(tree, comparison)
    third = first(bg.plot_assignments(tree, comparison))
    sides = [(left, comparison.map_labels), (right, comparison.partition.labels)]
    sure = [comparison.partition.certainty] * 2 + [own.max(axis=1)]
    for (axes, labels), s in zip([*sides, (third, own.argmax(axis=1))], sure, strict=True):
        np.testing.assert_allclose(rows_on(axes), expected_rows(axes, x, labels, s), atol=1e-12)
        [marked] = lines_of(axes, markerfacecolor="none")
        disputed = expected_rows(axes, x[:3], labels[:3], s[:3])[:, :2]
        np.testing.assert_array_equal(in_order(marked), disputed)
    assert "disputed, MAP label: 3 rows" in legend_of(bg.plot_comparison(tree, comparison)[1])


def test_the_comparison_counts_rows_by_map_and_by_posterior():
    left, right = bg.plot_comparison(posterior(2, 2), fake())
    assert left.get_title(loc="left") == "MAP: 2 clusters"
    assert right.get_title(loc="left") == "posterior: 3 clusters"
    assert list(legend_of(right))[:3] == [
        "component 0: 45 by MAP, 43 by posterior",
        "component 1: 45 by MAP, 44 by posterior",
        "no component's: 0 by MAP, 3 by posterior",
    ]


def test_many_disputed_rows_are_dotted():
    comparison = comparison_of(np.zeros(90, int), np.zeros(90, int), np.full(90, 0.5))
    assert MANY < 90
    axes = bg.plot_assignments(posterior(2, 2), comparison)
    assert [line.get_markersize() for line in axes.lines] == [2]


def test_a_comparison_of_other_rows_is_refused():
    with pytest.raises(ValueError, match="comparison must be of the posterior's 90 rows; got 7"):
        bg.plot_comparison(posterior(2, 2), fake(7))
    with pytest.raises(TypeError, match=r"bg\.compare"):
        bg.plot_comparison(posterior(2, 2), 3)
    with pytest.raises(TypeError, match=r"bg\.partition"):
        bg.plot_assignments(posterior(2, 2), "vi")


def test_the_heatmap_frames_every_cluster_in_its_colour():
    tree = posterior(2, 3)
    best = partition_of(tree)
    axes = bg.plot_similarity(tree, best)
    frames = [p for p in axes.patches if isinstance(p, Rectangle)]
    assert [f.get_width() for f in frames] == best.sizes.tolist()
    assert {to_hex(f.get_edgecolor()).upper() for f in frames} == set(PALETTE[:3])
    shown = axes.images[0].get_array()
    np.testing.assert_array_equal(shown, shown.T)
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == [f"cluster {k}\n{size} rows" for k, size in enumerate(best.sizes)]
    assert axes.figure.axes[1].get_ylabel() == "posterior probability of sharing a component"


def test_the_heatmap_takes_assignments_and_matrices():
    rng = np.random.default_rng(1)
    draws = np.where(rng.random((50, 20)) < 0.05, 2, np.arange(20) % 2)
    axes = bg.plot_similarity(draws)
    assert len(axes.patches) == 2
    psm = bg.similarity(draws, progress=False)
    plain = bg.plot_similarity(psm)
    assert not plain.patches
    np.testing.assert_allclose(np.sort(plain.images[0].get_array(), None), np.sort(psm, None))
    framed = bg.plot_similarity(psm.values, np.arange(20) % 2 + 5, ax=plain.figure.add_subplot())
    assert len(framed.patches) == 2
    with pytest.raises(ValueError, match="square matrix"):
        bg.plot_similarity(np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"partition must be .* shape \(20,\)"):
        bg.plot_similarity(psm, np.zeros(3, int))


def test_many_rows_of_the_heatmap_are_thinned_and_it_says_so():
    axes = bg.plot_similarity(posterior(2, 2, n_obs=2500))
    assert axes.images[0].get_array().shape == (1000, 1000)
    assert axes.get_title(loc="left") == "1,000 of 2,500 rows shown, drawn at random"


def test_convergence_shows_the_worst_of_both_kinds():
    tree = posterior(2, 2)
    grid = bg.plot_convergence(tree)
    verdict = bg.diagnose(tree, progress=False)
    titles = [axes.get_title(loc="left") for axes in grid[:, 0]]
    assert titles[0].startswith("log_posterior:")
    worst = verdict.parameters.sort_values("r_hat", ascending=False, kind="stable").index[:3]
    for title, name in zip(titles[3:], worst, strict=True):
        assert title.replace("\n", " ").startswith(f"{name}:")
        assert f"R-hat {verdict.parameters['r_hat'][name]:.3f}" in title
    for axes in grid[:, 0]:
        assert len(axes.lines) == 2
        assert not {to_hex(line.get_color()).upper() for line in axes.lines} & set(PALETTE)
    assert list(legend_of(grid[0, 1])) == ["chain 0", "chain 1"]


def test_a_single_chain_is_shown_half_by_half():
    grid = bg.plot_convergence(posterior(2, 2).isel(chain=[0], missing_dims="ignore"))
    assert list(legend_of(grid[0, 1])) == ["first half", "second half"]
