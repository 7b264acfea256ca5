"""The PyMC distributions of a Gaussian mixture. May not import ArviZ.

``MarginalMixture`` is the likelihood; ``InverseWishart`` and ``ScaledLKJ`` are batched densities of
covariance matrices in the coordinates of PyMC's ``CholeskyCovTransform``.
"""

import numpy as np
import pytensor.tensor as pt
from pymc.distributions.dist_math import check_parameters
from pymc.distributions.distribution import Continuous, SymbolicRandomVariable
from pymc.distributions.shape_utils import implicit_size_from_params, rv_size_is_none
from pymc.distributions.transforms import CholeskyCovTransform, _default_transform
from pymc.logprob.abstract import _logprob
from pymc.pytensorf import normalize_rng_param
from pytensor.tensor.linalg import solve_triangular
from pytensor.tensor.random.utils import normalize_size_param

from bayesgmm.op import mixture_rows
from bayesgmm.prior.log_density import LOG_2PI


class MarginalMixtureRV(SymbolicRandomVariable):
    name = "marginal_mixture"
    extended_signature = "[rng],[size],(k),(k,d),(b,i,j),()->[rng],(d)"
    _print_name = ("MarginalMixture", "\\operatorname{MarginalMixture}")

    def update(self, node):
        return {node.inputs[0]: node.outputs[0]}

    @classmethod
    def rv_op(cls, weights, means, factor, sample_weight, *, size=None, rng=None):
        weights, means, factor, sample_weight = (
            pt.as_tensor_variable(v).astype("float64")
            for v in (weights, means, factor, sample_weight)
        )
        rng, size = normalize_rng_param(rng), normalize_size_param(size)
        layout = "(b,i,j)" if factor.type.ndim == 3 else "(b,i)"
        signature = f"[rng],[size],(k),(k,d),{layout},()->[rng],(d)"
        if rv_size_is_none(size):
            batch = tuple(implicit_size_from_params(weights, sample_weight, ndims_params=[1, 0]))
        else:
            batch = tuple(size)
        d = means.shape[1]
        next_rng, component = pt.random.categorical(
            weights, size=batch or None, rng=rng, return_next_rng=True
        )
        next_rng, noise = pt.random.normal(size=(*batch, d), rng=next_rng, return_next_rng=True)
        if factor.type.ndim == 3:
            block = pt.minimum(component, factor.shape[0] - 1)
            spread = (factor[block] @ noise[..., None])[..., 0]
        else:
            spread = factor[component] * noise
        return cls(
            inputs=[rng, size, weights, means, factor, sample_weight],
            outputs=[next_rng, means[component] + spread],
            extended_signature=signature,
        )(rng, size, weights, means, factor, sample_weight)


class MarginalMixture(Continuous):
    r"""Gaussian mixture with the component of every row summed out.

    .. math:: p(x_n) = \sum_k w_k \, N(x_n \mid \mu_k, \Sigma_k)

    The log density is row-wise, so that log likelihood, prior and posterior predictive work as for
    any distribution; a rewrite turns its sum into one compiled pass that also yields the gradient.

    Parameters
    ----------
    weights : (n_components,) or (n_obs, n_components)
        Mixing proportions; per row where a covariate enters them.
    means : (n_components, n_features)
        Component means, in the data's units.
    chol : (n_components, n_features, n_features) or (n_features, n_features)
        Lower Cholesky factors of the covariances, in the data's units; a single one is shared.
    sigma : (n_components, n_features) or (n_components,)
        Standard deviations in place of ``chol``: diagonal, or spherical, covariances.
    sample_weight : (n_obs,), optional
        How many times each row counts in the log density.

    Raises
    ------
    ValueError
        Not exactly one of ``chol`` and ``sigma`` is given, or a number of dimensions is wrong.
    """

    rv_type = MarginalMixtureRV
    rv_op = MarginalMixtureRV.rv_op

    @classmethod
    def dist(cls, weights, means, *, chol=None, sigma=None, sample_weight=None, **kwargs):
        if (chol is None) == (sigma is None):
            raise ValueError("MarginalMixture needs exactly one of chol and sigma.")
        weights, means = pt.as_tensor_variable(weights), pt.as_tensor_variable(means)
        given, name = (sigma, "sigma") if chol is None else (chol, "chol")
        factor = pt.as_tensor_variable(given)
        expected = {"chol": (2, 3), "sigma": (1, 2)}[name]
        for label, value, dims in (
            ("weights", weights, (1, 2)),
            ("means", means, (2,)),
            (name, factor, expected),
        ):
            if value.type.ndim not in dims:
                raise ValueError(
                    f"{label} of a MarginalMixture must have {' or '.join(map(str, dims))} "
                    f"dimensions; got {value.type.ndim}."
                )
        if factor.type.ndim == expected[0]:
            factor = factor[None] if name == "chol" else factor[:, None]
        sample_weight = 1.0 if sample_weight is None else sample_weight
        return super().dist(
            [weights, means, factor, pt.as_tensor_variable(sample_weight)], **kwargs
        )

    def support_point(rv, size, weights, means, factor, sample_weight):
        centre = weights @ means
        return centre if rv_size_is_none(size) else pt.full((*size, means.shape[1]), centre)


