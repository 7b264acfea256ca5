"""``declare``: the mixture as a real PyMC model, the specification. May not import ArviZ."""

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayesgmm.data import Rows, training_data
from bayesgmm.em import Objective, draw_start
from bayesgmm.mixture import GaussianMixture, Structure, checked_mixture
from bayesgmm.pymc_model.graph import Tensor
from bayesgmm.pymc_model.marginal_mixture import MarginalMixture
from bayesgmm.pymc_model.prior_families import declare_spread, means_factor


def declare(mixture: GaussianMixture, x: Rows, *, sample_weight: Rows | None = None) -> pm.Model:
    """The declared mixture at these rows as a PyMC model.

    Free variables are ``weights``, the spread (``covariances``, ``variances`` or another name, by
    structure) and ``means``; the rows are ``x``. Print it, extend it, draw from its prior, sample
    it with any PyMC sampler. Every component has an initial value of its own.

    Parameters
    ----------
    mixture : GaussianMixture
    x : array, data frame, or path of a CSV or Parquet file, (n_obs, n_features)
    sample_weight : (n_obs,), optional
        How many times each row counts.

    Returns
    -------
    pymc.Model

    Raises
    ------
    ValueError, TypeError
        Rows or weights are unfit; the message names the argument or column.
    """
    checked_mixture(mixture)
    rows, weight = training_data(
        x, sample_weight, mixture.n_components, mixture.structure.correlated
    )
    prior = mixture.resolved_prior(rows.values, weight)
    coords = {
        "component": np.arange(mixture.n_components),
        "feature": list(rows.features),
        "feature_bis": list(rows.features),
        "obs": rows.rows,
    }
    structure = mixture.structure
    with pm.Model(coords=coords) as model:
        weights = pm.Dirichlet("weights", a=prior.concentration, dims="component")
        spread = declare_spread(prior, structure)
        factor = pt.linalg.cholesky(spread) if structure.correlated else pt.sqrt(spread)
        start = _start(mixture, rows.values, weight)
        means = _means(prior, structure, factor, start)
        MarginalMixture(
            "x",
            weights,
            means,
            **_spread_argument(structure, factor),
            sample_weight=None if np.all(weight == 1) else weight,
            observed=rows.values,
            dims=("obs", "feature"),
        )
    return model


def _spread_argument(structure: Structure, factor: Tensor) -> dict[str, Tensor]:
    """The factor as MarginalMixture takes it."""
    if structure.correlated:
        return {"chol": factor}
    return {"sigma": factor[None] if structure.shared and structure.dims else factor}


def _means(prior: Any, structure: Structure, factor: Tensor, start: np.ndarray) -> Tensor:
    """Normal means with distinct support points, where samplers and optimisers start.

    From identical components ``pm.find_MAP`` stops at the symmetric saddle. It is a support point
    and not an ``initval`` because PyMC does not convert models with initial values.
    """
    factor, correlated = means_factor(prior, structure, factor)
    shared = {"dims": ("component", "feature"), "support_point": lambda *_: pt.as_tensor(start)}
    if correlated:
        return pm.CustomDist(
            "means",
            prior.mean,
            factor,
            dist=lambda mean, chol, size: pm.MvNormal.dist(mean, chol=chol, size=size),
            signature="(d),(d,d)->(d)",
            class_name="MvNormal",
            **shared,
        )
    return pm.CustomDist(
        "means",
        prior.mean,
        factor,
        dist=lambda mean, sd, size: pm.Normal.dist(mean, sd, size=size),
        signature="(),()->()",
        class_name="Normal",
        **shared,
    )


def _start(mixture: GaussianMixture, x: np.ndarray, sample_weight: np.ndarray) -> np.ndarray:
    """Distinct means, (n_components, n_features), in the data's units."""
    objective = Objective.of(mixture, x, sample_weight)
    y = draw_start(objective.surrogate, 0, np.random.default_rng(0))
    return objective.in_data_units(objective.target.constrain(y)).means
