"""Values that make no sense, in every argument of every public function, are refused in words.

The error is ours, ``ValueError``, ``TypeError`` or, of a path, ``FileNotFoundError``, and names the
argument; or the value is among those listed here that mean something.
"""

import inspect
import re
import traceback
import warnings
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import matplotlib
import numpy as np
import pytest
import xarray as xr
import zarr

import bayesgmm as bg

matplotlib.use("Agg")

# By a name of its own, so that what is accepted can be listed.
VALUES = {
    "None": None,
    "True": True,
    "-1": -1,
    "0": 0,
    "1.5": 1.5,
    "nan": float("nan"),
    "inf": float("inf"),
    "2**70": 2**70,
    "-2**70": -(2**70),
    "text": "x",
    "no text": "",
    "bytes": b"x",
    "no items": [],
    "no rows": [[]],
    "dict": {},
    "1, 2, 3": (1, 2, 3),
    "ragged": [[1, 2], [3]],
    "gap": [None, 1],
    "texts": ["x", "y"],
    "object": object(),
    "function": len,
    "complex": 1j,
    "empty array": np.zeros(0),
    "nan array": np.full(3, np.nan),
    "3-D array": np.zeros((2, 2, 2)),
    "complex array": np.full((3, 2), 1j),
    "text array": np.array("a"),
    "array in a list": [np.zeros((2, 2))],
    "object array": np.array([object(), None]),
    "bool array": np.full((20, 60), True),
    "empty tree": xr.DataTree(),
    "dataset": xr.Dataset({"x": ("obs", [1.0])}),
    "mixture": bg.GaussianMixture(2),
}

NUMBERS = {"None", "1.5", "1, 2, 3"}  # for a prior's; the shapes are checked against the rows
ACCEPTED = {
    "random_seed": {"None", "0"},
    "sample_weight": {"None"},
    "start": {"None"},
    "n_starts": {"None"},
    "mode": {"None"},
    "clustering": {"None"},
    "cores": {"None", "2**70"},
    "exchangeable": {"None", "True", "no items", "no rows", "empty array"},
    "store": {"None"},
    "model": {"None"},
    "comparison": {"None"},
    "ax": {"None"},
    "ci_prob": {"None"},
    "rows": {"None", "1, 2, 3"},
    "pairs": {"None"},
    "var_names": {"None"},
    "round_to": {"0"},
    "columns": {"None"},
    "separator": {"None"},
    "decimal": {"None"},
    "header": {"None", "True"},
    "encoding": {"None"},
    "x_new": {"None"},
    "x": {"None"},
    "loss": set(),
    "prior": set(),
    "progress": {"True"},
    "drop_missing": {"True"},
    "half_normal": {"True"},
    "save_warmup": {"True"},
    "max_iter": {"2**70"},
    "max_gib": {"1.5", "2**70"},
    "tol": {"1.5", "2**70"},
    "a": {"1.5"},
    "n_draws": {"0", "2**70"},
    "data": {"1, 2, 3"},
    "concentration": NUMBERS,
    "mean": NUMBERS | {"0", "-1", "3-D array", "array in a list"},
    "scale": NUMBERS | {"0", "-1", "3-D array", "array in a list"},
    "mean_concentration": NUMBERS,
    "df": NUMBERS,
    "mean_scale": NUMBERS,
    "eta": NUMBERS,
    "GaussianMixture(n_components)": {"2**70"},
    "NormalLKJ(scale)": NUMBERS,
    "compare_k(n_components)": {"1, 2, 3"},
    "compare_k(x)": {"1, 2, 3"},
    "credible_ball(loss)": {"None"},
    "mixture": {"mixture"},
    "declare(x)": {"1, 2, 3"},
    "fit_map(x)": {"1, 2, 3"},
    "fit_ml(x)": {"1, 2, 3"},
    "report(random_seed)": {"0"},
    "report(path)": {"text"},
    "summary(ci_prob)": set(),
    "plot_similarity(partition)": {"None"},
    "PointEstimate.predict(x)": set(),
    "PointEstimate.predict_proba(x)": set(),
    "PointEstimate.score_samples(x)": set(),
}


