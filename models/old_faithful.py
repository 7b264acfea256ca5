"""Eruptions of the Old Faithful geyser: short ones come soon after, long ones late.

Data: eruption length and waiting time to the next eruption, minutes, 272 rows; Azzalini & Bowman
(1990), Applied Statistics 39, 357–365, as distributed with R.

Model, for x = (eruptions, waiting), K = 2 (S₀, m and κ from the data):

    w ~ Dirichlet(2, 2)   Σₖ ~ InverseWishart(4, 4 S₀)   μₖ | Σₖ ~ N(m, Σₖ / κ),  κ ≤ 0.01
    xₙ ~ w₁ N(μ₁, Σ₁) + w₂ N(μ₂, Σ₂)
"""

from pathlib import Path
from runpy import run_path

import bayesgmm as bg

x = bg.observations(Path(__file__).parent / "data" / "old_faithful.csv")

mixture = bg.GaussianMixture(n_components=2)


def textbook(x, prior):
    """The same model in plain PyMC, with the numbers of a prior."""
    plain = run_path(str(Path(__file__).parent / "textbook.py"))
    return plain["gaussian_mixture"](x, 2, prior)
