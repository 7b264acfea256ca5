"""PyMC's ``pm.Mixture`` over ``pm.MvNormal``: the textbook model of ``models/``."""

from pathlib import Path
from runpy import run_path

from bayesgmm.likelihood.target import unconstrain
from benchmarks.peers import PeerDensity

TEXTBOOK = Path(__file__).parents[2] / "models" / "textbook.py"


def textbook(x, n_components):
    """The mixture as a plain ``pm.Model``; its prior is scaled from the rows."""
    return run_path(str(TEXTBOOK))["gaussian_mixture"](x, n_components)


def density(x, n_components):
    """Value and gradient, compiled by PyTensor's numba backend."""
    compiled = textbook(x, n_components).logp_dlogp_function(ravel_inputs=True, mode="NUMBA")
    compiled.set_extra_values({})

    def at(parameters):
        # PyMC's unconstrained coordinates are ours, in the same order.
        y = unconstrain(parameters)
        return lambda: compiled(y)

    return PeerDensity(at, lambda parameters: at(parameters)())
