"""Posteriors on disk come back as they were."""

import contextlib
import json
import pathlib
import pickle
import shutil

import numcodecs.pickles
import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr
from oracles import STRUCTURES
from trees import draws_about, tree_of

import bayesgmm as bg


@pytest.fixture(scope="module", params=STRUCTURES)
def posterior(request):
    """A sampled posterior, short, relabelled, with names outside ASCII."""
    x, _, _ = draws_about(request.param)
    frame = pd.DataFrame(x, columns=["length (µm)", "poids"])
    mixture = bg.GaussianMixture(2, request.param)
    post = bg.sample(mixture, frame, draws=20, tune=30, chains=2, random_seed=1, progress=False)
    return bg.log_likelihood(bg.relabel(post, progress=False))


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_what_is_saved_is_loaded(posterior, suffix, tmp_path):
    path = tmp_path / "new" / f"posterior{suffix}"
    assert bg.save(posterior, path) == path
    loaded = bg.load(str(path))
    xr.testing.assert_identical(loaded, posterior)
    assert loaded.attrs == posterior.attrs
    for name, node in posterior.children.items():
        assert loaded[name].attrs == node.attrs
        for variable, values in node.data_vars.items():
            assert loaded[name][variable].dtype == values.dtype


@pytest.mark.filterwarnings("ignore:Verdict")
@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
@pytest.mark.filterwarnings("ignore:Labels are ambiguous")
def test_a_loaded_posterior_says_the_same(posterior, suffix, tmp_path):
    loaded = bg.load(bg.save(posterior, tmp_path / f"posterior{suffix}"))
    assert bg.summary(loaded).equals(bg.summary(posterior))
    xr.testing.assert_identical(bg.predict_proba(loaded), bg.predict_proba(posterior))
    xr.testing.assert_identical(bg.density(loaded), bg.density(posterior))
    np.testing.assert_array_equal(
        bg.assignments(loaded, random_seed=1), bg.assignments(posterior, random_seed=1)
    )


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_saving_again_replaces_the_file(suffix, tmp_path):
    path = tmp_path / f"posterior{suffix}"
    for covariance in ("full", "spherical"):
        x, draws, centre = draws_about(covariance)
        tree = tree_of(draws, x, mode=centre)
        bg.save(tree, path)
        bg.save(bg.load(path), path)  # the file just read
        xr.testing.assert_identical(bg.load(path), tree)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_save_that_fails_leaves_what_was_there(tmp_path):
    x, draws, _ = draws_about("full")
    tree = tree_of(draws, x)
    path = bg.save(tree, tmp_path / "posterior.nc")
    broken = tree.copy()
    broken.attrs["what"] = object()
    with pytest.raises(TypeError):
        bg.save(broken, path)
    xr.testing.assert_identical(bg.load(path), tree)


