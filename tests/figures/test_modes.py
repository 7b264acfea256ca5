"""The figure of modes: every mode at its distance, rows that move marked, colours that match."""

import itertools
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from scipy import stats

import bayesgmm as bg
from bayesgmm.em import mode_weights
from bayesgmm.figures.modes import MAX_LINES, MAX_PANELS
from bayesgmm.figures.style import MAX_MARKERS, colour

from .test_plots import drawn, in_order, lines_of, rows_on, texts_of


@cache
def clumps(n_features, times=1):
    """Clumps of 60, 30 and 40 rows on a line, which two components may share in two ways."""
    sizes, centres = times * np.array([60, 30, 40]), (0, 6, 13)
    rng = np.random.default_rng(2)
    x = rng.normal(size=(sizes.sum(), n_features))
    x[:, -1] = np.concatenate([
        centre + stats.norm.ppf((np.arange(size) + 0.5) / size)
        for size, centre in zip(sizes, centres, strict=True)
    ])  # fmt: skip
    return x


@cache
def fitted(n_features, times=1, k=2):
    mixture = bg.GaussianMixture(k, "diag")
    return bg.fit_map(mixture, clumps(n_features, times), random_seed=1, progress=False)


def labels_of(estimate, x, mode):
    return replace(estimate, parameters=mode.parameters).predict(x)


def best_match(labels, best, k):
    """By trying every permutation."""
    renamed = [np.array(p)[labels] for p in itertools.permutations(range(k))]
    return max(renamed, key=lambda names: (names == best).sum())


def clusters(estimate, x):
    """Labels in every mode by the best mode's names."""
    best = labels_of(estimate, x, estimate.modes[0])
    k = len(estimate.weights)
    return [best_match(labels_of(estimate, x, m), best, k) for m in estimate.modes]


def marked(axes):
    """Places of the rings, or of the dots that stand for many."""
    found = lines_of(axes, zorder=4)
    assert len(found) == 1
    return found[0]


def coloured(axes):
    """``rows_on`` without the marks."""
    for line in axes.lines:
        if line.get_zorder() == 4:
            line.remove()
    return rows_on(axes)


def title(axes):
    return axes.get_title(loc="left")


def words_beside(axes):
    return [text.get_text() for text in axes.texts]


def ellipses_of(axes):
    """Centre of every ellipse, by its colour."""
    found = [c for c in axes.collections if isinstance(c, LineCollection)]
    return {tuple(c.get_color()[0][:3]): c.get_segments()[0][:-1].mean(axis=0) for c in found}


@pytest.mark.parametrize("n_features", [1, 2])
def test_every_mode_has_a_line_at_its_distance_with_its_weight_and_starts(n_features):
    estimate, x = fitted(n_features), clumps(n_features)
    listed = drawn(bg.plot_modes(estimate, x))[0]
    gaps = [estimate.modes[0].log_posterior - mode.log_posterior for mode in estimate.modes]
    assert len(gaps) == 2
    np.testing.assert_allclose(lines_of(listed, marker="o")[0], np.column_stack([gaps, [0, 1]]))
    ends = [segment[:, 0] for segment in listed.collections[0].get_segments()]
    np.testing.assert_allclose(ends, [[0, gap] for gap in gaps])
    assert listed.yaxis_inverted()
    assert [label.get_text() for label in listed.get_yticklabels()] == ["mode 0", "mode 1"]
    assert "posterior" in listed.get_xlabel()
    for words, share, mode in zip(
        words_beside(listed), mode_weights(estimate, x), estimate.modes, strict=True
    ):
        weight, found = words.split(", ")
        assert float(weight.split()[1]) == pytest.approx(100 * share, abs=0.5)
        assert found == f"{mode.count} starts"