@_logprob.register(MarginalMixtureRV)
def marginal_mixture_logp(op, values, rng, size, weights, means, factor, sample_weight, **kwargs):
    """Row-wise log density; PyMC's own resizing would hide its sum from the rewrite."""
    [x] = values
    d = x.shape[-1]
    rows = x.reshape((-1, d)) if x.type.ndim != 2 else x
    if weights.type.ndim == 2:
        log_density = sample_weight * _row_wise_graph(rows, weights, means, factor)
    else:
        ones = pt.ones(rows.shape[0], dtype="float64")
        weight = sample_weight if sample_weight.type.ndim == 1 else ones * sample_weight
        log_density = mixture_rows(rows, weight, pt.log(weights), means, factor)
    return log_density.reshape(x.shape[:-1]) if x.type.ndim != 2 else log_density


def _row_wise_graph(x, weights, means, factor):
    """Log density of every row in plain PyTensor, for weights that differ from row to row."""
    centred = x[None, :, :] - means[:, None, :]
    if factor.type.ndim == 3:
        lower = pt.broadcast_to(factor, (means.shape[0], *factor.shape[1:]))
        z = solve_triangular(lower, centred.mT, lower=True).mT
        log_det = pt.log(pt.diagonal(factor, axis1=-2, axis2=-1)).sum(axis=-1)
    else:
        z = centred / factor[:, None, :]
        log_det = pt.log(pt.broadcast_to(factor, means.shape)).sum(axis=-1)
    log_normal = -0.5 * ((z * z).sum(axis=-1) + means.shape[1] * LOG_2PI) - log_det[:, None]
    return pt.logsumexp(pt.log(weights).T + log_normal, axis=0)


class InverseWishartRV(SymbolicRandomVariable):
    name = "inverse_wishart"
    extended_signature = "[rng],[size],(),(p,p)->[rng],(p,p)"
    _print_name = ("InverseWishart", "\\operatorname{InverseWishart}")

    def update(self, node):
        return {node.inputs[0]: node.outputs[0]}

    @classmethod
    def rv_op(cls, df, scale_chol, *, size=None, rng=None):
        df, scale_chol = pt.as_tensor_variable(df), pt.as_tensor_variable(scale_chol)
        rng, size = normalize_rng_param(rng), normalize_size_param(size)
        p = scale_chol.shape[-1]
        if rv_size_is_none(size):
            batch = tuple(implicit_size_from_params(df, scale_chol, ndims_params=[0, 2]))
        else:
            batch = tuple(size)
        # Bartlett: A Aᵀ ~ Wishart(ν, I), so that B Bᵀ with B = chol(Ψ) A⁻ᵀ is the inverse-Wishart.
        next_rng, chi_square = pt.random.chisquare(
            df[..., None] - pt.arange(p), size=(*batch, p), rng=rng, return_next_rng=True
        )
        next_rng, normal = pt.random.normal(size=(*batch, p, p), rng=next_rng, return_next_rng=True)
        a = pt.tril(normal, k=-1) + pt.sqrt(chi_square)[..., None] * pt.eye(p)
        # Bᵀ solves A Bᵀ = chol(Ψ)ᵀ.
        bt = solve_triangular(a, pt.broadcast_to(scale_chol.mT, a.shape), lower=True)
        return cls(
            inputs=[rng, size, df, scale_chol],
            outputs=[next_rng, bt.mT @ bt],
        )(rng, size, df, scale_chol)


