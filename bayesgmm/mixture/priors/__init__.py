"""The priors of a Gaussian mixture, one file per family: a new one is a file, and a row here.

May not import PyMC or ArviZ.
"""

from typing import Any

from bayesgmm.mixture.priors.density import LOG_2PI as LOG_2PI
from bayesgmm.mixture.priors.density import add_log_density as add_log_density
from bayesgmm.mixture.priors.density import add_log_prior as add_log_prior
from bayesgmm.mixture.priors.density import exchangeable_groups as exchangeable_groups
from bayesgmm.mixture.priors.density import gains_of_places as gains_of_places
from bayesgmm.mixture.priors.density import prior_numbers as prior_numbers
from bayesgmm.mixture.priors.normal_inverse_wishart import FraleyRaftery as FraleyRaftery
from bayesgmm.mixture.priors.normal_inverse_wishart import (
    NormalInverseWishart as NormalInverseWishart,
)
from bayesgmm.mixture.priors.normal_lkj import NormalLKJ as NormalLKJ
from bayesgmm.mixture.priors.protocol import Prior as Prior
from bayesgmm.runtime import arguments

FAMILIES: dict[str, type[Prior]] = {
    family.__name__: family for family in (NormalInverseWishart, FraleyRaftery, NormalLKJ)
}
"""Every family by its name."""


def prior_of_dict(numbers: dict[str, Any]) -> Prior:
    """The prior that ``to_dict`` wrote.

    Raises
    ------
    ValueError, TypeError
        There is no such family, or a number is not as it must be.
    """
    family = arguments.one_of("prior", numbers["family"], FAMILIES)
    return FAMILIES[family].from_dict({n: v for n, v in numbers.items() if n != "family"})
