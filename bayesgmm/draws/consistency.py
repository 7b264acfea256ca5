"""Whether the groups of a tree belong together: of the same draws, components and rows."""

import numpy as np

from bayesgmm.draws.foreign import observed_rows
from bayesgmm.draws.names import (
    CHAIN,
    CLUSTERING,
    COMPONENT,
    CONSTANT,
    DRAW,
    FEATURE,
    MAP,
    MEAN_PROBABILITY,
    MEANS,
    OBS,
    OBSERVED,
    PERMUTATION,
    POSTERIOR,
    SAMPLE_WEIGHT,
    STATISTICS,
    WEIGHTS,
    X,
)

COMPARED = {
    STATISTICS: (None, (CHAIN, DRAW)),
    MAP: ((WEIGHTS, MEANS), (COMPONENT, FEATURE)),
    CLUSTERING: ((PERMUTATION,), (CHAIN, DRAW, COMPONENT)),
}
"""Of every group the variables, or all, and the dimensions that it shares with the draws."""


def check_groups(tree, own_rows=True):
    """Refuse a tree whose groups have other sizes than its draws, as parts of several have.

    ``own_rows`` is false where others are given in place of the tree's.

    Raises
    ------
    ValueError
        The text names group, dimension and both sizes.
    """
    expected = tree[POSTERIOR].to_dataset().sizes
    for group, (variables, dims) in COMPARED.items():
        if group not in tree.children:
            continue
        dataset = tree[group].to_dataset()
        for name in dataset.data_vars if variables is None else set(variables) & set(dataset):
            _compare(group, dataset[name].sizes, dims, POSTERIOR, expected)
    if not own_rows or OBSERVED not in tree.children or X not in tree[OBSERVED]:
        return
    rows = {OBS: len(observed_rows(tree, expected[FEATURE]))}
    if CLUSTERING in tree.children and MEAN_PROBABILITY in tree[CLUSTERING]:
        _compare(CLUSTERING, tree[CLUSTERING][MEAN_PROBABILITY].sizes, (OBS,), OBSERVED, rows)
    if CONSTANT in tree.children and SAMPLE_WEIGHT in tree[CONSTANT]:
        weight = tree[CONSTANT][SAMPLE_WEIGHT].values
        _compare(CONSTANT, {OBS: weight.size}, (OBS,), OBSERVED, rows)
        if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.any()):
            raise ValueError(
                f"sample_weight of post[{CONSTANT!r}] must be finite and not negative, and not all "
                "zero. Try the posterior as it was saved."
            )


def _compare(group, sizes, dims, other, expected):
    for dim in dims:
        if dim in sizes and dim in expected and sizes[dim] != expected[dim]:
            raise ValueError(
                f"post[{group!r}] has {dim} = {sizes[dim]}; expected {expected[dim]}, as "
                f"post[{other!r}] has. Take draws or rows from the whole tree, as by "
                f"post.isel({dim}=slice(…), missing_dims='ignore'), not from one group."
            )
