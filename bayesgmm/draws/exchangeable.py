"""Which components of a posterior may swap labels: those that the prior does not tell apart.

Groups are an integer for every component, (n_components,): labels may move within equal ones.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from bayesgmm.draws.names import CLUSTERING, COMPONENT, EXCHANGEABLE, POSTERIOR
from bayesgmm.mixture import MixtureParameters
from bayesgmm.runtime import shown


def recorded(tree: xr.DataTree) -> np.ndarray | None:
    """The groups written when a posterior was relabelled, or sampled by ``sample``; else None."""
    if CLUSTERING in tree.children and EXCHANGEABLE in tree[CLUSTERING]:
        return tree[CLUSTERING].to_dataset()[EXCHANGEABLE].values
    if EXCHANGEABLE not in tree.attrs:
        return None
    written, k = tree.attrs[EXCHANGEABLE], tree[POSTERIOR].sizes[COMPONENT]
    try:
        groups = np.array(json.loads(written), dtype=int)
        if groups.shape == (k,):
            return groups
    except (TypeError, ValueError):
        pass
    raise ValueError(
        f"the attribute 'exchangeable' of post must be a list of {k} integers, one for each "
        f"component; got {shown(written)}. Try bg.relabel(post, exchangeable=True)."
    )


def said(exchangeable: bool | Sequence[Sequence[Any]], names: list[Any]) -> np.ndarray:
    """The groups that a user names: all, none, or lists of components by their names.

    An unknown component is refused, and one that is named twice.
    """
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


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


def fixed_apart(draws: MixtureParameters) -> np.ndarray:
    """Groups by what is fixed: a part of a component that is the same in all draws.

    In another component that part varies or has another value. Of one draw everything is fixed.
    """
    k = draws.n_components
    if len(draws) == 1:
        return np.zeros(k, dtype=int)
    parts = [draws.weights, draws.means]
    parts += [] if draws.structure.shared else [draws.factor]
    columns = []
    for part in parts:
        first = part[0].reshape(k, -1)
        fixed = (part == part[0]).all(axis=0).reshape(k, -1)
        columns += [fixed, np.where(fixed, first, 0.0)]
    return np.unique(np.hstack(columns), axis=0, return_inverse=True)[1]
