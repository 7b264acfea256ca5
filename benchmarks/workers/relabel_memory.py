"""Time and memory of relabelling: draws, rows, features, components. Prints JSON.

"seconds"; "MB", the highest resident memory of the process (zero where Linux does not say).
"""

import json
import sys
import time
from pathlib import Path

import bayesgmm as bg
from benchmarks.simulate import mixture_rows, posterior_of

STATUS = Path("/proc/self/status")

n_draws, n_obs, n_features, n_components = map(int, sys.argv[1:])
x, mixture = mixture_rows(n_obs, n_features, n_components)
# The first use of compiled code is no part of it.
bg.relabel(posterior_of(x[:1000], mixture, 8), progress=False)
post = posterior_of(x, mixture, n_draws)
start = time.perf_counter()
sweeps = bg.relabel(post, progress=False)["clustering"].attrs["n_sweeps"]
seconds = time.perf_counter() - start
lines = STATUS.read_text().splitlines() if STATUS.exists() else []
high = sum(1024 * int(line.split()[1]) / 1e6 for line in lines if line.startswith("VmHWM"))
print(json.dumps({"seconds": seconds, "MB": high, "sweeps": int(sweeps)}))
