"""Whether the groups of a tree belong together: of the same draws, components and rows."""

import numpy as np

from bayesgmm.draws import names
from bayesgmm.draws.foreign import observed_rows

COMPARED = {
    names.STATISTICS: (None, names.LEAD),
    names.MAP: ((names.WEIGHTS, names.MEANS), (names.COMPONENT, names.FEATURE)),
    names.CLUSTERING: ((names.PERMUTATION,), (*names.LEAD, names.COMPONENT)),
}
"""Of every group the variables, or all, and the dimensions that it shares with the draws."""


def check_groups(tree, own_rows):
    """Refuse a tree whose groups have other sizes than its draws, as parts of several have.

    ``own_rows`` is false where others are given in place of the tree's.
    """
    expected = tree[names.POSTERIOR].to_dataset().sizes
    for group, (variables, dims) in COMPARED.items():
        if group not in tree.children:
            continue
        dataset = tree[group].to_dataset()
        for name in dataset.data_vars if variables is None else set(variables) & set(dataset):
            _compare(group, dataset[name].sizes, dims, names.POSTERIOR, expected)
    if not own_rows or names.OBSERVED not in tree.children or names.X not in tree[names.OBSERVED]:
        return
    rows = {names.OBS: len(observed_rows(tree, expected[names.FEATURE]))}
    if names.CLUSTERING in tree.children and names.MEAN_PROBABILITY in tree[names.CLUSTERING]:
        _compare(
            names.CLUSTERING,
            tree[names.CLUSTERING][names.MEAN_PROBABILITY].sizes,
            (names.OBS,),
            names.OBSERVED,
            rows,
        )
    if names.CONSTANT in tree.children and names.SAMPLE_WEIGHT in tree[names.CONSTANT]:
        weight = tree[names.CONSTANT][names.SAMPLE_WEIGHT].values
        _compare(names.CONSTANT, {names.OBS: weight.size}, (names.OBS,), names.OBSERVED, rows)
        if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.any()):
            raise ValueError(
                f"sample_weight of post[{names.CONSTANT!r}] must be finite and not negative, and "
                "not all zero. Try the posterior as it was saved."
            )


def _compare(group, sizes, dims, other, expected):
    for dim in dims:
        if dim in sizes and dim in expected and sizes[dim] != expected[dim]:
            raise ValueError(
                f"post[{group!r}] has {dim} = {sizes[dim]}; expected {expected[dim]}, as "
                f"post[{other!r}] has. Take draws or rows from the whole tree, as by "
                f"post.isel({dim}=slice(…), missing_dims='ignore'), not from one group."
            )
