"""NumPyro's ``MixtureSameFamily``, in float64 on the CPU."""

import os

os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax.flatten_util import ravel_pytree
from numpyro.infer.util import constrain_fn, initialize_model, unconstrain_fn

from benchmarks.peers import PeerDensity

numpyro.enable_x64()


def mixture(x, prior):
    """The mixture with the assignments summed out, under a normal–inverse-Wishart prior."""
    weights = numpyro.sample("weights", dist.Dirichlet(prior.concentration))
    with numpyro.plate("component", len(prior.concentration)):
        factor = numpyro.sample("factor", dist.InverseWishartCholesky(prior.df, prior.scale))
        scale = factor / jnp.sqrt(prior.mean_concentration)
        means = numpyro.sample("means", dist.MultivariateNormal(prior.mean, scale_tril=scale))
    components = dist.MultivariateNormal(means, scale_tril=factor)
    with numpyro.plate("obs", len(x)):
        numpyro.sample(
            "x", dist.MixtureSameFamily(dist.Categorical(probs=weights), components), obs=x
        )


def density(x, prior):
    """Value and gradient of the potential energy that NUTS follows, compiled by XLA."""
    arguments = (jnp.asarray(x), prior)
    potential = initialize_model(jax.random.key(1), mixture, model_args=arguments).potential_fn
    value_and_gradient = jax.jit(jax.value_and_grad(potential))

    def position(parameters):
        named = {
            "weights": jnp.asarray(parameters.weights),
            "factor": jnp.asarray(parameters.factor),
            "means": jnp.asarray(parameters.means),
        }
        return unconstrain_fn(mixture, arguments, {}, named)

    def at(parameters):
        z = position(parameters)
        return lambda: jax.block_until_ready(value_and_gradient(z))

    @jax.jit
    def carried_over(z):
        flat, unravel = ravel_pytree(z)

        def ours(flat):
            return _unconstrain(constrain_fn(mixture, arguments, {}, unravel(flat)))

        def log_jacobian(flat):
            return jnp.linalg.slogdet(jax.jacfwd(ours)(flat))[1]

        energy, gradient = jax.value_and_grad(lambda flat: potential(unravel(flat)))(flat)
        change, slope = jax.value_and_grad(log_jacobian)(flat)
        return -energy - change, jnp.linalg.solve(jax.jacfwd(ours)(flat).T, -gradient - slope)

    def in_our_coordinates(parameters):
        value, gradient = carried_over(position(parameters))
        return float(value), np.asarray(gradient)

    return PeerDensity(at, in_our_coordinates)


def _unconstrain(named):
    """:func:`bayesgmm.target.unconstrain`, differentiable."""
    log_weights, factor = jnp.log(named["weights"]), named["factor"]
    rows, columns = jnp.tril_indices(factor.shape[-1])
    spread = factor[:, rows, columns]
    spread = jnp.where(rows == columns, jnp.log(jnp.abs(spread)), spread)
    simplex = log_weights[:-1] - log_weights.mean()
    return jnp.concatenate([simplex, spread.ravel(), named["means"].ravel()])
