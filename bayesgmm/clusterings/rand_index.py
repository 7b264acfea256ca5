"""The adjusted Rand index of two clusterings."""

import numpy as np
import numpy.typing as npt


def adjusted_rand(labels: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """Adjusted Rand index of two clusterings: 1 where equal, 0 on average where unrelated.

    Hubert & Arabie (1985), Journal of Classification 2, 193–218.
    """
    rows = np.unique(np.asarray(labels), return_inverse=True)[1].ravel()
    columns = np.unique(np.asarray(truth).astype(str), return_inverse=True)[1].ravel()
    table = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(table, (rows, columns), 1)

    def pairs(counts: np.ndarray) -> float:
        return float((counts * (counts - 1) / 2).sum())

    both, in_rows, in_columns = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected = in_rows * in_columns / max(pairs(np.array([len(rows)])), 1.0)
    most = (in_rows + in_columns) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)
