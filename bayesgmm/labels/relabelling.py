"""Relabelling of a posterior, so that a label means the same component in every draw."""

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import linear_sum_assignment

from bayesgmm.data import Rows
from bayesgmm.draws import Posterior, Reading, is_relabelled, names, said
from bayesgmm.labels import stephens_sweeps as sweeps
from bayesgmm.labels.pivots import mismatches, parameter_costs, pivot_of
from bayesgmm.likelihood import row_blocks, row_densities
from bayesgmm.runtime import arguments

METHODS = ("stephens", "ecr", "means")
CLEAR = np.log(20.0)
"""A draw whose margin is at most this many times the draws' mean divergence is ambiguous.

A margin is a log odds for the labels, but summed over rows that a draw moves together: alone it
grows with the rows however close the components are. What draws of one labelling differ among
themselves sets its scale, and odds below 20 to 1 are not clear.
"""
TIE = 1e-9
"""Mismatched rows: what the distance of parameters may add at most, to break ties of ECR."""


def relabel(
    post: xr.DataTree,
    method: str = "stephens",
    *,
    exchangeable: bool | Sequence[Sequence[Hashable]] | None = None,
    x: Rows | None = None,
    progress: bool = True,
) -> xr.DataTree:
    """Undo label switching, by one permutation of the exchangeable components in every draw.

    Components that the prior or the model tells apart keep their labels, which have a meaning.
    What ``sample`` drew says which they are: those whose numbers in the prior differ, or, in a
    PyMC model, those that cannot swap without a change of its density. Of draws from elsewhere only
    a fixed part shows, such as a known mean: say ``exchangeable`` if the prior names them.

    ``"stephens"`` [1]_ minimises the Kullback–Leibler divergence of the draws' responsibilities
    from their mean, summed over draws and rows: by sweeps (see :func:`stephens`) that start at the
    labels as drawn, at those nearest to the MAP, and at those nearest to each of several draws; the
    best end is kept.
    ``"ecr"`` [2]_ minimises the expected number of rows that are not in the component where the
    MAP's clustering has them, by responsibilities rather than sampled assignments.
    ``"means"`` minimises the Kullback–Leibler divergence of the draw's parameters from the MAP's:
    of the joint law of component and row, Σ_c w_c [log(w_c / w_j) + KL(N_c, N_j)], in which
    separated means outweigh the rest.

    Responsibilities are those of the marginal model, recomputed by the block. Where the tree has no
    MAP the draw of highest ``lp`` stands in. Labels come in the MAP's order; without a MAP, in the
    order that leaves most as drawn.

    Parameters
    ----------
    post : xarray.DataTree
        A posterior with ``weights``, ``means`` and a spread. Not changed. One that is relabelled
        already is relabelled from its draws: the same again, or by another method.
    method : {"stephens", "ecr", "means"}
    exchangeable : bool or list of lists of components, optional
        Which components may swap labels: all, none, or the members of each group, such as
        ``[[1, 2]]``, by their names in the coordinate ``component``. One in no group keeps its
        label. Default what the posterior says, or what was given when it was relabelled before.
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    progress : bool

    Returns
    -------
    xarray.DataTree
        The posterior with every variable over ``component`` permuted, and a group ``clustering``:
        ``permutation[chain, draw, c]`` is the component, as drawn, that became c (see
        :func:`as_drawn`); ``mean_probability`` (obs, component); ``exchangeable`` (component),
        equal where labels may swap; and ``margin`` (chain, draw), by how many nats of Stephens'
        criterion the second-best permutation is worse, whatever the method. Its attributes:
        ``method``; ``cost``, the method's own criterion, in nats or mismatched rows; ``n_sweeps``;
        ``divergence``, the mean over draws of their divergence from ``mean_probability`` (nats);
        ``ambiguous``, the share of draws whose margin is at most log 20 times that.

    Raises
    ------
    ValueError
        The method is unknown, the tree lacks what is needed, or ``exchangeable`` names an unknown
        component.

    References
    ----------
    .. [1] Stephens (2000), J. R. Stat. Soc. B 62, 795–809.
    .. [2] Papastamoulis & Iliopoulos (2010), J. Comput. Graph. Stat. 19, 313–331.
    """
    arguments.one_of("method", method, METHODS)
    given = Reading.of(post)
    drawn = Reading.of(as_drawn(given.tree), x)
    draws, groups = drawn.parameters, _groups(given, drawn, exchangeable)
    rows, weight = drawn.rows, drawn.sample_weight
    blocks = row_blocks(draws, len(rows))

    def load(block: slice) -> tuple[np.ndarray, np.ndarray]:
        return row_densities(draws, rows[block])[1], weight[block]

    pivot = pivot_of(drawn)
    if method == "stephens":
        starts = [np.tile(np.arange(draws.n_components), (len(draws), 1))]
        if pivot is not None:
            # First, so that it is kept where the rows cannot tell, as for empty components.
            starts.insert(0, sweeps.assign(sweeps.within(parameter_costs(draws, pivot), groups)))
        labelling = sweeps.lowest(blocks, load, np.array(starts), groups, progress)
        cost = labelling.cost
    else:
        if pivot is None:
            raise ValueError(
                f"method {method!r} needs a MAP in post['map'], or lp in post['sample_stats']; "
                "post has neither. Try method='stephens'."
            )
        costs = criterion = parameter_costs(draws, pivot)
        if method == "ecr":
            clustering = row_densities(pivot, rows)[1][0].argmax(axis=1)
            criterion = mismatches(blocks, load, draws, clustering, progress)
            costs = criterion + TIE * costs / np.abs(costs).max()
        permutations = sweeps.assign(sweeps.within(costs, groups))
        cost = float(sweeps.cost_of(criterion, permutations).sum())
        [labelling] = sweeps.look(blocks, load, permutations[None], groups, "relabelling", progress)
    if drawn.map is None:
        labelling = _reordered(labelling, _order_as_drawn(labelling.permutations, groups))
    elif method == "stephens":
        shared = (row_densities(drawn.map[None], rows)[1][0] * weight[:, None]).T @ labelling.mean
        labelling = _reordered(labelling, linear_sum_assignment(sweeps.within(-shared, groups))[1])
    return _recorded(drawn, labelling, groups, method, cost)


