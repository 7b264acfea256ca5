"""The declaration of a Gaussian mixture. May not import PyMC or ArviZ."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bayesgmm.mixture.priors import FAMILIES, NormalInverseWishart, Prior, prior_of_dict
from bayesgmm.mixture.structures import Structure, structure_named
from bayesgmm.runtime import arguments


@dataclass(frozen=True)
class GaussianMixture:
    """A Gaussian mixture, p(x) = Σ_k w_k N(x | μ_k, Σ_k), with a prior on (w, μ, Σ).

    Parameters
    ----------
    n_components : int
        Number of components K, at least 1.
    covariance : {"full", "tied", "diag", "spherical", "tied_diag", "tied_spherical", \
            "proportional"}
        One covariance matrix per component; one shared by all; one variance per component and
        feature; one variance per component; one variance per feature, shared by all components; one
        variance in all; matrices of one shape and orientation, with a volume per component. mclust
        calls them VVV, EEE, VVI, VII, EEI, EII and VEE.
    prior : NormalInverseWishart or NormalLKJ, optional
        Default ``NormalInverseWishart()``. What a prior leaves out is scaled from the data.

    Raises
    ------
    ValueError, TypeError
        An argument is none of these; the message names it.
    """

    n_components: int
    covariance: str = "full"
    prior: Prior = NormalInverseWishart()  # noqa: RUF009 frozen

    def __post_init__(self) -> None:
        size = arguments.integer("n_components", self.n_components)
        object.__setattr__(self, "n_components", size)
        structure_named(self.covariance)
        families, advice = tuple(FAMILIES.values()), "Try prior=bg.NormalInverseWishart()."
        arguments.instance("prior", self.prior, families, advice)
        self.prior.check_structure(self.structure)

    @property
    def structure(self) -> Structure:
        """What the name of the covariance structure stands for."""
        return structure_named(self.covariance)

    def resolved_prior(self, x: ArrayLike, sample_weight: np.ndarray | None = None) -> Prior:
        """The prior with every number given, the missing ones scaled from the rows.

        Parameters
        ----------
        x : array, shape (n_obs, n_features), or Observations
            Complete rows, in the data's units.
        sample_weight : float64 array, shape (n_obs,), optional
            How many times each row counts.
        """
        x = np.asarray(x, dtype=np.float64)
        if sample_weight is None:
            sample_weight = np.ones(len(x))
        return self.prior.resolved(x, sample_weight, self.n_components, self.covariance)

    def with_interior_mode(self) -> "GaussianMixture":
        """The mixture itself, or with concentrations below 1 raised to 1 so that a mode exists."""
        concentration = self.prior.concentration
        if concentration is None or np.min(concentration) >= 1:
            return self
        prior = replace(self.prior, concentration=np.maximum(concentration, 1.0))
        return replace(self, prior=prior)

    def to_dict(self) -> dict[str, Any]:
        """The declaration as plain numbers and lists, ready for JSON."""
        return {
            "n_components": self.n_components,
            "covariance": self.covariance,
            "prior": self.prior.to_dict(),
        }

    @classmethod
    def from_dict(cls, declaration: dict[str, Any]) -> "GaussianMixture":
        """The declaration that ``to_dict`` wrote."""
        prior = prior_of_dict(declaration["prior"])
        return cls(declaration["n_components"], declaration["covariance"], prior)


def checked_mixture(mixture: object) -> GaussianMixture:
    """The declaration itself, or an error that says where among the arguments it goes."""
    advice = "The mixture comes first, then the rows: try bg.GaussianMixture(2)."
    return arguments.instance("mixture", mixture, GaussianMixture, advice)
