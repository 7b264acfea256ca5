"""Velocities of galaxies in the Corona Borealis region: clumps and voids along the line of sight.

Data: 82 velocities, km/s; Postman, Huchra & Geller (1986), AJ 92, 1238; Roeder (1990), JASA 85,
617, with one value as published (26960) that a widespread copy mistypes.

Model, for one feature and K = 6 (S₀, m and κ from the data); Σₖ is a 1 × 1
matrix, the component's variance:

    w ~ Dirichlet(2, …, 2)   Σₖ ~ InverseWishart(3, 3 S₀)   μₖ | Σₖ ~ N(m, Σₖ / κ),  κ ≤ 0.01
    xₙ ~ w₁ N(μ₁, Σ₁) + … + w₆ N(μ₆, Σ₆)
"""

from pathlib import Path
from runpy import run_path

import bayesgmm as bg

x = bg.observations(Path(__file__).parent / "data" / "galaxies.csv")

mixture = bg.GaussianMixture(n_components=6)


def textbook(x, prior):
    """The same model in plain PyMC, with the numbers of a prior."""
    plain = run_path(str(Path(__file__).parent / "textbook.py"))
    return plain["gaussian_mixture"](x, 6, prior)
