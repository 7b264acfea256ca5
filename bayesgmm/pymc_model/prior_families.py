"""The families of priors in PyMC: the spread, and what the means vary by about theirs."""

from functools import singledispatch
from typing import Any

import numpy as np
import pymc as pm

from bayesgmm.mixture import (
    Deviations,
    NormalInverseWishart,
    NormalLKJ,
    ScaledShape,
    Structure,
    Triangles,
)
from bayesgmm.pymc_model.graph import Tensor
from bayesgmm.pymc_model.inverse_wishart import InverseWishart
from bayesgmm.pymc_model.proportional_wishart import ProportionalWishart
from bayesgmm.pymc_model.residual_lkj import ResidualLKJ
from bayesgmm.pymc_model.scaled_lkj import ScaledLKJ


@singledispatch
def declare_spread(prior: Any, structure: Structure) -> Tensor:
    """The spread of a structure under a resolved prior, a variable of the model."""
    raise NotImplementedError(type(prior))


@singledispatch
def means_factor(prior: Any, structure: Structure, factor: Tensor) -> tuple[Any, bool]:
    """What the means vary by: standard deviations, or Cholesky factors if the second is true."""
    raise NotImplementedError(type(prior))


@declare_spread.register(NormalInverseWishart)
def _(prior: Any, structure: Structure) -> Tensor:
    return CONJUGATE[structure.kind](prior, structure)


def _variances(prior: Any, structure: Structure) -> Tensor:
    scale, df = np.diagonal(prior.scale, axis1=-2, axis2=-1), np.asarray(prior.df)
    if structure.isotropic:
        scale = scale.mean(axis=-1)
    else:
        df = df[..., None]
    return pm.InverseGamma(structure.spread, df / 2, scale / 2, dims=structure.dims)


def _matrices(prior: Any, structure: Structure) -> Tensor:
    chol = np.linalg.cholesky(prior.scale)
    return InverseWishart(structure.spread, prior.df, scale_chol=chol, dims=structure.dims)


def _multiples(prior: Any, structure: Structure) -> Tensor:
    chol, components = np.linalg.cholesky(prior.scale), np.ones(len(prior.concentration))
    dims = structure.dims
    return ProportionalWishart(structure.spread, prior.df, chol, components, dims=dims)


CONJUGATE = {Deviations: _variances, Triangles: _matrices, ScaledShape: _multiples}
"""The conjugate prior of a spread, by the factor's class in compiled code."""


@means_factor.register(NormalInverseWishart)
def _(prior: Any, structure: Structure, factor: Tensor) -> tuple[Tensor, bool]:
    kappa = np.asarray(prior.mean_concentration)
    if structure.shared and kappa.ndim:
        factor = factor[None]
    feature_axes = len(set(structure.dims) - {"component"})
    factor = factor / kappa.reshape(kappa.shape + (1,) * feature_axes) ** 0.5
    # Of every component and feature, or of all: what broadcasts to the means.
    return factor[..., None] if structure.isotropic else factor, structure.correlated


@declare_spread.register(NormalLKJ)
def _(prior: Any, structure: Structure) -> Tensor:
    name, dims = structure.spread, structure.dims
    if structure.correlated and prior.half_normal:
        return ScaledLKJ(name, prior.scale, prior.eta, dims=dims)
    if structure.correlated:
        return ResidualLKJ(name, prior.scale, prior.df, prior.eta, dims=dims)
    scale = np.sqrt(np.mean(prior.scale**2)) if structure.isotropic else prior.scale
    if prior.half_normal:  # the square of a half-normal scale
        return pm.Gamma(name, 0.5, 0.5 / scale**2, dims=dims)
    return pm.InverseGamma(name, prior.df / 2, prior.df / 2 * scale**2, dims=dims)


@means_factor.register(NormalLKJ)
def _(prior: Any, structure: Structure, factor: Tensor) -> tuple[np.ndarray, bool]:
    return prior.mean_scale, False
