"""Which components a PyMC model does not tell apart: two that may swap and leave its density."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytensor
from pytensor.compile.mode import Mode
from pytensor.graph.replace import clone_replace

# Few evaluations: compiling is what takes time.
OPTIONS: dict[str, Any] = {
    "mode": Mode(linker="py", optimizer="fast_compile"),
    "on_unused_input": "ignore",
}

N_POINTS = 3
"""Random points about the model's initial one, at which densities are compared."""
AGREE = 1e-8
"""Two numbers are the same if they differ by no more than this, relative."""
REFLECTED = -1
"""In place of a component: a variable that swaps two by its sign, as log odds do."""


def model_groups(model):
    """A number for every component of a model, (n_components,): the same where they may swap.

    Two components are exchangeable if swapping the numbers of the free variables that belong to
    each (see ``_owned``) swaps their weights, means and spreads, and changes the density neither of
    the prior nor of the rows. Whatever tells components apart shows in that: unequal numbers of a
    prior, an order imposed, a part held fixed.

    Returns None for a model without weights, means and a spread by these names, or with a density
    that is finite nowhere near its initial point.
    """
    spread = [n for n in ("covariances", "covariance", "variances") if n in model.named_vars]
    names = ["weights", "means", *spread[:1]]
    if len(names) < 3 or any(n not in model.named_vars for n in names):
        return None
    if (model["weights"].type.ndim, model["means"].type.ndim) != (1, 2):
        return None
    functions = _Functions.of(model, names)
    points = [y for y in _points(model) if functions.is_possible(y)]
    if not points:
        return None
    tables = [_owned(model, functions, points[0], by_shape) for by_shape in (True, False)]
    found = [_groups(functions, points, owned) for owned in tables]
    return min(found, key=lambda groups: len(np.unique(groups)))


@dataclass(frozen=True, eq=False)
class _Functions:
    """Compiled functions of a model's free variables.

    ``constrain`` gives their values from unconstrained ones; of the values ``parameters`` are the
    mixture's weights, means and spread, and ``density`` the log densities of the prior and of the
    rows, without Jacobian.
    """

    constrain: Any
    parameters: Any
    density: Any
    tied: bool

    @classmethod
    def of(cls, model, names):
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
        parameters = clone_replace([model[n] for n in names], known)
        return cls(
            pytensor.function(unconstrained, graphs, **OPTIONS),
            pytensor.function(values, parameters, **OPTIONS),
            pytensor.function(values, clone_replace(parts, undone), **OPTIONS),
            "covariance" in names,
        )

    def is_possible(self, y):
        return np.isfinite(self.density(*self.constrain(*y))).all()

    def places(self, values):
        """Weight, mean and spread of every component, one row each; none where shared."""
        weights, means, spread = self.parameters(*values)
        own = np.zeros(len(weights)) if self.tied else spread
        return [a.reshape(len(weights), -1) for a in (weights, means, own)]


def _points(model):
    """Unconstrained values of the free variables about the initial point."""
    rng = np.random.default_rng(0)
    start = model.initial_point(random_seed=0)
    start = [np.asarray(start[model.rvs_to_values[v].name]) for v in model.free_RVs]
    return [[v + 0.5 * rng.normal(size=v.shape) for v in start] for _ in range(N_POINTS)]


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
        both = functions.density(*values), functions.density(*swapped)
        if not np.allclose(*both, rtol=AGREE, atol=AGREE):
            return False
    return True
