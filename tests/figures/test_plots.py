"""Figures: readable axes, one colour per component, ellipses where the mathematics puts them."""

import io
from functools import cache

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex

import bayesgmm as bg
from bayesgmm.figures.assignments import plot_assignments
from bayesgmm.figures.components import plot_components
from bayesgmm.figures.em_trace import plot_trace_em
from bayesgmm.figures.mixture import plot_mixture
from bayesgmm.figures.style import MAX_MARKERS, colour, dash, marker, wrapped

FIGURES = (plot_mixture, plot_trace_em, plot_components, plot_assignments)
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


@pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize("plot", FIGURES)
def test_every_figure_draws_every_structure(plot, covariance):
    axes = plot(posterior(covariance=covariance))
    target = io.BytesIO()
    first(axes).figure.savefig(target, format="png")
    assert target.getvalue().startswith(b"\x89PNG")


@pytest.mark.parametrize(("n_features", "n_components"), [(1, 3), (1, 1), (2, 1), (4, 3), (7, 2)])
@pytest.mark.parametrize("plot", FIGURES)
def test_every_figure_draws_any_size(plot, n_features, n_components):
    figure = first(plot(posterior(n_features, n_components))).figure
    figure.savefig(io.BytesIO(), format="png")


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


def test_bold_ellipses_lie_at_one_two_and_three_sigma_of_the_map():
    tree = posterior(2, 2)
    ax = plot_mixture(tree, n_draws=0)
    rings = [c for c in ax.collections if isinstance(c, LineCollection) and c.get_segments()]
    k, n_radii = 1, 3
    mean = tree["map"]["means"].values[k]
    precision = np.linalg.inv(tree["map"]["covariances"].values[k])
    for radius, ring in zip((1, 2, 3), rings[k * n_radii :], strict=False):
        offset = ring.get_segments()[0] - mean
        distance = np.sqrt(np.einsum("ni,ij,nj->n", offset, precision, offset))
        np.testing.assert_allclose(distance, radius, rtol=1e-9)


def test_as_many_faint_ellipses_as_draws_asked_for():
    ax = plot_mixture(posterior(2, 2), n_draws=7)
    counts = [len(c.get_segments()) for c in ax.collections if isinstance(c, LineCollection)]
    assert counts.count(7) == 2


@pytest.mark.parametrize("plot", [plot_mixture, plot_assignments])
@pytest.mark.parametrize("n_features", [1, 2])
def test_many_rows_are_thinned_and_the_figure_says_so(plot, n_features):
    ax = first(plot(posterior(n_features, 2, n_obs=2500)))
    scattered = sum(len(c.get_offsets()) for c in ax.collections if isinstance(c, PathCollection))
    rows = [line for line in ax.lines if line.get_linestyle() == "None"]
    marks = sum(len(line.get_xdata()) for line in rows if line.get_markerfacecolor() != "none")
    assert scattered + marks <= MAX_MARKERS + 2
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


def test_the_trace_ends_at_the_log_posterior():
    tree = posterior()
    left, _ = plot_trace_em(tree)
    assert left.lines[0].get_ydata()[-1] == pytest.approx(float(tree["map"]["log_posterior"]))


def test_given_axes_are_drawn_on():
    spare = first(plot_mixture(posterior()))
    spare.clear()
    assert plot_mixture(posterior(), ax=spare) is spare


def test_the_wrong_number_of_axes_is_named():
    spare = first(plot_mixture(posterior()))
    with pytest.raises(ValueError, match="ax must hold 2 axes"):
        plot_trace_em(posterior(), ax=spare)


def test_a_tree_without_a_map_has_every_figure_but_the_trace():
    tree = posterior().copy()
    del tree["map"]
    for plot in (plot_mixture, plot_components, plot_assignments):
        first(plot(tree)).figure.savefig(io.BytesIO(), format="png")
    with pytest.raises(ValueError, match="map group"):
        plot_trace_em(tree)