class InverseWishart(Continuous):
    r"""Inverse-Wishart distribution of symmetric positive definite matrices, batched.

    .. math::

       p(\Sigma) \propto |\Sigma|^{-(\nu + p + 1)/2}
       \exp(-\tfrac12 \operatorname{tr} \Psi \Sigma^{-1})

    Parameters
    ----------
    df : tensor_like
        ν, above p − 1; any real number.
    scale : (..., p, p), optional
        Ψ, symmetric positive definite.
    scale_chol : (..., p, p), optional
        Its lower Cholesky factor, in place of ``scale``.

    Notes
    -----
    The mean is Ψ / (ν − p − 1) for ν > p + 1. Sampled in the coordinates of PyMC's
    ``CholeskyCovTransform``, with no Cholesky decomposition at run time.
    """

    rv_type = InverseWishartRV
    rv_op = InverseWishartRV.rv_op

    @classmethod
    def dist(cls, df, scale=None, *, scale_chol=None, **kwargs):
        if (scale is None) == (scale_chol is None):
            raise ValueError("InverseWishart needs exactly one of scale and scale_chol.")
        if scale_chol is None:
            scale_chol = pt.linalg.cholesky(pt.as_tensor_variable(scale))
        df = pt.as_tensor_variable(df).astype("float64")
        return super().dist([df, pt.as_tensor_variable(scale_chol)], **kwargs)

    def support_point(rv, size, df, scale_chol):
        p = scale_chol.shape[-1]
        mode = scale_chol @ scale_chol.mT / (df + p + 1)[..., None, None]
        return mode if rv_size_is_none(size) else pt.full((*size, p, p), mode)

    def logp(value, df, scale_chol):
        p = scale_chol.shape[-1]
        chol = pt.linalg.cholesky(value)
        log_det = _log_det(chol)
        whitened = solve_triangular(chol, pt.broadcast_to(scale_chol, chol.shape), lower=True)
        log_density = (
            df * _log_det(scale_chol)
            - df * p * 0.5 * np.log(2)
            - _log_multigamma(df / 2, p)
            - (df + p + 1) * log_det
            - 0.5 * _sum_of_squares(whitened)
        )
        return check_parameters(log_density, df > p - 1, msg="df > p - 1")


class ScaledLKJRV(SymbolicRandomVariable):
    name = "scaled_lkj"
    extended_signature = "[rng],[size],(p),()->[rng],(p,p)"
    _print_name = ("ScaledLKJ", "\\operatorname{ScaledLKJ}")

    def update(self, node):
        return {node.inputs[0]: node.outputs[0]}

    @classmethod
    def rv_op(cls, scale, eta, *, size=None, rng=None):
        scale, eta = pt.as_tensor_variable(scale), pt.as_tensor_variable(eta)
        rng, size = normalize_rng_param(rng), normalize_size_param(size)
        p = scale.shape[-1]
        if rv_size_is_none(size):
            batch = tuple(implicit_size_from_params(scale, eta, ndims_params=[1, 0]))
        else:
            batch = tuple(size)
        next_rng, sd = pt.random.halfnormal(
            0.0, scale, size=(*batch, p), rng=rng, return_next_rng=True
        )
        next_rng, chol = _lkj_chol(next_rng, eta, batch, p)
        chol = sd[..., None] * chol
        return cls(
            inputs=[rng, size, scale, eta],
            outputs=[next_rng, chol @ chol.mT],
        )(rng, size, scale, eta)


