r"""The mixture of every model in this folder, written out in plain PyMC.

    w ~ Dirichlet(α, …, α)
    Σₖ ~ InverseWishart(ν, Ψ)
    μₖ | Σₖ ~ N(m, Σₖ / κ)
    xₙ ~ Σₖ wₖ N(μₖ, Σₖ)

The numbers are those of a prior that is given, as ``mixture.resolved_prior(x)`` tells them, or else
those of Fraley & Raftery (2007), J. Classification 24, 155–181: α = 2, ν = d + 2, m = mean(x),
κ = 0.01, Ψ = cov(x) / K^(2/d).
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.distributions.transforms import CholeskyCovTransform


def gaussian_mixture(x, n_components, prior=None):
    """The mixture of `n_components` normals for the rows of `x`, (n_obs, n_features)."""
    x = np.asarray(x)
    k, d = n_components, x.shape[1]
    if prior is None:
        covariance = np.cov(x, rowvar=False, ddof=1).reshape(d, d)
        concentration, mean, mean_concentration = np.full(k, 2.0), x.mean(axis=0), 0.01
        df, scale = d + 2.0, covariance / k ** (2 / d)
    else:
        concentration, mean = prior.concentration, prior.mean
        mean_concentration, df = float(prior.mean_concentration), float(prior.df)
        scale = prior.scale

    with pm.Model() as model:
        weights = pm.Dirichlet("weights", concentration)
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
        means = pm.MvNormal("means", mean, cov=covariances / mean_concentration, shape=(k, d))
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
