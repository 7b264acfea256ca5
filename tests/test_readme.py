"""The README's Python runs as it stands, in the order it stands."""

import re
from pathlib import Path

import matplotlib as mpl

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    mpl.use("agg")
    (tmp_path / "models").symlink_to(ROOT / "models")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for code in BLOCKS:
        exec(compile(code, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "means[1, waiting]" in printed
    assert "means[long, waiting]" in printed
    assert names["p"]["lower"].shape == (1, 2)
    assert names["own"].posterior["means"].sizes["feature"] == 2
    assert (tmp_path / "out" / "report.html").stat().st_size > 100_000
