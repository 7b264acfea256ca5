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
    two, species = posterior(geyser, 2), posterior(penguins, 3)
    # Where components overlap, chains seldom go from one reading of the data to another.
    three, clumps = posterior(geyser, 3, draws=10_000), posterior(galaxies, 4, draws=12_000)
    keep(bg.plot_comparison(three, bg.compare(three, random_seed=1, progress=False)), "clustering")
    keep(bg.plot_mixture(two), "mixture")
    keep(bg.plot_similarity(species), "similarity")
    keep(bg.plot_components(two), "components")
    keep(bg.plot_mixture(clumps), "density")


def posterior(x, n_components, draws=1000):
    mixture = bg.GaussianMixture(n_components)
    post = bg.sample(mixture, x, draws=draws, target_accept=0.98, random_seed=1, progress=False)
    return bg.relabel(post, progress=False)


def keep(axes, name):
    figure = np.atleast_1d(axes).flat[0].figure
    figure.savefig(HERE / f"{name}.png", dpi=110)


if __name__ == "__main__":
    main()
