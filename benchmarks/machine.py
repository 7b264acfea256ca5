"""What the numbers were measured on: the machine, and the versions of everything."""

import os
import platform
import re
from importlib.metadata import distributions
from pathlib import Path

from benchmarks.peers import mclust, stan_mixture


def machine():
    """Processor, cores, memory and system."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "system": platform.system(),
    }


def versions():
    """Version of every package, of Python, and of the peers that live elsewhere."""
    found = {"python": platform.python_version(), **_packages()}
    site = list(stan_mixture.PYTHON.parents[1].glob("lib/python*/site-packages"))
    found |= {name: v for name, v in _packages(map(str, site)).items() if "stan" in name}
    return found | dict(zip(("r", "mclust"), mclust.versions(), strict=False))


def _packages(path=None):
    found = distributions() if path is None else distributions(path=list(path))
    return dict(sorted((d.metadata["Name"].lower(), d.version) for d in found))


def _processor():
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    names = re.findall(r"model name\s*: (.*)", text)
    return names[0] if names else platform.processor()
