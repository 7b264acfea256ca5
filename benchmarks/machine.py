"""What the numbers were measured on: the machine, and the versions of all that takes part."""

import os
import platform
import re
from importlib.metadata import distributions
from pathlib import Path

from benchmarks.peers import clusterings, mclust, stan_mixture

NUMERICAL = {"llvmlite", "numba", "numpy", "pytensor", "scipy", "xarray"}
COMPARED = {"arviz", "arviz-stats", "bayesgmm", "httpstan", "jax", "jaxlib", "numpyro"}
COMPARED |= {"daal", "nutpie", "pymc", "pystan", "scikit-learn", "scikit-learn-intelex"}


def machine():
    """Processor, cores, memory and system."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "system": platform.system(),
    }


def versions():
    """Version of every package that computes or samples, of Python, and of R with its packages."""
    site = stan_mixture.PYTHON.parents[1].glob("lib/python*/site-packages")
    installed = [*distributions(path=list(map(str, site))), *distributions()]
    found = {d.metadata["Name"].lower(): d.version for d in installed}
    found = {name: found[name] for name in sorted((NUMERICAL | COMPARED) & set(found))}
    found |= dict(zip(("r", "mclust"), mclust.versions(), strict=False))
    others = dict(zip(("r", "label.switching", "salso"), clusterings.versions(), strict=False))
    return {"python": platform.python_version(), **found, **others}


def _processor():
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    names = re.findall(r"model name\s*: (.*)", text)
    return names[0] if names else platform.processor()
