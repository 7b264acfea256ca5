r"""The mixture of every model in this folder, written out in plain PyMC.

    w ~ Dirichlet(α, …, α)
    Σₖ ~ InverseWishart(ν, Ψ)
    μₖ | Σₖ ~ N(m, Σₖ / κ)
    xₙ ~ Σₖ wₖ N(μₖ, Σₖ)

The numbers α, ν, Ψ, m and κ are given: those that a declared prior takes from the data are told by
``mixture.resolved_prior``.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.distributions.transforms import CholeskyCovTransform


def gaussian_mixture(x, prior):
    """The mixture for the rows of `x`, (n_obs, n_features), with the numbers of a prior."""
    x = np.asarray(x)
    k, d = len(prior.concentration), x.shape[1]
    df, scale = float(prior.df), prior.scale

    with pm.Model() as model:
        weights = pm.Dirichlet("weights", prior.concentration)
        covariances = pm.CustomDist(
            "covariances",
            df,
            scale,
            logp=inverse_wishart_logp,
            signature="(),(d,d)->(d,d)",
            size=(k,),
            transform=CholeskyCovTransform(d),
            support_point=lambda rv, size, df, scale: pt.broadcast_to(scale / df, (k, d, d)),
        )
        cov = covariances / float(prior.mean_concentration)
        means = pm.MvNormal("means", prior.mean, cov=cov, shape=(k, d))
        components = [pm.MvNormal.dist(means[j], cov=covariances[j]) for j in range(k)]
        pm.Mixture("x", w=weights, comp_dists=components, observed=x)
    return model


def inverse_wishart_logp(value, df, scale):
    r"""Log density of the inverse-Wishart law on symmetric positive-definite matrices (nats).

    p(Σ) = |Ψ|^{ν/2} / (2^{νd/2} Γ_d(ν/2)) · |Σ|^{−(ν+d+1)/2} · exp(−tr(Ψ Σ⁻¹) / 2)
    """
    d = scale.shape[-1]
    half = df / 2
    log_gamma = d * (d - 1) / 4 * np.log(np.pi) + pt.gammaln(half - pt.arange(d) / 2).sum()
    log_det_scale = pt.linalg.slogdet(scale)[1]
    log_det = pt.linalg.slogdet(value)[1]
    trace = (scale * pt.linalg.inv(value)).sum(axis=(-2, -1))
    return (
        half * (log_det_scale - d * np.log(2))
        - log_gamma
        - (half + (d + 1) / 2) * log_det
        - trace / 2
    )