def as_drawn(post: xr.DataTree) -> xr.DataTree:
    """The posterior with the labels that its components had when they were drawn.

    Undoes :func:`relabel`, exactly.

    Returns
    -------
    xarray.DataTree
        Without what hangs on labels in the group ``clustering``.
    """
    if not is_relabelled(post):
        return post
    reading = Reading.of(post)
    out, clustering = reading.tree.copy(), reading.clustering
    out[names.POSTERIOR] = _permuted(reading.posterior, np.argsort(reading.permutations))
    labelled = [v for v in clustering.variables if names.COMPONENT in clustering[v].dims]
    rest = clustering.drop_vars([*labelled, names.MARGIN], errors="ignore").drop_attrs(deep=False)
    if rest.data_vars:
        out[names.CLUSTERING] = rest
    else:
        del out[names.CLUSTERING]
    return out


def relabelled(post: Posterior, x: Rows | None = None, progress: bool = False) -> Reading:
    """The reading of a posterior, relabelled if it is not yet."""
    reading = Reading.of(post, x)
    if x is not None:
        reading.rows  # noqa: B018 refused here if they do not fit
    if reading.is_relabelled:
        return reading
    return Reading.of(relabel(reading.tree, x=reading.x, progress=progress), reading.x)


def label_agreement(
    post: xr.DataTree, *, x: Rows | None = None, progress: bool = True
) -> pd.DataFrame:
    """Share of draws that two methods of relabelling label alike, for all pairs of methods.

    Far from 1 where labels are ambiguous, or where the MAP is far from the posterior.

    Parameters
    ----------
    post : xarray.DataTree
        A posterior with a MAP, relabelled or not.
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    progress : bool

    Returns
    -------
    pandas.DataFrame
        Methods by methods, 1 on the diagonal. Labels that differ by one order for all draws are
        alike.
    """
    found = [
        Reading(relabel(post, method, x=x, progress=progress)).permutations for method in METHODS
    ]
    flat = [p.reshape(-1, p.shape[-1]) for p in found]
    table = [[_share_alike(a, b) for b in flat] for a in flat]
    return pd.DataFrame(table, index=METHODS, columns=METHODS)