def test_every_panel_has_all_rows_in_matched_colours_and_rings_on_those_that_move():
    estimate, x = fitted(2), clumps(2)
    axes = drawn(bg.plot_modes(estimate, x))
    assert axes.shape == (3,)
    names = clusters(estimate, x)
    for i, panel in enumerate(axes[1:]):
        moved = names[i] != names[0]
        assert 0 < moved.sum() < 60 if i else not moved.any()
        np.testing.assert_array_equal(in_order(marked(panel)), in_order(x[moved]))
        shades = np.array([to_rgb(colour(k)) for k in names[i]])
        np.testing.assert_array_equal(coloured(panel), in_order(np.column_stack([x, shades])))
    gap = estimate.modes[0].log_posterior - estimate.modes[1].log_posterior
    assert title(axes[1]) == "mode 0: the best"
    assert title(axes[2]) == f"mode 1: {gap:.1f} nats below,\n{moved.sum()} rows move"
    assert texts_of(axes[2]) == ["component 0", "component 1", "in another cluster\nthan in mode 0"]


def test_components_in_other_places_have_their_colours_and_move_no_row():
    """Neither rows nor ellipses."""
    estimate, x = fitted(2, k=3), clumps(2)
    mode = estimate.modes[0]
    turned = replace(mode, parameters=mode.parameters.permuted(np.array([2, 0, 1])))
    axes = bg.plot_modes(replace(estimate, modes=(mode, turned)), x)
    assert title(axes[2]).endswith("nats below,\n0 rows move")
    assert len(marked(axes[2])) == 0
    np.testing.assert_array_equal(coloured(axes[2]), coloured(axes[1]))
    one, other = ellipses_of(axes[1]), ellipses_of(axes[2])
    assert len(one) == 3
    for k, mean in enumerate(estimate.means):
        shade = to_rgb(colour(k))
        np.testing.assert_allclose(one[shade], mean, atol=1e-8)
        np.testing.assert_allclose(other[shade], mean, atol=1e-8)


def test_rows_of_one_feature_are_a_strip_under_the_densities():
    estimate, x = fitted(1), clumps(1)
    axes = drawn(bg.plot_modes(estimate, x))
    names = clusters(estimate, x)
    for i, (panel, mode) in enumerate(zip(axes[1:], estimate.modes, strict=True)):
        assert len(marked(panel)) == (names[i] != names[0]).sum()
        rows = coloured(panel)
        np.testing.assert_array_equal(rows[:, 0], np.sort(x[:, 0]))
        assert (rows[:, 1] < 0).all()
        curves = {line.get_color(): line.get_xydata() for line in panel.lines[-2:]}
        own = labels_of(estimate, x, mode)
        for k in range(2):
            component = own[names[i] == k][0]
            curve = curves[colour(k)]
            mean = mode.parameters.means[component, 0]
            assert curve[curve[:, 1].argmax(), 0] == pytest.approx(mean, abs=0.1)
        assert max(curve[:, 1].max() for curve in curves.values()) == 1


def test_of_many_modes_the_best_six_have_panels_and_the_best_separated_features_are_shown(penguins):
    mixture = bg.GaussianMixture(5)
    estimate = bg.fit_map(mixture, penguins, random_seed=1, progress=False)
    assert len(estimate.modes) > MAX_PANELS
    axes = drawn(bg.plot_modes(estimate, penguins))
    assert axes.shape == (1 + MAX_PANELS,)
    assert len(words_beside(axes[0])) == len(estimate.modes)
    assert sum("by moving components" in words for words in words_beside(axes[0])) == sum(
        mode.count == 0 for mode in estimate.modes
    )
    w, means, variances = estimate.weights, estimate.means, estimate.parameters.variances
    between = w @ (means - w @ means) ** 2
    first, second = np.sort(np.argsort(between / (w @ variances))[-2:])
    assert (axes[4].get_xlabel(), axes[4].get_ylabel()) == (f"x{first + 1}", f"x{second + 1}")
    assert axes[2].get_ylabel() == ""
    names = clusters(replace(estimate, modes=estimate.modes[:MAX_PANELS]), penguins)
    for panel, own in zip(axes[1:], names, strict=True):
        moved = own != names[0]
        assert title(panel).endswith(f"{moved.sum()} rows move" if moved.any() else "the best")
        places = in_order(penguins[moved][:, [first, second]])
        np.testing.assert_array_equal(in_order(marked(panel)), places)
    many = replace(estimate, modes=estimate.modes * 3)
    listed = bg.plot_modes(many, penguins)[0]
    assert len(words_beside(listed)) == MAX_LINES
    assert title(listed) == f"{MAX_LINES} of {len(many.modes)} modes shown"


