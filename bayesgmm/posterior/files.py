"""Posteriors on disk."""

from pathlib import Path

import xarray as xr

from bayesgmm import arguments
from bayesgmm.posterior.layout import checked_tree


def save(post: xr.DataTree, path: str | Path) -> Path:
    """Write a posterior to a netCDF (.nc) or zarr (.zarr) file.

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
    """
    checked_tree(post)
    file = _checked(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".zarr":
        post.to_zarr(file, mode="w", consolidated=False)
    else:
        # Written beside it first: an interrupt leaves what was there before.
        part = file.with_name(file.name + ".part")
        post.to_netcdf(part, engine="h5netcdf")
        part.replace(file)
    return file


def load(path: str | Path) -> xr.DataTree:
    """Read a posterior that ``save`` wrote, into memory.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        The suffix is neither .nc nor .zarr.
    """
    file = _checked(path)
    if not file.exists():
        raise FileNotFoundError(f"no posterior at {file}. Try bg.save(post, {str(file)!r}) first.")
    if file.suffix == ".zarr":
        tree = xr.open_datatree(file, engine="zarr", consolidated=False)
    else:
        tree = xr.open_datatree(file, engine="h5netcdf")
    with tree:
        return tree.load()


def _checked(path):
    path = arguments.path("path", path)
    if path.suffix not in (".nc", ".zarr"):
        raise ValueError(f"path must end in .nc or .zarr; got {str(path)!r}. Try 'posterior.nc'.")
    return path
