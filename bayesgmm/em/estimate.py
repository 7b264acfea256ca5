"""The result of a point estimation."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bayesgmm.data import Rows, rows_like
from bayesgmm.html import cells
from bayesgmm.likelihood import responsibilities, row_log_density
from bayesgmm.mixture import GaussianMixture, MixtureParameters
from bayesgmm.runtime import arguments

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 10**9
"""Drawn at once: beyond it memory would not hold them."""


class Stage(NamedTuple):
    """A part of a search for the mode."""

    name: str
    n_obs: int
    """Rows that it passed over."""
    n_passes: int


@dataclass(frozen=True, eq=False)
class Mode:
    """One distinct mode that starts reached, modulo permutation of exchangeable components."""

    log_posterior: float
    """Log posterior (log likelihood after ``fit_ml``), nats."""
    count: int
    """How many starts reached it; 0 of one that moves of components led to."""
    parameters: MixtureParameters
    """In the data's units."""
    is_maximum: bool | None
    """Whether no curvature is positive there, by Lanczos's method. A saddle is listed only where it
    is the best; None where Ctrl-C came before it was known."""


@dataclass(frozen=True, eq=False)
class PointEstimate:
    """A mixture fitted by ``fit_map`` or ``fit_ml``.

    Components come in order of decreasing weight, those that the prior tells apart in its places.
    """

    declaration: GaussianMixture
    """The mixture as it was declared."""
    features: tuple[str, ...]
    """Feature names."""
    parameters: MixtureParameters
    """Weights, means and spread, in the data's units."""
    log_posterior: float | None
    """Log posterior density of (w, μ, Σ) at the mode, nats; None after ``fit_ml``."""
    log_likelihood: float
    """Log likelihood, nats."""
    trace: np.ndarray
    """Log posterior (log likelihood after ``fit_ml``) of every iteration; it never falls."""
    n_iter: int
    """Iterations of the best start."""
    converged: bool
    """Whether the gradient norm reached ``tol``."""
    status: str
    """What happened, and what to do next."""
    interrupted: bool
    """Whether Ctrl-C cut the starts short; the best of those done is kept."""
    gradient_norm: float
    """Largest of |∂/∂log w|, |Lᵀ ∂/∂μ| and |∂/∂ unconstrained spread|, per row; dimensionless."""
    collapsed: bool
    """Whether every start ended on the floor of the eigenvalues, this point among them."""
    modes: tuple[Mode, ...]
    """Every distinct mode that a climb converged at, best first, down to some ten nats below it."""
    stages: tuple[Stage, ...]
    """What the search did: the parts of it, on how many rows, in how many passes over them."""
    n_obs: float
    """Number of rows, or the sum of their weights."""
    bic: float
    """−2 log L + p log n at the estimate: lower is better, as in scikit-learn. mclust's sign is
    opposite."""
    icl: float
    """BIC − 2 Σ_n log max_k r_nk (Biernacki, Celeux & Govaert 2000): lower is better."""
    aic: float
    """−2 log L + 2 p: lower is better."""

    @property
    def weights(self) -> np.ndarray:
        """Mixing proportions, (n_components,)."""
        return self.parameters.weights

    @property
    def means(self) -> np.ndarray:
        """Component means, (n_components, n_features), in the data's units."""
        return self.parameters.means

    @property
    def covariances(self) -> np.ndarray:
        """Dense covariance matrices, (n_components, n_features, n_features), squared units."""
        return self.parameters.covariances

    @property
    def n_parameters(self) -> int:
        """Number of free parameters."""
        return self.parameters.n_parameters

    def predict(self, x: Rows) -> np.ndarray:
        """The most probable component of every row, (n_obs,) integers."""
        return self.predict_proba(x).argmax(axis=1)

    def predict_proba(self, x: Rows) -> np.ndarray:
        """Probability of every component for every row, (n_obs, n_components)."""
        return responsibilities(*self._arguments(x))

    def score_samples(self, x: Rows) -> np.ndarray:
        """Log density of every row, (n_obs,), in nats."""
        return row_log_density(*self._arguments(x))

    def sample(self, n: int, random_seed: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Draw n rows: their values (n, n_features) and their components (n,)."""
        n = arguments.integer("n", n, 1, MOST_ROWS)
        rng = np.random.default_rng(arguments.seed(random_seed))
        component = rng.choice(len(self.weights), size=n, p=self.weights)
        lower = np.linalg.cholesky(self.covariances)
        noise = rng.standard_normal((n, len(self.features)))
        x = self.means[component] + (lower[component] @ noise[..., None])[..., 0]
        return x, component

    def to_dataframe(self) -> "pd.DataFrame":
        """One row per component: weight, means and standard deviations by feature name."""
        import pandas as pd

        deviations = np.sqrt(np.einsum("kii->ki", self.covariances))
        columns = {"weight": self.weights}
        for j, name in enumerate(self.features):
            columns[f"mean[{name}]"] = self.means[:, j]
            columns[f"sd[{name}]"] = deviations[:, j]
        return pd.DataFrame(columns).rename_axis("component")

    def _arguments(self, x: Rows) -> tuple[np.ndarray, ...]:
        p = self.parameters
        return rows_like(x, self.features, "x"), p.log_weights, p.means, p.factor

    def __repr__(self) -> str:
        what = "log_likelihood" if self.log_posterior is None else "log_posterior"
        value = self.log_likelihood if self.log_posterior is None else self.log_posterior
        k, d = self.means.shape
        return (
            f"PointEstimate({k} components, {d} features, {self.declaration.covariance}; "
            f"{what}={value:.4f})\n{self.status}"
        )

    def _repr_html_(self) -> str:
        kind = "Log likelihood" if self.log_posterior is None else "Log posterior"
        value = self.log_likelihood if self.log_posterior is None else self.log_posterior
        rows = [
            {"component": k, "weight": weight}
            | {f"mean {name}": m for name, m in zip(self.features, mean, strict=True)}
            | {f"SD {name}": s for name, s in zip(self.features, sd, strict=True)}
            for k, (weight, mean, sd) in enumerate(
                zip(
                    self.weights,
                    self.means,
                    np.sqrt(np.einsum("kii->ki", self.covariances)),
                    strict=True,
                )
            )
        ]
        modes = [
            {
                "mode": i,
                "log_posterior"
                if self.log_posterior is not None
                else "log_likelihood": m.log_posterior,
                "starts": m.count,
            }
            for i, m in enumerate(self.modes)
        ]
        return cells.card(
            cells.verdict(f"{kind} {cells.number(value, 7)} nats", self.status, self.converged),
            cells.table(rows, "Components, in the data's units"),
            cells.folded("Modes that the starts found", cells.table(modes, "Modes found"))
            if modes
            else "",
        )
