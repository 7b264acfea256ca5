"""The two families of priors on weights, means and spread, and what each takes from the data."""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from bayesgmm.prior.scaling import location_and_covariance, well_conditioned


@dataclass(frozen=True, eq=False)
class _Prior:
    """What both families share: checks, JSON, and the Dirichlet on the weights."""

    concentration: float | np.ndarray | None = None

    _positive: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self):
        for f in fields(self):
            given = getattr(self, f.name)
            if given is None:
                continue
            try:
                numbers = np.array(given, dtype=np.float64)
            except (TypeError, ValueError):
                numbers = np.array(np.nan)
            if not np.isfinite(numbers).all():
                raise ValueError(f"{f.name} must be a finite number or array; got {given!r}.")
            if f.name in self._positive and (numbers <= 0).any():
                raise ValueError(f"{f.name} must be positive; got {given!r}.")
            object.__setattr__(self, f.name, float(numbers) if numbers.ndim == 0 else numbers)

    def to_dict(self):
        """Family name and given numbers, ready for JSON."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        numbers = {n: v.tolist() if isinstance(v, np.ndarray) else v for n, v in given.items()}
        return {"family": type(self).__name__, **numbers}

    def __repr__(self):
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        shown = (f"{n}={np.round(v, 4).tolist()}" for n, v in given.items() if v is not None)
        return f"{type(self).__name__}({', '.join(shown)})"

    def _filled(self, name, default, shape, n_components=None):
        """The given value, or the default, broadcast to its shape.

        With ``n_components``, a value of one more dimension has an axis of components in front.
        """
        given = getattr(self, name)
        value = np.asarray(default if given is None else given, dtype=np.float64)
        shapes = [shape] if n_components is None else [shape, (n_components, *shape)]
        try:
            return np.broadcast_to(value, shapes[value.ndim > len(shape)]).copy()
        except (ValueError, IndexError):
            expected = " or ".join(str(s) for s in shapes if s)
            raise ValueError(
                f"{name} of the prior must be a number or have shape {expected}; got {value.shape}."
            ) from None


@dataclass(frozen=True, eq=False, repr=False)
class NormalInverseWishart(_Prior):
    """Conjugate prior: w ~ Dirichlet(α), Σ_k ~ InverseWishart(ν, Ψ), μ_k | Σ_k ~ N(m, Σ_k / κ).

    With variances in place of matrices it is σ²_kj ~ InverseGamma(ν/2, Ψ_jj/2) (diag) and
    σ²_k ~ InverseGamma(ν/2, tr(Ψ)/2d) (spherical). What is not given is scaled from the data [1]_.

    Parameters
    ----------
    concentration : float or (n_components,), default 2
        α. Above 1 every component keeps some mass at the mode.
    mean : float, (n_features,) or (n_components, n_features), default the column means
        m, in the data's units.
    mean_concentration : float or (n_components,), default 0.01
        κ, in rows: how many observations the prior's mean is worth.
    df : float or (n_components,), default n_features + 2
        ν, in rows; above n_features − 1.
    scale : (n_features, n_features), default cov(x, ddof=1) / n_components^(2 / n_features)
        Ψ, in the data's squared units. A vector is a diagonal. Where the features are collinear,
        or rows too few, the default is the diagonal. Of shape (n_components, n_features,
        n_features) it is one for each component.

    Components whose numbers differ are told apart by the prior: their labels have a meaning. A tied
    structure has one spread, and so one ν and one Ψ.

    References
    ----------
    .. [1] Fraley & Raftery (2007), Journal of Classification 24, 155–181.
    """

    mean: float | np.ndarray | None = None
    mean_concentration: float | np.ndarray | None = None
    df: float | np.ndarray | None = None
    scale: float | np.ndarray | None = None

    _positive: ClassVar = ("concentration", "mean_concentration", "df")

    def resolved(self, x, sample_weight, n_components):
        """The prior with every number given, the missing ones scaled from the rows."""
        d = x.shape[1]
        mean, covariance = None, None
        if self.mean is None or self.scale is None:
            mean, covariance = location_and_covariance(x, sample_weight)
        if self.scale is None:
            scale = well_conditioned(covariance) / n_components ** (2 / d)
        else:
            given = np.asarray(self.scale)
            if given.ndim < 2:
                scale = np.diag(self._filled("scale", None, (d,)))
            else:
                scale = self._filled("scale", None, (d, d), n_components)
        for matrix in scale.reshape(-1, d, d):
            _check_positive_definite("scale", matrix)
        df = self._filled("df", d + 2, (), n_components)
        if df.min() <= d - 1:
            raise ValueError(
                f"df of the prior must exceed n_features - 1 = {d - 1}; got {df.min():.6g}. "
                f"Try df={d + 2}."
            )
        return replace(
            self,
            concentration=self._filled("concentration", 2.0, (n_components,)),
            mean=self._filled("mean", mean, (d,), n_components),
            mean_concentration=self._filled("mean_concentration", 0.01, (), n_components),
            df=df,
            scale=scale,
        )

    @cached_property
    def by_component(self):
        """The same resolved prior with an axis of components in front of every number."""
        k, d = len(np.asarray(self.concentration)), np.asarray(self.mean).shape[-1]
        shapes = {"mean": (k, d), "mean_concentration": (k,), "df": (k,), "scale": (k, d, d)}
        numbers = {n: np.broadcast_to(getattr(self, n), s).copy() for n, s in shapes.items()}
        return replace(self, **numbers)

    def affine(self, scale, shift):
        """The prior of ``scale * x + shift`` if this resolved one is the prior of x."""
        spread = self.scale * np.outer(scale, scale)
        return replace(self, mean=self.mean * scale + shift, scale=spread)


@dataclass(frozen=True, eq=False, repr=False)
class NormalLKJ(_Prior):
    """Scales apart from correlations: s_kj ~ HalfNormal, R_k ~ LKJ(η), μ_k ~ N(m, diag(τ²)).

    A density on Σ_k = diag(s) R diag(s) itself; diag and spherical structures have no R [1]_.

    Parameters
    ----------
    concentration : float or (n_components,), default 2
        α of the Dirichlet on the weights.
    mean : float, (n_features,) or (n_components, n_features), default the column means
        m, in the data's units.
    mean_scale : float, (n_features,) or (n_components, n_features), default 2.5 standard deviations
        τ, in the data's units.
    scale : float or (n_features,), default the features' standard deviations
        The half-normals' σ, in the data's units; a spherical spread takes their root mean square.
    eta : float, default 2
        η; 1 is uniform over correlation matrices, larger values favour small correlations.

    References
    ----------
    .. [1] Lewandowski, Kurowicka & Joe (2009), Journal of Multivariate Analysis 100, 1989–2001.
    """

    mean: float | np.ndarray | None = None
    mean_scale: float | np.ndarray | None = None
    scale: float | np.ndarray | None = None
    eta: float | None = None

    _positive: ClassVar = ("concentration", "mean_scale", "scale", "eta")

    def resolved(self, x, sample_weight, n_components):
        """The prior with every number given, the missing ones scaled from the rows."""
        d = x.shape[1]
        mean, sd = None, np.full(d, np.nan)
        if self.mean is None or self.mean_scale is None or self.scale is None:
            mean, covariance = location_and_covariance(x, sample_weight)
            sd = np.sqrt(np.diag(covariance))
        return replace(
            self,
            concentration=self._filled("concentration", 2.0, (n_components,)),
            mean=self._filled("mean", mean, (d,), n_components),
            mean_scale=self._filled("mean_scale", 2.5 * sd, (d,), n_components),
            scale=self._filled("scale", sd, (d,)),
            eta=float(2.0 if self.eta is None else self.eta),
        )

    def affine(self, scale, shift):
        """The prior of ``scale * x + shift`` if this resolved one is the prior of x."""
        return replace(
            self,
            mean=self.mean * scale + shift,
            mean_scale=self.mean_scale * scale,
            scale=self.scale * scale,
        )


def _check_positive_definite(name, matrix):
    scale = np.sqrt(np.abs(np.diag(matrix)))
    symmetric = np.allclose(matrix, matrix.T, rtol=1e-8, atol=1e-8 * np.max(scale) ** 2)
    positive = np.all(np.diag(matrix) > 0)
    if positive and symmetric:
        positive = np.linalg.eigvalsh(matrix / np.outer(scale, scale))[0] > 0
    if not (positive and symmetric):
        raise ValueError(
            f"{name} of the prior must be a symmetric positive definite matrix; "
            f"got {np.round(matrix, 6).tolist()}."
        )
