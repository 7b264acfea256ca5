"""The PyMC distributions of a Gaussian mixture. May not import ArviZ.

``MarginalMixture`` is the likelihood; ``InverseWishart`` and ``ScaledLKJ`` are batched densities of
covariance matrices in the coordinates of PyMC's ``CholeskyCovTransform``.
"""

import numpy as np
import pytensor.tensor as pt
from pymc.distributions.dist_math import check_parameters
from pymc.distributions.distribution import Continuous, SymbolicRandomVariable
from pymc.distributions.shape_utils import (
    convert_shape,
    implicit_size_from_params,
    rv_size_is_none,
)
from pymc.distributions.transforms import CholeskyCovTransform, _default_transform
from pymc.logprob.abstract import _logprob
from pymc.pytensorf import convert_observed_data, normalize_rng_param
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.gradient import disconnected_grad
from pytensor.graph.basic import Constant, Variable
from pytensor.tensor.linalg import solve_triangular
from pytensor.tensor.random.utils import normalize_size_param

from bayesgmm.axes import (
    agreement,
    checked_ndim,
    fixed,
    laid_out,
    present,
    present_shape,
    sizes_of,
    where_sizes_agree,
)
from bayesgmm.op import STEEPEST, mixture_rows
from bayesgmm.prior.log_density import LOG_2PI


class MarginalMixtureRV(SymbolicRandomVariable):
    name = "marginal_mixture"
    extended_signature = "[rng],[size],(k),(k,d),(b,i,j),()->[rng],(d)"
    _print_name = ("MarginalMixture", "\\operatorname{MarginalMixture}")

    def update(self, node):
        return {node.inputs[0]: node.outputs[0]}

    def rebuild_rv(self, *params, **kwargs):
        return self.rv_op(*params, signature=self.extended_signature, **kwargs)

    @classmethod
    def rv_op(cls, weights, means, factor, sample_weight, *, signature, size=None, rng=None):
        """Of parameters as ``axes.laid_out`` leaves them.

        The signature tells chol from sigma, and scalar rows from rows with an axis of features.
        """
        parameters = [
            pt.as_tensor_variable(v).astype("float64")
            for v in (weights, means, factor, sample_weight)
        ]
        weights, means, factor, sample_weight = parameters
        rng, size = normalize_rng_param(rng), normalize_size_param(size)
        scalars, core = signature.endswith("()"), (1, 2, 3 if "(b,i,j)" in signature else 2, 0)
        sizes = {"n_features": 1} if scalars else {}
        if rv_size_is_none(size):
            batch = tuple(implicit_size_from_params(*parameters, ndims_params=core))
        else:
            batch = tuple(size)
            sizes["n_obs"] = fixed(batch[-1]) if batch else 1
        arguments = _by_name(parameters, core)
        next_rng, component = pt.random.categorical(
            weights, size=batch or None, rng=rng, return_next_rng=True
        )
        next_rng, noise = pt.random.normal(
            size=(*batch, means.shape[-1]), rng=next_rng, return_next_rng=True
        )
        centre = _of_component(where_sizes_agree(means, arguments, sizes), component, 2)
        if "chol" in arguments:
            block = pt.minimum(component, factor.shape[-3] - 1)
            spread = (_of_component(factor, block, 3) @ noise[..., None])[..., 0]
        else:
            spread = _of_component(factor, component, 2) * noise
        drawn = centre + spread
        return cls(
            inputs=[rng, size, *parameters],
            outputs=[next_rng, drawn[..., 0] if scalars else drawn],
            extended_signature=signature,
        )(rng, size, *parameters)


def _by_name(parameters, core):
    """Parameters by the names of their arguments; chol has more core axes than sigma."""
    names = ("weights", "means", "chol" if core[2] == 3 else "sigma", "sample_weight")
    return dict(zip(names, parameters, strict=True))


def _of_component(values, component, ndim):
    """Every row's entry (…, *core) of values (n_components, *core), or of such per row."""
    if values.type.ndim == ndim:
        return values[component]
    return values[pt.arange(values.shape[0]), component]


