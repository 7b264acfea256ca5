"""The highest log likelihoods that scikit-learn and mclust reach at the data of tests/fit_cases.py.

Run in the root of the repository, with R and its packages mclust and jsonlite; data that are in
fits.json are skipped:

    PYTHONPATH=.:tests .venv/bin/python tests/reference/fits.py

``fits``: by data, structure and number of components from 1, the log likelihood (nats, of all rows
in their own units), the peer that reached it ("both" where the other is within 1e-6 per row), the
smallest eigenvalue of a component's covariance relative to that of the bulk of the rows, and the
smallest expected count of a component: little more than one per feature means a spurious solution.
None where every solution of the peers is one that ``fit_ml`` refuses as collapsed.

``large``: the log likelihood that scikit-learn reaches at the large cases from ten starts.

``hard``: the log posterior or log likelihood of the best mode known of the hard cases: of two
thousand starts of bayesgmm, and of the peers.
"""

import json
import subprocess
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import scipy.linalg
import sklearn
from fit_cases import CASES, DESIGNED, HARD, LARGE, large
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

import bayesgmm as bg
from bayesgmm.data import Bulk
from bayesgmm.mixture import FLOOR, structure_named

REFERENCE = Path(__file__).with_suffix(".json")
MODELS = {"full": "VVV", "tied": "EEE", "diag": "VVI", "spherical": "VII"}
MODELS_1 = {"full": "V", "tied": "E"}
"""With one feature all structures are these two."""
MOST_COMPONENTS = 9


def scikit_learn(z, structure, k, n_init=20, **settings):
    """Weights, means and dense covariances of every start that ``n_init`` starts would make."""
    rng = np.random.RandomState(1)
    for _ in range(n_init):
        model = GaussianMixture(k, covariance_type=structure, random_state=rng, **settings)
        with suppress(ValueError):  # a component has collapsed
            model.fit(z)
        if not hasattr(model, "covariances_"):
            continue
        covariances, eye = model.covariances_, np.eye(z.shape[1])
        if structure == "tied":
            covariances = np.broadcast_to(covariances, (k, *eye.shape))
        elif structure != "full":
            covariances = covariances.reshape(k, 1, -1) * eye
        yield model.weights_, model.means_, covariances


def mclust(z, model):
    """Weights, means and covariances by number of components, and mclust's version."""
    rows = "\n".join(",".join(map(repr, row)) for row in z.tolist())
    command = ["Rscript", REFERENCE.with_suffix(".R"), model, str(MOST_COMPONENTS)]
    answer = subprocess.run(command, input=rows, stdout=subprocess.PIPE, text=True, check=True)
    answer = json.loads(answer.stdout)
    fits = [f and (f["weights"], f["means"], f["covariances"]) for f in answer["fits"]]
    return fits, answer["version"]


def log_likelihood(z, weights, means, covariances):
    densities = [
        multivariate_normal(m, c).logpdf(z) for m, c in zip(means, covariances, strict=True)
    ]
    return logsumexp(np.transpose(densities) + np.log(weights), axis=1).sum()


def best(z, structure, solutions):
    """The highest solution of those off the floor, of pairs of a peer's name and parameters."""
    bulk = Bulk.of(z, np.ones(len(z)), structure_named(structure)).covariance
    found = []
    for peer, (weights, means, covariances) in solutions:
        smallest = min(scipy.linalg.eigvalsh(c, bulk)[0] for c in covariances)
        if smallest > FLOOR * 1.0001:
            value = log_likelihood(z, weights, means, covariances)
            found.append((value, peer, smallest, len(z) * min(weights)))
    if not found:
        return None
    value, peer, smallest, count = max(found)
    if any(p != peer and v > value - 1e-6 * len(z) for v, p, *_ in found):
        peer = "both"
    return value, peer, smallest, count


def fits_of(x):
    """By structure, the best solution of every number of components; and mclust's version."""
    fits = {}
    for structure, model in (MODELS if x.shape[1] > 1 else MODELS_1).items():
        scale = x.std(axis=0)
        if structure == "spherical":
            scale = np.full_like(scale, scale.max())
        z, jacobian = (x - x.mean(axis=0)) / scale, len(x) * np.log(scale).sum()
        of_mclust, version = mclust(z, model)
        fits[structure] = []
        for k in range(1, MOST_COMPONENTS + 1):
            solutions = [("mclust", of_mclust[k - 1])] if of_mclust[k - 1] else []
            solutions += (
                ("scikit-learn", solution)
                for solution in scikit_learn(
                    z, structure, k, tol=1e-8, max_iter=5000, reg_covar=1e-9
                )
            )
            fit = best(z, structure, solutions)
            if fit is not None:
                value, peer, smallest, count = fit
                fit = [round(value - jacobian, 6), peer, float(f"{smallest:.2g}"), round(count, 1)]
            fits[structure].append(fit)
    return fits, version


def best_known(case, fits):
    """The highest mode that two thousand starts or the peers find, nats."""
    name, structure, k, kind = case.split()
    fit, mixture = getattr(bg, f"fit_{kind}"), bg.GaussianMixture(int(k), structure)
    x = (CASES | DESIGNED)[name]()
    known = [
        fit(mixture, x, n_starts=2000, random_seed=1000, progress=False).modes[0].log_posterior
    ]
    if kind == "ml" and name in fits and int(k) <= MOST_COMPONENTS:
        known.append(fits[name][structure][int(k) - 1][0])
    return round(max(known), 6)


def keep(stored):
    REFERENCE.write_text(json.dumps(stored, separators=(",", ":")) + "\n", "utf-8")


def main():
    warnings.simplefilter("ignore")  # of convergence: the value at the end is one to reach
    stored = json.loads(REFERENCE.read_text("utf-8")) if REFERENCE.exists() else {}
    fits, of_large, hard = (stored.setdefault(part, {}) for part in ("fits", "large", "hard"))
    for name in [name for name in CASES if name not in fits]:
        fits[name], version = fits_of(CASES[name]())
        stored["made_with"] = f"scikit-learn {sklearn.__version__}, {version}"
        keep(stored)
    for name in [name for name in LARGE if name not in of_large]:
        x, _ = large(name)
        values = [log_likelihood(x, *s) for s in scikit_learn(x, "full", 20, n_init=10)]
        of_large[name] = round(max(values), 6)
        keep(stored)
    for case in [case for case in HARD if case not in hard]:
        hard[case] = best_known(case, fits)
        keep(stored)


if __name__ == "__main__":
    main()
