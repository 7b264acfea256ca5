"""What a posterior holds, read once per call and handed on to all who need it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from bayesgmm.data import Rows, rows_like
from bayesgmm.draws import names
from bayesgmm.draws.exchangeable import fixed_apart, recorded
from bayesgmm.draws.foreign import checked_tree, laid_out, observed_rows
from bayesgmm.draws.validity import check_groups, proper_parameters, refuse
from bayesgmm.mixture import STRUCTURES, MixtureParameters

AMBIGUOUS_SHARE = 0.05
"""Labels are ambiguous when more than this share of draws could have others."""


@dataclass(frozen=True, eq=False)
class Reading:
    """A posterior as arrays; each is read when it is first asked for, and then kept.

    ``tree`` is the posterior with our names for its dimensions. ``x`` are rows that were given in
    place of its own, and ``argument`` what messages call them.
    """

    tree: xr.DataTree
    x: Rows | None = None
    argument: str = "x"

    @classmethod
    def of(cls, post: "Posterior", x: Rows | None = None, argument: str = "x") -> "Reading":
        """The reading of a tree that holds draws of a mixture; of a reading, itself."""
        if isinstance(post, Reading):
            return post
        tree = laid_out(post)
        check_groups(tree, x is None)
        return cls(tree, x, argument)

    def _with(
        self, tree: xr.DataTree, *shared: str, x: Rows | None = None, **known: Any
    ) -> "Reading":
        """The reading of another tree, of which some is known, or the same as here if read here."""
        other = Reading(tree, x)
        other.__dict__.update({k: v for k, v in self.__dict__.items() if k in shared}, **known)
        return other

    def group(self, name: str) -> xr.Dataset:
        """The variables of a group; none where there is no such group."""
        return self.tree[name].to_dataset() if name in self.tree.children else xr.Dataset()

    @property
    def posterior(self) -> xr.Dataset:
        return self.tree[names.POSTERIOR].to_dataset()

    # Draws

    @cached_property
    def parameters(self) -> MixtureParameters:
        """The draws, (n_draws,), chains one after another; one that is no mixture's is refused."""
        return proper_parameters(self.posterior, names.POSTERIOR)

    @cached_property
    def in_order(self) -> MixtureParameters:
        """The draws with every draw's components sorted, which no label can change."""
        return self.parameters.in_order()[0]

    @property
    def n_chains(self) -> int:
        return self.posterior.sizes[names.CHAIN]

    @property
    def lead(self) -> dict[str, np.ndarray]:
        """Coordinates of the draws by name: chain and draw."""
        return {name: self.posterior[name].values for name in names.LEAD}

    def by_chain(self, values: np.ndarray) -> np.ndarray:
        """Values (n_draws, …) as (chain, draw, …)."""
        return values.reshape(self.n_chains, -1, *values.shape[1:])

    @cached_property
    def log_posterior(self) -> np.ndarray | None:
        """(chain, draw), finite, nats, as the sampler kept it; else None."""
        statistics = self.group(names.STATISTICS)
        if names.LP not in statistics:
            return None
        lp = statistics[names.LP].transpose(*names.LEAD)
        refuse(names.STATISTICS, lp, ~np.isfinite(lp.values), "a finite number")
        return lp.values

    @cached_property
    def map(self) -> MixtureParameters | None:
        """The MAP, or None."""
        group = self.group(names.MAP)
        return proper_parameters(group, names.MAP) if names.WEIGHTS in group else None

    # Names

    @cached_property
    def components(self) -> np.ndarray:
        return self.posterior[names.COMPONENT].values

    @cached_property
    def features(self) -> tuple[str, ...]:
        return tuple(str(f) for f in self.posterior[names.FEATURE].values)

    # Rows

    @cached_property
    def rows(self) -> np.ndarray:
        """(n_obs, n_features), in the data's units: finite, and of these features."""
        if not self.tree.attrs.get(names.PLAIN, 1):
            raise ValueError(
                "post is of a model whose rows do not have the density of the mixture of its "
                "weights, means and covariances alone, as with covariates or sample_weight in the "
                "model. What rows say cannot be computed from these. Try ArviZ and PyMC's "
                "pm.compute_log_likelihood on it."
            )
        if self.x is not None:
            return rows_like(self.x, self.features, self.argument)
        if names.X not in self.group(names.OBSERVED):
            raise ValueError("post has no rows: observed_data['x'] is missing. Try x=your data.")
        rows = observed_rows(self.tree, len(self.features))
        if not np.isfinite(rows).all():
            row, column = np.argwhere(~np.isfinite(rows))[0]
            raise ValueError(
                f"x of post['observed_data'] is {rows[row, column]} in row {row}, feature "
                f"{self.features[column]}; expected finite numbers. Try x=your data."
            )
        return rows

    @cached_property
    def sample_weight(self) -> np.ndarray:
        """(n_obs,): how many times each row counts."""
        constants = self.group(names.CONSTANT)
        if self.x is not None or names.SAMPLE_WEIGHT not in constants:
            return np.ones(len(self.rows))
        # Equal weights may be one number in memory, of which BLAS sums otherwise than of many.
        return np.ascontiguousarray(constants[names.SAMPLE_WEIGHT].values, dtype=np.float64)

    @property
    def is_weighted(self) -> bool:
        return bool((self.sample_weight != 1).any())

    @cached_property
    def obs(self) -> np.ndarray:
        """Names of the rows where the tree has them, else positions, (n_obs,)."""
        observed = self.group(names.OBSERVED)
        n_obs = len(self.rows)
        if names.OBS in observed.coords and observed.sizes[names.OBS] == n_obs:
            return observed[names.OBS].values
        return np.arange(n_obs)

    def with_rows(self, rows: np.ndarray, weight: np.ndarray) -> "Reading":
        """The same draws with other rows."""
        tree = self.tree.copy()
        x = {names.X: ((names.OBS, names.FEATURE), rows)}
        tree[names.OBSERVED] = xr.Dataset(x, {names.FEATURE: [*self.features]})
        tree[names.CONSTANT] = xr.Dataset({names.SAMPLE_WEIGHT: (names.OBS, weight)})
        return self._with(tree, "parameters", "in_order")

    def of_rows(self, positions: np.ndarray) -> "Reading":
        """The same posterior with some of its rows, relabelled as with all of them."""
        tree = self.tree.isel({names.OBS: positions}, missing_dims="ignore")
        rows, weight = self.rows[positions], self.sample_weight[positions]
        known = {"rows": rows, "sample_weight": weight, "obs": self.obs[positions]}
        return self._with(tree, "parameters", "in_order", **known)

    def thinned_to(self, most: int) -> "Reading":
        """The same posterior with at most ``most`` draws in all, evenly spaced in every chain."""
        step = -(-len(self.parameters) // most)
        if step <= 1:
            return self
        tree = self.tree.isel({names.DRAW: slice(None, None, step)}, missing_dims="ignore")
        return self._with(tree, "rows", "sample_weight", "obs", x=self.x)

    # Labels

    @cached_property
    def groups(self) -> np.ndarray:
        """A number for every component, the same for those that may swap labels.

        As recorded when it was sampled or relabelled; of draws from elsewhere, by what is fixed.
        """
        found = recorded(self.tree)
        return fixed_apart(self.parameters) if found is None else found

    @property
    def is_relabelled(self) -> bool:
        return is_relabelled(self.tree)

    @property
    def clustering(self) -> xr.Dataset:
        """What relabelling found."""
        return self.tree[names.CLUSTERING].to_dataset()

    @property
    def permutations(self) -> np.ndarray:
        """(chain, draw, component): the component as drawn that became each."""
        return self.clustering[names.PERMUTATION].transpose(*names.LEAD, names.COMPONENT).values

    @property
    def mean_probability(self) -> np.ndarray:
        """(n_obs, n_components), of the rows that it was relabelled by."""
        table = self.clustering[names.MEAN_PROBABILITY]
        return table.transpose(names.OBS, names.COMPONENT).values

    @property
    def ambiguous(self) -> float:
        """Share of draws that could as well have other labels."""
        return float(self.clustering.attrs.get(names.AMBIGUOUS, 0.0))

    @property
    def labels_are_ambiguous(self) -> bool:
        return self.ambiguous > AMBIGUOUS_SHARE


Posterior = xr.DataTree | Reading
"""What functions take for a posterior: a tree, or its reading where that is made already."""


def is_relabelled(post: xr.DataTree) -> bool:
    """Whether the labels of a tree mean the same in every draw."""
    tree = checked_tree(post)
    return names.CLUSTERING in tree.children and names.PERMUTATION in tree[names.CLUSTERING]


def holds_mixture(post: xr.DataTree) -> bool:
    """Whether the tree has the variables of a Gaussian mixture, by name, and its rows."""
    group = post[names.POSTERIOR].to_dataset()
    rows = names.OBSERVED in post.children and names.X in post[names.OBSERVED]
    named = {names.WEIGHTS, names.MEANS} <= set(group) and any(
        s.spread in group for s in STRUCTURES.values()
    )
    return rows and named and {names.COMPONENT, names.FEATURE} <= set(group[names.MEANS].dims)
