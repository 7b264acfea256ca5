"""The likelihood of a Gaussian mixture as a PyMC distribution. May not import ArviZ."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pymc.distributions.dist_math import check_parameters
from pymc.distributions.distribution import Continuous, SymbolicRandomVariable
from pymc.distributions.shape_utils import (
    convert_shape,
    implicit_size_from_params,
    rv_size_is_none,
)
from pymc.logprob.abstract import _logprob
from pymc.pytensorf import convert_observed_data, normalize_rng_param
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.gradient import disconnected_grad
from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.tensor.linalg import solve_triangular
from pytensor.tensor.random.utils import normalize_size_param

from bayesgmm.mixture import LOG_2PI
from bayesgmm.pymc_model.axes import (
    Size,
    agreement,
    checked_ndim,
    fixed,
    laid_out,
    present,
    present_shape,
    sizes_of,
    where_sizes_agree,
)
from bayesgmm.pymc_model.graph import Tensor
from bayesgmm.pymc_model.op import STEEPEST, mixture_rows


class MarginalMixtureRV(SymbolicRandomVariable):
    name = "marginal_mixture"
    extended_signature = "[rng],[size],(k),(k,d),(b,i,j),()->[rng],(d)"
    _print_name = ("MarginalMixture", "\\operatorname{MarginalMixture}")

    def update(self, node: Apply[Any]) -> dict[Any, Any]:
        return {node.inputs[0]: node.outputs[0]}

    def rebuild_rv(self, *params: Tensor, **kwargs: Any) -> Tensor:
        return self.rv_op(*params, signature=self.extended_signature, **kwargs)

    @classmethod
    def rv_op(
        cls, *parameters: pt.TensorLike, signature: str, size: Any = None, rng: Any = None
    ) -> Tensor:
        """Of parameters as ``axes.laid_out`` leaves them.

        The signature tells chol from sigma, and scalar rows from rows with an axis of features.
        """
        tensors = [pt.as_tensor_variable(v).astype("float64") for v in parameters]
        weights, means, factor, _ = tensors
        rng, size = normalize_rng_param(rng), normalize_size_param(size)
        scalars, core = signature.endswith("()"), (1, 2, 3 if "(b,i,j)" in signature else 2, 0)
        sizes: dict[str, Size] = {"n_features": 1} if scalars else {}
        if rv_size_is_none(size):
            batch = tuple(implicit_size_from_params(*tensors, ndims_params=core))
        else:
            batch = tuple(size)
            sizes["n_obs"] = fixed(batch[-1]) if batch else 1
        arguments = _by_name(tensors, core)
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
            inputs=[rng, size, *tensors],
            outputs=[next_rng, drawn[..., 0] if scalars else drawn],
            extended_signature=signature,
        )(rng, size, *tensors)


def _by_name(parameters: Sequence[Tensor], core: Sequence[int]) -> dict[str, Tensor]:
    """Parameters by the names of their arguments; chol has more core axes than sigma."""
    names = ("weights", "means", "chol" if core[2] == 3 else "sigma", "sample_weight")
    return dict(zip(names, parameters, strict=True))


def _of_component(values: Tensor, component: Tensor, ndim: int) -> Tensor:
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

    def __new__(cls, name: str, *args: Any, observed: Any = None, **kwargs: Any) -> Any:
        if observed is not None:
            _check_observed(name, observed)
        return super().__new__(cls, name, *args, observed=observed, **kwargs)

    @classmethod
    def dist(
        cls,
        weights: pt.TensorLike,
        means: pt.TensorLike,
        *,
        chol: pt.TensorLike | None = None,
        sigma: pt.TensorLike | None = None,
        sample_weight: pt.TensorLike | None = None,
        shape: Any = None,
        size: Any = None,
        **kwargs: Any,
    ) -> Tensor:
        if (chol is None) == (sigma is None):
            raise ValueError("MarginalMixture needs exactly one of chol and sigma.")
        name, spread = ("sigma", sigma) if chol is None else ("chol", chol)
        given: dict[str, Any] = {
            "weights": weights,
            "means": means,
            name: spread,
            "sample_weight": _checked_weight(sample_weight),
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

    def support_point(rv: Any, size: Tensor, weights: Tensor, means: Tensor, *_: Tensor) -> Tensor:
        centre = (weights[..., None] * means).sum(axis=-2)
        if rv.owner.op.ndim_supp == 0:
            centre = centre[..., 0]
        return pt.broadcast_to(centre, rv.shape)


def _checked_weight(sample_weight: pt.TensorLike | None) -> pt.TensorLike:
    if sample_weight is None:
        return 1.0
    if not isinstance(sample_weight, Variable):
        weight = np.asarray(sample_weight)
        if weight.dtype.kind not in "fiub" or not (np.isfinite(weight) & (weight >= 0)).all():
            raise ValueError(
                "sample_weight of a MarginalMixture must be finite numbers of at least 0; got "
                f"{sample_weight!r}."
            )
    return sample_weight


def _check_observed(name: str, observed: Any) -> None:
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
def marginal_mixture_logp(
    op: MarginalMixtureRV, values: Any, rng: Any, size: Any, *parameters: Tensor, **kwargs: Any
) -> Any:
    """Row-wise log density; PyMC's own resizing would hide its sum from the rewrite."""
    [x], (weights, means, factor, sample_weight) = values, parameters
    if op.ndim_supp == 0:
        vector = x.type.ndim <= max(1, 0 if rv_size_is_none(size) else size.type.shape[0])
    else:
        vector = x.type.ndim == 1 and present_shape(means)[-1] == 1 and x.type.shape != (1,)
    x = x[..., None] if vector else x
    sizes: dict[str, Size] = dict(zip(("n_obs", "n_features"), (1, *sizes_of(x))[-2:], strict=True))
    arguments = _by_name(parameters, op.ndims_params)
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


def _row_wise_graph(
    x: Tensor, weights: Tensor, means: Tensor, factor: Tensor, scale: Tensor
) -> Tensor:
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
