"""Posteriors on disk."""

from pathlib import Path

import xarray as xr

from bayesgmm import arguments
from bayesgmm.posterior.layout import checked_tree

CODECS = {"blosc", "bytes", "crc32c", "gzip", "transpose", "vlen-utf8", "zlib", "zstd"}
"""Codecs of a zarr store that make numbers and text of bytes, and do nothing else; that of pickles
runs what the store holds."""


def save(post: xr.DataTree, path: str | Path) -> Path:
    """Write a posterior to a netCDF (.nc) or zarr (.zarr) file.

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
    """
    checked_tree(post)
    file = _checked(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".zarr":
        _spare(file)
        post.to_zarr(file, mode="w", consolidated=False)
    else:
        # Written beside it first: an interrupt leaves what was there before.
        part = file.with_name(file.name + ".part")
        post.to_netcdf(part, engine="h5netcdf")
        part.replace(file)
    return file


def load(path: str | Path) -> xr.DataTree:
    """Read a posterior that ``save`` wrote, into memory.

    A file from somebody else cannot run code: of a zarr store only codecs that decode numbers and
    text are admitted, whichever version of zarr is installed, and netCDF has no others. What it
    says is taken as it stands, though: how much memory it fills, the rows, the prior, the names;
    draws that no mixture could have are refused where they are read.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        The suffix is neither .nc nor .zarr; or the file is damaged, or of another kind.
    """
    file = _checked(path)
    if not file.exists():
        raise FileNotFoundError(f"no posterior at {file}. Try bg.save(post, {str(file)!r}) first.")
    try:
        if file.suffix == ".zarr":
            _refuse_code(file)
            tree = xr.open_datatree(file, engine="zarr", consolidated=False)
        else:
            tree = xr.open_datatree(file, engine="h5netcdf")
        with tree:
            return tree.load()
    except Exception as error:  # HDF5 and zarr raise whatever the damage led to
        raise ValueError(
            f"no posterior can be read from {file}: {error or type(error).__name__}. It may be "
            "damaged, cut short, or of another kind. Try another copy, or sample again."
        ) from error


def _spare(file):
    """Raise an error where writing a zarr store would delete something else."""
    is_store = any((file / name).is_file() for name in ("zarr.json", ".zgroup"))
    is_empty = file.is_dir() and not any(file.iterdir())
    if file.exists() and not is_store and not is_empty:
        raise ValueError(
            f"path {str(file)!r} holds something that is no zarr store, and saving would delete "
            "it. Try another name, or delete it yourself."
        )


def _refuse_code(store):
    """Raise an error where an array of a zarr store has a codec that could do more than decode."""
    import zarr

    group = zarr.open_group(store, mode="r", use_consolidated=False)
    for name, node in group.members(max_depth=None, use_consolidated_for_children=False):
        if isinstance(node, zarr.Array):
            codecs = (*node.filters, node.serializer, *node.compressors)
            names = {_name(codec) for codec in codecs if codec is not None}
            if not names <= CODECS:
                raise ValueError(
                    f"{name} has the codec {', '.join(sorted(names - CODECS))}; "
                    f"only {', '.join(sorted(CODECS))} are admitted"
                )


def _name(codec):
    """Of zarr's format 2, or of format 3."""
    return getattr(codec, "codec_id", None) or codec.to_dict()["name"]


def _checked(path):
    path = arguments.path("path", path)
    if path.suffix not in (".nc", ".zarr"):
        raise ValueError(f"path must end in .nc or .zarr; got {str(path)!r}. Try 'posterior.nc'.")
    return path