@pytest.mark.parametrize("n_features", [1, 2])
def test_one_mode_is_one_panel_that_says_so(n_features):
    estimate, x = fitted(n_features, k=3), clumps(n_features)
    estimate = replace(estimate, modes=estimate.modes[:1])
    panel = drawn(bg.plot_modes(estimate, x))
    starts = estimate.modes[0].count
    assert title(panel) == f"the only mode found: {starts} starts"
    sizes = np.bincount(labels_of(estimate, x, estimate.modes[0]))
    assert texts_of(panel) == [f"component {k}: {size} rows" for k, size in enumerate(sizes)]
    assert len(coloured(panel)) == len(x)


def test_modes_of_a_likelihood_have_no_weight():
    x = clumps(2)
    mixture = bg.GaussianMixture(2, "diag")
    estimate = bg.fit_ml(mixture, x, random_seed=1, progress=False)
    assert len(estimate.modes) > 1
    listed = bg.plot_modes(estimate, x)[0]
    assert "likelihood" in listed.get_xlabel()
    assert not any("weight" in words for words in words_beside(listed))


def test_a_mode_that_is_no_peak_has_no_number(monkeypatch):
    estimate, x = fitted(2), clumps(2)
    monkeypatch.setattr(bg.figures.modes, "mode_weights", lambda *_: np.array([0.9996, np.nan]))
    words = words_beside(bg.plot_modes(estimate, x)[0])
    assert [part.split(",")[0] for part in words] == ["weight 100 %", "weight unknown"]
    monkeypatch.setattr(bg.figures.modes, "mode_weights", lambda *_: np.array([0.9996, 0.0004]))
    assert words_beside(bg.plot_modes(estimate, x)[0])[1].startswith("weight < 0.1 %, ")


def test_many_rows_are_thinned_and_all_of_them_counted():
    x = clumps(2, 20)
    estimate = fitted(2)
    estimate = replace(estimate, log_posterior=None)  # of these rows it is no fit
    axes = drawn(bg.plot_modes(estimate, x))
    assert title(axes[0]) == f"{MAX_MARKERS:,} of {len(x):,} rows shown, drawn at random"
    names = clusters(estimate, x)
    assert title(axes[2]).endswith(f"{(names[0] != names[1]).sum():,} rows move")
    assert len(marked(axes[2])) < (names[0] != names[1]).sum()
    assert len(coloured(axes[2])) == MAX_MARKERS


def test_given_axes_are_drawn_on_and_weights_of_rows_count():
    x, mixture = clumps(2), bg.GaussianMixture(2, "diag")
    weight = np.where(np.arange(len(x)) % 2, 1.0, 2.0)
    settings = {"sample_weight": weight, "random_seed": 1, "progress": False}
    estimate = bg.fit_map(mixture, x, **settings)
    _, given = plt.subplots(2, 2)
    given = given.flat[: 1 + len(estimate.modes)]
    axes = bg.plot_modes(estimate, x, sample_weight=weight, ax=given)
    assert list(axes) == list(given)
    assert all(panel.get_ylabel() == "x2" for panel in axes[1:])
    with pytest.raises(ValueError, match="weights that were fitted"):
        bg.plot_modes(estimate, x)
    with pytest.raises(ValueError, match="ax must hold 3 axes"):
        bg.plot_modes(estimate, x, sample_weight=weight, ax=plt.gca())


def test_what_cannot_be_drawn_is_named():
    estimate, x = fitted(2), clumps(2)
    with pytest.raises(ValueError, match=r"estimate has no mode.*max_iter"):
        bg.plot_modes(replace(estimate, modes=()), x)
    with pytest.raises(ValueError, match="x has 1 numeric columns; expected the 2 features"):
        bg.plot_modes(estimate, x[:, :1])
    with pytest.raises(TypeError, match=r"estimate must be .*bg\.fit_map"):
        bg.plot_modes(x, x)
