"""Observations: what goes in, what is refused, and in which words."""

import mmap
import subprocess
import sys
import tracemalloc
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bayesgmm.data import rows as rows_module
from bayesgmm.data.evidence import training_data
from bayesgmm.data.new_rows import rows_like
from bayesgmm.data.rows import Observations, observations

ROWS = [[1.0, 10.0], [2.0, 30.0], [4.0, 20.0]]
COLUMNS = {"a": [1.0, 2.0, 4.0], "b": [10.0, 30.0, 20.0]}
FRAMES = [pd.DataFrame, pl.DataFrame, pa.table]
frames = pytest.mark.parametrize("frame", FRAMES, ids=["pandas", "polars", "pyarrow"])
series = pytest.mark.parametrize("series", [pd.Series, pl.Series], ids=["pandas", "polars"])

finite = st.floats(-1e300, 1e300, allow_subnormal=False)
matrices = hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2), elements=finite)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Chunks of few rows, so that every check crosses their borders."""
    monkeypatch.setattr(rows_module, "CHUNK_ELEMENTS", 4)


def refusal(call, *words, error=ValueError):
    """The message of the error that a call must raise, which must hold these words."""
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    for word in words:
        assert word in message
    assert any(hint in message for hint in ("try ", "expected", "rename", "read it into"))
    return message


# Structures of input


@pytest.mark.parametrize(
    "data",
    [
        ROWS,
        tuple(map(tuple, ROWS)),
        np.array(ROWS),
        np.array(ROWS, dtype=int),
        np.array(ROWS, dtype=">f4"),
        np.array(ROWS, dtype=np.longdouble),
        np.array(ROWS, dtype=object),
        [[Decimal(1), 10], [2, 30], [4.0, 20]],
        np.asfortranarray(ROWS),
        np.array(ROWS)[::-1][::-1],
        np.ma.masked_array(ROWS, mask=False),
        xr.DataArray(ROWS, dims=("obs", "feature")),
    ],
)
def test_every_array_gives_the_same_rows_with_numbered_features(data):
    obs = observations(data)
    assert obs.features == ("x1", "x2")
    np.testing.assert_array_equal(obs.values, ROWS)
    assert obs.values.dtype == np.float64
    assert obs.values.flags.c_contiguous
    assert not obs.values.flags.writeable
    np.testing.assert_array_equal(obs.rows, [0, 1, 2])
    assert (obs.n_obs, obs.n_features, obs.n_rows, obs.n_missing) == (3, 2, 3, 0)


@frames
def test_tables_keep_their_names(frame):
    obs = observations(frame(COLUMNS))
    assert obs.features == ("a", "b")
    np.testing.assert_array_equal(obs.values, ROWS)
    assert obs.values.flags.c_contiguous
    assert not obs.values.flags.writeable


@pytest.mark.parametrize("as_path", [str, lambda path: path], ids=["str", "Path"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".CSV"])
def test_files_keep_their_names(tmp_path, suffix, as_path):
    path = tmp_path / f"table{suffix}"
    frame = pd.DataFrame(COLUMNS | {"where": ["x", "y", "z"]})
    if suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    obs = observations(as_path(path))
    assert obs.features == ("a", "b")
    assert tuple(obs.ignored) == ("where",)
    np.testing.assert_array_equal(obs.values, ROWS)


def test_the_array_in_a_file_is_mapped(tmp_path):
    np.save(tmp_path / "rows.npy", np.array(ROWS))
    obs = observations(tmp_path / "rows.npy")
    assert obs.features == ("x1", "x2")
    np.testing.assert_array_equal(obs.values, ROWS)
    base = obs.values
    while isinstance(base, np.ndarray):
        base = base.base
    assert isinstance(base, mmap.mmap)


def test_row_labels_of_a_csv_file_are_no_feature(tmp_path):
    pd.DataFrame(COLUMNS).to_csv(tmp_path / "labelled.csv")
    obs = observations(tmp_path / "labelled.csv")
    assert obs.features == ("a", "b")
    assert tuple(obs.ignored) == ("Unnamed: 0",)


@pytest.mark.parametrize(
    "data",
    [[1, 2, 4], (1, 2, 4), np.array([1.0, 2, 4]), np.ma.array([1, 2, 4]), xr.DataArray([1, 2, 4])],
)
def test_one_dimension_is_one_feature(data):
    obs = observations(data)
    assert obs.features == ("x1",)
    np.testing.assert_array_equal(obs.values, [[1.0], [2.0], [4.0]])


@series
def test_series_are_one_feature_with_their_name(series):
    assert observations(series(COLUMNS["a"])).features == ("x1",)
    named = observations(pd.Series(COLUMNS["a"], name="a"))
    assert named.features == ("a",)
    assert observations(pl.Series("a", COLUMNS["a"])).features == ("a",)
    assert observations(xr.DataArray(COLUMNS["a"], name="a")).features == ("a",)
    assert observations(pa.chunked_array([[1.0, 2.0, 4.0]])).features == ("x1",)
    np.testing.assert_array_equal(named.values, [[1.0], [2.0], [4.0]])


def test_text_labels_of_a_dataarray_are_feature_names():
    array = xr.DataArray(ROWS, dims=("time", "band"), coords={"band": ["red", "blue"]})
    assert observations(array).features == ("red", "blue")
    numbered = xr.DataArray(ROWS, dims=("time", "band"), coords={"band": [3, 5]})
    assert observations(numbered).features == ("x1", "x2")


@given(matrices)
def test_frames_and_arrays_give_equal_rows(matrix):
    names = [f"c{j}" for j in range(matrix.shape[1])]
    for table in (pd.DataFrame(matrix, columns=names), pl.DataFrame(matrix, schema=names)):
        np.testing.assert_array_equal(observations(table).values, observations(matrix).values)


def test_observations_pass_through_and_can_be_narrowed():
    obs = observations(pd.DataFrame(COLUMNS))
    assert observations(obs) is obs
    narrow = observations(obs, columns=["b"])
    assert narrow.features == ("b",)
    np.testing.assert_array_equal(narrow.values, [[10.0], [30.0], [20.0]])
    assert not narrow.values.flags.writeable
    np.testing.assert_array_equal(np.asarray(obs), ROWS)
    assert np.asarray(obs, dtype=np.float32).dtype == np.float32


def test_repr_is_one_line_that_tells_what_was_left_out():
    frame = pd.DataFrame({"a": [1.0, None, 2.0], "who": ["x", "y", "z"]})
    text = repr(observations(frame, drop_missing=True))
    assert text == (
        "Observations(2 rows of 'a'; 1 rows with missing values left out; "
        "columns left out: 'who' (String))"
    )


# Copies and memory


def test_a_contiguous_float_array_is_viewed():
    array = np.array(ROWS)
    assert np.shares_memory(observations(array).values, array)
    assert np.shares_memory(observations(np.ma.masked_array(array)).values, array)
    assert np.shares_memory(observations(xr.DataArray(array)).values, array)
    assert np.shares_memory(observations(array[:, 0].copy()).values, array) is False
    vector = array[:, 0].copy()
    assert np.shares_memory(observations(vector).values, vector)
    assert array.flags.writeable


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_a_memory_map_is_viewed(tmp_path, mode):
    np.array(ROWS).tofile(tmp_path / "rows.bin")
    mapped = np.memmap(tmp_path / "rows.bin", dtype=np.float64, mode=mode, shape=(3, 2))
    obs = observations(mapped)
    assert np.shares_memory(obs.values, mapped)
    assert type(obs.values) is np.ndarray
    assert not obs.values.flags.writeable


def test_checks_hold_no_copy_of_the_data(monkeypatch):
    monkeypatch.undo()
    array = np.random.default_rng(1).normal(size=(1_000_000, 8))
    observations(array[:10])
    tracemalloc.start()
    obs, weight = training_data(array, n_components=3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < obs.rows.nbytes + weight.nbytes + 12e6 < array.nbytes


def test_import_brings_no_table_library():
    code = (
        "import sys, bayesgmm.data as d; d.training_data([[1., 2.], [3., 5.]]);"
        "print({'pandas', 'narwhals', 'pymc', 'arviz', 'xarray', 'polars'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# Columns


@frames
def test_columns_choose_and_order(frame):
    assert observations(frame(COLUMNS), columns=["b", "a"]).features == ("b", "a")
    assert observations(frame(COLUMNS), columns="b").features == ("b",)
    np.testing.assert_array_equal(
        observations(frame(COLUMNS), columns=["b", "a"]).values, np.array(ROWS)[:, ::-1]
    )


def test_columns_of_an_array_are_chosen_by_number_name():
    obs = observations(np.array(ROWS), columns=["x2"])
    assert obs.features == ("x2",)
    np.testing.assert_array_equal(obs.values, [[10.0], [30.0], [20.0]])
    assert obs.values.flags.c_contiguous


def test_integer_column_labels_become_text():
    obs = observations(pd.DataFrame(ROWS), columns=[1])
    assert obs.features == ("1",)
    refusal(lambda: observations(pd.DataFrame(ROWS, columns=[0, "0"])), "data", "'0'")


NOT_NUMERIC = {
    "flag": [True, False, True],
    "day": [date(2020, 1, 1)] * 3,
    "text": ["1", "2", "3"],
}


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_other_columns_are_ignored_and_listed(frame):
    obs = observations(frame(NOT_NUMERIC | COLUMNS))
    assert obs.features == ("a", "b")
    assert tuple(obs.ignored) == tuple(NOT_NUMERIC)
    assert observations(frame(NOT_NUMERIC | COLUMNS), columns=["a"]).ignored == {}


def test_complex_and_categorical_columns_are_not_numeric():
    frame = pd.DataFrame({"z": [1j, 2], "level": pd.Categorical([1, 2]), "n": [1, 2]})
    assert tuple(observations(frame).ignored) == ("z", "level")
    refusal(lambda: observations(frame, columns="z"), "'z' (complex128)", "not numeric")


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_no_numeric_column_is_an_error_that_lists_the_columns(frame):
    refusal(
        lambda: observations(frame(NOT_NUMERIC)),
        "data has no numeric column",
        "'flag' (Boolean)",
        "'day'",
        "'text'",
        "try converting",
    )


@frames
def test_wrong_columns_are_one_error_that_lists_what_exists(frame):
    table = frame({"eruptions": [1.0], "waiting": [2.0], "note": ["x"]})
    message = refusal(
        lambda: observations(table, columns=["waitng", "note", "eruptions", "eruptions"]),
        "columns=",
        "no column 'waitng' (did you mean 'waiting'?)",
        "not numeric: 'note'",
        "repeated: 'eruptions'",
        "it has 'eruptions', 'waiting'",
    )
    assert "\n" not in message
    refusal(lambda: observations(table, columns=[]), "columns is empty")


def test_repeated_names_in_a_table_are_an_error():
    refusal(lambda: observations(pd.DataFrame(ROWS, columns=["a", "a"])), "data", "'a'", "repeated")
    array = xr.DataArray(ROWS, dims=("i", "j"), coords={"j": ["a", "a"]})
    refusal(lambda: observations(array), "data", "'a'", "repeated")


# Missing and infinite values

MISSING = [
    [[1.0, None], [np.nan, 3.0], [4.0, 5.0], [None, None]],
    np.ma.masked_array(
        [[1, 2], [3, 3], [4, 5], [6, 7]],
        mask=[[False, True], [True, False], [False, False], [True, True]],
    ),
    np.array([[1, np.nan], [np.nan, 3], [4, 5], [np.nan, np.nan]]),
    pd.DataFrame({"x1": [1, None, 4, None], "x2": [None, 3, 5, None]}, dtype="Int64"),
    pl.DataFrame({"x1": [1, None, 4, None], "x2": [float("nan"), 3, 5, None]}),
    pa.table({"x1": [1, None, 4, None], "x2": [None, 3.0, 5, None]}),
    np.array([[1, pd.NA], [None, 3], [4, 5], [pd.NA, np.nan]], dtype=object),
]


@pytest.mark.parametrize("data", MISSING, ids=lambda data: type(data).__name__)
def test_missing_values_are_counted_by_row_and_column(data):
    refusal(
        lambda: observations(data),
        "data has missing values in 3 of 4 rows: 'x1' (2), 'x2' (2)",
        "drop_missing=True",
        "--drop-missing",
    )
    obs = observations(data, drop_missing=True)
    np.testing.assert_array_equal(obs.values, [[4.0, 5.0]])
    np.testing.assert_array_equal(obs.rows, [2])
    assert (obs.n_obs, obs.n_missing, obs.n_rows) == (1, 3, 4)


@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
        elements=st.one_of(finite, st.just(np.nan)),
    )
)
def test_dropping_keeps_exactly_the_complete_rows(matrix):
    complete = ~np.isnan(matrix).any(axis=1)
    if not complete.any():
        refusal(lambda: observations(matrix, drop_missing=True), "data", "drop_missing")
        return
    obs = observations(matrix, drop_missing=True)
    np.testing.assert_array_equal(obs.rows, np.flatnonzero(complete))
    np.testing.assert_array_equal(obs.values, matrix[obs.rows])
    assert obs.n_missing == (~complete).sum()


def test_values_missing_in_other_columns_do_not_matter():
    frame = pd.DataFrame(COLUMNS | {"c": [None, 1.0, 2.0], "who": [None, "x", "y"]})
    assert observations(frame, columns=["a", "b"]).n_obs == 3


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_is_an_error_that_names_the_column(value):
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": [value, 2.0]})
    for drop in (False, True):
        refusal(lambda drop=drop: observations(frame, drop_missing=drop), "infinite", "'b' (1)")
    with np.errstate(over="ignore"):
        huge = np.array([np.longdouble(10) ** 400, 1])
    if np.isfinite(huge).all():
        refusal(lambda: observations(huge), "infinite", "'x1' (1)")


# What cannot be rows


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (np.zeros((2, 3, 4)), ValueError, ("3-D", "(2, 3, 4)", "reshape")),
        (xr.DataArray(np.zeros((2, 3, 4))), ValueError, ("3-D", "(2, 3, 4)")),
        (np.float64(3.0), TypeError, ("float64", "array")),
        (3, TypeError, ("int", "array")),
        (None, TypeError, ("NoneType", "DataFrame")),
        (object(), TypeError, ("object", "DataFrame")),
        ({"a": [1]}, TypeError, ("dict", "pandas.DataFrame(data)")),
        (xr.Dataset({"a": ("i", [1.0])}), TypeError, ("Dataset", "to_dataframe()")),
        ((i for i in range(3)), TypeError, ("generator", "list")),
        ([[1, 2], [3]], ValueError, ("list", "differ in length")),
        (np.array([[1, 2], ["a", 3]], dtype=object), TypeError, ("'a' (str)", "(1, 0)")),
        (np.array([[True, 2]], dtype=object), TypeError, ("True (bool)", "(0, 0)")),
        (np.array([[True]]), TypeError, ("bool", "astype(float)")),
        (np.array([[1j]]), TypeError, ("complex128", ".real")),
        (np.array([["1"]]), TypeError, ("<U1", "astype(float)")),
        (np.array(["2020-01-01"], dtype="M8[D]"), TypeError, ("datetime64[D]",)),
        (np.zeros((0, 2)), ValueError, ("no rows",)),
        ([], ValueError, ("no rows",)),
        (np.zeros((3, 0)), ValueError, ("no columns", "(3, 0)")),
        (pd.DataFrame(), ValueError, ("no columns",)),
        (pd.DataFrame(index=[1, 2]), ValueError, ("no columns",)),
        (pl.DataFrame({"a": []}, schema={"a": pl.Float64}), ValueError, ("no rows",)),
        (pl.DataFrame({"a": [1.0]}).lazy(), TypeError, ("lazy", ".collect()")),
        (pd.Series(["x"], name="a"), ValueError, ("'a'", "no numeric")),
    ],
)
def test_unusable_data_are_one_error(data, error, words):
    assert refusal(lambda: observations(data), *words, error=error).startswith("data ")
    x_words = tuple(word.replace("(data)", "(x)") for word in words)
    assert refusal(lambda: training_data(data), *x_words, error=error).startswith("x ")


def test_missing_file(tmp_path):
    path = tmp_path / "nowhere.csv"
    refusal(lambda: observations(path), "data", str(path), error=FileNotFoundError)
    refusal(lambda: observations(str(path)), "data", str(path), error=FileNotFoundError)


def test_unknown_suffix_and_folder(tmp_path):
    path = tmp_path / "table.xlsx"
    path.write_text("")
    refusal(lambda: observations(path), "data", str(path), "'.xlsx'", ".parquet or .npy")
    refusal(lambda: observations(tmp_path), "data", str(tmp_path))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.parquet", b"a,b\n1,2\n"),
        ("empty.npy", b""),
        ("text.npy", b"a,b\n1,2\n"),
    ],
)
def test_unreadable_file(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    refusal(lambda: observations(path), "data", str(path), "could not be read")


# What a fit demands


def test_training_data_gives_rows_and_unit_weights():
    obs, weight = training_data(pd.DataFrame(COLUMNS), n_components=3)
    assert isinstance(obs, Observations)
    np.testing.assert_array_equal(obs.values, ROWS)
    np.testing.assert_array_equal(weight, np.ones(3))
    assert weight.dtype == np.float64


@pytest.mark.parametrize("n", [2, 50])
def test_constant_column_is_named(n):
    frame = pd.DataFrame({"a": np.arange(n) ** 2, "b": np.full(n, 3.0), "c": -np.arange(n)})
    refusal(
        lambda: training_data(frame),
        "x: column 'b' is constant (3.0 in every row)",
        "try columns=['a', 'c']",
    )
    refusal(lambda: training_data(np.full((n, 1), -0.0)), "'x1'", "constant")


@given(
    value=st.floats(1e-300, 1e300) | st.floats(-1e300, -1e-300),
    steps=st.lists(st.integers(-2, 2), min_size=2, max_size=9),
)
def test_spread_of_rounding_only_is_constant(value, steps):
    column = value + np.array(steps) * np.spacing(abs(value))
    refusal(lambda: training_data(column), "x1", "constant")


@given(st.integers(-39, 33), st.floats(0, 1e6))
def test_no_scale_is_constant_by_itself(exponent, offset):
    scale = 10.0**exponent
    column = scale * (np.array([0.0, 1.0, 2.0]) + offset)
    assert training_data(column)[0].n_obs == 3


@pytest.mark.parametrize("column", [[-1.7e308, 1.7e308], [0.0, 1e41], [1e-50, 2e-50], [0, 1e-300]])
def test_a_scale_whose_fourth_power_is_no_number_is_refused(column):
    refusal(lambda: training_data(np.array(column)), "x: column 'x1' reaches from", "another unit")


@pytest.mark.parametrize("bad", [1e20, -3.4e38, 9.96921e36])
def test_a_value_that_dwarfs_the_others_is_refused_with_its_row(bad):
    x = np.random.default_rng(0).normal(size=(60, 2))
    x[17, 1] = bad
    refusal(lambda: training_data(x), f"column 'x2' is {bad:g} in row 17", "leaving the row out")
    weight = np.ones(60)
    weight[17] = 0
    assert training_data(x, weight)[0].n_obs == 60
    x[17, 1] = 1e11
    assert training_data(x, correlated=False)[0].n_obs == 60
    x[17, 1] = 3e6  # five million, over the root of the number of rows
    assert training_data(x)[0].n_obs == 60


def test_only_rows_of_positive_weight_count():
    x = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 6.0]])
    weight = [1.0, 2.0, 0.0]
    refusal(
        lambda: training_data(x, weight),
        "column 'x2' is constant (5.0 in every row of positive sample_weight)",
    )
    refusal(
        lambda: training_data(x[:, 0], weight, n_components=3),
        "2 distinct rows of positive sample_weight",
        "n_components=3",
    )


@given(
    hnp.arrays(
        np.float64, st.tuples(st.integers(2, 20), st.integers(1, 2)), elements=st.integers(0, 3)
    ),
    st.integers(1, 8),
)
def test_distinct_rows_against_components(x, n_components):
    varies = np.ptp(x, axis=0).all()
    n_distinct = len(np.unique(x, axis=0))
    if not varies:
        refusal(lambda: training_data(x, None, n_components), "constant")
    elif n_distinct < n_components:
        refusal(
            lambda: training_data(x, None, n_components),
            f"x has {n_distinct} distinct rows",
            f"n_components={n_components}",
            f"try n_components={n_distinct}",
        )
    else:
        assert training_data(x, None, n_components)[0].n_obs == len(x)


def test_zeros_of_either_sign_are_the_same_row():
    refusal(lambda: training_data([0.0, -0.0, 1.0], None, 3), "2 distinct rows")


@pytest.mark.parametrize("kind", [list, np.array, pd.Series, pl.Series, pa.array, xr.DataArray])
def test_weights_of_every_kind(kind):
    _, weight = training_data(ROWS, kind([1.0, 0.0, 2.5]), n_components=2)
    np.testing.assert_array_equal(weight, [1.0, 0.0, 2.5])
    assert weight.dtype == np.float64
    assert weight.flags.c_contiguous


def test_weights_are_a_copy():
    given_weight = np.ones(3)
    assert not np.shares_memory(training_data(ROWS, given_weight)[1], given_weight)


def test_weights_in_a_series_belong_to_the_rows_of_their_labels():
    x = pd.DataFrame(ROWS, columns=["a", "b"], index=["u", "v", "w"])
    weight = pd.Series([1.0, 2.0, 3.0], index=["w", "u", "v"])
    refusal(lambda: training_data(x, weight), "sample_weight has another index", ".loc[x.index]")
    np.testing.assert_array_equal(training_data(x, weight.loc[x.index])[1], [2, 3, 1])
    np.testing.assert_array_equal(training_data(x, weight.to_numpy())[1], [1, 2, 3])


def test_equal_weights_are_one_number_broadcast():
    """So that weights of one give bit for bit what no weights give."""
    for weight in (None, np.ones(3), [2.5, 2.5, 2.5]):
        assert training_data(ROWS, weight)[1].strides == (0,)
    assert training_data(ROWS, [1.0, 1.0, 2.0])[1].strides == (8,)


def test_weights_of_the_original_rows_follow_the_kept_rows():
    x = observations([[1.0], [np.nan], [2.0], [4.0]], drop_missing=True)
    np.testing.assert_array_equal(training_data(x, [1, np.nan, 3, 4])[1], [1, 3, 4])
    np.testing.assert_array_equal(training_data(x, [5, 6, 7])[1], [5, 6, 7])
    refusal(lambda: training_data(x, [1, 2]), "sample_weight has 2", "3 rows", "original 4")
    refusal(lambda: training_data(x, [1, 2, -3, 4]), "sample_weight[2] is -3.0")


@pytest.mark.parametrize(
    ("weight", "error", "words"),
    [
        ([1.0, 1.0], ValueError, ("2 weights", "3 rows")),
        (np.ones((3, 1)), ValueError, ("1 columns", "1-D")),
        (np.ones((3, 1, 1)), ValueError, ("3-D",)),
        (pd.DataFrame({"w": [1, 2, 3]}), ValueError, ("1 columns", "1-D")),
        (2.0, TypeError, ("float",)),
        ([1.0, -1.0, 1.0], ValueError, ("[1] is -1.0", "≥ 0")),
        ([1.0, 1.0, np.nan], ValueError, ("[2] is nan", "finite")),
        (pl.Series([1.0, None, 1.0]), ValueError, ("[1] is nan", "finite")),
        ([np.inf, 1.0, 1.0], ValueError, ("[0] is inf", "finite")),
        ([0.0, 0.0, 0.0], ValueError, ("zero in every row",)),
        (["a", "b", "c"], TypeError, ("<U1",)),
        (pd.Series([True, False, True]), TypeError, ("Boolean", "astype(float)")),
    ],
)
def test_bad_weights_are_named(weight, error, words):
    assert refusal(lambda: training_data(ROWS, weight), *words, error=error).startswith(
        "sample_weight"
    )


# New rows


@frames
def test_new_rows_are_matched_by_name(frame):
    table = frame({"note": ["x", "y", "z"], "b": COLUMNS["b"], "c": [None, 0.0, 0.0]} | COLUMNS)
    np.testing.assert_array_equal(rows_like(table, ("a", "b")), ROWS)
    np.testing.assert_array_equal(rows_like(table, ("b", "a")), np.array(ROWS)[:, ::-1])
    obs = observations(table, columns=["b", "a"])
    np.testing.assert_array_equal(rows_like(obs, ["a", "b"]), ROWS)


def test_new_rows_without_names_are_matched_by_position():
    for data in (ROWS, np.array(ROWS), observations(ROWS)):
        np.testing.assert_array_equal(rows_like(data, ("b", "a")), ROWS)
    for table in (pd.DataFrame(COLUMNS), observations(pd.DataFrame(COLUMNS))):
        np.testing.assert_array_equal(rows_like(table, ("x1", "x2")), ROWS)


def test_numbered_names_in_a_table_are_names():
    table = pd.DataFrame({"x2": [1.0], "x1": [2.0]})
    np.testing.assert_array_equal(rows_like(table, ("x1", "x2")), [[2.0, 1.0]])


def test_new_rows_lack_a_feature():
    refusal(
        lambda: rows_like(pd.DataFrame({"a": [1.0], "B": [2.0]}), ("a", "b")),
        "x_new has no column 'b'",
        "'a', 'B'",
    )
    refusal(lambda: rows_like(pd.DataFrame({"waitng": [1.0]}), ("waiting",)), "mean 'waitng'")


def test_new_rows_of_another_width():
    refusal(lambda: rows_like(np.ones((4, 3)), ("a", "b")), "x_new has 3", "2 features", "'a', 'b'")
    refusal(lambda: rows_like(pd.DataFrame(np.ones((4, 3))), ("x1", "x2")), "3", "2 features")
    refusal(lambda: rows_like(np.ones((4, 3)), ("x1", "x2")), "x_new has 3", "2 features")


def test_one_dimension_is_one_row_or_one_feature():
    np.testing.assert_array_equal(rows_like([1.0, 2.0], ("a", "b")), [[1.0, 2.0]])
    np.testing.assert_array_equal(rows_like([1.0, 2.0], ("a",)), [[1.0], [2.0]])
    np.testing.assert_array_equal(rows_like(pl.Series([1, 2]), ("a",)), [[1.0], [2.0]])
    refusal(lambda: rows_like([1.0, 2.0, 3.0], ("a", "b")), "x_new", "3 numbers", "2 features")


def test_a_row_of_a_pandas_table_is_matched_by_label():
    frame = pd.DataFrame({"b": [10.0, 30.0], "note": ["x", "y"], "a": [1.0, 2.0]})
    np.testing.assert_array_equal(rows_like(frame.iloc[1], ("a", "b")), [[2.0, 30.0]])
    np.testing.assert_array_equal(rows_like(frame["a"], ("a",)), [[1.0], [2.0]])
    refusal(lambda: rows_like(frame["b"], ("a",)), "x_new has no column 'a'", "'b'")


@pytest.mark.parametrize(("bad", "word"), [(np.nan, "missing"), (np.inf, "infinite")])
def test_new_rows_must_be_finite(bad, word):
    frame = pd.DataFrame({"a": [1.0, bad], "b": [2.0, 3.0]})
    refusal(lambda: rows_like(frame, ("a", "b")), "x_new", word, "'a'")
    assert len(rows_like(frame, ("b",))) == 2


def test_new_rows_must_be_numbers():
    frame = pd.DataFrame({"a": ["1"], "b": [2.0]})
    refusal(lambda: rows_like(frame, ("a", "b")), "x_new", "not numeric", "'a'")
    refusal(lambda: rows_like(pd.Series(["1", "2"]), ("a", "b")), "x_new", "numeric")


@given(matrices)
def test_training_features_give_the_training_rows(matrix):
    obs = observations(matrix)
    np.testing.assert_array_equal(rows_like(matrix, obs.features), obs.values)
    np.testing.assert_array_equal(rows_like(obs, obs.features), obs.values)
