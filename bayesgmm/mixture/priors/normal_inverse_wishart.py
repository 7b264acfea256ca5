"""The conjugate family: Normal-inverse-Wishart."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from scipy.linalg import eigvalsh

from bayesgmm.data import Bulk, location_and_covariance, well_conditioned
from bayesgmm.mixture.priors.density import LOG_2PI, add_dirichlet, dirichlet_normaliser
from bayesgmm.mixture.priors.protocol import Prior
from bayesgmm.mixture.structures import Structure, structure_named
from bayesgmm.mixture.structures import factor as factors


@dataclass(frozen=True, eq=False, repr=False)
class NormalInverseWishart(Prior):
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

    dims: ClassVar = {
        "concentration": ("component",),
        "mean": ("component", "feature"),
        "mean_concentration": ("component",),
        "df": ("component",),
        "scale": ("component", "feature", "feature_bis"),
    }
    _positive: ClassVar = ("concentration", "mean_concentration", "df")
    _from_rows: ClassVar = ("mean", "mean_concentration", "scale")
    _of_spread: ClassVar = ("df", "scale")

    @property
    def bounded(self) -> bool:
        return True

    def words(self, structure: Structure) -> str:
        return f"means and {structure.prior_words}"

    def resolved(
        self, x: np.ndarray, sample_weight: np.ndarray, n_components: int, covariance: str
    ) -> Self:
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

    def _scaled(
        self, x: np.ndarray, weight: np.ndarray, n_components: int, covariance: str, df: np.ndarray
    ) -> tuple[np.ndarray, float, np.ndarray]:
        """Defaults of m, κ and Ψ."""
        bulk = Bulk.of(x, weight, structure_named(covariance))
        within = bulk.within(n_components)
        widest = eigvalsh(bulk.covariance, within)[-1]
        return bulk.centre, min(0.01, 1 / widest), df[..., None, None] * within

    @cached_property
    def by_component(self) -> Self:
        """The same resolved prior with an axis of components in front of every number."""
        k, d = len(np.asarray(self.concentration)), np.asarray(self.mean).shape[-1]
        shapes = {"mean": (k, d), "mean_concentration": (k,), "df": (k,), "scale": (k, d, d)}
        numbers = {n: np.broadcast_to(getattr(self, n), s).copy() for n, s in shapes.items()}
        return replace(self, **numbers)

    def affine(self, scale: np.ndarray, shift: np.ndarray) -> Self:
        spread = self.scale * np.outer(scale, scale)
        return replace(self, mean=self.mean * scale + shift, scale=spread)

    def numbers(self, structure: Structure, n_components: int, n_features: int) -> "Conjugate":
        prior: Any = self.by_component
        df, scale, constant = structure.conjugate_numbers(prior)
        kappa = prior.mean_concentration
        constant += (n_features / 2 * (np.log(kappa) - LOG_2PI)).sum()
        constant += dirichlet_normaliser(prior.concentration)
        return Conjugate(prior.concentration, prior.mean, kappa, df, scale, float(constant))


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

    @property
    def source(self) -> str:
        return "the mean and covariance of all rows, as Fraley & Raftery (2007) propose"

    def _scaled(
        self, x: np.ndarray, weight: np.ndarray, n_components: int, covariance: str, df: np.ndarray
    ) -> tuple[np.ndarray, float, np.ndarray]:
        mean, total = location_and_covariance(x, weight)
        return mean, 0.01, well_conditioned(total) / n_components ** (2 / x.shape[1])


class Conjugate(NamedTuple):
    """A resolved conjugate prior in compiled code."""

    concentration: np.ndarray
    """(n_components,), α."""
    mean: np.ndarray
    """(n_components, n_features), m."""
    mean_concentration: np.ndarray
    """(n_components,), κ."""
    df: np.ndarray
    """(n_components or 1,), ν."""
    scale: np.ndarray
    """Ψ as the structure's ``add_conjugate`` takes it."""
    log_normaliser: float
    """Everything in the log density that does not depend on θ (nats)."""

    def add_log_density(self, mixture, gradient):
        value = self.log_normaliser
        value += add_dirichlet(self.concentration, mixture.log_weights, gradient.log_weights)
        factor, g, kappa = mixture.factor, gradient.factor, self.mean_concentration
        value += factors.add_normals(factor, mixture.means, self.mean, kappa, gradient.means, g)
        return value + factors.add_conjugate(factor, self.df, self.scale, g)


def _check_positive_definite(name: str, matrix: np.ndarray) -> None:
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
