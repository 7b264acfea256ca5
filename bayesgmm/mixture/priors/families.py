"""The families of priors on weights, means and spread, and what each takes from the data."""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from scipy.linalg import eigvalsh, solve_triangular

from bayesgmm.data import Bulk, location_and_covariance, well_conditioned
from bayesgmm.mixture.structures import structure_named
from bayesgmm.runtime import arguments


MOST_ROWS = 1e12
"""Largest number that counts as rows do; beyond it densities keep no digit."""


@dataclass(frozen=True, eq=False)
class _Prior:
    """What both families share: checks, JSON, and the Dirichlet on the weights."""

    concentration: float | np.ndarray | None = None

    _positive: ClassVar[tuple[str, ...]] = ()
    _in_rows: ClassVar = ("concentration", "mean_concentration", "df", "eta")
    _from_rows: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self):
        for f in fields(self):
            given = getattr(self, f.name)
            if f.type is bool:
                arguments.flag(f.name, given)
                continue
            if given is None:
                continue
            numbers = arguments.numbers(f.name, given)
            if f.name in self._positive and (numbers <= 0).any():
                raise ValueError(f"{f.name} must be positive; got {given!r}.")
            if f.name in self._in_rows and (numbers > MOST_ROWS).any():
                raise ValueError(
                    f"{f.name} must be at most {MOST_ROWS:g}; got {given!r}. Try a smaller one: "
                    "even a thousandth of it leaves nothing to the data."
                )
            object.__setattr__(self, f.name, float(numbers) if numbers.ndim == 0 else numbers)

    @property
    def scaled(self):
        """Names of the numbers that are not given and depend on the rows."""
        return [name for name in self._from_rows if getattr(self, name) is None]

    def to_dict(self):
        """Family name and given numbers, ready for JSON."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        numbers = {n: v.tolist() if isinstance(v, np.ndarray) else v for n, v in given.items()}
        return {"family": type(self).__name__, **numbers}

    def __repr__(self):
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        given = {n: v for n, v in given.items() if v is not None and v is not False}
        shown = (f"{n}={np.round(v, 4).tolist()}" for n, v in given.items())
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
    σ²_k ~ InverseGamma(ν/2, tr(Ψ)/2d) (spherical). What is not given is scaled from the data: from
    the covariance S₀ within components, and the centre and covariance of the bulk, all three of
    which one bad row in twenty cannot move (see Notes).

    Parameters
    ----------
    concentration : float or (n_components,), default 2
        α. Above 1 every component keeps some mass at the mode.
    mean : float, (n_features,) or (n_components, n_features), default the centre of the bulk
        m, in the data's units.
    mean_concentration : float or (n_components,), default 0.01, or less
        κ, in rows: how many observations the prior's mean is worth. At most the smallest ratio of
        a variance within components to that of the bulk, over all directions, so that the prior
        does not pull on clusters that lie far apart.
    df : float or (n_components,), default n_features + 2
        ν, in rows; above n_features − 1.
    scale : (n_features, n_features), default ν S₀
        Ψ, in the data's squared units, so that E[Σ_k⁻¹] = S₀⁻¹. A vector is a diagonal. Of shape
        (n_components, n_features, n_features) it is one for each component.

    Notes
    -----
    S₀ is the covariance of a tied mixture of the rows, by maximum likelihood on the 95 % of them
    that fit it best [1]_, with n_components or fewer by BIC; of one component it is the covariance.
    Taken from the total covariance in its place, as :class:`FraleyRaftery` does, the prior has a
    spike of some (d + 2) d log(2 d + 4) nats where a component is nearly empty: where clusters lie
    apart, the spike takes a component and two clusters merge.

    Components whose numbers differ are told apart by the prior: their labels have a meaning. A tied
    structure has one spread, and so one ν and one Ψ.

    References
    ----------
    .. [1] García-Escudero, Gordaliza, Matrán & Mayo-Iscar (2008), Ann. Stat. 36, 1324–1345.
    .. [2] Fraley & Raftery (2007), Journal of Classification 24, 155–181.
    """

    mean: float | np.ndarray | None = None
    mean_concentration: float | np.ndarray | None = None
    df: float | np.ndarray | None = None
    scale: float | np.ndarray | None = None

    bounded: ClassVar[bool] = True
    """Whether the posterior's density has a maximum."""

    _positive: ClassVar = ("concentration", "mean_concentration", "df")
    _from_rows: ClassVar = ("mean", "mean_concentration", "scale")

    def resolved(self, x, sample_weight, n_components, covariance):
        """The prior with every number given, the missing ones scaled from the rows."""
        d = x.shape[1]
        df = self._filled("df", d + 2, (), n_components)
        if df.min() <= d - 1:
            raise ValueError(
                f"df of the prior must exceed n_features - 1 = {d - 1}; got {df.min():.6g}. "
                f"Try df={d + 2}."
            )
        mean: Any = None
        kappa: Any = None
        if self.scaled:
            mean, kappa, scale = self._scaled(x, sample_weight, n_components, covariance, df)
        if self.scale is not None and np.ndim(self.scale) < 2:
            scale = np.diag(self._filled("scale", None, (d,)))
        elif self.scale is not None:
            scale = self._filled("scale", None, (d, d), n_components)
        for matrix in scale.reshape(-1, d, d):
            _check_positive_definite("scale", matrix)
        return replace(
            self,
            concentration=self._filled("concentration", 2.0, (n_components,)),
            mean=self._filled("mean", mean, (d,), n_components),
            mean_concentration=self._filled("mean_concentration", kappa, (), n_components),
            df=df,
            scale=scale,
        )

    def _scaled(self, x, sample_weight, n_components, covariance, df):
        """Defaults of m, κ and Ψ."""
        bulk = Bulk.of(x, sample_weight, structure_named(covariance))
        within = bulk.within(n_components)
        widest = eigvalsh(bulk.covariance, within)[-1]
        return bulk.centre, min(0.01, 1 / widest), df[..., None, None] * within

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
class FraleyRaftery(NormalInverseWishart):
    """The conjugate prior with the defaults of Fraley & Raftery (2007), as mclust has it.

    m the column means, κ = 0.01 and Ψ = cov(x, ddof=1) / n_components^(2 / n_features); where the
    features are collinear, or rows too few, its diagonal. Parameters as in
    :class:`NormalInverseWishart`, whose notes say when true clusters merge under these defaults.

    References
    ----------
    .. [1] Fraley & Raftery (2007), Journal of Classification 24, 155–181.
    """

    def _scaled(self, x, sample_weight, n_components, covariance, df):
        mean, total = location_and_covariance(x, sample_weight)
        return mean, 0.01, well_conditioned(total) / n_components ** (2 / x.shape[1])