class MarginalMixture(Continuous):
    r"""Gaussian mixture with the component of every row summed out.

    .. math:: p(x_n) = \sum_k w_k \, N(x_n \mid \mu_k, \Sigma_k)

    The log density is row-wise, so that log likelihood, prior and posterior predictive work as for
    any distribution; a rewrite turns its sum into one compiled pass that also yields the gradient.
    Where parameters other than ``sample_weight`` differ from row to row, plain PyTensor takes the
    place of that pass.

    Parameters
    ----------
    weights : (n_components,) or (n_obs, n_components)
        Mixing proportions; zero excludes a component.
    means : (n_components, n_features) or (n_obs, n_components, n_features)
        Component means, in the data's units. For one feature (n_components,) and
        (n_obs, n_components) do, too.
    chol : (n_features, n_features), (n_components or 1, n_features, n_features) or (n_obs, …)
        Lower Cholesky factors of the covariances, in the data's units; a single one is shared.
        Per row they have four dimensions.
    sigma : (), (n_components,), (n_components, n_features) or (n_obs, n_components, n_features)
        Standard deviations in place of ``chol``: spherical, or diagonal, covariances. An axis of
        length one is shared; (n_obs, n_components) does for spherical ones.
    sample_weight : (n_obs,), optional
        How many times each row counts in the log density.

    Raises
    ------
    ValueError
        Not exactly one of ``chol`` and ``sigma`` is given, sizes disagree, or ``observed`` is not
        finite. Sizes known only at run time are checked then.
    pymc.logprob.utils.ParameterValueError
        When evaluated outside of a model's log density, which is −∞: weights are no proportions, a
        standard deviation or an entry on the diagonal of ``chol`` is not above zero.

    Notes
    -----
    Rows are (n_obs, n_features), or a vector (n_obs,) where there is one feature; a vector is one
    row where the means are known to have more. Two dimensions are read as components × features
    wherever the sizes known when the model is built allow that, and as rows × components where they
    do not: give means and ``sigma`` per row three dimensions where in doubt.

    The gradient in x is available, so that a mixture may be the prior of latent effects.
    """

    rv_type = MarginalMixtureRV
    rv_op = MarginalMixtureRV.rv_op

    def __new__(cls, name, *args, observed=None, **kwargs):
        if observed is not None:
            _check_observed(name, observed)
        return super().__new__(cls, name, *args, observed=observed, **kwargs)

    @classmethod
    def dist(
        cls,
        weights,
        means,
        *,
        chol=None,
        sigma=None,
        sample_weight=None,
        shape=None,
        size=None,
        **kwargs,
    ):
        if (chol is None) == (sigma is None):
            raise ValueError("MarginalMixture needs exactly one of chol and sigma.")
        name, spread = ("sigma", sigma) if chol is None else ("chol", chol)
        given = {
            "weights": weights,
            "means": means,
            name: spread,
            "sample_weight": 1.0 if sample_weight is None else sample_weight,
        }
        given = {label: checked_ndim(label, value) for label, value in given.items()}
        shape = convert_shape(shape)
        shape = None if shape is None else [pt.as_tensor_variable(size) for size in shape]
        rows = None if shape is None else tuple(map(present, shape))
        arguments = laid_out(given, rows)
        means = arguments["means"]
        if rows is None:
            scalars = means.type.ndim > given["means"].type.ndim
        else:
            scalars = len(rows) < 2 and present_shape(means)[-1] in (None, 1)
        if rows and not scalars:
            agreement(arguments, {"n_features": fixed(shape[-1])})
        if scalars and size is None:
            # Not by shape, which PyMC cuts by the axis of features.
            shape, size = None, shape
        core, support = "(b,i,j)" if name == "chol" else "(b,i)", "()" if scalars else "(d)"
        signature = f"[rng],[size],(k),(k,d),{core},()->[rng],{support}"
        parameters = list(arguments.values())
        return super().dist(parameters, shape=shape, size=size, signature=signature, **kwargs)

    def support_point(rv, size, weights, means, factor, sample_weight):
        centre = (weights[..., None] * means).sum(axis=-2)
        if rv.owner.op.ndim_supp == 0:
            centre = centre[..., 0]
        return pt.broadcast_to(centre, rv.shape)


