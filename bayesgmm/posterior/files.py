"""Posteriors on disk."""

import io
from pathlib import Path

import xarray as xr

from bayesgmm import files
from bayesgmm.sampling.store import read_tree, write_tree
from bayesgmm.sampling.tree import kept


def save(post: xr.DataTree, path: str | Path) -> Path:
    """Write a posterior to a netCDF (.nc) or zarr (.zarr) file.

    The file is whole or not there: it is written beside its place, and moved there when it is on
    the disk. A netCDF file is made in memory first, which takes as much again as the tree.

    Parameters
    ----------
    post : xarray.DataTree
    path : str or Path
        Missing folders are made; an existing file is replaced.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        The suffix is neither.
    OSError
        The file cannot be written, for example because the disk is full. What was there before is
        whole, and the posterior still in memory.
    """
    file = _checked(path)
    try:
        if file.suffix == ".zarr":
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

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        The suffix is neither .nc nor .zarr, or the run holds no draw yet.
    """
    file = _checked(path)
    if not file.exists():
        raise FileNotFoundError(f"no posterior at {file}. Try bg.save(post, {str(file)!r}) first.")
    if file.suffix == ".nc":
        with xr.open_datatree(file, engine="h5netcdf") as tree:
            return tree.load()
    tree = read_tree(file)
    return kept(tree) if "run" in tree else tree


def _checked(path):
    path = Path(path)
    if path.suffix not in (".nc", ".zarr"):
        raise ValueError(f"path must end in .nc or .zarr; got {str(path)!r}. Try 'posterior.nc'.")
    return path
