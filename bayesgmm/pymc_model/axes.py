"""What the axes of a MarginalMixture's arguments mean, and whether their sizes agree.

May not import ArviZ.
"""

from typing import Any

import pytensor.tensor as pt
from pymc.pytensorf import constant_fold
from pytensor.compile.mode import Mode
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.traversal import ancestors
from pytensor.raise_op import CheckAndRaise
from pytensor.tensor.random.type import RandomType

from bayesgmm.pymc_model.graph import Tensor

type Tensors = dict[str, Tensor]
type Size = int | Tensor
type Shape = tuple[int | None, ...]

DIMS = {
    "weights": ("n_obs", "n_components"),
    "means": ("n_obs", "n_components", "n_features"),
    "sigma": ("n_obs", "n_components", "n_features"),
    "chol": ("n_obs", "n_components", "n_features", "n_features"),
    "sample_weight": ("n_obs",),
}
"""Axes of the arguments, of which the first may be missing."""

FEWEST = {"weights": 1, "means": 1, "sigma": 0, "chol": 2, "sample_weight": 0}
"""Numbers of axes that must be there."""

SHARED = {
    "weights": {"n_obs"},
    "means": {"n_obs"},
    "sigma": {"n_obs", "n_components", "n_features"},
    "chol": {"n_obs", "n_components"},
    "sample_weight": set(),
}
"""Axes which, known to be of length one, stand for any length."""


def checked_ndim(label: str, value: pt.TensorLike) -> Tensor:
    """An argument as a tensor with a number of axes that it may have."""
    tensor, most = pt.as_tensor_variable(value), len(DIMS[label])
    if not FEWEST[label] <= tensor.type.ndim <= most:
        raise ValueError(
            f"{label} of a MarginalMixture must have {FEWEST[label]} to {most} dimensions, "
            f"the last of ({', '.join(DIMS[label])}); got {tensor.type.ndim}."
        )
    return tensor


def fixed(size: Tensor) -> Size:
    """A scalar tensor as an int where it cannot change, else as it is."""
    [folded] = constant_fold([size], raise_not_constant=False)
    return size if isinstance(folded, Variable) else int(folded)


def present(size: Size) -> int | None:
    """A size as it is now, be it that of shared data or coordinates; None where it is unknown."""
    if isinstance(size, int):
        return size
    [folded] = constant_fold([size], raise_not_constant=False)
    if not isinstance(folded, Variable):
        return int(folded)
    for v in ancestors([folded]):
        given = isinstance(v, Constant | SharedVariable)
        if isinstance(v.type, RandomType) or not (v.owner or given):
            return None
    return int(folded.eval(mode=Mode(linker="py", optimizer="fast_compile")))


def present_shape(value: Tensor) -> Shape:
    """Shape of a tensor as it is now, with None for sizes that are unknown."""
    return tuple(map(present, sizes_of(value)))


def sizes_of(value: Tensor) -> tuple[Size, ...]:
    """Sizes of a tensor: ints where its type knows them, else scalar tensors."""
    return tuple(value.shape[i] if s is None else s for i, s in enumerate(value.type.shape))


def laid_out(arguments: Tensors, rows: Shape | None) -> Tensors:
    """The arguments with every axis but that of rows.

    Parameters
    ----------
    arguments
        By label, with any number of axes that they may have.
    rows
        Shape of the rows, with None for sizes that are unknown.

    Returns
    -------
    dict
        ``means`` (…, n_components, n_features); ``sigma`` (…, n_components, n_features or 1);
        ``chol`` (…, n_components or 1, n_features, n_features); the others as they are.
    """
    arguments, weights, means = dict(arguments), arguments["weights"], arguments["means"]
    k = present_shape(weights)[-1]
    if means.type.ndim == 1 or (means.type.ndim == 2 and _means_by_row(means, k, rows)):
        arguments["means"] = means = means[..., None]
    if "chol" in arguments:
        chol = arguments["chol"]
        arguments["chol"] = chol[None] if chol.type.ndim == 2 else chol
        return arguments
    sigma = arguments["sigma"]
    if sigma.type.ndim == 0:
        sigma = sigma[None]
    if sigma.type.ndim == 1 or (sigma.type.ndim == 2 and _sigma_by_row(sigma, k, means)):
        sigma = sigma[..., None]
    if sigma.type.shape[-2] == 1 != k:
        lead, columns = sigma.shape[:-2], sigma.shape[-1]
        sigma = pt.broadcast_to(sigma, (*lead, weights.shape[-1], columns))
    return arguments | {"sigma": sigma}


def _means_by_row(means: Tensor, k: int | None, rows: Shape | None) -> bool:
    """Whether means of two axes are rows × components rather than components × features."""
    first, last = present_shape(means)
    vector = rows is not None and len(rows) == 1
    width = rows[-1] if rows else None
    if vector:
        # One row of all the features that the means have, or else rows of one feature.
        width = 1 if width not in (None, last) else None
    if width == 1:
        return last not in (None, 1) or last == k == 1 != first
    if width is not None or last is None:
        return False
    return last == k != first and (vector or first is not None)


def _sigma_by_row(sigma: Tensor, k: int | None, means: Tensor) -> bool:
    """Whether sigma of two axes is rows × components rather than components × features."""
    sizes = zip(present_shape(sigma), (k, present_shape(means)[-1]), strict=True)
    return any(None not in (size, n) and size not in (1, n) for size, n in sizes)


def agreement(arguments: Tensors, sizes: dict[str, Size]) -> list[Tensor]:
    """Conditions at run time that sizes agree; those that do not even now are refused at once.

    Parameters
    ----------
    arguments
        As :func:`laid_out` returns them.
    sizes
        Of the rows, by dimension.

    Raises
    ------
    ValueError
        Sizes disagree; the message names the argument and how all were read.
    """
    sizes, conditions = dict(sizes), []
    for label, value in arguments.items():
        for dim, size in zip(_dims(label, value), sizes_of(value), strict=True):
            if isinstance(size, int) and size == 1 and dim in SHARED[label]:
                continue
            expected = sizes.setdefault(dim, size)
            if expected is size:
                continue
            now, wanted = present(size), present(expected)
            if None not in (now, wanted) and now != wanted:
                raise ValueError(
                    f"{label} of a MarginalMixture must have {dim} = {wanted}; got {now}. "
                    f"Sizes were read as {_in_words(arguments)}."
                )
            if not (isinstance(size, int) and isinstance(expected, int)):
                conditions.append(pt.eq(size, expected))
                sizes[dim] = size if isinstance(size, int) else expected
    return conditions


def where_sizes_agree(value: Tensor, arguments: Tensors, sizes: dict[str, Size]) -> Any:
    """The value, which cannot be evaluated where the sizes of the arguments disagree."""
    conditions = agreement(arguments, sizes)
    if not conditions:
        return value
    message = (
        "sizes of the arguments and rows of a MarginalMixture disagree. They were read as "
        f"{_in_words(arguments)} when the model was built."
    )
    return CheckAndRaise(ValueError, message)(value, *conditions)


def _dims(label: str, value: Tensor) -> tuple[str, ...]:
    return DIMS[label][len(DIMS[label]) - value.type.ndim :]


def _in_words(arguments: Tensors) -> str:
    described = []
    for label, value in arguments.items():
        if value.type.ndim:
            sizes = ["?" if s is None else str(s) for s in present_shape(value)]
            described.append(f"{label} ({', '.join(_dims(label, value))}) = ({', '.join(sizes)})")
    return ", ".join(described)
