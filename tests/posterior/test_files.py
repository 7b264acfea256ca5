"""Posteriors on disk come back as they were."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from oracles import STRUCTURES

import bayesgmm as bg

from .trees import draws_about, tree_of


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
