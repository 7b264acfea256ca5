"""What settings are checked for, and that every message names the argument and what came."""

from pathlib import Path

import numpy as np
import pytest

from bayesgmm.runtime import arguments


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_an_integer_of_any_kind_is_taken_as_one(value):
    taken = arguments.integer("draws", value)
    assert taken == 3
    assert type(taken) is int


@pytest.mark.parametrize("value", [True, 1.0, "3", None, np.array([3]), object()])
def test_what_is_no_integer_is_named(value):
    with pytest.raises(TypeError, match=r"draws must be an integer of at least 1; got .*\("):
        arguments.integer("draws", value)


@pytest.mark.parametrize("value", [0, -1, -(2**70), 11])
def test_an_integer_out_of_range_is_named(value):
    with pytest.raises(ValueError, match=f"draws must be an integer from 1 to 10; got {value} "):
        arguments.integer("draws", value, 1, 10)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.float64(0.5)])
def test_a_number_between_bounds_is_taken(value):
    assert arguments.number("ci_prob", value, 0, 1) == 0.5


@pytest.mark.parametrize("value", [0, 1, -0.1, float("nan"), float("inf"), 2**70, 10**400])
def test_a_number_out_of_bounds_is_named(value):
    with pytest.raises(ValueError, match="ci_prob must be a number between 0 and 1; got"):
        arguments.number("ci_prob", value, 0, 1)


@pytest.mark.parametrize("value", [True, "0.5", None, 1j, [0.5]])
def test_what_is_no_number_is_named(value):
    with pytest.raises(TypeError, match="tol must be a finite number above 0; got"):
        arguments.number("tol", value, above=0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_an_unbounded_number_is_finite(value):
    with pytest.raises(ValueError, match="shift must be a finite number; got"):
        arguments.number("shift", value)


def test_flags_are_true_or_false_and_nothing_else():
    assert arguments.flag("save_warmup", np.True_) is True
    for value in (1, 0, None, "yes"):
        with pytest.raises(TypeError, match="save_warmup must be True or False; got"):
            arguments.flag("save_warmup", value)


def test_a_word_is_one_of_the_choices():
    assert arguments.one_of("loss", "vi", ("vi", "binder")) == "vi"
    with pytest.raises(ValueError, match="loss must be one of 'vi', 'binder'; got 'v'"):
        arguments.one_of("loss", "v", ("vi", "binder"))
    with pytest.raises(TypeError, match=r"loss must be one of .*; got \['vi'\] \(list\)"):
        arguments.one_of("loss", ["vi"], ("vi", "binder"))


def test_a_seed_is_none_or_what_every_generator_and_file_takes():
    assert arguments.seed(None) is None
    assert arguments.seed(np.uint64(2**63 - 1)) == 2**63 - 1
    for value in (True, 1.5, "1"):
        with pytest.raises(TypeError, match="random_seed must be None or an integer"):
            arguments.seed(value)
    for value in (-1, 2**63, 2**70):
        with pytest.raises(ValueError, match=r"random_seed must be None or .* 0 to 2\^63 - 1"):
            arguments.seed(value)


def test_an_object_of_the_wrong_kind_is_told_how_to_come_by_one():
    with pytest.raises(TypeError, match=r"mixture must be a dict; got 3 \(int\)\. Try"):
        arguments.instance("mixture", 3, dict, "Try dict().")


def test_a_long_value_is_cut_short():
    assert len(arguments.shown(np.zeros(10_000))) < 100


def test_a_largest_number_is_itself_allowed():
    assert arguments.number("prob", 1, above=0, most=1) == 1.0
    for value in (0, 1.0001, float("nan")):
        with pytest.raises(ValueError, match="prob must be a finite number above 0 and at most 1"):
            arguments.number("prob", value, above=0, most=1)


def test_one_value_or_many_become_a_list_without_repeats():
    assert arguments.listed("sizes", 2, int, "integers") == [2]
    assert arguments.listed("sizes", range(1, 3), int, "integers") == [1, 2]
    assert arguments.listed("names", ("b", "a", "b"), str, "names") == ["b", "a"]
    with pytest.raises(ValueError, match="sizes is empty"):
        arguments.listed("sizes", [], int, "integers")
    for value, wrong in ((True, "True"), ([1, None], "None"), (1.5, "1.5"), (np.array("a"), "a")):
        with pytest.raises(TypeError, match=f"sizes must hold integers; got .*{wrong}"):
            arguments.listed("sizes", value, int, "integers")


def test_integers_have_one_of_the_shapes_and_lie_within_bounds():
    shapes = (("n_pairs", 2), (3,))
    for value in ([[0, 1]], np.zeros((5, 2), np.uint8), (0, 1, 2)):
        found = arguments.integers("pairs", value, *shapes, least=0, most=2)
        np.testing.assert_array_equal(found, value)
    for value in ([[0.0, 1.0]], [True, False, True], [], [[1], [1, 2]], None, "x", {}):
        with pytest.raises(TypeError, match=r"shape \(n_pairs, 2\) or \(3,\); got .*\("):
            arguments.integers("pairs", value, *shapes)
    for value in (np.zeros((0, 2), int), [0, 1], 3):
        with pytest.raises(ValueError, match=r"shape \(n_pairs, 2\) or \(3,\); got shape"):
            arguments.integers("pairs", value, *shapes)
    with pytest.raises(ValueError, match="pairs must hold integers from 0 to 2; got 0 to 3"):
        arguments.integers("pairs", [0, 1, 3], *shapes, least=0, most=2)
    with pytest.raises(ValueError, match="pairs must hold integers of at least 0; got -1 to 3"):
        arguments.integers("pairs", [0, -1, 3], *shapes, least=0)


def test_numbers_are_finite_and_a_copy():
    given = np.array([1.0, 2.0])
    found = arguments.numbers("scale", given)
    given[0] = 9
    np.testing.assert_array_equal(found, [1, 2])
    assert arguments.numbers("scale", 3).dtype == np.float64
    for value in ("2", True, 1j, None, [None, 1], [[1], [2, 3]]):
        with pytest.raises(TypeError, match="scale must be a finite number or array; got"):
            arguments.numbers("scale", value)
    for value in ([], np.inf, [1, np.nan]):
        with pytest.raises(ValueError, match="scale must be a finite number or array; got"):
            arguments.numbers("scale", value)


def test_a_path_is_text_or_a_path():
    assert arguments.path("path", "a.nc") == arguments.path("path", Path("a.nc")) == Path("a.nc")
    for value in (b"a.nc", 3, None, ["a.nc"]):
        with pytest.raises(TypeError, match="path must be the path of a file; got"):
            arguments.path("path", value)


def test_of_an_array_a_message_shows_type_and_shape():
    assert arguments.shown(np.zeros((2, 3))) == "ndarray of float64, shape (2, 3)"