@cache
def calls():
    """Every public function and its arguments as they should be, by name."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    x[:30] += 6
    mixture = bg.GaussianMixture(2)
    quiet = {"random_seed": 1, "progress": False}
    mode = bg.fit_map(mixture, x, n_starts=2, **quiet)
    run = {"mixture": mixture, "x": x, "start": mode, "draws": 10, "tune": 20, "chains": 2}
    store = Path(mkdtemp()) / "run.zarr"
    drawn = bg.sample(**run, **quiet, store=store)
    zarr.open_group(store)["sample_stats/lp"][:, -1] = np.nan  # as if not drawn yet
    post = bg.relabel(drawn, progress=False)
    labels, table = rng.integers(2, size=(20, 60)), rng.dirichlet([1, 1], (5, 60))
    fit = {"mixture": mixture, "x": x, "n_starts": 2}
    given = {
        "compare_k": {"x": x, "n_components": [1, 2], "covariance": "diag", "n_starts": 1},
        "credible_ball": {"post": post, "partition": labels[0]},
        "declare": {"mixture": mixture, "x": x},
        "ecr": {"assignments": labels, "pivot": labels[0]},
        "fit_map": fit,
        "fit_ml": fit,
        "load": {"path": "absent.nc"},
        "observations": {"data": x},
        "plot_compare_k": {"table": bg.compare_k(x, [1, 2], "diag", n_starts=1, progress=False)},
        "plot_modes": {"estimate": mode, "x": x},
        "stephens": {"responsibilities": table},
        "GaussianMixture": {"n_components": 2},
        "NormalInverseWishart": {},
        "FraleyRaftery": {},
        "NormalLKJ": {},
        "PointEstimate.predict": {"x": x},
        "PointEstimate.predict_proba": {"x": x},
        "PointEstimate.score_samples": {"x": x},
        "PointEstimate.sample": {"n": 3},
        "resume": {"path": store},
        "sample": run,
        "save": {"post": post, "path": "absent.nc"},
    }
    functions = [name for name in bg.__all__ if name[0].islower()]
    return {name: {"post": post} for name in functions} | given, mode


def function_of(name):
    owner, _, method = name.partition(".")
    return getattr(calls()[1], method) if method else getattr(bg, owner)


def arguments():
    names = [name for name in bg.__all__ if name[0].islower()]
    names += ["GaussianMixture", "NormalInverseWishart", "FraleyRaftery", "NormalLKJ"]
    for name in names:
        for argument in inspect.signature(getattr(bg, name)).parameters:
            yield name, argument
    for method in ("predict", "predict_proba", "score_samples", "sample"):
        for argument in list(inspect.signature(getattr(bg.PointEstimate, method)).parameters)[1:]:
            yield f"PointEstimate.{method}", argument


def answer(function, given, argument):
    """None where the call is refused in words, else what happened."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=UserWarning)
            function(**given)
    except (ValueError, TypeError, FileNotFoundError) as error:
        ours = "/bayesgmm/" in traceback.extract_tb(error.__traceback__)[-1].filename
        if ours and re.search(rf"(?<![a-z]){argument}(?![a-z])", str(error)):
            return None
        return f"{'unclear' if ours else 'foreign'}: {type(error).__name__}: {error}"
    except Exception as error:
        return f"foreign: {type(error).__name__}: {error}"
    return "accepted"


@pytest.mark.parametrize(("name", "argument"), list(arguments()))
def test_a_value_that_makes_no_sense_is_refused_by_name(name, argument, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    accepted = ACCEPTED.get(f"{name}({argument})", ACCEPTED.get(argument, set()))
    function, given = function_of(name), calls()[0][name]
    found = {
        label: answer(function, given | {argument: value}, argument)
        for label, value in VALUES.items()
        if label not in accepted
    }
    assert {label: what for label, what in found.items() if what} == {}


@pytest.mark.parametrize("function", [bg.fit_map, bg.fit_ml, bg.declare])
def test_swapped_arguments_are_told_which_comes_first(function):
    given = calls()[0]["fit_map"]
    with pytest.raises(
        TypeError, match=r"mixture must be a GaussianMixture; .* mixture comes first"
    ):
        function(given["x"], given["mixture"])


def test_every_public_function_is_tried():
    assert set(calls()[0]) == {name for name, _ in arguments()}


def test_of_two_wrong_arguments_one_is_named():
    for name in calls()[0]:
        function, names = function_of(name), [n for at, n in arguments() if at == name]
        wrong = dict.fromkeys(names, VALUES["object"])
        with pytest.raises(TypeError) as caught:
            function(**wrong)
        assert any(re.search(rf"(?<![a-z]){n}(?![a-z])", str(caught.value)) for n in names)


def test_rows_handed_in_are_called_by_the_name_of_their_argument():
    post, mode = calls()[0]["density"]["post"], calls()[1]
    narrow = np.zeros((3, 1))
    for function in (bg.assignments, bg.relabel, bg.log_likelihood):
        with pytest.raises(ValueError, match=r"^x has 1 numeric"):
            function(post, x=narrow)
    with pytest.raises(ValueError, match=r"^x has 1 numeric"):
        mode.predict(narrow)
    with pytest.raises(ValueError, match=r"^x_new has 1 numeric"):
        bg.density(post, narrow)


def test_a_comparison_needs_the_rows_that_the_labels_are_of():
    post = calls()[0]["compare"]["post"]
    with pytest.raises(ValueError, match="x must hold the 60 rows that relabelled post; got 5"):
        bg.compare(post, x=np.zeros((5, 2)), progress=False)


def test_the_log_likelihood_of_other_rows_has_as_many_rows():
    post, rows = calls()[0]["log_likelihood"]["post"], calls()[0]["fit_map"]["x"][:5]
    found = bg.log_likelihood(post, x=rows)["log_likelihood"]["x"]
    whole = bg.log_likelihood(post)["log_likelihood"]["x"]
    np.testing.assert_array_equal(found.values, whole.values[..., :5])
