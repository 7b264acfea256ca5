"""The draws of a run as they come: in memory the tree that is returned, and on disk if asked."""

import time
import warnings

import numpy as np
import xarray as xr

from bayesgmm.draws import SAMPLER_STATISTICS, kept, names

EVERY = 2.0
"""Seconds between two turns of writing: what a crash can take."""

PATIENCE = 5
"""Where a turn of writing takes long, the next one waits this many times as long."""


class Record:
    """Draws of a run, filled into its tree as nutpie hands them over, and into its store."""

    def __init__(self, run, tree, store, began, bar=None):
        self.run, self.tree, self.store, self.bar = run, tree, store, bar
        lp = tree[names.STATISTICS][names.LP].values
        self.first = np.isfinite(lp).sum(axis=1)
        """Draws that each chain had before."""
        self.rows = np.zeros(len(lp), dtype=int)
        """What nutpie has handed over of each chain, tuning included."""
        self.ends = {"": self.first.copy(), names.WARMUP: np.zeros(len(lp), dtype=int)}
        """Where the draws, and the tuning draws, of each chain end in the tree …"""
        self.written = {prefix: end.copy() for prefix, end in self.ends.items()}
        """… and in the store."""
        self.began, self.cost, self.failing = began, 0.0, False
        self.seconds_before = float(tree[names.RUN][names.WALL_TIME])

    def pause(self):
        """Seconds until the next look; None where nothing is to be written."""
        return None if self.store is None else max(EVERY, PATIENCE * self.cost)

    def take(self, segment, trace):
        """Fill in what is new in nutpie's trace, and write it."""
        tune = segment.settings["tune"]
        for chain, *batches in zip(segment.chains, *trace.get_arrow_trace(), strict=True):
            end = batches[0].num_rows
            if not self.first[chain] and f"{names.WARMUP}{names.POSTERIOR}" in self.tree:
                self._fill(names.WARMUP, chain, 0, batches, self.rows[chain], min(end, tune))
            at = self.first[chain] - tune
            self._fill("", chain, at, batches, max(self.rows[chain], tune), end)
            self.rows[chain] = end
        self.tree[names.RUN][names.WALL_TIME].values[...] = self._seconds()
        if self.store is not None:
            self._write()

    def finished(self) -> xr.DataTree:
        """The tree of what was drawn, rectangular; it says whether that is all."""
        chains, draws = self.tree[names.STATISTICS][names.LP].shape
        if not self.ends[""].any():
            raise KeyboardInterrupt("interrupted before the first draw: nothing to keep")
        self.tree[names.RUN][names.WALL_TIME].values[...] = self._seconds()
        tree = kept(self.tree)
        if self.store is not None:
            self._write(attrs=tree.attrs)
        if tree.attrs[names.INTERRUPTED]:
            sizes = tree[names.POSTERIOR].sizes
            more = f" bg.resume({str(self.store.path)!r}) goes on." if self.store else ""
            warnings.warn(
                f"Sampling was interrupted: kept {sizes[names.CHAIN]} of {chains} chains with "
                f"{sizes[names.DRAW]} of {draws} draws each.{more}",
                stacklevel=3,
            )
        return tree

    def _seconds(self):
        return self.seconds_before + time.perf_counter() - self.began

    def _fill(self, prefix, chain, at, batches, begin, end):
        """Rows ``begin`` to ``end`` of nutpie's, which lie ``at`` rows further on in the tree."""
        if begin >= end:
            return
        columns, statistics = (_columns(batch.slice(begin, end - begin)) for batch in batches)
        statistics = {new: statistics[old] for old, (new, _) in SAMPLER_STATISTICS.items()}
        for group, arrays in (
            (f"{prefix}{names.POSTERIOR}", self.run.variables(columns)),
            (f"{prefix}{names.STATISTICS}", self.run.statistics(statistics)),
        ):
            for name, values in arrays.items():
                self.tree[group][name].values[chain, at + begin : at + end] = values
        self.tree[names.RUN][names.POSITION].values[chain] = self.run.position(columns)
        self.ends[prefix][chain] = at + end
        if self.bar is not None and not prefix:
            self.bar.update(end - begin)

    def _write(self, attrs=None):
        """Write what is not written yet; where that fails it is tried again at the next turn."""
        began = time.perf_counter()
        try:
            self.store.write_run(self.tree)
            for prefix, ends in self.ends.items():
                for chain, (begin, end) in enumerate(zip(self.written[prefix], ends, strict=True)):
                    if begin < end:
                        self.store.write(self.tree, prefix, chain, slice(begin, end))
                        self.written[prefix][chain] = end
            if attrs:
                self.store.write_attrs(attrs)
            self.failing = False
        except OSError as error:
            if not self.failing:
                warnings.warn(
                    f"{error}. Draws are kept in memory, and writing is tried again: make room.",
                    stacklevel=2,
                )
            self.failing = True
        self.cost = time.perf_counter() - began


def _columns(batch):
    """Columns of nutpie's table, (row, …) in the shape that a variable has."""
    import pyarrow

    arrays = {}
    for name in batch.column_names:
        column = batch.column(name)
        sizes = column.field.metadata.get(b"shape", b"").decode()
        shape = [int(size) for size in sizes.split(",")] if sizes else []
        values = pyarrow.array(column)
        if hasattr(values, "flatten"):
            values = values.flatten()
        arrays[name] = values.to_numpy(zero_copy_only=False).reshape(-1, *shape)
    return arrays