class ScaledLKJ(Continuous):
    r"""Covariance matrices diag(s) R diag(s) with s_j ~ HalfNormal(scale_j) and R ~ LKJ(eta).

    A density of the matrix itself, batched.

    Parameters
    ----------
    scale : (..., p)
        Scales of the half-normals, in the data's units.
    eta : tensor_like
        1 is uniform over correlation matrices; larger values favour small correlations.

    References
    ----------
    .. [1] Lewandowski, Kurowicka & Joe (2009), Journal of Multivariate Analysis 100, 1989–2001.
    """

    rv_type = ScaledLKJRV
    rv_op = ScaledLKJRV.rv_op

    @classmethod
    def dist(cls, scale, eta=2.0, **kwargs):
        eta = pt.as_tensor_variable(eta).astype("float64")
        return super().dist([pt.as_tensor_variable(scale), eta], **kwargs)

    def support_point(rv, size, scale, eta):
        p = scale.shape[-1]
        centre = (scale**2)[..., None] * pt.eye(p)
        return centre if rv_size_is_none(size) else pt.full((*size, p, p), centre)

    def logp(value, scale, eta):
        p = scale.shape[-1]
        chol = pt.linalg.cholesky(value)
        variance = pt.diagonal(value, axis1=-2, axis2=-1)
        log_sd = 0.5 * pt.log(variance).sum(axis=-1)
        half_normal = 0.5 * np.log(2 / np.pi) - pt.log(scale) - 0.5 * variance / scale**2
        log_density = (
            half_normal.sum(axis=-1)
            + (eta - 1) * 2 * (_log_det(chol) - log_sd)
            - _lkj_log_volume(eta, p)
            - p * (np.log(2) + log_sd)
        )
        return check_parameters(log_density, eta > 0, msg="eta > 0")


class ResidualLKJRV(SymbolicRandomVariable):
    name = "residual_lkj"
    extended_signature = "[rng],[size],(p),(),()->[rng],(p,p)"
    _print_name = ("ResidualLKJ", "\\operatorname{ResidualLKJ}")

    def update(self, node):
        return {node.inputs[0]: node.outputs[0]}

    @classmethod
    def rv_op(cls, scale, df, eta, *, size=None, rng=None):
        scale, df, eta = map(pt.as_tensor_variable, (scale, df, eta))
        rng, size = normalize_rng_param(rng), normalize_size_param(size)
        p = scale.shape[-1]
        if rv_size_is_none(size):
            batch = tuple(implicit_size_from_params(scale, df, eta, ndims_params=[1, 0, 0]))
        else:
            batch = tuple(size)
        next_rng, chi_square = pt.random.chisquare(
            df[..., None], size=(*batch, p), rng=rng, return_next_rng=True
        )
        residual = df[..., None] * scale**2 / chi_square
        next_rng, chol = _lkj_chol(next_rng, eta, batch, p)
        inverse = solve_triangular(chol, pt.broadcast_to(pt.eye(p), chol.shape), lower=True)
        # (R⁻¹)_jj, by which the variance of a feature exceeds that of it given the others.
        sd = pt.sqrt(residual * (inverse * inverse).sum(axis=-2))
        chol = sd[..., None] * chol
        return cls(
            inputs=[rng, size, scale, df, eta],
            outputs=[next_rng, chol @ chol.mT],
        )(rng, size, scale, df, eta)


