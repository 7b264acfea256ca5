"""Stan, through pystan in its own virtual environment: ``mixture.stan``."""

import json
from pathlib import Path

import numpy as np

from benchmarks.measure import Seconds
from benchmarks.peers import PeerDensity
from benchmarks.peers.worker import Worker

PYTHON = Path(__file__).parents[2] / ".venv-stan" / "bin" / "python"
MISSING = f"{PYTHON.parents[1].name} is not there: pystan needs a Python that it is built for"


def worker():
    """The process that Stan lives in."""
    return Worker("stan", [PYTHON, Path(__file__).with_name("stan_worker.py")])


def density(stan, x, prior):
    """Seconds per gradient inside a short run of NUTS, by Stan's own clock."""
    data = {
        "N": len(x),
        "D": x.shape[1],
        "K": len(prior.concentration),
        "x": x.tolist(),
        "concentration": prior.concentration.tolist(),
        "m": prior.mean.tolist(),
        "mean_concentration": prior.mean_concentration,
        "df": prior.df,
        "scale": np.linalg.cholesky(prior.scale).tolist(),
    }
    stan.tell(json.dumps(data))

    def ask(what, parameters):
        start = {
            "weights": parameters.weights.tolist(),
            "factor": parameters.factor.tolist(),
            "means": parameters.means.tolist(),
        }
        return json.loads(stan.ask(json.dumps({"ask": what, "start": start})))

    def at(parameters):
        def gradient():
            run = ask("gradients", parameters)
            return Seconds(run["seconds"] / run["gradients"])

        return gradient

    def in_our_coordinates(parameters):
        # Stan's coordinates are ours but for the simplex, where ours are linear in Stan's.
        answer = ask("density", parameters)
        log_weights = np.log(answer["weights"])
        simplex = log_weights[:, :-1] - log_weights.mean(axis=1, keepdims=True)
        gradient = np.array(answer["gradient"])
        size = len(simplex) - 1
        gradient[:size] = np.linalg.solve(simplex[1:] - simplex[0], gradient[:size])
        return answer["value"], gradient

    return PeerDensity(at, in_our_coordinates)
