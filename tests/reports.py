"""Small posteriors to report, drawn once per session."""

from functools import cache

import numpy as np
import pandas as pd

import bayesgmm as bg

LONG = ("concentration_of_nitrogen_dioxide_in_µg_per_m3", "a & <b>", "c", "d")
SHORT = ("eruptions", "waiting")


def rows(names=SHORT, n_obs=80):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(n_obs, len(names))) + 6 * (np.arange(n_obs) % 2)[:, None]
    return pd.DataFrame(x, columns=list(names))


@cache
def posterior(
    names=SHORT,
    covariance="full",
    n_components=2,
    n_obs=80,
    weighted=False,
    draws=30,
    prior=bg.NormalInverseWishart(),  # noqa: B008 frozen
):
    """As ``sample`` returns it."""
    weight = 1 + np.arange(n_obs) % 3 if weighted else None
    return bg.sample(
        bg.GaussianMixture(n_components, covariance, prior),
        rows(names, n_obs),
        sample_weight=weight,
        draws=draws,
        tune=60,
        chains=2,
        cores=1,
        random_seed=1,
        progress=False,
    )


@cache
def by_hand():
    """As ``sample`` returns it of a model declared by hand: no MAP, no declaration."""
    tree = posterior().copy()
    for group in ("map", "constant_data"):
        del tree[group]
    tree.attrs = {
        name: value
        for name, value in tree.attrs.items()
        if name not in ("bayesgmm_declaration", "data_hash")
    }
    return tree
