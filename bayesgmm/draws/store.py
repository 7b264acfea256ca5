"""A run on disk: the tree that sampling returns, as zarr, with NaN for what is not yet drawn.

Anything that reads zarr may look at it while the run goes on, or after it was killed.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.abc.buffer import Buffer
from zarr.storage import LocalStore

from bayesgmm.draws.names import LEAD, LP, POSTERIOR, RUN, STATISTICS
from bayesgmm.runtime import files, instance

CHUNK_BYTES = 2**20
"""Size of a chunk, about: the last one of every array is written anew with each turn."""


CODECS = {"blosc", "bytes", "crc32c", "gzip", "transpose", "vlen-utf8", "zlib", "zstd"}
"""Codecs of a zarr store that make numbers and text of bytes, and do nothing else; that of pickles
runs what the store holds."""


class _Durable(LocalStore):
    """Chunks that are whole and on the disk, or as they were before."""

    def set_sync(self, key: str, value: Buffer) -> None:
        # What a kill leaves half written lies outside, where zarr does not take it for a member.
        part = self.root.with_name(f".{self.root.name}.chunk")
        files.write(self.root / key, value.as_buffer_like(), part)

    async def set(self, key: str, value: Buffer) -> None:
        self.set_sync(key, value)


def write_tree(tree: xr.DataTree, path: Path, encoding: Any = None) -> None:
    """A tree as a zarr folder, moved to its place when it is whole."""
    part, old = (path.with_name(f"{path.name}.{end}") for end in ("part", "old"))
    if old.exists() and not path.exists():  # killed between the two steps below
        old.replace(path)
    for folder in (part, old):
        shutil.rmtree(folder, ignore_errors=True)
    try:
        tree.to_zarr(_Durable(part), mode="w", consolidated=False, encoding=encoding)
        if path.exists():  # a folder does not replace another in one step
            path.replace(old)
        part.replace(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def read_tree(path: Path) -> xr.DataTree:
    """The tree of a zarr folder, in memory; codecs that could do more than decode are refused."""
    group = zarr.open_group(path, mode="r", use_consolidated=False)
    for name, node in group.members(max_depth=None, use_consolidated_for_children=False):
        if isinstance(node, zarr.Array):
            codecs = (*node.filters, node.serializer, *node.compressors)
            # Of zarr's format 2, or of format 3.
            names = {
                getattr(codec, "codec_id", None) or codec.to_dict()["name"]
                for codec in codecs
                if codec is not None
            }
            if not names <= CODECS:
                raise ValueError(
                    f"{name} has the codec {', '.join(sorted(names - CODECS))}; "
                    f"only {', '.join(sorted(CODECS))} are admitted"
                )
    with xr.open_datatree(path, engine="zarr", consolidated=False) as tree:
        return tree.load()


@contextmanager
def claimed_store(path: str | Path, new: bool) -> Iterator[Path]:
    """The path of a store, there unless ``new``, that no other process writes to meanwhile."""
    argument = "store" if new else "path"
    instance(argument, path, (str, Path), "Try 'run.zarr'.")
    path = Path(path)
    if path.suffix != ".zarr":
        raise ValueError(f"{argument} must end in .zarr; got {str(path)!r}. Try 'run.zarr'.")
    with files.claimed(path, path.with_name(f".{path.name}.lock")):
        if new and path.exists():
            raise ValueError(
                f"store {str(path)!r} holds a run. Go on with it by bg.resume({str(path)!r}), "
                "or name another."
            )
        if not new and not path.exists():
            raise FileNotFoundError(
                f"path: no run at {path}. Try bg.sample(…, store={str(path)!r})."
            )
        yield path


class Store:
    """The folder that a run's draws are written to as they come."""

    def __init__(self, path: Path):
        self.path, self.files = path, _Durable(path)

    @classmethod
    def create(cls, path: Path, tree: xr.DataTree) -> "Store":
        """A new folder, with everything that is known before the first draw."""
        encoding = {}
        for name, node in tree.children.items():
            drawn = {v: a for v, a in node.data_vars.items() if a.dims[:2] == LEAD}
            encoding[f"/{name}"] = {v: {"chunks": _chunks(a)} for v, a in drawn.items()}
        write_tree(tree, path, {name: given for name, given in encoding.items() if given})
        return cls(path)

    def write(self, tree: xr.DataTree, prefix: str, chain: int, draws: slice) -> None:
        """Draws of a chain; ``lp`` last, so that where it is finite the others are there."""
        for group in (f"{prefix}{POSTERIOR}", f"{prefix}{STATISTICS}"):
            variables = tree[group].data_vars
            for name in sorted(variables, key=lambda name: name == LP):
                values = variables[name].values[chain, draws]
                self._array(f"{group}/{name}")[chain, draws] = values

    def write_run(self, tree: xr.DataTree) -> None:
        """Where the chains are, and how long it took them."""
        for name, values in tree[RUN].data_vars.items():
            self._array(f"{RUN}/{name}")[...] = values.values

    def write_attrs(self, attrs: dict[str, Any]) -> None:
        """What is known of the run at its end."""
        zarr.open_group(self.files, mode="r+").attrs.update(attrs)

    def _array(self, path: str) -> zarr.Array[Any]:
        return zarr.open_array(self.files, path=path, mode="r+")


def _chunks(array: xr.DataArray) -> tuple[int, ...]:
    size = array.dtype.itemsize * int(np.prod(array.shape[2:]))
    draws = min(array.shape[1], max(1, CHUNK_BYTES // size))
    return (1, draws, *array.shape[2:])
