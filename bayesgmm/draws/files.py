"""Posteriors on disk."""

import io
from pathlib import Path

import xarray as xr

from bayesgmm.draws.foreign import checked_tree
from bayesgmm.draws.names import RUN
from bayesgmm.draws.store import read_tree, write_tree
from bayesgmm.draws.write import kept
from bayesgmm.runtime import arguments, files


def save(post: xr.DataTree, path: str | Path) -> Path:
    """Write a posterior to a netCDF (.nc) or zarr (.zarr) file.

    The file is whole or not there: it is written beside its place, and moved there when it is on
    the disk. A netCDF file is made in memory first, which takes as much again as the tree.

    Parameters
    ----------
    post : xarray.DataTree
    path : str or Path
        Missing folders are made; an existing file or zarr store is replaced.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        The suffix is neither; or something stands at a .zarr path that is no zarr store, and would
        be deleted.
    OSError
        The file cannot be written, for example because the disk is full. What was there before is
        whole, and the posterior still in memory.
    """
    checked_tree(post)
    file = _checked(path)
    try:
        if file.suffix == ".zarr":
            _spare(file)
            write_tree(post, file)
        else:
            # In memory first: HDF5 takes the process down with it where the disk is full.
            buffer = io.BytesIO()
            post.to_netcdf(buffer, engine="h5netcdf")
            files.write(file, buffer.getbuffer())
    except OSError as error:
        raise OSError(
            error.errno,
            f"{error.strerror}; the posterior is still in memory: make room, or save it elsewhere",
        ) from error
    return file


def load(path: str | Path) -> xr.DataTree:
    """Read a posterior that ``save`` wrote, into memory; or the store of a run, finished or not.

    Of a run that is not finished, the chains and draws that leave no gap.

    A file from somebody else cannot run code: of a zarr store only codecs that decode numbers and
    text are admitted, whichever version of zarr is installed, and netCDF has no others. What it
    says is taken as it stands, though: how much memory it fills, the rows, the prior, the names;
    draws that no mixture could have are refused where they are read.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        The suffix is neither .nc nor .zarr; the file is damaged, or of another kind; or the run
        holds no draw yet.
    """
    file = _checked(path)
    if not file.exists():
        raise FileNotFoundError(f"no posterior at {file}. Try bg.save(post, {str(file)!r}) first.")
    try:
        if file.suffix == ".zarr":
            tree = read_tree(file)
        else:
            with xr.open_datatree(file, engine="h5netcdf") as opened:
                tree = opened.load()
    except Exception as error:  # HDF5 and zarr raise whatever the damage led to
        raise ValueError(
            f"no posterior can be read from {file}: {error or type(error).__name__}. It may be "
            "damaged, cut short, or of another kind. Try another copy, or sample again."
        ) from error
    return kept(tree) if RUN in tree else tree


def _spare(file: Path) -> None:
    """Raise an error where writing a zarr store would delete something else."""
    is_store = any((file / name).is_file() for name in ("zarr.json", ".zgroup"))
    is_empty = file.is_dir() and not any(file.iterdir())
    if file.exists() and not is_store and not is_empty:
        raise ValueError(
            f"path {str(file)!r} holds something that is no zarr store, and saving would delete "
            "it. Try another name, or delete it yourself."
        )


def _checked(name: str | Path) -> Path:
    path = arguments.path("path", name)
    if path.suffix not in (".nc", ".zarr"):
        raise ValueError(f"path must end in .nc or .zarr; got {str(path)!r}. Try 'posterior.nc'.")
    return path