def _groups(
    given: Reading, drawn: Reading, exchangeable: bool | Sequence[Sequence[Hashable]] | None
) -> np.ndarray:
    """The groups of exchangeable components, in the order of the components as drawn."""
    if exchangeable is not None:
        return said(exchangeable, drawn.components.tolist())
    if given.is_relabelled:
        return given.groups[np.argsort(given.permutations[0, 0])]
    return drawn.groups


def _share_alike(a: np.ndarray, b: np.ndarray) -> float:
    same = (a[:, :, None] == b[:, None, :]).sum(axis=0)
    return float((a == b[:, linear_sum_assignment(-same)[1]]).all(axis=1).mean())


def _order_as_drawn(permutations: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The order of labels that leaves most as drawn, which a user's own prior may tell apart."""
    kept = (permutations[:, :, None] == np.arange(permutations.shape[1])).sum(axis=0)
    return np.argsort(linear_sum_assignment(sweeps.within(-kept, groups))[1])


def _reordered(labelling: sweeps.Labelling, order: np.ndarray) -> sweeps.Labelling:
    return replace(
        labelling,
        permutations=labelling.permutations[:, order],
        mean=labelling.mean[:, order],
        costs=labelling.costs[:, :, order],
    )


def _permuted(posterior: xr.Dataset, permutations: np.ndarray) -> xr.Dataset:
    """The posterior's draws with their components permuted, (chain, draw, component)."""
    order = xr.Variable((*names.LEAD, names.COMPONENT), permutations)
    moved = {
        name: v.variable.isel({names.COMPONENT: order}).transpose(*v.dims)
        for name, v in posterior.data_vars.items()
        if names.COMPONENT in v.dims
    }
    return posterior.assign(moved)


def _recorded(
    drawn: Reading, labelling: sweeps.Labelling, groups: np.ndarray, method: str, cost: float
) -> xr.DataTree:
    """The tree with its labels permuted, and the permutations and what they say recorded."""
    posterior = drawn.posterior
    dims = (*names.LEAD, names.COMPONENT)
    permutations = labelling.permutations.reshape([posterior.sizes[d] for d in dims])
    margin = sweeps.margins(labelling.costs, labelling.permutations)
    divergence = labelling.cost / len(margin)
    clustering = xr.Dataset(
        {
            names.PERMUTATION: (dims, permutations),
            names.MEAN_PROBABILITY: ((names.OBS, names.COMPONENT), labelling.mean),
            names.MARGIN: (names.LEAD, margin.reshape(permutations.shape[:2])),
            names.EXCHANGEABLE: ((names.COMPONENT,), groups),
        },
        coords={d: posterior[d] for d in dims if d in posterior.coords},
        attrs={
            "method": method,
            "cost": cost,
            "n_sweeps": labelling.n_sweeps,
            "divergence": divergence,
            names.AMBIGUOUS: float((margin <= CLEAR * divergence).mean()),
        },
    )
    out = drawn.tree.copy()
    if names.CLUSTERING in out.children:
        attrs = drawn.clustering.attrs | clustering.attrs
        clustering = drawn.clustering.merge(clustering).assign_attrs(attrs)
    out[names.POSTERIOR] = _permuted(posterior, permutations)
    out[names.CLUSTERING] = clustering
    return out
