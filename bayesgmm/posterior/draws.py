"""The draws of a tree as arrays, and the responsibilities of rows under them, by the block."""

from dataclasses import dataclass, replace

import numpy as np

from bayesgmm.compiled import compiled
from bayesgmm.likelihood.bands import coordinates
from bayesgmm.likelihood.kernel import fill_rows
from bayesgmm.posterior.layout import laid_out, observed_rows, structure_of
from bayesgmm.posterior.validity import proper_factor
from bayesgmm.structure import dense_covariances, is_matrix

BLOCK_BYTES = 64 * 2**20
"""Memory for one block of responsibilities, over all draws."""


@dataclass(frozen=True, eq=False)
class Draws:
    """Posterior draws of a mixture, chains one after another.

    ``weights`` (S, n_components), ``means`` (S, n_components, n_features) and ``factor`` (S, …) in
    the layout of :mod:`bayesgmm.structure`, S draws in all.
    """

    covariance: str
    weights: np.ndarray
    means: np.ndarray
    factor: np.ndarray

    @classmethod
    def of(cls, post, group="posterior"):
        """The draws in a group of a tree, or its one point estimate in the group ``map``.

        Raises
        ------
        ValueError
            The group lacks weights, means or a spread, has no draws, or one that is no mixture's;
            the text names variable, chain, draw and component.
        """
        dataset = (laid_out(post) if group == "posterior" else post)[group].to_dataset()
        covariance, name = structure_of(dataset)
        factor = proper_factor(dataset, covariance, name, group)
        arrays = (dataset["weights"].values, dataset["means"].values, factor)
        lead = dataset["weights"].ndim - 1
        flat = (a.reshape(-1, *a.shape[lead:]) for a in arrays)
        return cls(covariance, *(np.ascontiguousarray(a, dtype=np.float64) for a in flat))

    def __len__(self):
        return len(self.weights)

    @property
    def n_components(self):
        return self.weights.shape[1]

    @property
    def covariances(self):
        """Dense covariance matrices, (S, n_components, n_features, n_features)."""
        return dense_covariances(self.factor, self.covariance, *self.means.shape[1:])

    def in_order(self):
        """The draws with every draw's components sorted, the heaviest first, and their places.

        Ties in weight are broken by mean and spread, so that a permutation of the components of any
        draw changes nothing in the result, to the last digit.

        Returns
        -------
        draws : Draws
        order : int array, shape (S, n_components)
            ``order[s, c]``, the component of draw s that is c here.
        """
        keys = [-self.weights[..., None], self.means]
        own_spread = self.covariance != "tied"
        if own_spread:
            keys.append(self.factor.reshape(*self.weights.shape, -1))
        table = np.moveaxis(np.concatenate(keys, axis=2), 2, 0)
        order = np.lexsort(table[::-1], axis=-1)

        def ordered(values):
            index = order.reshape(*order.shape, *[1] * (values.ndim - 2))
            return np.ascontiguousarray(np.take_along_axis(values, index, axis=1))

        factor = ordered(self.factor) if own_spread else self.factor
        weights, means = ordered(self.weights), ordered(self.means)
        return replace(self, weights=weights, means=means, factor=factor), order

    def blocks(self, n_obs):
        """Slices of rows whose responsibilities under all draws fit the memory bound."""
        size = max(1, BLOCK_BYTES // (8 * len(self) * self.n_components))
        return [slice(i, min(i + size, n_obs)) for i in range(0, n_obs, size)]

    def responsibilities(self, x):
        """Log densities (S, n) in nats and responsibilities (S, n, n_components) of rows."""
        log_density = np.empty((len(self), len(x)))
        table = np.empty((len(self), len(x), self.n_components))
        x = np.ascontiguousarray(x, dtype=np.float64).view(np.ndarray)
        x.flags.writeable = False
        log_weights = np.log(np.maximum(self.weights, 1e-300))
        d = x.shape[1]
        identity = coordinates(np.zeros(d), np.ones(d), is_matrix(self.covariance))
        _fill_draws(x, *identity, log_weights, self.means, self.factor, log_density, table)
        return log_density, table


@compiled
def _fill_draws(x, shift, inv_scale, log_weights, means, factor, log_density, table):
    for s in range(len(means)):
        fill_rows(
            x, shift, inv_scale, log_weights[s], means[s], factor[s], log_density[s], table[s]
        )


def rows_of(post, x=None, argument="x"):
    """Rows (n_obs, n_features), feature names, and row weights of a tree.

    They come from its ``observed_data``, or from ``x``, which messages call by its ``argument``.
    """
    from bayesgmm.data import rows_like

    features = tuple(str(f) for f in laid_out(post)["posterior"].to_dataset()["feature"].values)
    if x is not None:
        rows = rows_like(x, features, argument)
    elif "observed_data" in post.children and "x" in post["observed_data"]:
        rows = observed_rows(post, len(features))
        if not np.isfinite(rows).all():
            row, column = np.argwhere(~np.isfinite(rows))[0]
            raise ValueError(
                f"x of post['observed_data'] is {rows[row, column]} in row {row}, feature "
                f"{features[column]}; expected finite numbers. Try x=your data."
            )
    else:
        raise ValueError("post has no rows: observed_data['x'] is missing. Try x=your data.")
    weight = np.ones(len(rows))
    if x is None and "constant_data" in post.children:
        constants = post["constant_data"]
        if "sample_weight" in constants:
            # Equal weights may be one number in memory, of which BLAS sums otherwise than of many.
            weight = np.ascontiguousarray(constants["sample_weight"].values, dtype=np.float64)
    return rows, features, weight


def row_names(post, n_obs):
    """Coordinates of the rows where the tree has them, else positions."""
    if "observed_data" in post.children:
        observed = post["observed_data"].to_dataset()
        if "obs" in observed.coords and observed.sizes["obs"] == n_obs:
            return observed["obs"].values
    return np.arange(n_obs)
