"""Figures: readable axes, one colour per component, ellipses where the mathematics puts them."""

import io
from functools import cache

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_hex, to_rgb
from oracles import covariances
from scipy import stats

import bayesgmm as bg
from bayesgmm.draws.read import Reading
from bayesgmm.figures.assignments import plot_assignments
from bayesgmm.figures.components import plot_components
from bayesgmm.figures.em_trace import plot_trace_em
from bayesgmm.figures.mixture import plot_mixture
from bayesgmm.figures.style import MAX_MARKERS, colour, dash, marker, wrapped

FIGURES = (plot_mixture, plot_trace_em, plot_components, plot_assignments)
STRUCTURES = pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical"])
SIZES = pytest.mark.parametrize(
    ("n_features", "n_components"), [(1, 3), (1, 1), (2, 1), (4, 3), (7, 2)]
)
LONG = "concentration_of_$NO_2$_in_µg_per_cubic_m"


def rows(n_features, n_clusters, n_obs):
    rng = np.random.default_rng(3)
    centre = 6 * np.arange(n_clusters)[:, None] * np.ones(n_features)
    return centre[np.arange(n_obs) % n_clusters] + rng.normal(size=(n_obs, n_features))


@cache
def posterior(n_features=2, n_components=2, n_obs=90, covariance="full", names=None):
    names = names or tuple(f"feature {j}" for j in range(n_features))
    x = pd.DataFrame(rows(n_features, n_components, n_obs), columns=list(names))
    mixture = bg.GaussianMixture(n_components, covariance=covariance)
    tree = bg.sample(
        mixture, x, draws=25, tune=60, chains=2, cores=1, random_seed=1, progress=False
    )
    return bg.relabel(tree)


def first(axes):
    return np.atleast_1d(axes).flat[0]


def drawn(axes):
    """The axes, after all that is on their figure was drawn."""
    first(axes).figure.savefig(io.BytesIO(), format="png")
    return axes


def data_of(tree):
    return tree["observed_data"]["x"].values


