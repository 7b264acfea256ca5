"""Which components of a posterior may swap labels: those that the prior does not tell apart.

Groups are an integer for every component, (n_components,): labels may move within equal ones.
"""

import json

import numpy as np

from bayesgmm.arguments import shown
from bayesgmm.posterior.draws import Draws
from bayesgmm.posterior.layout import laid_out


def groups_of(post, exchangeable=None):
    """The groups of a posterior's components: those said, else those recorded, else those seen.

    Recorded they are when it was relabelled, or sampled by ``sample``. Of draws from elsewhere only
    what is fixed is seen: a part of a component that is the same in all draws, and in another one
    varies or has another value.

    Parameters
    ----------
    post : xarray.DataTree
    exchangeable : bool or list of lists of components, optional
        As in :func:`relabel`.

    Raises
    ------
    ValueError, TypeError
        ``exchangeable`` is none of these, or names an unknown component or one twice.
    """
    if exchangeable is not None:
        names = laid_out(post)["posterior"].to_dataset()["component"].values.tolist()
        return _said(exchangeable, names)
    if "clustering" in post.children and "exchangeable" in post["clustering"]:
        return post["clustering"].to_dataset()["exchangeable"].values
    if "exchangeable" in post.attrs:
        return np.array(json.loads(post.attrs["exchangeable"]))
    return _seen(Draws.of(post))


def _said(exchangeable, names):
    groups = np.arange(len(names))
    if isinstance(exchangeable, bool | np.bool_):
        return groups * (not exchangeable)
    wanted = (
        "exchangeable must be True, False, or a list of groups of components that may swap labels, "
        f"such as [[{names[0]!r}, {names[-1]!r}]]; got {shown(exchangeable)}."
    )
    if not _is_list(exchangeable):
        raise TypeError(wanted)
    met = []
    for group in exchangeable:
        if not _is_list(group) or any(np.ndim(member) for member in group):
            raise TypeError(wanted)
        members = list(group)
        if unknown := [m for m in members if m not in names]:
            known = ", ".join(map(repr, names))
            raise ValueError(f"{wanted} There is no component {unknown[0]!r}, but {known}.")
        met += members
        places = [names.index(m) for m in members]
        groups[places] = min(places, default=0)
    if twice := [m for m in met if met.count(m) > 1]:
        raise ValueError(f"{wanted} Component {twice[0]!r} is in it twice.")
    return groups


def _is_list(value):
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _seen(draws):
    """Groups by what is fixed; of one draw everything would be."""
    k = draws.n_components
    if len(draws) == 1:
        return np.zeros(k, dtype=int)
    parts = [draws.weights, draws.means]
    parts += [] if draws.covariance == "tied" else [draws.factor]
    columns = []
    for part in parts:
        first = part[0].reshape(k, -1)
        fixed = (part == part[0]).all(axis=0).reshape(k, -1)
        columns += [fixed, np.where(fixed, first, 0.0)]
    return np.unique(np.hstack(columns), axis=0, return_inverse=True)[1]
