"""Gaussian components."""

from typing import NamedTuple

import numpy as np

LOG_2PI = np.log(2 * np.pi)

FARTHEST = 1e300
"""A square beyond it counts as much, so that the farthest outlier still has a finite density."""


class Gaussian(NamedTuple):
    """Normal components, which have no numbers of their own; see ``family.py``."""

    def log_normaliser(self, d):
        return -0.5 * d * LOG_2PI

    def log_density(self, log_constant, square):
        return log_constant - 0.5 * (FARTHEST if square > FARTHEST else square)
