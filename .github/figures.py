"""Draw the README's figures: ``.venv/bin/python .github/figures.py``."""

from pathlib import Path

import matplotlib as mpl
import numpy as np

import bayesgmm as bg

mpl.use("agg")
HERE = Path(__file__).parent
DATA = HERE.parent / "models" / "data"
PENGUINS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]


def main():
    geyser = bg.observations(DATA / "old_faithful.csv")
    penguins = bg.observations(DATA / "penguins.csv", columns=PENGUINS, drop_missing=True)
    galaxies = bg.observations(DATA / "galaxies.csv")
    two, three = (posterior(geyser, k) for k in (2, 3))
    species, clumps = posterior(penguins, 3), posterior(galaxies, 4)
    keep(bg.plot_comparison(three, bg.compare(three, random_seed=1, progress=False)), "clustering")
    keep(bg.plot_mixture(two), "mixture")
    keep(bg.plot_similarity(species), "similarity")
    keep(bg.plot_components(two), "components")
    keep(bg.plot_mixture(clumps), "density")


def posterior(x, n_components):
    post = bg.sample(bg.GaussianMixture(n_components), x, random_seed=1, progress=False)
    return bg.relabel(post, progress=False)


def keep(axes, name):
    figure = np.atleast_1d(axes).flat[0].figure
    figure.savefig(HERE / f"{name}.png", dpi=110)


if __name__ == "__main__":
    main()
