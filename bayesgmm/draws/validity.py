"""Whether groups belong together, of the same draws, components and rows, and draws can be those
of a mixture: the one gate through which all of them are read.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from bayesgmm.draws import names
from bayesgmm.draws.foreign import observed_rows, structure_of
from bayesgmm.mixture import MixtureParameters

ROUNDING = 1e-6
"""Weights may miss the simplex by this, and the halves of a covariance matrix each other, relative
to the standard deviations: single precision loses less."""

type Sizes = Mapping[Any, int]

COMPARED: dict[str, tuple[tuple[str, ...] | None, tuple[str, ...]]] = {
    names.STATISTICS: (None, names.LEAD),
    names.MAP: ((names.WEIGHTS, names.MEANS), (names.COMPONENT, names.FEATURE)),
    names.CLUSTERING: ((names.PERMUTATION,), (*names.LEAD, names.COMPONENT)),
}
"""Of every group the variables, or all, and the dimensions that it shares with the draws."""


def check_groups(tree: xr.DataTree, own_rows: bool) -> None:
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
        weight = tree[names.CONSTANT].to_dataset()[names.SAMPLE_WEIGHT].values
        _compare(names.CONSTANT, {names.OBS: weight.size}, (names.OBS,), names.OBSERVED, rows)
        if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.any()):
            raise ValueError(
                f"sample_weight of post[{names.CONSTANT!r}] must be finite and not negative, and "
                "not all zero. Try the posterior as it was saved."
            )


def _compare(group: str, sizes: Sizes, dims: tuple[str, ...], other: str, expected: Sizes) -> None:
    for dim in dims:
        if dim in sizes and dim in expected and sizes[dim] != expected[dim]:
            raise ValueError(
                f"post[{group!r}] has {dim} = {sizes[dim]}; expected {expected[dim]}, as "
                f"post[{other!r}] has. Take draws or rows from the whole tree, as by "
                f"post.isel({dim}=slice(…), missing_dims='ignore'), not from one group."
            )


def proper_parameters(draws: xr.Dataset, group: str) -> MixtureParameters:
    """The draws in a group's dataset, one after another, or its one point: each is a mixture's.

    ``weights`` (…, component), ``means`` (…, component, feature) and the spread are led by (chain,
    draw), in a point estimate by nothing. Refused, by variable and first place, is what is empty,
    not finite, has weights off the simplex, or a spread that is not positive.
    """
    structure, checked = structure_of(draws), partial(refuse, group)
    for name in (names.WEIGHTS, names.MEANS, structure.spread):
        if 0 in draws[name].shape:
            sizes = ", ".join(f"{dim} {n}" for dim, n in draws[name].sizes.items())
            raise ValueError(
                f"{name} of post[{group!r}] is empty ({sizes}); expected at least one draw of one "
                "component. Try post = bg.sample(mixture, x, draws=1000)."
            )
        if draws[name].dtype.kind not in "fiu":
            raise ValueError(
                f"{name} of post[{group!r}] must hold real numbers; got {draws[name].dtype}."
            )
        checked(draws[name], ~np.isfinite(draws[name].values), "a finite number")
    weights = draws[names.WEIGHTS].values
    total = weights.sum(axis=-1)
    off = (weights < -ROUNDING).any(axis=-1) | (np.abs(total - 1) > ROUNDING)
    checked(draws[names.WEIGHTS], off, "weights of at least 0 that sum to 1")
    spread = draws[structure.spread]
    if structure.correlated:
        checked(spread, _asymmetric(spread.values), "a symmetric matrix")
    else:
        checked(spread, spread.values <= 0, "a variance above 0")
    try:
        factor = structure.from_spread(spread.values)
    except np.linalg.LinAlgError:
        singular = np.reshape(
            [_is_singular(m) for m in spread.values.reshape(-1, *spread.shape[-2:])],
            spread.shape[:-2],
        )
        checked(spread, singular, "a positive definite matrix")
        raise
    arrays: tuple[np.ndarray, ...] = (weights, draws[names.MEANS].values, factor)
    if lead := weights.ndim - 1:
        arrays = tuple(a.reshape(-1, *a.shape[lead:]) for a in arrays)
    return MixtureParameters(structure.name, *(np.ascontiguousarray(a, float) for a in arrays))


def _asymmetric(matrices: np.ndarray) -> np.ndarray:
    """Whether a matrix differs from its transpose, (…,)."""
    across = np.swapaxes(matrices, -1, -2)
    if np.array_equal(matrices, across):
        return np.zeros(matrices.shape[:-2], dtype=bool)
    sd = np.sqrt(np.abs(np.diagonal(matrices, axis1=-2, axis2=-1)))
    limit = ROUNDING * sd[..., :, None] * sd[..., None, :]
    apart: np.ndarray = np.abs(matrices - across)
    return (apart > limit).any(axis=(-2, -1))


def _is_singular(matrix: np.ndarray) -> bool:
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return True
    return False


def refuse(group: str, variable: xr.DataArray, bad: np.ndarray, expected: str) -> None:
    """Raise an error on the first place of ``bad``, which spans the variable's first dimensions."""
    if not bad.any():
        return
    index = np.unravel_index(bad.argmax(), bad.shape)
    at = [f"{d} {variable[d].values[i]}" for d, i in zip(variable.dims, index, strict=False)]
    found = np.array2string(variable.values[index], precision=4, threshold=20, separator=", ")
    how_many = ""
    if names.DRAW in variable.dims:
        by_draw = bad.reshape(bad.shape[0] * bad.shape[1], -1).any(axis=1)
        how_many = f" (so in {by_draw.sum()} of {by_draw.size} draws)"
    raise ValueError(
        f"{variable.name} of post[{group!r}] at {', '.join(at)}: expected {expected}; "
        f"got {' '.join(found.split())}{how_many}. Leave such draws out, as by "
        "post.isel(draw=slice(100), missing_dims='ignore'), or sample again."
    )
