"""The figure of information criteria: every fit where the table has it, the best ringed."""

import numpy as np
import pandas as pd
import pytest

import bayesgmm as bg
from bayesgmm.figures.style import colour
from bayesgmm.mixture import STRUCTURES

from .test_plots import drawn


def table():
    sizes = np.tile([3, 1, 2], 2)
    bic = np.array([130.0, 200.0, 100.0, 111.0, 250.0, np.nan])
    return pd.DataFrame(
        {
            "n_components": sizes,
            "covariance": np.repeat(["full", "spherical"], 3),
            "log_likelihood": -bic / 2,
            "bic": bic,
            "icl": bic + sizes,
            "aic": bic - 10 * sizes,
            "converged": [True, True, True, False, True, False],
        }
    )


def lines_of(axes):
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]


def test_every_fit_stands_at_its_distance_from_the_best():
    axes = bg.plot_compare_k(table())
    lines = lines_of(axes)
    assert lines[0] == ([1, 2, 3], [100, 0, 30])
    assert lines[3][0] == [1, 2, 3]
    np.testing.assert_array_equal(lines[3][1], [150, np.nan, 11])
    assert lines[-1] == ([2], [0.0])
    assert "100.0" in axes.get_ylabel()
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["full", "spherical", "best: K = 2, full"]
    assert axes.get_title(loc="left") == "1 of 6 fits collapsed and are left out"


def test_fits_that_did_not_converge_are_hollow():
    axes = bg.plot_compare_k(table())
    hollow = [line for line in axes.lines if line.get_markerfacecolor() == "white"]
    assert [x for line in hollow for x in line.get_xdata()] == [2, 3]


@pytest.mark.parametrize("criterion", ["bic", "icl", "aic", "log_likelihood"])
def test_every_criterion_has_its_best(criterion):
    axes, frame = drawn(bg.plot_compare_k(table(), criterion)), table()
    highest = criterion == "log_likelihood"
    at = frame[criterion].idxmax() if highest else frame[criterion].idxmin()
    assert lines_of(axes)[-1][0] == [frame["n_components"][at]]
    full = frame[frame["covariance"] == "full"].sort_values("n_components")
    assert lines_of(axes)[0][1] == (full[criterion] - frame[criterion][at]).abs().tolist()
    side = "below" if highest else "above"
    assert axes.get_ylabel().endswith(f": {side} the best, {frame[criterion][at]:.1f}")


def test_a_structure_has_its_colour_whatever_others_are_shown():
    frame = table()
    for shown in (frame, frame[frame["covariance"] == "spherical"]):
        axes = bg.plot_compare_k(shown)
        for handle in axes.get_legend().legend_handles[:-1]:
            assert handle.get_color() == colour(list(STRUCTURES).index(handle.get_label()))


def test_given_axes_are_drawn_on_and_the_order_of_rows_does_not_matter():
    axes = bg.plot_compare_k(table())
    expected = lines_of(axes)
    axes.clear()
    assert bg.plot_compare_k(table().iloc[::-1], ax=axes) is axes
    for one, other in zip(lines_of(axes), expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_cannot_be_drawn_is_named():
    with pytest.raises(ValueError, match="criterion must be one of"):
        bg.plot_compare_k(table(), "waic")
    with pytest.raises(ValueError, match=r"no column bic.*bg\.compare_k"):
        bg.plot_compare_k(table().drop(columns="bic"))
    with pytest.raises(ValueError, match="every fit collapsed"):
        bg.plot_compare_k(table().assign(bic=np.nan))
