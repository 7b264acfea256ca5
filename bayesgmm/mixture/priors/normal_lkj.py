"""Scales apart from correlations: the family that takes them from LKJ's density."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numba.extending import overload
from scipy.linalg import solve_triangular
from scipy.special import betaln, gammaln

from bayesgmm.data import Bulk
from bayesgmm.mixture.priors.density import LOG_2PI, add_dirichlet, dirichlet_normaliser
from bayesgmm.mixture.priors.normal_inverse_wishart import NormalInverseWishart
from bayesgmm.mixture.priors.protocol import Prior
from bayesgmm.mixture.structures import Deviations, Structure, Triangles, structure_named
from bayesgmm.runtime import PLAIN, solve_lower, solve_lower_transposed


@dataclass(frozen=True, eq=False, repr=False)
class NormalLKJ(Prior):
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

    dims: ClassVar = {
        "concentration": ("component",),
        "mean": ("component", "feature"),
        "mean_scale": ("component", "feature"),
        "scale": ("feature",),
        "eta": (),
        "df": (),
    }
    _positive: ClassVar = ("concentration", "mean_scale", "scale", "eta", "df")
    _from_rows: ClassVar = ("mean", "mean_scale", "scale")

    @property
    def bounded(self) -> bool:
        return not self.half_normal

    @property
    def source(self) -> str:
        if self.half_normal:
            return "the centre and standard deviations of the bulk of the rows"
        return super().source

    def words(self, structure: Structure) -> str:
        says = "the means independent normal priors, "
        if self.half_normal:
            says += "the standard deviations half-normal priors"
        elif structure.correlated:
            says += "the variance of each feature given the others a scaled inverse-χ² prior"
        else:
            says += "the variances scaled inverse-χ² priors"
        if structure.correlated:
            says += ", the correlations an LKJ prior (Lewandowski et al., 2009)"
        return says

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.half_normal and self.df is not None:
            raise ValueError("df and half_normal are both given. Try one of them.")

    def check_structure(self, structure: Structure) -> None:
        super().check_structure(structure)
        if structure.kind not in SPREADS:
            raise ValueError(
                f"prior=NormalLKJ has no form for covariance={structure.name!r}. "
                "Try prior=bg.NormalInverseWishart()."
            )

    @classmethod
    def from_dict(cls, numbers: dict[str, Any]) -> Self:
        return cls(**{"half_normal": True} | numbers)  # version 0.1 knew no other scales

    @property
    def surrogate(self) -> Prior:
        return NormalInverseWishart(self.concentration, self.mean)

    def resolved(
        self, x: np.ndarray, sample_weight: np.ndarray, n_components: int, covariance: str
    ) -> Self:
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

    def affine(self, scale: np.ndarray, shift: np.ndarray) -> Self:
        return replace(
            self,
            mean=self.mean * scale + shift,
            mean_scale=self.mean_scale * scale,
            scale=self.scale * scale,
        )

    def numbers(self, structure: Structure, n_components: int, n_features: int) -> "Separate":
        prior: Any = self
        n_blocks = structure.factor_shape(n_components, n_features)[0]
        sigma = prior.scale
        if structure.isotropic:
            sigma = np.sqrt(np.mean(sigma**2, keepdims=True))
        if prior.half_normal:
            # And the change of variables from (s, R) or s to Σ or s².
            block = (0.5 * np.log(2 / np.pi) - np.log(2) - np.log(sigma)).sum()
        else:
            half = prior.df / 2
            block = (half * np.log(half * sigma**2) - gammaln(half)).sum()
        if structure.correlated:
            block -= lkj_log_volume(prior.eta, n_features)
        shape = (n_components, n_features)
        mean, mean_scale = (
            np.broadcast_to(v, shape).copy() for v in (prior.mean, prior.mean_scale)
        )
        constant = -0.5 * mean.size * LOG_2PI - np.log(mean_scale).sum() + n_blocks * block
        constant += dirichlet_normaliser(prior.concentration)
        df = 0.0 if prior.half_normal else prior.df
        numbers = (prior.concentration, mean, mean_scale, df, prior.eta, sigma[None])
        return Separate(*numbers, float(constant))


def lkj_log_volume(eta: float, n_features: int) -> float:
    """Log of ∫ |R|^(η−1) dR over correlation matrices: Lewandowski et al. (2009), equation 16."""
    k = np.arange(1, n_features)
    b = eta + (n_features - k - 1) / 2
    powers = (2 * (eta - 1) + n_features - k) * (n_features - k) * np.log(2)
    return float((powers + (n_features - k) * betaln(b, b)).sum())


class Separate(NamedTuple):
    """A resolved prior of this family in compiled code."""

    concentration: np.ndarray
    """(n_components,), α."""
    mean: np.ndarray
    """(n_components, n_features), m."""
    mean_scale: np.ndarray
    """(n_components, n_features), τ."""
    df: float
    """ν; 0 where scales are half-normal."""
    eta: float
    """η."""
    scale: np.ndarray
    """(1, n_features or 1), σ."""
    log_normaliser: float
    """Everything in the log density that does not depend on θ (nats)."""

    def add_log_density(self, mixture, gradient):
        value, means = self.log_normaliser, mixture.means
        value += add_dirichlet(self.concentration, mixture.log_weights, gradient.log_weights)
        for k in range(means.shape[0]):
            for i in range(means.shape[1]):
                u = (means[k, i] - self.mean[k, i]) / self.mean_scale[k, i]
                value -= 0.5 * u**2
                gradient.means[k, i] -= u / self.mean_scale[k, i]
        return value + _add_spread(mixture.factor, self.df, self.eta, self.scale, gradient.factor)


def _add_spread(factor, df, eta, scale, g):
    """Log density (nats) of the spread, but for a constant; adds its gradient."""


@overload(_add_spread, jit_options=PLAIN)
def _add_spread_as(factor, df, eta, scale, g):
    return SPREADS[factor.instance_class]


# Of a covariance matrix: log p(Σ) of correlations R ~ LKJ(η) and scales, but for a constant, with
# s_i² = Σ_ii. With half-normal scales it is −½ Σ_i s_i²/σ_i² + (η − 1) log |Σ| −
# Σ_i (d/2 + η − 1) log s_i². With residual variances 1 / a_i, a_i = (Σ⁻¹)_ii, that are scaled
# inverse χ², it is Σ_i (½ν log a_i − ½ν σ_i² a_i) + (η − 1) log |Σ| − Σ_i (½(d − 1) + η) log s_i²:
# from (s², R) to Σ the Jacobian is Π s_i^(d − 1), and c_i = s_i² / (R⁻¹)_ii.
def _add_matrices(factor, df, eta, scale, g):
    value = 0.0
    n_blocks, d, _ = factor.blocks.shape
    m, v = np.empty(d), np.empty(d)
    exponent = d - 1 + 2 * eta if df > 0 else d + 2 * (eta - 1)
    for block in range(n_blocks):
        lower, slopes = factor.blocks[block], g.blocks[block]
        for i in range(d):
            variance, sigma = 0.0, scale[0, i]
            for j in range(i + 1):
                variance += lower[i, j] ** 2
            value += 2 * (eta - 1) * np.log(lower[i, i]) - 0.5 * exponent * np.log(variance)
            slope = exponent / variance
            if df == 0:
                value -= 0.5 * variance / sigma**2
                slope += 1 / sigma**2
            for j in range(i + 1):
                slopes[i, j] -= slope * lower[i, j]
            slopes[i, i] += 2 * (eta - 1) / lower[i, i]
            if df > 0:
                # a_i = |m|² with m = L⁻¹ e_i, and ∂a_i/∂L = −2 tril(L⁻ᵀ m mᵀ).
                for j in range(d):
                    m[j] = 1.0 if j == i else 0.0
                solve_lower(lower, m)
                precision = 0.0
                for j in range(d):
                    precision += m[j] ** 2
                    v[j] = m[j]
                solve_lower_transposed(lower, v)
                value += 0.5 * df * (np.log(precision) - sigma**2 * precision)
                pull = df * (sigma**2 - 1 / precision)
                for j in range(d):
                    for c in range(j + 1):
                        slopes[j, c] += pull * v[j] * m[c]
    return value


def _add_variances(factor, df, eta, scale, g):
    value = 0.0
    for k in range(factor.table.shape[0]):
        for j in range(factor.table.shape[1]):
            sd, sigma = factor.table[k, j], scale[0, j]
            if df > 0:
                ratio = df * (sigma / sd) ** 2
                value -= (df + 2) * np.log(sd) + 0.5 * ratio
                g.table[k, j] += (ratio - df - 2) / sd
            else:
                value -= 0.5 * (sd / sigma) ** 2 + np.log(sd)
                g.table[k, j] -= sd / sigma**2 + 1 / sd
    return value


SPREADS = {Triangles: _add_matrices, Deviations: _add_variances}
"""The density of the spread, by the factor's class in compiled code."""
