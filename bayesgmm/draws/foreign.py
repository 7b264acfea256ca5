"""Posteriors from anywhere in one layout: variables by name, their dimensions by position."""

from collections.abc import Hashable

import numpy as np
import xarray as xr

from bayesgmm.draws import names
from bayesgmm.mixture import STRUCTURES, Structure
from bayesgmm.runtime import arguments


def structure_of(posterior: xr.Dataset) -> Structure:
    """Covariance structure of a dataset of draws, refused without weights, means or a spread."""
    missing = [v for v in (names.WEIGHTS, names.MEANS) if v not in posterior]
    named = [s for s in STRUCTURES.values() if s.spread in posterior]
    if missing or not named:
        wanted = ", ".join(missing) or " or ".join(sorted({s.spread for s in STRUCTURES.values()}))
        raise ValueError(
            f"post lacks {wanted}; it has {', '.join(map(str, posterior.data_vars))}. "
            "Give the variables of your model these names."
        )
    lead = posterior[names.WEIGHTS].ndim - 1
    alike = [s for s in named if posterior[s.spread].ndim == lead + len(s.dims)]
    return (alike or named)[0]


def checked_tree(post: xr.DataTree) -> xr.DataTree:
    """The tree itself; what is none, or has no group ``posterior``, is refused."""
    arguments.instance("post", post, xr.DataTree, "Try post = bg.sample(mixture, x).")
    if names.POSTERIOR not in post.children:
        found = ", ".join(post.children) or "none"
        raise ValueError(f"post has no group 'posterior'; it has {found}. Try bg.sample.")
    return post


def laid_out(post: xr.DataTree) -> xr.DataTree:
    """The tree with our names for the dimensions of its mixture, which a user's model may lack.

    Dimensions go by position: (chain, draw, component), (…, component, feature), and the spread's.
    Features are named by their coordinate, if the means have one, else x1, x2, … Refused is what
    is no tree, lacks a variable, or has another number of dimensions or sizes that disagree.
    """
    posterior = checked_tree(post)[names.POSTERIOR].to_dataset()
    structure = structure_of(posterior)
    matrix = (names.COMPONENT, names.FEATURE)
    wanted = {names.WEIGHTS: matrix[:1], names.MEANS: matrix, structure.spread: structure.dims}
    named = all(dim in posterior.coords for dim in matrix)
    if named and all(posterior[v].dims == names.LEAD + wanted[v] for v in wanted):
        return post
    weights, means = posterior[names.WEIGHTS], posterior[names.MEANS]
    component = weights.dims[-1]
    feature = [d for d in means.dims if d not in (*names.LEAD, component)][-1:]
    own = component, *(feature or [component])
    arrays = {v: _by_position(posterior[v], names.LEAD + dims, *own) for v, dims in wanted.items()}
    _check_sizes(arrays)
    features = _labels(means, "x{}")
    coords = {names.COMPONENT: _labels(weights), names.FEATURE: features}
    coords[names.FEATURE_BIS] = features
    rest = posterior.drop_vars([*wanted, *coords], errors="ignore")
    used = {dim: v for dim, v in coords.items() if any(dim in dims for dims in wanted.values())}
    out = post.copy()
    out[names.POSTERIOR] = xr.DataTree(rest.assign(arrays).assign_coords(used))
    if names.OBSERVED in post.children and names.X in post[names.OBSERVED]:
        rows = {names.X: ((names.OBS, names.FEATURE), observed_rows(post, len(features)))}
        out[names.OBSERVED] = xr.DataTree(xr.Dataset(rows, {names.FEATURE: features}))
    return out


def observed_rows(post: xr.DataTree, n_features: int) -> np.ndarray:
    """The rows (n_obs, n_features) that a tree holds; of one feature they may be a vector."""
    x = post[names.OBSERVED].to_dataset()[names.X].values
    if x.dtype.kind not in "fiub":
        raise ValueError(
            f"observed_data['x'] of post must hold numbers; got {x.dtype}. Try x=your data."
        )
    if x.shape[-1:] != (n_features,) and not (n_features == 1 and x.ndim == 1):
        raise ValueError(
            f"observed_data['x'] of post must have {n_features} features, as its means have; "
            f"got an array of shape {x.shape}. Rows have shape (n_obs, n_features)."
        )
    return x.reshape(-1, n_features)


def _check_sizes(arrays: dict[str, xr.Variable]) -> None:
    """Refuse variables whose components or features differ in number."""
    sizes: dict[str, int] = {}
    for name, array in arrays.items():
        for dim, size in zip(array.dims, array.shape, strict=True):
            # Both axes of a covariance matrix are features.
            kind = str(dim).removesuffix("_bis")
            if sizes.setdefault(kind, size) != size:
                raise ValueError(
                    f"{name} of post has shape {array.shape} for {array.dims}; expected "
                    f"{kind} = {sizes[kind]}, as the variables before it have. "
                    "Parameters that differ from row to row are no mixture's."
                )


def _by_position(
    array: xr.DataArray, dims: tuple[str, ...], component: Hashable, feature: Hashable
) -> xr.Variable:
    """The variable with these dimensions: by name where it has them, else by position.

    Where it shares the name of the weights' axis, that tells which axis is of components.
    """
    if set(array.dims) == set(dims):
        return array.transpose(*dims).variable
    if array.ndim != len(dims) or array.dims[:2] != names.LEAD:
        raise ValueError(
            f"{array.name} of post has dimensions {array.dims}; expected {len(dims)}: {dims}. "
            "Give the variables of your model these shapes."
        )
    if names.COMPONENT in dims and component != feature and array.dims[2] == feature:
        if component not in array.dims:
            raise ValueError(
                f"{array.name} of post has dimensions {array.dims}, none of components, "
                f"{component!r} as the weights have it; expected {dims}. One for all "
                "components is 'covariance', 'feature_variances' or 'variance'."
            )
        array = array.transpose(*names.LEAD, component, ...)
    return xr.Variable(dims, array.values, array.attrs)


def _labels(array: xr.DataArray, template: str | None = None) -> np.ndarray | list[str]:
    """Names along the last dimension: those of its coordinate, else numbers."""
    last, n = array.dims[-1], array.shape[-1]
    plain = str(last).endswith(f"_dim_{array.ndim - 3}")
    if last in array.coords and not plain:
        return array[last].values
    return np.arange(n) if template is None else [template.format(i + 1) for i in range(n)]
