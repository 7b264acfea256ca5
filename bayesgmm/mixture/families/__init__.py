"""The families of components, one file per family: a new one is a file, and a line here."""

from bayesgmm.mixture.families import family as family
from bayesgmm.mixture.families.gaussian import Gaussian as Gaussian
