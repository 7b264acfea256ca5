"""NumPyro's NUTS on the mixture, as its documentation runs several chains on a CPU."""

from functools import partial

import numpy as np
import numpyro
from numpyro.infer import MCMC, NUTS

from bayesgmm.mixture.priors import FraleyRaftery
from benchmarks.peers.numpyro_mixture import mixture


def sampler(x, n_components, draws, tune, chains):
    """An MCMC object, not yet run, of chains in parallel; made before JAX computes anything."""
    numpyro.set_host_device_count(chains)
    prior = FraleyRaftery().resolved(x, np.ones(len(x)), n_components, "full")
    return MCMC(
        NUTS(partial(mixture, x, prior)),
        num_warmup=tune,
        num_samples=draws,
        num_chains=chains,
        progress_bar=False,
    )
