"""Three species of penguins, told apart by four measurements of their bodies.

Data: bill length and depth (mm), flipper length (mm) and body mass (g) of 342 penguins at Palmer
Station; Gorman, Williams & Fraser (2014), PLoS ONE 9(3) e90081, by way of *palmerpenguins* (Horst,
Hill & Gorman 2020). Two birds without measurements are left out; the species is the known truth.

Model, for d = 4 features and K = 3 (S₀, m and κ from the data):

    w ~ Dirichlet(2, 2, 2)   Σₖ ~ InverseWishart(6, 6 S₀)   μₖ | Σₖ ~ N(m, Σₖ / κ),  κ ≤ 0.01
    xₙ ~ w₁ N(μ₁, Σ₁) + w₂ N(μ₂, Σ₂) + w₃ N(μ₃, Σ₃)
"""

from pathlib import Path
from runpy import run_path

import pandas as pd

import bayesgmm as bg

table = pd.read_csv(Path(__file__).parent / "data" / "penguins.csv")

x = bg.observations(
    table,
    columns=["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"],
    drop_missing=True,
)

mixture = bg.GaussianMixture(n_components=3)

truth = table["species"].to_numpy()[x.rows]


def textbook(x, prior):
    """The same model in plain PyMC, with the numbers of a prior."""
    plain = run_path(str(Path(__file__).parent / "textbook.py"))
    return plain["gaussian_mixture"](x, 3, prior)