def texts_of(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def lines_of(axes, **properties):
    """Data of the lines with such properties, (n, 2) each."""
    return [
        line.get_xydata()
        for line in axes.lines
        if all(getattr(line, f"get_{name}")() == value for name, value in properties.items())
    ]


def rings_of(axes):
    """Points of the ellipses, or of the bars, collection by collection."""
    return [c.get_segments() for c in axes.collections if isinstance(c, LineCollection)]


def rows_on(axes):
    """Place and colour of every row that is shown, (n, 5), in order of place."""
    scattered = [c for c in axes.collections if isinstance(c, PathCollection)]
    dots = [line for line in axes.lines if line.get_linestyle() == "None"]
    dots = [line for line in dots if line.get_markerfacecolor() != "none"]
    found = [(c.get_offsets(), c.get_facecolor()[:, :3]) for c in scattered]
    found += [(line.get_xydata(), to_rgb(line.get_markerfacecolor())) for line in dots]
    rows = [np.hstack([at, np.broadcast_to(shade, (len(at), 3))]) for at, shade in found]
    return in_order(np.concatenate(rows))


def in_order(rows):
    return rows[np.lexsort(rows.T[::-1])]


def expected_rows(axes, x, labels, sure):
    """What ``rows_on`` should find: the shade of the label, mixed with white in the plane."""
    shades = np.array([to_rgb(colour(k)) for k in labels])
    if x.shape[1] == 1:
        return in_order(np.column_stack([x, sure, shades]))
    share = (2 * sure[:, None] - 1) ** 2
    named = axes.get_xlabel(), axes.get_ylabel()
    pair = [int(name.split()[1]) for name in named]
    return in_order(np.column_stack([x[:, pair], share * shades + 1 - share]))


@SIZES
def test_every_panel_shows_all_rows_and_ellipses(n_features, n_components):
    tree = posterior(n_features, n_components)
    x, grid = data_of(tree), np.atleast_2d(drawn(plot_mixture(tree, n_draws=5)))
    side = len(grid)
    assert side == max(1, min(n_features, 5) - 1)
    for i, j in np.ndindex(side, side):
        assert grid[i, j].axison == (i >= j)
        if n_features == 1:
            np.testing.assert_array_equal(rows_on(grid[i, j])[:, 0], np.sort(x[:, 0]))
        elif i >= j:
            if n_features <= 5:
                places = rows_on(grid[i, j])[:, :2]
                np.testing.assert_array_equal(places, in_order(x[:, [j, i + 1]]))
            counts = [len(rings) for rings in rings_of(grid[i, j])]
            assert counts == [5] * n_components + [1] * 3 * n_components


@SIZES
def test_ridges_stand_where_the_draws_are(n_features, n_components):
    tree = posterior(n_features, n_components)
    panels = drawn(plot_components(tree))
    draws, mode = tree["posterior"].to_dataset(), tree["map"].to_dataset()
    quantities = [("weights", {})] if n_components > 1 else []
    quantities += [("means", {"feature": j}) for j in range(n_features)]
    for axes, (name, which) in zip(panels, quantities, strict=True):
        values, at = draws[name].isel(which), mode[name].isel(which)
        low, middle, high = values.quantile([0.03, 0.5, 0.97], dim=("chain", "draw")).values
        lines = np.arange(n_components)[::-1]
        bars = np.array(rings_of(axes))[:, 0]
        np.testing.assert_allclose(bars, np.array([[low, high], [lines, lines]]).T)
        for shape, marks in (("|", [middle, lines]), ("D", [at, lines - 0.17])):
            np.testing.assert_allclose(np.ravel(lines_of(axes, marker=shape)), np.ravel(marks, "F"))
        tops = [curve[:, 1].max() for curve in lines_of(axes, marker="None", linewidth=1.4)]
        np.testing.assert_allclose(tops, lines + 0.72)


@SIZES
def test_rows_have_the_colour_of_their_component_and_fade_with_doubt(n_features, n_components):
    tree = posterior(n_features, n_components).copy()
    found, x = tree["clustering"].to_dataset(), data_of(tree)
    p = found["mean_probability"].values.copy()
    if n_components > 1:
        p[:3] = 0
        p[:3, :2] = [[0.75, 0.25], [0.3, 0.7], [0.5, 0.5]]
    tree["clustering"] = found.assign(mean_probability=(("obs", "component"), p))
    panels = np.atleast_1d(drawn(plot_assignments(tree)))
    own, sure = p.argmax(axis=1), p.max(axis=1)
    np.testing.assert_allclose(rows_on(panels[0]), expected_rows(panels[0], x, own, sure))
    [ringed] = lines_of(panels[0], markerfacecolor="none")
    in_doubt = expected_rows(panels[0], x[sure < 0.9], own[sure < 0.9], sure[sure < 0.9])
    np.testing.assert_array_equal(in_order(ringed), in_doubt[:, :2])
    counts = [f"component {k}: {n} rows" for k, n in enumerate(np.bincount(own))]
    texts = texts_of(panels[-1])
    assert texts[:n_components] == counts
    assert texts[-1] == f"uncertain, below 0.9: {len(ringed)} rows"
    for strip in panels[1:]:
        for k, line in enumerate(strip.lines):
            np.testing.assert_array_equal(line.get_ydata(), np.sort(sure[own == k]))
            assert line.get_color() == colour(k)


def test_one_feature_has_the_density_of_the_mixture():
    tree = posterior(1, 3)
    axes, x = plot_mixture(tree), data_of(tree)[:, 0]
    whole, *parts = lines_of(axes, marker="None")
    grid = whole[:, 0]

    def densities(parameters):
        sd = np.sqrt(covariances(parameters)[:, 0])
        return parameters.weights[:, None] * stats.norm(parameters.means, sd).pdf(grid)

    reading = Reading.of(tree)
    expected = densities(reading.map)
    np.testing.assert_allclose([part[:, 1] for part in parts], expected, rtol=1e-9)
    np.testing.assert_allclose(whole[:, 1], expected.sum(axis=0), rtol=1e-9)
    draws = [densities(reading.parameters[s]) for s in range(len(reading.parameters))]
    curves = [*np.moveaxis(draws, 1, 0), np.sum(draws, axis=1)]
    bands = [c.get_paths()[0].vertices for c in axes.collections if isinstance(c, PolyCollection)]
    for band, some in zip(bands, curves, strict=True):
        low, high = np.quantile(some, [0.03, 0.97], axis=0)
        # Up along the lower edge, and back along the upper one.
        there, back = band[1 : len(grid) + 1, 1], band[len(grid) + 2 : -1, 1]
        np.testing.assert_allclose([there, back[::-1]], [low, high], rtol=1e-9)
    heights, edges, _ = axes.patches[0].get_data()
    np.testing.assert_array_equal(heights, np.histogram(x, edges, density=True)[0])


def test_axes_carry_the_feature_names():
    grid = plot_mixture(posterior(3, 2))
    assert [ax.get_xlabel() for ax in grid[-1]] == ["feature 0", "feature 1"]
    assert [ax.get_ylabel() for ax in grid[:, 0]] == ["feature 1", "feature 2"]
    labels = [ax.get_xlabel() for ax in plot_components(posterior(3, 2))]
    assert labels == ["weight", "mean of feature 0", "mean of feature 1", "mean of feature 2"]


def test_a_single_component_has_no_panel_for_its_weight():
    assert [ax.get_xlabel() for ax in plot_components(posterior(1, 1))] == ["mean of feature 0"]


def test_a_component_has_one_colour_in_every_figure():
    tree = posterior(2, 3)
    for ax in (plot_mixture(tree), plot_assignments(tree)):
        legend = ax.get_legend()
        shades = {
            text.get_text().split(",")[0].split(":")[0]: to_hex(handle.get_color()).upper()
            for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
        }
        assert [shades[f"component {k}"] for k in range(3)] == [colour(k) for k in range(3)]


def test_components_beyond_the_palette_stay_apart():
    marks = {(colour(k), marker(k)) for k in range(24)}
    lines = {(colour(k), dash(k)) for k in range(24)}
    assert len(marks) == len(lines) == 24


@STRUCTURES
def test_ellipses_are_of_draws_at_two_sigma_and_of_the_map_at_one_two_and_three(covariance):
    tree = posterior(covariance=covariance)
    axes = drawn(plot_mixture(tree, n_draws=7))
    reading = Reading.of(tree)
    some = [reading.parameters[s] for s in np.linspace(0, 49, 7).astype(int)]
    rings = rings_of(axes)
    for k, faint in enumerate(rings[:2]):
        for parameters, ring in zip(some, faint, strict=True):
            np.testing.assert_allclose(distances(ring, parameters, k), 2)
    for i, [ring] in enumerate(rings[2:]):
        np.testing.assert_allclose(distances(ring, reading.map, i // 3), i % 3 + 1)
    assert len(rings) == 8
    assert texts_of(axes)[2:] == ["7 posterior draws", "data"]


def distances(points, parameters, k):
    """Mahalanobis', from a component's mean."""
    offset = points - parameters.means[k]
    solved = np.linalg.solve(covariances(parameters)[k], offset.T).T
    return np.sqrt((offset * solved).sum(axis=1))


@pytest.mark.parametrize("plot", [plot_mixture, plot_assignments])
@pytest.mark.parametrize("n_features", [1, 2])
def test_many_rows_are_thinned_and_the_figure_says_so(plot, n_features):
    tree = posterior(n_features, 2, n_obs=2500)
    ax = first(plot(tree))
    shown = rows_on(ax)[:, 0]
    assert len(set(shown)) == len(shown) == MAX_MARKERS
    assert set(shown) <= set(data_of(tree)[:, 0])
    assert ax.get_title(loc="left") == "2,000 of 2,500 rows shown, drawn at random"


@pytest.mark.parametrize("plot", FIGURES)
@pytest.mark.parametrize("n_features", [1, 2, 3])
def test_long_names_stay_inside_the_figure(plot, n_features):
    names = tuple(f"{LONG[:-1]}{j}" for j in range(n_features))
    figure = first(plot(posterior(n_features, 2, names=names))).figure
    figure.draw_without_rendering()
    for ax in figure.axes:
        for label in (ax.xaxis.label, ax.yaxis.label):
            if label.get_text():
                box = label.get_window_extent()
                assert box.x0 >= -1
                assert box.y0 >= -1
                assert box.x1 <= figure.bbox.x1 + 1
                assert box.y1 <= figure.bbox.y1 + 1


@pytest.mark.parametrize("name", [LONG, "x" * 40, "two words", "ends_with_", "", "a-b.c/d" * 6])
def test_wrapping_keeps_every_character_but_spaces(name):
    lines = wrapped(name, 12).split("\n")
    assert "".join(lines).replace(" ", "") == name.replace(" ", "")
    assert max(map(len, lines)) <= 12


@STRUCTURES
def test_the_trace_ends_at_the_log_posterior(covariance):
    tree = posterior(covariance=covariance)
    left, right = drawn(plot_trace_em(tree))
    trace = tree["map"]["trace"].values
    assert trace[-1] == pytest.approx(float(tree["map"]["log_posterior"]))
    np.testing.assert_array_equal(left.lines[0].get_ydata(), trace)
    below = np.flatnonzero(trace < trace[-1])
    for line in right.lines:
        np.testing.assert_array_equal(line.get_data(), [below, (trace[-1] - trace)[below]])
        assert right.get_yscale() == "log"
    assert len(right.lines) == 1 - len(right.texts) == (len(below) > 0)


@pytest.mark.parametrize("plot", [plot_mixture, plot_assignments])
def test_given_axes_are_drawn_on(plot):
    spare = plt.subplots()[1]
    assert plot(posterior(), ax=spare) is spare
    made = plot(posterior())
    assert [type(a) for a in spare.get_children()] == [type(a) for a in made.get_children()]
    np.testing.assert_array_equal(rows_on(spare), rows_on(made))
    assert texts_of(spare) == texts_of(made)


def test_an_array_of_given_axes_is_drawn_on_one_by_one():
    spare = plt.subplots(3)[1]
    panels = plot_components(posterior(), ax=spare)
    assert list(panels) == list(spare)
    assert [ax.get_xlabel() for ax in spare] == ["weight", "mean of feature 0", "mean of feature 1"]


def test_the_wrong_number_of_axes_is_named():
    spare = first(plot_mixture(posterior()))
    with pytest.raises(ValueError, match="ax must hold 2 axes"):
        plot_trace_em(posterior(), ax=spare)


def test_a_tree_without_a_map_has_every_figure_but_the_trace():
    tree = posterior().copy()
    del tree["map"]
    mixture = drawn(plot_mixture(tree))
    assert [len(rings) for rings in rings_of(mixture)] == [50, 50]
    weights = tree["posterior"]["weights"].mean(("chain", "draw")).values
    assert texts_of(mixture)[:2] == [
        f"component {k}, weight {w:.2f}" for k, w in enumerate(weights)
    ]
    panels = drawn(plot_components(tree))
    assert texts_of(panels[0]) == ["94 % interval", "median"]
    assert not lines_of(panels[0], marker="D")
    with_map = rows_on(plot_assignments(posterior()))
    np.testing.assert_array_equal(rows_on(drawn(plot_assignments(tree))), with_map)
    with pytest.raises(ValueError, match="map group"):
        plot_trace_em(tree)
