"""Posteriors on disk."""

from pathlib import Path

import xarray as xr


def save(post, path):
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
    path = _checked(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".zarr":
        post.to_zarr(path, mode="w", consolidated=False)
    else:
        post.to_netcdf(path, engine="h5netcdf")
    return path


def load(path):
    """Read a posterior that ``save`` wrote, into memory.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        The suffix is neither .nc nor .zarr.
    """
    path = _checked(path)
    if not path.exists():
        raise FileNotFoundError(f"no posterior at {path}. Try bg.save(post, {str(path)!r}) first.")
    if path.suffix == ".zarr":
        tree = xr.open_datatree(path, engine="zarr", consolidated=False)
    else:
        tree = xr.open_datatree(path, engine="h5netcdf")
    with tree:
        return tree.load()


def _checked(path):
    path = Path(path)
    if path.suffix not in (".nc", ".zarr"):
        raise ValueError(f"path must end in .nc or .zarr; got {str(path)!r}. Try 'posterior.nc'.")
    return path
