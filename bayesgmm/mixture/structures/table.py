"""Standard deviations in compiled code."""

from typing import NamedTuple

import numpy as np


class Deviations(NamedTuple):
    """Standard deviations, of components or of all, of features or of all; see ``factor.py``."""

    table: np.ndarray
    """(n_components or 1, n_features or 1)"""

    def zeros_like(self):
        return Deviations(np.zeros(self.table.shape))

    def second_moments(self, n_components, d):
        return np.zeros((n_components, d))

    def complete(self, S):
        pass

    def n_reduced(self, d):
        return d

    def reduce(self, k, d, reduced):
        row, log_pivots = self.table[k if k < len(self.table) else 0], 0.0
        for i in range(d):
            reduced[i] = 1.0 / row[i if i < len(row) else 0]
            log_pivots += np.log(reduced[i])
        return log_pivots

    def solve(self, k, v):
        row = self.table[k if k < len(self.table) else 0]
        for i in range(len(v)):
            v[i] /= row[i if i < len(row) else 0]

    def solve_transposed(self, k, v):
        row = self.table[k if k < len(self.table) else 0]
        for i in range(len(v)):
            v[i] /= row[i if i < len(row) else 0]

    def times(self, k, v):
        row = self.table[k if k < len(self.table) else 0]
        for i in range(len(v)):
            v[i] *= row[i if i < len(row) else 0]

    def times_transposed(self, k, v):
        row = self.table[k if k < len(self.table) else 0]
        for i in range(len(v)):
            v[i] *= row[i if i < len(row) else 0]

    def add_normals(self, means, centres, kappa, g_means, g):
        value = 0.0
        for k in range(means.shape[0]):
            for i in range(means.shape[1]):
                row, column = k if k < len(self.table) else 0, i if i < self.table.shape[1] else 0
                sd = self.table[row, column]
                u = (means[k, i] - centres[k, i]) / sd
                value -= np.log(sd) + 0.5 * kappa[k] * u**2
                g_means[k, i] -= kappa[k] * u / sd
                g.table[row, column] += (kappa[k] * u**2 - 1) / sd
        return value

    def add_fisher(self, nk, s, S, g_means, g):
        for k in range(s.shape[0]):
            for i in range(s.shape[1]):
                row, column = k if k < len(self.table) else 0, i if i < self.table.shape[1] else 0
                sd = self.table[row, column]
                g_means[k, i] += s[k, i] / sd
                g.table[row, column] += (S[k, i] - nk[k]) / sd

    # Coordinates: logarithms of variances

    def unpack_spread(self, y, at):
        for k in range(self.table.shape[0]):
            for j in range(self.table.shape[1]):
                self.table[k, j] = np.exp(0.5 * y[at])
                at += 1
        return at

    def pack_spread(self, y, at):
        for k in range(self.table.shape[0]):
            for j in range(self.table.shape[1]):
                y[at] = 2 * np.log(self.table[k, j])
                at += 1
        return at

    def pull_back(self, g, gradient, at):
        for k in range(self.table.shape[0]):
            for j in range(self.table.shape[1]):
                gradient[at] = 0.5 * g.table[k, j] * self.table[k, j]
                at += 1
        return at

    def add_spread_jacobian(self, d, g):
        value = 0.0
        for k in range(self.table.shape[0]):
            for j in range(self.table.shape[1]):
                value += 2 * np.log(self.table[k, j])
                g.table[k, j] += 2 / self.table[k, j]
        return value

    def add_conjugate(self, df, scale, g):
        value = 0.0
        for k in range(self.table.shape[0]):
            for j in range(self.table.shape[1]):
                sd = self.table[k, j]
                ratio = scale[k, j] / sd**2
                value -= (df[k] + 2) * np.log(sd) + 0.5 * ratio
                g.table[k, j] += (ratio - df[k] - 2) / sd
        return value

    def maximise(self, moments, count, shift, pull, prior, new):
        n_rows, n_columns = self.table.shape
        n_components, d = shift.shape
        for row in range(n_rows):
            first, last = (row, row + 1) if n_rows > 1 else (0, n_components)
            total = prior.counts[row]
            for k in range(first, last):
                total += count[k] * (d // n_columns)
            for column in range(n_columns):
                new.table[row, column] = prior.scatter[row, column]
            for k in range(first, last):
                n = moments.nk[k]
                for i in range(d):
                    column = i if i < n_columns else 0
                    sd = self.table[row, column]
                    t = shift[k, i] / sd
                    square = moments.S[k, i] - 2 * moments.s[k, i] * t + n * t * t
                    new.table[row, column] += sd * sd * square + pull[k, i] ** 2
            for column in range(n_columns):
                if total > 0:
                    variance = new.table[row, column] / total
                    new.table[row, column] = np.sqrt(max(variance, prior.floor))
                else:
                    new.table[row, column] = self.table[row, column]

    def is_on_floor(self, metric, floor):
        for k in range(self.table.shape[0]):
            for j in range(self.table.shape[1]):
                if self.table[k, j] ** 2 <= floor:
                    return True
        return False
