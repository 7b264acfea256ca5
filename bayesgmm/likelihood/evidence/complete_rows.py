"""Rows of which every value is observed, without error."""

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from bayesgmm.data import Evidence
from bayesgmm.likelihood.few_features import WIDEST, loading
from bayesgmm.likelihood.many_features import load_many
from bayesgmm.runtime import FAST


class CompleteRows(NamedTuple):
    """Rows, read as ``(x − shift) · inv_scale``; see ``protocol.py``.

    Shift and inverse scale are tuples, whose length the compiler knows, where the loops for few
    features are to be used.
    """

    flat: np.ndarray
    """(n_obs · n_features,), read row by row, in the data's units."""
    weight: np.ndarray
    """(n_obs,), or (1,) if all rows share one."""
    shift: Any
    """(n_features,), in the data's units."""
    inv_scale: Any
    """(n_features,), in the inverse of the data's units."""

    @classmethod
    def of(cls, evidence: Evidence, correlated: bool, shift: Any = 0.0, scale: Any = 1.0) -> Any:
        """Evidence for a mixture whose features may covary or not, of ``(x - shift) / scale``."""
        d = evidence.values.shape[1]
        flat = evidence.values.reshape(-1)
        shift = np.broadcast_to(np.asarray(shift, dtype=np.float64), (d,)).copy()
        inv_scale = np.broadcast_to(1 / np.asarray(scale, dtype=np.float64), (d,)).copy()
        if correlated and d <= WIDEST:
            return cls(flat, evidence.weights, tuple(shift.tolist()), tuple(inv_scale.tolist()))
        return cls(flat, evidence.weights, shift, inv_scale)

    def part(self, rows):
        """A slice of the rows."""
        d = len(self.shift)
        if len(self.flat) == (rows.stop - rows.start) * d:
            return self
        weight = self.weight if len(self.weight) == 1 else self.weight[rows]
        flat = self.flat[rows.start * d : rows.stop * d]
        return CompleteRows(flat, weight, self.shift, self.inv_scale)

    def n_rows(self, d):
        return len(self.flat) // d

    def load(self, start, size, rows):
        _load(self.flat, start, size, self.shift, self.inv_scale, rows)

    def weigh(self, start, size, weight):
        for b in range(size):
            weight[b] = self.weight[start + b if len(self.weight) > 1 else 0]


def _load(flat, start, size, shift, inv_scale, rows):
    """The loop of a number of features."""


@overload(_load, jit_options=FAST)
def _load_as(flat, start, size, shift, inv_scale, rows):
    return loading(len(shift)) if isinstance(shift, types.BaseTuple) else load_many