class ResidualLKJ(Continuous):
    r"""Covariance matrices of correlations R ~ LKJ(eta) and inverse-χ² residual variances.

    The variance of every feature given the others, 1 / (Σ⁻¹)_jj, is scaled inverse χ² with df
    degrees of freedom and scale_j². A density of the matrix itself, batched; it vanishes faster
    than any power as Σ becomes singular.

    Parameters
    ----------
    scale : (..., p)
        In the data's units: E[(Σ⁻¹)_jj] = 1 / scale_j².
    df : tensor_like
        Degrees of freedom, above 0.
    eta : tensor_like
        1 is uniform over correlation matrices; larger values favour small correlations.

    References
    ----------
    .. [1] Lewandowski, Kurowicka & Joe (2009), Journal of Multivariate Analysis 100, 1989–2001.
    """

    rv_type = ResidualLKJRV
    rv_op = ResidualLKJRV.rv_op

    @classmethod
    def dist(cls, scale, df, eta=2.0, **kwargs):
        df, eta = (pt.as_tensor_variable(v).astype("float64") for v in (df, eta))
        return super().dist([pt.as_tensor_variable(scale), df, eta], **kwargs)

    def support_point(rv, size, scale, df, eta):
        p = scale.shape[-1]
        centre = (scale**2)[..., None] * pt.eye(p)
        return centre if rv_size_is_none(size) else pt.full((*size, p, p), centre)

    def logp(value, scale, df, eta):
        p = scale.shape[-1]
        chol = pt.linalg.cholesky(value)
        inverse = solve_triangular(chol, pt.broadcast_to(pt.eye(p), chol.shape), lower=True)
        precision = (inverse * inverse).sum(axis=-2)
        log_variance = pt.log(pt.diagonal(value, axis1=-2, axis2=-1))
        half = 0.5 * df[..., None]
        inverse_chi_square = (
            half * pt.log(half * scale**2 * precision)
            - pt.gammaln(half)
            - half * scale**2 * precision
        )
        log_density = (
            inverse_chi_square.sum(axis=-1)
            + (eta - 1) * 2 * _log_det(chol)
            - _lkj_log_volume(eta, p)
            - (0.5 * (p - 1) + eta) * log_variance.sum(axis=-1)
        )
        return check_parameters(log_density, df > 0, eta > 0, msg="df > 0, eta > 0")


def _lkj_chol(rng, eta, batch, p):
    """The next generator, and lower Cholesky factors of LKJ(eta) correlation matrices."""
    # Canonical partial correlations of column j are 2 Beta(b_j, b_j) − 1.
    b = eta[..., None, None] + 0.5 * (p - 2 - pt.arange(p))
    b = pt.maximum(b, 0.5 * eta[..., None, None])  # the last column is not used
    next_rng, beta = pt.random.beta(b, b, size=(*batch, p, p), rng=rng, return_next_rng=True)
    partial = pt.tril(2 * beta - 1, k=-1)
    left = pt.sqrt(pt.cumprod(1 - partial**2, axis=-1))
    left = pt.concatenate([pt.ones_like(left[..., :1]), left[..., :-1]], axis=-1)
    return next_rng, (partial + pt.eye(p)) * left


def _log_det(chol):
    return pt.log(pt.diagonal(chol, axis1=-2, axis2=-1)).sum(axis=-1)


def _log_multigamma(a, p):
    """Log of the multivariate gamma function of a batch of values."""
    terms = pt.gammaln(a[..., None] - 0.5 * pt.arange(p)).sum(axis=-1)
    return terms + p * (p - 1) / 4 * np.log(np.pi)


def _sum_of_squares(matrix):
    # Flattened first: a sum of squares over two axes runs into a faulty PyTensor rewrite.
    flat = matrix.reshape((*matrix.shape[:-2], matrix.shape[-2] * matrix.shape[-1]))
    return (flat * flat).sum(axis=-1)


def _lkj_log_volume(eta, p):
    """Log of ∫ |R|^(η−1) dR: Lewandowski et al. (2009), equation 16."""
    k = pt.arange(1, p)
    b = eta[..., None] + (p - k - 1) / 2
    powers = (2 * (eta[..., None] - 1) + p - k) * (p - k) * np.log(2)
    log_beta = 2 * pt.gammaln(b) - pt.gammaln(2 * b)
    return (powers + (p - k) * log_beta).sum(axis=-1)


@_default_transform.register(InverseWishartRV)
def _(op, rv):
    return CholeskyCovTransform(n=rv.owner.inputs[-1].shape[-1])


@_default_transform.register(ScaledLKJRV)
@_default_transform.register(ResidualLKJRV)
def _(op, rv):
    return CholeskyCovTransform(n=rv.owner.inputs[2].shape[-1])
