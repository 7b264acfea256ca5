"""Whether draws can be those of a mixture: the one gate through which all of them are read."""

from functools import partial

import numpy as np

from bayesgmm.draws.names import DRAW, MEANS, WEIGHTS
from bayesgmm.mixture import structure_named

ROUNDING = 1e-6
"""Weights may miss the simplex by this, and the halves of a covariance matrix each other, relative
to the standard deviations: single precision loses less."""


def proper_factor(draws, covariance, spread, group):
    """The factor of the spread of draws, each of which is a mixture's.

    Parameters
    ----------
    draws : xarray.Dataset
        ``weights`` (…, component), ``means`` (…, component, feature) and the spread by its name;
        (chain, draw) lead, or nothing does in a point estimate.
    covariance, spread, group : str
        The structure, the name of its spread, and that of the group of the tree, for messages.

    Returns
    -------
    float64 array
        In the layout of :mod:`bayesgmm.mixture.structures`, after the leading axes.

    Raises
    ------
    ValueError
        There are no draws; or a draw is not finite, has weights off the simplex, or a spread that
        is not positive. The text names the variable and the first place.
    """
    checked = partial(refuse, group)
    for name in (WEIGHTS, MEANS, spread):
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
    weights = draws[WEIGHTS].values
    total = weights.sum(axis=-1)
    off = (weights < -ROUNDING).any(axis=-1) | (np.abs(total - 1) > ROUNDING)
    checked(draws[WEIGHTS], off, "weights of at least 0 that sum to 1")
    values = draws[spread].values
    structure = structure_named(covariance)
    if not structure.correlated:
        checked(draws[spread], values <= 0, "a variance above 0")
        return structure.from_spread(values)
    checked(draws[spread], _asymmetric(values), "a symmetric matrix")
    try:
        return structure.from_spread(values)
    except np.linalg.LinAlgError:
        singular = np.array([_is_singular(m) for m in values.reshape(-1, *values.shape[-2:])])
        checked(draws[spread], singular.reshape(values.shape[:-2]), "a positive definite matrix")
        raise


def _asymmetric(matrices):
    """Whether a matrix differs from its transpose, (…,)."""
    across = np.swapaxes(matrices, -1, -2)
    if np.array_equal(matrices, across):
        return np.zeros(matrices.shape[:-2], dtype=bool)
    sd = np.sqrt(np.abs(np.diagonal(matrices, axis1=-2, axis2=-1)))
    limit = ROUNDING * sd[..., :, None] * sd[..., None, :]
    return (np.abs(matrices - across) > limit).any(axis=(-2, -1))


def _is_singular(matrix):
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return True
    return False


def refuse(group, variable, bad, expected):
    """Raise an error on the first place of ``bad``, which spans the variable's first dimensions."""
    if not bad.any():
        return
    index = np.unravel_index(bad.argmax(), bad.shape)
    at = [
        f"{d} {variable[d].values[i]}"
        for d, i in zip(variable.dims[: bad.ndim], index, strict=True)
    ]
    found = np.array2string(variable.values[index], precision=4, threshold=20, separator=", ")
    raise ValueError(
        f"{variable.name} of post[{group!r}] at {', '.join(at)}: expected {expected}; "
        f"got {' '.join(found.split())}{_how_many(variable, bad)}. Leave such draws out, as by "
        "post.isel(draw=slice(100), missing_dims='ignore'), or sample again."
    )


def _how_many(variable, bad):
    if DRAW not in variable.dims:
        return ""
    by_draw = bad.reshape(bad.shape[0] * bad.shape[1], -1).any(axis=1)
    return f" (so in {by_draw.sum()} of {by_draw.size} draws)"
