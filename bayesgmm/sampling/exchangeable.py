"""What a PyMC model says of its components, found by trying.

Which it does not tell apart: two that may swap and leave its density. And whether its rows are
those of the plain mixture of its weights, means and spread, which all that reads draws computes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytensor
from pymc.logprob.utils import ParameterValueError
from pytensor.compile.mode import Mode
from pytensor.graph.replace import clone_replace

from bayesgmm.likelihood import row_log_density
from bayesgmm.mixture import STRUCTURES, MixtureParameters, Structure

# Few evaluations: compiling is what takes time.
OPTIONS: dict[str, Any] = {
    "mode": Mode(linker="py", optimizer="fast_compile"),
    "on_unused_input": "ignore",
}

WIDTHS = (0.5, 0.5, 0.5, 0.1, 0.02, 0.004)
"""Standard deviations of random points about the model's initial one, at which densities are
compared. Near it an order that the model imposes holds, and shows when components are swapped."""
AGREE = 1e-8
"""Two numbers are the same if they differ by no more than this, relative."""
SAME_ROWS = 1e-6
"""The same of the log density of rows, which a model may compute with fewer digits than we do."""
REFLECTED = -1
"""In place of a component: a variable that swaps two by its sign, as log odds do."""


def model_facts(model):
    """Groups of a model's components, and whether its rows are those of the plain mixture.

    Groups are a number for every component, (n_components,), the same where they may swap. Two are
    exchangeable if swapping the numbers of the free variables that belong to each (see ``_owned``)
    swaps their weights, means and spreads, and changes the density neither of the prior nor of the
    rows. Whatever tells components apart shows in that: unequal numbers of a prior, an order
    imposed, a part held fixed.

    No two may where the density is finite nowhere near the initial point. Of a model without
    weights, means and a spread by these names there are no groups, None, and it is called plain.
    """
    named = [s for s in STRUCTURES.values() if s.spread in model.named_vars]
    named = [s for s in named if len(s.dims) == model[s.spread].type.ndim]
    if not named or not {"weights", "means"} <= set(model.named_vars):
        return None, True
    if (model["weights"].type.ndim, model["means"].type.ndim) != (1, 2):
        return None, True
    functions = _Functions.of(model, named[0])
    points = [y for y in _points(model) if functions.is_possible(y)]
    if not points:
        return np.arange(model["weights"].shape.eval()[0]), True
    tables = [_owned(model, functions, points[0], by_shape) for by_shape in (True, False)]
    found = [_groups(functions, points, owned) for owned in tables]
    groups = min(found, key=lambda groups: len(np.unique(groups)))
    return groups, _is_plain(model, functions, points)


def _is_plain(model, functions, points):
    """Whether the rows ``x``, where there are any, have the plain mixture's density everywhere."""
    x = next((v for v in model.observed_RVs if v.name == "x"), None)
    if x is None:
        return True
    rows = np.asarray(model.rvs_to_values[x].eval(), dtype=float)
    rows = rows[:, None] if rows.ndim == 1 else rows
    for y in points:
        values = functions.constrain(*y)
        weights, means, spread = functions.parameters(*values)
        if rows.ndim != 2 or rows.shape[1] != means.shape[1]:
            return False
        try:
            p = MixtureParameters.from_spread(functions.structure.name, weights, means, spread)
        except np.linalg.LinAlgError:  # what bears the name of a spread is none
            return False
        ours = row_log_density(rows, p.log_weights, p.means, p.factor).sum()
        if not np.allclose(functions.rows_density(*values), ours, rtol=SAME_ROWS, atol=SAME_ROWS):
            return False
    return True


@dataclass(frozen=True, eq=False)
class _Functions:
    """Compiled functions of a model's free variables.

    ``constrain`` gives their values from unconstrained ones; of the values ``parameters`` are the
    mixture's weights, means and spread, ``density`` the log densities of the prior and of all that
    is observed, without Jacobian, and ``rows_density`` that of the rows ``x``.
    """

    constrain: Any
    parameters: Any
    density: Any
    rows_density: Any
    structure: Structure

    @classmethod
    def of(cls, model, structure):
        names = ("weights", "means", structure.spread)
        free, rows = model.free_RVs, model.observed_RVs
        unconstrained = [model.rvs_to_values[v] for v in free]
        graphs = model.replace_rvs_by_values(free)
        values = [g.type() for g in graphs]
        known = dict(zip(free, values, strict=True))
        back = [
            v if (t := model.rvs_to_transforms[rv]) is None else t.forward(v, *rv.owner.inputs)
            for rv, v in known.items()
        ]
        undone = dict(zip(unconstrained, clone_replace(back, known), strict=True))
        parts = [model.logp(vars=v, jacobian=False) for v in (free + model.potentials, rows) if v]
        x = [model.logp(vars=[v]) for v in rows if v.name == "x"]
        parameters = clone_replace([model[n] for n in names], known)
        return cls(
            pytensor.function(unconstrained, graphs, **OPTIONS),
            pytensor.function(values, parameters, **OPTIONS),
            pytensor.function(values, clone_replace(parts, undone), **OPTIONS),
            pytensor.function(values, clone_replace(x, undone), **OPTIONS),
            structure,
        )

    def log_density(self, values):
        """Log densities of prior and rows; −inf where values are outside the support."""
        try:
            return np.array(self.density(*values))
        except ParameterValueError:
            return np.full(2, -np.inf)

    def is_possible(self, y):
        return np.isfinite(self.log_density(self.constrain(*y))).all()

    def places(self, values):
        """Weight, mean and spread of every component, one row each; none where shared."""
        weights, means, spread = self.parameters(*values)
        own = np.zeros(len(weights)) if self.structure.shared else spread
        return [a.reshape(len(weights), -1) for a in (weights, means, own)]