@pytest.mark.parametrize("name", ["posterior", "posterior.csv", "posterior.nc.gz"])
def test_other_suffixes_are_refused_in_words(name, tmp_path):
    x, draws, _ = draws_about("full")
    for call in (lambda p: bg.save(tree_of(draws, x), p), bg.load):
        with pytest.raises(ValueError, match=r"path must end in \.nc or \.zarr; got .*posterior"):
            call(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_a_missing_file_is_named(suffix, tmp_path):
    with pytest.raises(FileNotFoundError, match=f"no posterior at .*posterior{suffix}"):
        bg.load(tmp_path / f"posterior{suffix}")


class Touch:
    """Unpickled, it leaves a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return pathlib.Path.touch, (self.path,)


PICKLE = {"id": "pickle", "protocol": 5}
TEXT = {"id": "vlen-utf8"}
HIDDEN = {
    "compressor": {"compressor": PICKLE, "filters": [TEXT]},
    "filter": {"compressor": None, "filters": [TEXT, PICKLE]},
}
"""Where the metadata of a variable may ask for a pickle."""


def crafted(tree, path, trace, hidden):
    """A store one of whose variables is a pickle, as zarr's format 2 allows."""
    tree.to_zarr(path, zarr_format=2, consolidated=False)
    array = path / "posterior" / "note"
    array.mkdir()
    layout = {"zarr_format": 2, "shape": [1], "chunks": [1], "order": "C"}
    layout |= {"dtype": "|O", "fill_value": ""} | HIDDEN[hidden]
    (array / ".zarray").write_text(json.dumps(layout))
    (array / ".zattrs").write_text(json.dumps({"_ARRAY_DIMENSIONS": ["note"]}))
    (array / "0").write_bytes(pickle.dumps(Touch(trace)))
    return path


@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_store_with_code_in_it_is_refused_before_it_runs(hidden, tmp_path, monkeypatch):
    """However willing the libraries are: older ones run it without being asked to."""
    monkeypatch.setattr(numcodecs.pickles, "ALLOW_UNSAFE_PICKLE_DECODE", True, raising=False)
    x, draws, _ = draws_about("full")
    trace = tmp_path / "trace"
    path = crafted(tree_of(draws, x), tmp_path / "posterior.zarr", trace, hidden)
    with zarr.config.set({"array.allow_unsafe_pickle_decode": True}):
        with pytest.raises(
            ValueError, match=r"posterior\.zarr: posterior/note has the codec pickle"
        ):
            bg.load(path)
        assert not trace.exists()
        with contextlib.suppress(TypeError):  # a path is no text
            xr.open_datatree(path, engine="zarr", consolidated=False).load()
    assert trace.exists()  # there was code in it


def test_a_store_of_the_older_format_is_read(tmp_path):
    x, draws, _ = draws_about("full")
    tree = tree_of(draws, x)
    tree.to_zarr(tmp_path / "posterior.zarr", zarr_format=2, consolidated=False)
    xr.testing.assert_identical(bg.load(tmp_path / "posterior.zarr"), tree)


def test_variable_length_names_of_rows_come_back(tmp_path):
    x, draws, _ = draws_about("full")
    tree = tree_of(draws, x)
    names = np.array(["a", "bc", "dé"] * 10, dtype=np.dtypes.StringDType())
    tree["observed_data"] = tree["observed_data"].to_dataset().assign_coords(obs=names)
    for suffix in (".nc", ".zarr"):
        loaded = bg.load(bg.save(tree, tmp_path / f"posterior{suffix}"))
        assert list(loaded["observed_data"]["obs"].values) == list(names)


@pytest.mark.parametrize("damage", ["cut short", "empty", "text", "folder"])
def test_a_damaged_file_is_named(damage, tmp_path):
    x, draws, _ = draws_about("full")
    path = bg.save(tree_of(draws, x), tmp_path / "posterior.nc")
    content = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    else:
        parts = {"cut short": content[: len(content) // 2], "empty": b"", "text": b"weights\n0.5\n"}
        path.write_bytes(parts[damage])
    with pytest.raises(ValueError, match=r"no posterior can be read from .*posterior\.nc"):
        bg.load(path)


@pytest.mark.parametrize("damage", ["chunk", "metadata", "root", "file"])
def test_a_damaged_store_is_named(damage, tmp_path):
    x, draws, _ = draws_about("full")
    path = bg.save(tree_of(draws, x), tmp_path / "posterior.zarr")
    if damage == "file":
        shutil.rmtree(path)
        path.write_text("weights")
    else:
        chunk = next((path / "posterior" / "means" / "c").rglob("0"))
        part = {
            "chunk": chunk if chunk.is_file() else next(p for p in chunk.rglob("*") if p.is_file()),
            "metadata": path / "posterior" / "means" / "zarr.json",
            "root": path / "zarr.json",
        }[damage]
        part.write_bytes(part.read_bytes()[:20])
    with pytest.raises(ValueError, match=r"no posterior can be read from .*posterior\.zarr"):
        bg.load(path)


def test_saving_never_deletes_what_is_no_store(tmp_path):
    x, draws, _ = draws_about("full")
    tree = tree_of(draws, x)
    folder, file = tmp_path / "thesis.zarr", tmp_path / "notes.zarr"
    folder.mkdir()
    (folder / "chapter.tex").write_text("years of work")
    file.write_text("notes")
    for path in (folder, file):
        with pytest.raises(ValueError, match=rf"path .*{path.name}.* no zarr store"):
            bg.save(tree, path)
    assert (folder / "chapter.tex").read_text() == "years of work"
    assert file.read_text() == "notes"
    empty = tmp_path / "empty.zarr"
    empty.mkdir()
    xr.testing.assert_identical(bg.load(bg.save(tree, empty)), tree)
