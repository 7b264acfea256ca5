"""kill -9 at random moments: no written draw is lost, and no file is half new."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import bayesgmm as bg
from bayesgmm.cli.folder import OUTPUTS, RECORD, STORE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no fork on Windows")

HERE = Path(__file__).parent
TABLE = HERE.parent / "models" / "data" / "old_faithful.csv"
SETTINGS = "--draws 3000 --tune 200 --chains 3 --cores 2 --starts 2 --quiet"


@pytest.fixture
def killer():
    """A function that gives a command to a process of its own and kills it: the exit code."""
    processes = []

    def begun(longest):
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(HERE / "killed.py"), str(longest), str(TABLE)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        processes.append(process)
        assert process.stdout.readline() == "ready\n"

        def given(command):
            process.stdin.write(f"{command}\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        return given

    yield begun
    for process in processes:
        process.stdin.close()
        process.wait(timeout=60)
        process.stdout.close()


def written(out):
    """The draws in the store: for every chain and every variable those before the first gap."""
    if not (out / STORE).exists():
        return None
    with xr.open_datatree(out / STORE, engine="zarr", consolidated=False) as tree:
        lengths = np.isfinite(tree["sample_stats"]["lp"].values).sum(axis=1)
        return [
            {
                (group, name): values.values[chain, :length]
                for group in ("posterior", "sample_stats")
                for name, values in tree[group].data_vars.items()
            }
            for chain, length in enumerate(lengths)
        ]


def assert_whole(path):
    """A file is all that it should be."""
    if path.suffix == ".json":
        assert json.loads(path.read_text("utf-8"))
    elif path.suffix == ".html":
        assert path.read_text("utf-8").rstrip().endswith("</html>")
    elif path.suffix == ".png":
        assert path.read_bytes().endswith(b"IEND\xaeB`\x82")
    elif path.suffix == ".csv":
        assert path.read_text("utf-8").endswith("\n")
    else:
        assert bg.load(path)["posterior"].sizes["draw"] == 3000


def killed(kill, out, n_kills):
    """Begin, kill, resume, kill …; how many times a kill left draws in the store."""
    anew = f"fit {TABLE} -k 2 {SETTINGS} --out {out} --force"
    before, kills, drawing, command = None, 0, 0, anew
    while kills < n_kills:
        code = kill(f"{out / STORE / 'run' / 'wall_time' / 'c'} {command}")
        assert code in (0, -9)
        kills += code == -9
        now = written(out)
        unfinished = (out / RECORD).exists()
        drawing += any(len(chain["sample_stats", "lp"]) for chain in now or [])
        if before is not None and now is not None:
            for old, new in zip(before, now, strict=True):
                for name, values in old.items():
                    assert np.isfinite(values).all()
                    np.testing.assert_array_equal(new[name][: len(values)], values)
        for name in OUTPUTS:
            if (out / name).exists():
                assert_whole(out / name)
        if before is not None and now is None:
            assert not unfinished  # the store goes when all is written
        command = (
            f"resume {out}" if unfinished else f"fit {TABLE} -k 2 {SETTINGS} --out {out} --force"
        )
        before = now if unfinished else None
    return drawing


def test_twenty_kills_lose_nothing_and_leave_no_file_half_new(killer, tmp_path):
    assert killed(killer(1), tmp_path / "out", 20) > 5


@pytest.mark.slow
def test_a_hundred_kills_lose_nothing_and_leave_no_file_half_new(killer, tmp_path):
    """At moments spread over all of a run, its page included."""
    out = tmp_path / "out"
    kill = killer(15)
    assert killed(kill, out, 100) > 25
    if (out / RECORD).exists():
        assert killer(10_000)(f"- resume {out}") == 0
    post = bg.load(out / "posterior.nc")
    assert post["posterior"].sizes["draw"] == 3000
    assert bg.diagnose(post).enough
    assert {path.name for path in out.iterdir()} == set(OUTPUTS) - {"map.csv"}
