"""What a loss between partitions owes the package: names, and its value from sums over clusters.

A loss is a function of three sums: of f(m) over the clusters of a draw, of f(n) over those of the
estimate, and of f(c) over their intersections, for clusters of so many rows.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from bayesgmm.runtime import generic


class Loss(ABC):
    """A loss between a draw and an estimate, 0 where they are equal."""

    unit: str
    """Short, for a table."""
    words: str
    """The unit, for a sentence."""
    costs = True
    """Whether splitting may cost other than joining."""

    @abstractmethod
    def f(self, c: np.ndarray, n_obs: int) -> np.ndarray:
        """f of clusters of c rows out of n_obs; an array of floats."""

    @abstractmethod
    def compiled(self, n_obs: int, a: float) -> Any:
        """The loss in compiled code, of n_obs rows: a NamedTuple with the methods below.

        Its ``gain`` (n_obs + 1,) is f(c + 1) − f(c) for c = 0, …, n_obs; a, the cost of splitting.
        """

    def gain(self, n_obs: int) -> np.ndarray:
        """f(c + 1) − f(c) for c = 0, …, n_obs."""
        return np.diff(self.f(np.arange(n_obs + 2, dtype=np.float64), n_obs))

    def of_pairs(self, draws: np.ndarray, a: float, progress: bool) -> Any:
        """Where the expected loss is a sum over pairs of rows, and few enough: that; or None."""
        return None


@generic
def combined(loss, draw, estimate, both, n):
    """The loss under a draw, from its three sums over n rows."""


# For the search, which takes rows out of clusters and puts them into others. Of the estimate it
# keeps ``labels`` (n_obs,), −1 where a row is in no cluster yet, ``sizes`` (n_slots,), ``counts``
# (n_slots, clusters of all draws), how many rows each shares with those of the draws, and what
# sums a loss wants; ``by_row`` (n_obs, n_draws) are the draws' labels, ``offset`` (n_draws + 1,)
# the clusters of all earlier draws.


@generic
def new_sums(loss, n_draws, n_clusters):
    """What a loss keeps of partitions without rows, all zero: three arrays."""


@generic
def add_to_sums(loss, sums, count, label, offset, sign):
    """Take a row of these labels in the draws into a cluster (sign 1) or out of it (sign −1).

    ``count`` is the cluster's without the row.
    """


@generic
def row_costs(loss, i, labels, sizes, counts, sums, by_row, offset, cost):
    """Write what the expected loss is with row i in every cluster, but for a constant."""


@generic
def expected(loss, labels, sizes, counts, sums, n_draws):
    """The expected loss, but for what the draws alone decide."""