@dataclass(frozen=True, eq=False, repr=False)
class NormalLKJ(_Prior):
    """Scales apart from correlations: R_k ~ LKJ(η), c_kj ~ Scaled-Inv-χ²(ν, σ_j²), μ_k ~ N(m, τ²).

    A density on Σ_k = diag(s) R diag(s) itself [1]_, with c_kj = s_kj² / (R_k⁻¹)_jj, the variance
    of feature j given the others. Its density vanishes faster than any power as a covariance
    becomes singular in any direction, so that the posterior is proper and has a mode however many
    rows are equal, where a half-normal's is not as soon as two values in a column are. Diag and
    spherical structures have no R: there c is the variance.

    Parameters
    ----------
    concentration : float or (n_components,), default 2
        α of the Dirichlet on the weights.
    mean : float, (n_features,) or (n_components, n_features), default the centre of the bulk
        m, in the data's units.
    mean_scale : float, (n_features,) or (n_components, n_features), default 2.5 standard deviations
        τ, in the data's units; the standard deviations are those of the bulk.
    scale : float or (n_features,), default that within components
        σ, in the data's units: √(1 / (S₀⁻¹)_jj), so that E[1 / c_kj] = (S₀⁻¹)_jj, with the S₀ of
        :class:`NormalInverseWishart`. A spherical spread takes the root mean square.
    eta : float, default 2
        η; 1 is uniform over correlation matrices, larger values favour small correlations.
    df : float, default 4
        ν, in rows.
    half_normal : bool, default False
        s_kj ~ HalfNormal(σ_j) in place of ν; the default σ is then the features' standard
        deviations. The posterior is improper where values are repeated.

    References
    ----------
    .. [1] Lewandowski, Kurowicka & Joe (2009), Journal of Multivariate Analysis 100, 1989–2001.
    .. [2] Chung, Rabe-Hesketh, Dorie, Gelman & Liu (2013), Psychometrika 78, 685–709.
    """

    mean: float | np.ndarray | None = None
    mean_scale: float | np.ndarray | None = None
    scale: float | np.ndarray | None = None
    eta: float | None = None
    df: float | None = None
    half_normal: bool = False

    _positive: ClassVar = ("concentration", "mean_scale", "scale", "eta", "df")
    _from_rows: ClassVar = ("mean", "mean_scale", "scale")

    @property
    def bounded(self):
        """Whether the posterior's density has a maximum."""
        return not self.half_normal

    def __post_init__(self):
        super().__post_init__()
        arguments.flag("half_normal", self.half_normal)
        if self.half_normal and self.df is not None:
            raise ValueError("df and half_normal are both given. Try one of them.")

    def resolved(self, x, sample_weight, n_components, covariance):
        """The prior with every number given, the missing ones scaled from the rows."""
        d = x.shape[1]
        mean, sd, scale = None, np.full(d, np.nan), None
        if self.scaled:
            bulk = Bulk.of(x, sample_weight, structure_named(covariance))
            mean, sd = bulk.centre, np.sqrt(np.diag(bulk.covariance))
            scale = sd
            if self.scale is None and not self.half_normal:
                # By triangles: a change of units by powers of two changes no digit.
                lower = np.linalg.cholesky(bulk.within(n_components))
                inverse = solve_triangular(lower, np.eye(d), lower=True)
                scale = 1 / np.sqrt((inverse**2).sum(axis=0))
        return replace(
            self,
            concentration=self._filled("concentration", 2.0, (n_components,)),
            mean=self._filled("mean", mean, (d,), n_components),
            mean_scale=self._filled("mean_scale", 2.5 * sd, (d,), n_components),
            scale=self._filled("scale", scale, (d,)),
            eta=float(2.0 if self.eta is None else self.eta),
            df=None if self.half_normal else float(4.0 if self.df is None else self.df),
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
