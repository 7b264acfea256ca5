"""What a run will hold in memory, and what there is."""

import os
import sys
from pathlib import Path

import numpy as np

from bayesgmm.draws import SAMPLER_STATISTICS

NUTPIE_STATISTICS = 180
"""Bytes of statistics that nutpie keeps with a draw."""


def check_memory(n_values: int, sizes: dict[str, int], copies: bool = False) -> None:
    """Refuse a run whose draws do not fit.

    Parameters
    ----------
    n_values : int
        Numbers kept of a draw.
    sizes : dict
        Numbers of ``draws`` and tuning draws, ``tune``, of each chain, and of ``chains``.
    copies : bool
        Whether the sampler's draws are copied while it runs, as they are to be written.

    Raises
    ------
    ValueError
        The message says how much is needed and how much there is.
    """
    draws, tune, chains = sizes["draws"], sizes["tune"], sizes["chains"]
    statistics = sum(np.dtype(kind).itemsize for _, kind in SAMPLER_STATISTICS.values())
    sampler = chains * (draws + tune) * (8 * n_values + NUTPIE_STATISTICS)
    # The tree, and as much again for the arrays from which its variables are computed.
    needed = sampler * (1 + copies) + 2 * chains * draws * (8 * n_values + statistics)
    free = available()
    if needed > free:
        raise ValueError(
            f"draws={draws}, tune={tune} and chains={chains}, with {n_values} numbers to a draw, "
            f"need about {needed / 1e9:,.1f} GB of memory; {free / 1e9:,.1f} GB are free. Try "
            "fewer draws."
        )


def available() -> float:
    """Bytes that this process may still take: of the machine, of its container, of its limits."""
    return min(_of_the_machine(), _of_the_container(), _of_the_limit())


def _of_the_machine() -> float:
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        fields = dict(line.split(":") for line in meminfo.read_text().splitlines())
        return 1024.0 * int(fields["MemAvailable"].split()[0])
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return float("inf")


def _of_the_container() -> float:
    """What the control group leaves, version 2 or 1; cached files give way."""
    for limit, stat, held in (
        ("memory.max", "memory.stat", "anon"),
        ("memory/memory.limit_in_bytes", "memory/memory.stat", "total_rss"),
    ):
        try:
            most = Path("/sys/fs/cgroup", limit).read_text().strip()
            lines = Path("/sys/fs/cgroup", stat).read_text().splitlines()
        except OSError:
            continue
        if most != "max":
            return float(int(most) - int(dict(line.split() for line in lines)[held]))
    return float("inf")


def _of_the_limit() -> float:
    """What ``ulimit -v`` leaves."""
    if sys.platform == "win32":
        return float("inf")
    import resource

    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    statm = Path("/proc/self/statm")
    if most == resource.RLIM_INFINITY or not statm.exists():
        return float("inf")
    return float(most - int(statm.read_text().split()[0]) * resource.getpagesize())