def _check_observed(name, observed):
    """Refuse rows with gaps, which PyMC would make free variables of."""
    data = convert_observed_data(observed)
    if isinstance(data, SharedVariable):
        data = data.get_value(borrow=True)
    elif isinstance(data, Constant):
        data = data.data
    if isinstance(data, Variable):
        return
    values = np.ma.atleast_1d(np.ma.asarray(data))
    gaps = np.ma.getmaskarray(values) | ~np.isfinite(np.asarray(values.data, dtype="float64"))
    rows = np.unique(np.argwhere(gaps)[:, 0])
    if len(rows):
        raise ValueError(
            f"observed of the MarginalMixture {name!r} must be finite numbers; {len(rows)} rows "
            f"have one that is missing or not finite, the first of them row {rows[0]}. "
            "Leave such rows out."
        )


@_logprob.register(MarginalMixtureRV)
def marginal_mixture_logp(op, values, rng, size, weights, means, factor, sample_weight, **kwargs):
    """Row-wise log density; PyMC's own resizing would hide its sum from the rewrite."""
    [x] = values
    if op.ndim_supp == 0:
        vector = x.type.ndim <= max(1, 0 if rv_size_is_none(size) else size.type.shape[0])
    else:
        vector = x.type.ndim == 1 and present_shape(means)[-1] == 1 and x.type.shape != (1,)
    x = x[..., None] if vector else x
    sizes = dict(zip(("n_obs", "n_features"), (1, *sizes_of(x))[-2:], strict=True))
    arguments = _by_name((weights, means, factor, sample_weight), op.ndims_params)
    if "chol" in arguments:
        positive, scale = "diagonal of chol", pt.diagonal(factor, axis1=-2, axis2=-1)
    else:
        positive, scale = "sigma", factor
    valid = weights >= 0, pt.isclose(weights.sum(axis=-1), 1), scale > 0
    needs = f"MarginalMixture needs weights >= 0, sum(weights) == 1, {positive} > 0"
    shared = [value.type.ndim for value in (weights, means, factor)] == op.ndims_params[:3]
    if not shared:
        x = where_sizes_agree(x, arguments, sizes)
        log_density = sample_weight * _row_wise_graph(x, weights, means, factor, scale)
        return check_parameters(log_density, *valid, msg=needs)
    agreement(arguments, sizes)
    # Not of the density, whose sum the rewrite must find: it is −∞ where weights become so.
    weights = check_parameters(weights, *valid, msg=needs)
    if x.type.ndim == 2:
        ones = pt.ones(x.shape[0], dtype="float64")
        counts = sample_weight if sample_weight.type.ndim == 1 else ones * sample_weight
        return mixture_rows(x, counts, weights, means, factor)
    lead = x.shape[:-1]
    counts = pt.broadcast_to(sample_weight, lead).reshape((-1,))
    rows = x.reshape((-1, x.shape[-1]))
    return pt.reshape(mixture_rows(rows, counts, weights, means, factor), lead)


def _row_wise_graph(x, weights, means, factor, scale):
    """Log density of every row in plain PyTensor, for parameters that differ from row to row."""
    centred = x[..., None, :] - means
    if scale is factor:
        z = centred / factor
    elif factor.type.ndim == 3:
        # One triangular solve for all the rows of a component.
        lower = pt.broadcast_to(factor, (means.shape[-2], *factor.shape[1:]))
        columns = centred.reshape((-1, *centred.shape[-2:])).transpose(1, 2, 0)
        z = solve_triangular(lower, columns, lower=True).transpose(2, 0, 1).reshape(centred.shape)
    else:
        z = solve_triangular(factor, centred[..., None], lower=True)[..., 0]
    log_normal = -(0.5 * (z * z + LOG_2PI) + pt.log(scale)).sum(axis=-1)
    allowed = pt.where(weights > 0, pt.log(weights) + log_normal, -np.inf)
    highest = disconnected_grad(allowed.max(axis=-1, keepdims=True))
    # Weights and not their logarithms, for the gradient in a weight of zero; what has such a weight
    # may lie so far above the rest that its exponential is cut.
    relative = pt.exp(pt.minimum(log_normal - highest, STEEPEST))
    return highest[..., 0] + pt.log((weights * relative).sum(axis=-1))


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
