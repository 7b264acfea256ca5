"""The command: what it prints, what it writes, and how it fails."""

import errno
import os
import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from interrupted import stop_at
from sklearn.metrics import adjusted_rand_score
from typer.testing import CliRunner

import bayesgmm
from bayesgmm.cli import folder
from bayesgmm.cli.commands import app
from bayesgmm.cli.inputs import execute, read_table
from bayesgmm.clusterings import adjusted_rand
from bayesgmm.runtime import files

SMALL = ["--draws", "30", "--tune", "60", "--chains", "2", "--cores", "1", "--starts", "3"]


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(60, 2)) + 6 * (np.arange(60) % 2)[:, None]
    frame = pd.DataFrame(x, columns=["length", "wait"])
    frame["kind"] = np.where(np.arange(60) % 2, "late", "early")
    path = tmp_path / "geyser.csv"
    frame.to_csv(path, index=False)
    return path


def call(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def model_file(tmp_path, text):
    path = tmp_path / "my_model.py"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def assert_one_line(result, *words):
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(lines) == 1
    assert lines[0].startswith("Error: ")
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize("command", [[], ["fit"], ["run"], ["resume"]])
def test_help_reads(command):
    result = call(*command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_help_does_not_wait_for_the_numerics():
    code = "import sys, bayesgmm.cli.commands; print({'numpy', 'pymc'} & set(sys.modules))"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert out.stdout.strip() == "set()"


def test_version():
    import bayesgmm

    assert call("--version").output.strip() == f"bayesgmm {bayesgmm.__version__}"


def test_fit_prints_and_writes(table, tmp_path):
    out = tmp_path / "out"
    result = call("fit", table, "--components", 2, *SMALL, "--out", out)
    assert result.exit_code == 0
    printed = " ".join(result.output.split())
    for words in (
        "60 rows of 2: length, wait",
        "Columns left out: 'kind' (text, as 'early')",
        "Log posterior",
    ):
        assert words in printed
    for words in ("means[0, length]", "worst R-hat", "Labels ", "Sampling took"):
        assert words in printed
    written = {path.name for path in out.iterdir()}
    assert {"posterior.nc", "summary.csv", "report.html", "mixture.png"} <= written


def test_quiet_prints_only_problems(table, tmp_path):
    result = call("fit", table, "-k", 2, *SMALL, "--out", tmp_path / "out", "--quiet")
    assert result.exit_code == 0
    assert result.stdout == ""


def test_columns_weights_and_missing_rows(table, tmp_path):
    frame = pd.read_csv(table).assign(count=2.0)
    frame.loc[3, "wait"] = np.nan
    frame.to_csv(table, index=False, sep=";", decimal=",")
    assert_one_line(call("fit", table, "-k", 2), "missing values", "--drop-missing")
    options = ["--columns", "wait", "--weights", "count", "--drop-missing"]
    result = call("fit", table, "-k", 2, *options, *SMALL, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "59 rows of 1: wait" in result.output
    assert "Read with separator ';', decimal ','" in result.output
    assert "1 of 60 rows" in result.output
    assert "Row weights: sum 118" in result.output


def test_the_weight_column_is_no_feature(table):
    frame = pd.read_csv(table).assign(count=np.arange(60.0))
    frame.to_csv(table, index=False)
    x, weight = read_table(table, None, False, "count")
    assert x.features == ("length", "wait")
    assert x.ignored == {"kind": "text, as 'early'"}
    np.testing.assert_array_equal(weight, np.arange(60.0))
    np.testing.assert_array_equal(x.values, frame[["length", "wait"]])


@pytest.fixture
def taken(monkeypatch):
    """What the command would fit, instead of fitting it."""
    fitted = []
    monkeypatch.setattr("bayesgmm.cli.commands.fit_mixture", lambda *given: fitted.append(given[1]))
    return fitted


def test_options_say_how_a_text_file_is_written(tmp_path, taken):
    path = tmp_path / "levels.txt"
    path.write_text("µ\t1,234\nµ\t2,345\n", encoding="latin-1")
    assert_one_line(call("fit", path, "-k", 2, "--header"), "levels.txt", "--decimal")
    assert_one_line(call("fit", path, "-k", 2, "--decimal", ","), "--no-header")
    assert_one_line(call("fit", path, "-k", 2, "--separator", ":"), "separator must be one of")
    options = ["--separator", "tab", "--decimal", ",", "--no-header", "--encoding", "latin-1"]
    assert call("fit", path, "-k", 2, *options).exit_code == 0
    assert taken[0].values.tolist() == [[1.234], [2.345]]
    assert taken[0].ignored == {"x1": "text, as 'µ'"}


def test_a_file_is_read_once_whatever_is_asked_of_it(table, taken, monkeypatch):
    from bayesgmm.data import tables

    pd.read_csv(table).assign(**{"n, of all": np.arange(60.0)}).to_csv(table, index=False)
    reads = []
    read_csv = tables.read_csv
    monkeypatch.setattr(tables, "read_csv", lambda *given: reads.append(given) or read_csv(*given))
    call("fit", table, "-k", 2, "--weights", "n, of all", "--columns", "wait,length")
    call("fit", table, "-k", 2, "--columns", "n, of all", "--columns", "wait")
    assert len(reads) == 2
    assert [x.features for x in taken] == [("wait", "length"), ("n, of all", "wait")]


def test_an_identifier_is_left_out_unless_it_is_named(table, taken, recwarn):
    pd.read_csv(table).assign(patient_id=np.arange(60) * 7 % 61).to_csv(table, index=False)
    call("fit", table, "-k", 2)
    call("fit", table, "-k", 2, "--columns", "patient_id,wait")
    assert [x.features for x in taken] == [("length", "wait"), ("patient_id", "wait")]
    assert taken[0].ignored["patient_id"] == "identifier"
    assert not recwarn  # it is printed


def test_a_missing_file(tmp_path):
    assert_one_line(call("fit", tmp_path / "none.csv", "-k", 2), "no file", "none.csv")


def test_a_file_of_text(tmp_path):
    path = tmp_path / "text.csv"
    path.write_text("name,kind\na,b\nc,d\n", encoding="utf-8")
    assert_one_line(call("fit", path, "-k", 2), "no numeric column")


def test_more_components_than_distinct_rows(tmp_path):
    path = tmp_path / "few.csv"
    path.write_text("a\n1\n2\n2\n1\n3\n", encoding="utf-8")
    assert_one_line(call("fit", path, "-k", 4), "3 distinct rows", "n_components=4")


def test_a_column_that_is_not_there(table):
    assert_one_line(call("fit", table, "-k", 2, "--columns", "lenght"), "lenght", "length")


def test_weights_that_are_the_only_column(table):
    result = call("fit", table, "-k", 2, "--columns", "wait", "--weights", "wait")
    assert_one_line(result, "leaves no feature")


@pytest.mark.parametrize(
    "options",
    [
        ["-k", "0"],
        ["-k", "two"],
        [],
        ["-k", "2", "--draws", "0"],
        ["-k", "2", "--covariance", "round"],
        ["-k", "2", "--prior", "flat"],
        ["-k", "2", "--target-accept", "1.5"],
        ["-k", "2", "--target-accept", "nan"],
        ["-k", "2", "--cores", "0"],
        ["-k", "2", "--seed", str(2**70)],
        ["-k", "2", "--out", ""],
    ],
)
def test_values_that_are_not_allowed(table, options):
    result = call("fit", table, *options)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_run_compares_with_the_truth(table, tmp_path):
    path = model_file(
        tmp_path,
        f"""
        import bayesgmm as bg
        import pandas as pd
        frame = pd.read_csv({str(table)!r})
        x = frame[["length", "wait"]]
        truth = frame["kind"]
        mixture = bg.GaussianMixture(2)
        """,
    )
    result = call("run", path, *SMALL, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "Adjusted Rand index of the MAP's clustering and truth: 1.000" in result.output
    assert (tmp_path / "out" / "report.html").exists()


def test_run_reports_a_model_declared_by_hand(table, tmp_path, monkeypatch):
    """The sampler is given the model; what it returns has no MAP."""
    import pymc as pm

    import bayesgmm as bg

    tree = bg.sample(
        bg.GaussianMixture(2),
        pd.read_csv(table)["wait"],
        draws=30,
        tune=60,
        chains=2,
        cores=1,
        random_seed=1,
        progress=False,
    )
    del tree["map"]
    given = []

    def sample(model, **options):
        given.append(model)
        return tree

    monkeypatch.setattr("bayesgmm.sample", sample)
    text = f"""
        import bayesgmm as bg
        import pandas as pd
        x = pd.read_csv({str(table)!r})["wait"]
        def declare(x):
            return bg.declare(bg.GaussianMixture(2), x)
        """
    result = call("run", model_file(tmp_path, text), *SMALL, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert isinstance(given[0], pm.Model)
    assert "declared by hand" in result.output
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"posterior.nc", "summary.csv", "report.html", "mixture.png"} <= written
    assert "em_trace.png" not in written


def test_run_summarises_a_model_of_another_kind(tmp_path):
    text = """
        import numpy as np
        import pymc as pm
        x = np.arange(20.0)
        def declare(x):
            with pm.Model() as model:
                centre = pm.Normal("centre", 0, 100)
                pm.Normal("y", centre, 5, observed=x)
            return model
        """
    result = call("run", model_file(tmp_path, text), *SMALL, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "centre" in result.output
    assert "No relabelling" in result.output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mixture = 1", ["does not define x", "bayesgmm.GaussianMixture", "declare(x)"]),
        ("x = [[1.0], [2.0]]", ["neither mixture nor declare"]),
        ("x = [[1.0], [2.0]]\nmixture = 3", ["mixture as a int"]),
        ("y = 1\nx = unknown", ["line 2", "NameError"]),
        ("x = [", ["line 1", "SyntaxError"]),
        (
            "import bayesgmm as bg\nx = [1.0, 2.0]\nmixture = bg.GaussianMixture(1)\ntruth = [1]",
            ["truth has shape (1,)"],
        ),
    ],
)
def test_a_model_file_that_is_not_one(tmp_path, text, words):
    assert_one_line(call("run", model_file(tmp_path, text)), *words)


def test_a_model_file_may_import_its_neighbours(tmp_path):
    (tmp_path / "neighbour_of_mine.py").write_text("value = 7\n", encoding="utf-8")
    module = execute(model_file(tmp_path, "from neighbour_of_mine import value"))
    assert module.value == 7
    assert str(tmp_path) not in sys.path


def test_ctrl_c_in_the_search_keeps_its_best_and_stops(table, tmp_path, monkeypatch):
    import bayesgmm as bg

    def cut_short(*arguments, **options):
        mode = fit_map(*arguments, **options)
        return replace(mode, interrupted=True)

    fit_map = bg.fit_map
    monkeypatch.setattr("bayesgmm.fit_map", cut_short)
    out = tmp_path / "out"
    result = call("fit", table, "-k", 2, *SMALL, "--out", out)
    assert result.exit_code == 130
    assert {path.name for path in out.iterdir()} == {"map.csv", "run.json"}


WHILE_IMPORTING = """
import os, runpy, signal, sys

class PressCtrlC:
    def find_spec(self, name, *_):
        if name == wanted:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
wanted = sys.argv.pop(1)
sys.meta_path.insert(0, PressCtrlC())
runpy.run_module("bayesgmm", run_name="__main__", alter_sys=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT ends the process there")
@pytest.mark.parametrize(
    "module", ["typer", "rich.console", "bayesgmm.cli.work", "numpy", "numba", "scipy.optimize"]
)
def test_ctrl_c_while_importing_ends_in_one_line(table, tmp_path, module):
    command = [sys.executable, "-c", WHILE_IMPORTING, module]
    command += ["fit", str(table), "-k", "2", *SMALL, "--out", str(tmp_path / "out")]
    child = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert child.returncode == 130
    assert child.stderr == "Stopped by Ctrl-C.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT ends the process there")
def test_who_ignores_ctrl_c_goes_on_doing_so():
    """As what a shell runs in the background does."""
    deaf = WHILE_IMPORTING.replace("signal.default_int_handler", "signal.SIG_IGN")
    command = [sys.executable, "-c", deaf, "typer", "--version"]
    child = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert child.returncode == 0
    assert child.stdout.startswith("bayesgmm ")


def test_ctrl_c_before_the_first_draw_keeps_the_mode(table, tmp_path, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("bayesgmm.sample", interrupted)
    out = tmp_path / "out"
    result = call("fit", table, "-k", 2, *SMALL, "--out", out)
    assert result.exit_code == 130
    assert "map.csv" in result.output
    assert len(pd.read_csv(out / "map.csv")) == 2


def test_ctrl_c_while_relabelling_keeps_the_draws(table, tmp_path, monkeypatch):
    import bayesgmm as bg

    def interrupted(post, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("bayesgmm.labels.relabelling.relabel", interrupted)
    out = tmp_path / "out"
    result = call("fit", table, "-k", 2, *SMALL, "--out", out)
    assert result.exit_code == 130
    assert bg.load(out / "posterior.nc")["posterior"].sizes["draw"] == 30


def test_a_finished_run_leaves_its_outputs_and_nothing_else(table, tmp_path, monkeypatch):
    """In a folder named after the data, K and the structure; those of a run that it replaced go."""
    monkeypatch.chdir(tmp_path)
    options = ["fit", table, "-k", 2, "--covariance", "diag", *SMALL]
    assert call(*options).exit_code == 0
    out = tmp_path / "out" / "geyser-2-diag"
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    assert set(first) == set(folder.OUTPUTS) - {"map.csv"}
    assert_one_line(call(*options), "out/geyser-2-diag holds another run", "--force", "--out")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first
    (out / "map.csv").write_text("of another run")
    os.utime(out / "map.csv", (1e9, 1e9))
    assert call(*options, "--seed", 2, "--force").exit_code == 0
    assert {path.name for path in out.iterdir()} == set(first)
    assert (out / "summary.csv").read_bytes() != first["summary.csv"]
    assert_one_line(call("resume", out), "no unfinished run")


def computed(*arguments, **options):
    raise AssertionError("something was computed")


def test_what_cannot_be_written_or_held_is_refused_before_anything_is_computed(
    table, tmp_path, monkeypatch
):
    monkeypatch.setattr("bayesgmm.fit_map", computed)
    for options, words in (
        (["--out", table / "folder"], ["cannot write to", "Not a directory"]),
        (["--draws", 10**12, "--out", tmp_path / "new"], ["draws=1000000000000", "GB are free"]),
    ):
        assert_one_line(call("fit", table, "-k", 2, *options), *words)
    with files.claimed(tmp_path / "out", tmp_path / "out" / ".lock"):
        result = call("fit", table, "-k", 2, "--out", tmp_path / "out", "--force")
        assert_one_line(result, "is being written to by process")


def test_a_full_disk_is_one_line_that_says_how_to_go_on(table, tmp_path, monkeypatch):
    def full(post, path):
        raise OSError(errno.ENOSPC, f"cannot write {path}: No space left on device")

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("bayesgmm.save", full)
        result = call("fit", table, "-k", 2, *SMALL, "--out", out)
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    for words in ("No space left on device", "posterior.nc", f"bayesgmm resume {out}"):
        assert words in result.output
    monkeypatch.setattr("bayesgmm.fit_map", computed)
    assert call("resume", out).exit_code == 0
    assert (out / "report.html").exists()


def test_resume_refuses_a_file_that_has_changed(table, tmp_path, monkeypatch):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        stop_at(patch, [20, 10])
        with pytest.warns(UserWarning, match="Sampling was interrupted"):
            result = call("fit", table, "-k", 2, *SMALL, "--out", out)
    assert result.exit_code == 130
    text = table.read_text()
    table.write_text(text + "\n")
    assert_one_line(call("resume", out), "geyser.csv has changed")
    table.unlink()  # the store holds the rows
    monkeypatch.setattr("bayesgmm.fit_map", computed)
    assert call("resume", out).exit_code == 0
    assert bayesgmm.load(out / "posterior.nc")["posterior"].sizes["draw"] == 30


def test_resume_refuses_a_model_file_whose_rows_have_changed(table, tmp_path, monkeypatch):
    text = f"""
        import bayesgmm as bg
        x = bg.observations({str(table)!r})
        mixture = bg.GaussianMixture(2)
        """
    out, model = tmp_path / "out", model_file(tmp_path, text)
    with monkeypatch.context() as patch:
        stop_at(patch, [20, 10])
        with pytest.warns(UserWarning, match="Sampling was interrupted"):
            assert call("run", model, *SMALL, "--out", out).exit_code == 130
    before = table.read_text()
    table.write_text(before.replace("1", "2", 1))
    assert_one_line(call("resume", out), "the rows of x have changed")
    table.write_text(before)
    assert call("resume", out).exit_code == 0


def test_resume_begins_anew_where_nothing_was_drawn(table, tmp_path, monkeypatch):
    def killed(*arguments, **options):
        raise RuntimeError

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("bayesgmm.fit_map", killed)
        options = ["--covariance", "tied", "--columns", "wait", *SMALL]
        assert call("fit", table, "-k", 2, *options, "--out", out).exit_code == 1
    assert [path.name for path in out.iterdir()] == ["run.json"]
    assert call("resume", out).exit_code == 0
    post = bayesgmm.load(out / "posterior.nc")
    assert post["posterior"]["covariance"].shape == (2, 30, 1, 1)


def test_an_unexpected_failure_is_one(table, tmp_path, monkeypatch):
    def broken(*arguments, **options):
        raise RuntimeError("the sampler broke")

    monkeypatch.setattr("bayesgmm.sample", broken)
    result = call("fit", table, "-k", 2, *SMALL, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "Unexpected: RuntimeError: the sampler broke" in result.output


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=30))
def test_adjusted_rand_is_that_of_scikit_learn(pairs):
    labels, truth = np.array(pairs).T
    assert adjusted_rand(labels, truth) == pytest.approx(adjusted_rand_score(truth, labels))


def test_an_error_in_declare_is_told_with_its_line_and_leaves_no_run(tmp_path):
    model, out = tmp_path / "m.py", tmp_path / "out"
    model.write_text("x = [[0.0], [1.0], [2.5]]\ndef declare(x):\n    raise RuntimeError('boo')\n")
    result = call("run", model, "--out", out)
    assert result.exit_code == 2
    assert "m.py, line 3: RuntimeError: boo" in result.stderr
    assert not (out / "run.json").exists()


def test_a_damaged_record_is_told(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    result = call("resume", tmp_path)
    assert result.exit_code == 2
    assert "run.json is damaged" in result.stderr