def _points(model):
    """Unconstrained values of the free variables about the initial point."""
    rng = np.random.default_rng(0)
    start = model.initial_point(random_seed=0)
    start = [np.asarray(start[model.rvs_to_values[v].name]) for v in model.free_RVs]
    return [[v + width * rng.normal(size=v.shape) for v in start] for width in WIDTHS]


def _owned(model, functions, y, by_shape):
    """What belongs to which component: rows (component, sort key, variable, flat position).

    A number belongs to the component of its index along the model's dimension of components.
    Without one, it belongs to the component whose weight, mean or spread it moves, if it moves but
    one. Where no number of a variable does, as of scales of a prior, the axis that is as long as
    there are components stands for them, if ``by_shape``.
    """
    values = functions.constrain(*y)
    before = functions.places(values)
    k, rows = len(before[0]), list[tuple[int, tuple[int, ...], int, int]]()
    component = (model.named_vars_to_dims.get("weights") or (None,))[-1]
    for v, (rv, value) in enumerate(zip(model.free_RVs, values, strict=True)):
        dims = model.named_vars_to_dims.get(rv.name) or ()
        axis = dims.index(component) if component in dims else None
        moved = np.zeros((0, 3, k), dtype=bool)
        if axis is None:
            moved = np.array([_moved(functions, values, before, v, e) for e in range(value.size)])
        alone = moved.any(axis=1).sum(axis=1) == 1
        if axis is None and not alone.any() and by_shape and k in value.shape:
            axis = value.shape.index(k)
        if axis is not None:
            rows += [(c, (v,), v, e) for e, c in enumerate(np.indices(value.shape)[axis].ravel())]
        elif alone.any():
            for e in np.flatnonzero(alone):
                c = int(moved[e].any(axis=0).argmax())
                rows.append((c, (len(values), *moved[e, :, c]), v, int(e)))
        elif k == 2 and moved[:, 0].any() and not moved[:, 1:].any():
            rows.append((REFLECTED, (v,), v, 0))
    return sorted(rows)


def _moved(functions, values, before, variable, position):
    """(3, n_components): whose weight, mean and spread a small change of one number moves."""
    changed = list(values)
    changed[variable] = np.array(values[variable])
    changed[variable].flat[position] += 1e-5 * (1 + abs(changed[variable].flat[position]))
    after = functions.places(changed)
    return np.array([(a != b).any(axis=1) for a, b in zip(after, before, strict=True)])


def _groups(functions, points, owned):
    """Components that may swap with one another, by trying every pair."""
    k = len(functions.places(functions.constrain(*points[0]))[0])
    groups = np.arange(k)
    for j in range(1, k):
        alike = (i for i in np.unique(groups[:j]) if _may_swap(functions, points, owned, i, j))
        groups[j] = next(alike, j)
    return groups


def _may_swap(functions, points, owned, i, j):
    one, other = ([row[1:] for row in owned if row[0] == c] for c in (i, j))
    if [key for key, _, _ in one if len(key) > 1] != [key for key, _, _ in other if len(key) > 1]:
        return False
    for y in points:
        values = functions.constrain(*y)
        swapped = [np.array(v) for v in values]
        for (_, v, e), (_, u, f) in zip(one, other, strict=True):
            swapped[v].flat[e], swapped[u].flat[f] = values[u].flat[f], values[v].flat[e]
        mirror = functions.constrain(*(-v for v in y))
        for c, _, v, _ in owned:
            if c == REFLECTED:
                swapped[v] = mirror[v]
        for before, after in zip(functions.places(values), functions.places(swapped), strict=True):
            before[[i, j]] = before[[j, i]]
            if not np.allclose(after, before, rtol=AGREE):
                return False
        both = functions.log_density(values), functions.log_density(swapped)
        if not np.allclose(*both, rtol=AGREE, atol=AGREE):
            return False
    return True
