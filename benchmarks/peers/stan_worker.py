"""Stan in a process, and a Python, of its own: a JSON request a line, a JSON reply a line.

Imports pystan and nothing of ours: it runs on whatever version of Python pystan is built for.
"""

import json
import os
import re
import sys
from pathlib import Path

import stan

PROGRAM = Path(__file__).with_name("mixture.stan")
ELAPSED = re.compile(r"([\d.]+) seconds \(Total\)")


def density(model, start):
    """Value and gradient in Stan's unconstrained coordinates, and how these move the weights."""
    u = model.unconstrain_pars(start)
    k = len(start["weights"])
    moved = [[v + (i == j) for i, v in enumerate(u)] for j in range(-1, k - 1)]
    return {
        "value": model.log_prob(u),
        "gradient": model.grad_log_prob(u),
        "weights": [model.constrain_pars(v)[:k] for v in moved],
    }


def gradients(model, start):
    """How many gradients a short run of NUTS takes, and its seconds by Stan's own clock.

    A transition takes one gradient at its start and one in every leapfrog step.
    """
    fit = model.sample(
        num_chains=1, num_warmup=4, num_samples=1, save_warmup=True, max_depth=3, init=[start]
    )
    steps = fit["n_leapfrog__"].ravel()
    elapsed, *_ = ELAPSED.findall(fit.stan_outputs[0].decode())
    return {"seconds": float(elapsed), "gradients": int(steps.sum()) + len(steps)}


if __name__ == "__main__":
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what pystan prints is no reply
    model = stan.build(PROGRAM.read_text(), data=json.loads(sys.stdin.readline()))
    answers = {"density": density, "gradients": gradients}
    for line in sys.stdin:
        request = json.loads(line)
        reply = answers[request["ask"]](model, request["start"])
        print(json.dumps(reply), file=replies, flush=True)
