"""What the default prior's scale does to the clustering of the mode: ``.github/PRIOR.md``.

``python -m benchmarks.default_prior [FOLDER]`` prints the adjusted Rand index of the mode against
known classes, under each prior and by maximum likelihood. A folder holds more tables as CSV, the
last column their classes: the sets that R's packages mclust, MASS and mlbench bring.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn import datasets
from sklearn.metrics import adjusted_rand_score

import bayesgmm as bg

N_STARTS = 10
BLOBS = ((500, 10, 3), (400, 5, 4), (400, 20, 4))


def labelled(folder=None):
    """Name, rows with standardised features, and classes."""
    sets = {name: getattr(datasets, f"load_{name}")(return_X_y=True) for name in ("iris", "wine")}
    for n, d, k in BLOBS:
        sets[f"blobs ({n}, {d}, {k})"] = datasets.make_blobs(
            n, d, centers=k, cluster_std=1.0, center_box=(-2, 2), random_state=13
        )
    for path in sorted(Path(folder).glob("*.csv")) if folder else ():
        table = np.genfromtxt(path, delimiter=",", skip_header=1)
        sets[path.stem] = table[:, :-1], table[:, -1]
    for name, (x, classes) in sets.items():
        yield name, (x - x.mean(axis=0)) / x.std(axis=0), classes


def agreements(x, classes):
    """Adjusted Rand index by way of fitting."""
    k, settings = len(np.unique(classes)), {"n_starts": N_STARTS, "random_seed": 1}
    ways = {
        "FraleyRaftery": (bg.fit_map, bg.FraleyRaftery()),
        "default": (bg.fit_map, bg.NormalInverseWishart()),
        "maximum likelihood": (bg.fit_ml, bg.NormalInverseWishart()),
    }
    for way, (fit, prior) in ways.items():
        mode = fit(bg.GaussianMixture(k, prior=prior), x, progress=False, **settings)
        yield way, adjusted_rand_score(classes, mode.predict(x))


if __name__ == "__main__":
    for name, x, classes in labelled(*sys.argv[1:]):
        found = ", ".join(f"{way} {value:.2f}" for way, value in agreements(x, classes))
        print(f"{name} {x.shape}: {found}", flush=True)
