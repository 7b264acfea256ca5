"""Memory that a short fit takes in a process of its own, by what Linux says of it.

Arguments: library, rows (.npy), "memory" or "mapped", components, iterations. Prints JSON, in MB:
"beyond", the highest resident memory in the fit less that before it; "anonymous", the highest
anonymous resident memory in the fit, libraries and interpreter included; "before", the same
before it.
"""

import json
import sys
import threading
import warnings
from pathlib import Path

import numpy as np

STATUS, HIGH_WATER = Path("/proc/self/status"), Path("/proc/self/clear_refs")
MB = 1e6


def resident(field):
    """VmRSS, its high-water mark VmHWM, or RssAnon, in MB."""
    [line] = [s for s in STATUS.read_text().splitlines() if s.startswith(f"{field}:")]
    return 1024 * int(line.split()[1]) / MB


def watch(seen, done):
    """Keep in ``seen`` the highest RssAnon, looked at every few milliseconds, until done."""
    while not done.wait(0.002):
        seen["anonymous"] = max(seen["anonymous"], resident("RssAnon"))


def bayesgmm(x, n_components, max_iter):
    import bayesgmm as bg

    mixture = bg.GaussianMixture(n_components)
    bg.fit_ml(mixture, x, n_starts=1, max_iter=max_iter, random_seed=1, progress=False)


def scikit_learn(x, n_components, max_iter):
    from sklearn.mixture import GaussianMixture

    settings = {"init_params": "random_from_data", "max_iter": max_iter, "random_state": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so few iterations do not converge
        GaussianMixture(n_components, **settings).fit(x)


library, path, where = sys.argv[1:4]
n_components, max_iter = map(int, sys.argv[4:])
fit = {"bayesgmm": bayesgmm, "scikit-learn": scikit_learn}[library]
x = np.load(path, mmap_mode="r" if where == "mapped" else None)
# Libraries and compiled code are no part of a fit's memory; so few rows leave nothing to reuse.
fit(np.array(x[:1000]), n_components, max_iter)

anonymous, total = resident("RssAnon"), resident("VmRSS")
seen, done = {"before": anonymous, "anonymous": anonymous}, threading.Event()
HIGH_WATER.write_text("5")  # the mark starts anew
watcher = threading.Thread(target=watch, args=(seen, done))
watcher.start()
fit(x, n_components, max_iter)
done.set()
watcher.join()
print(json.dumps(seen | {"beyond": resident("VmHWM") - total}))
