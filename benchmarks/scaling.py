"""Cost of a pass against rows, features and components, beside an iteration of the peers'."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from statistics import median

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from bayesgmm.likelihood.passes import mixture_moments
from bayesgmm.runtime import one_blas_thread
from benchmarks.em import ITERATIONS, far_from_the_end
from benchmarks.measure import REPETITIONS, Row, interleaved
from benchmarks.peers import daal, scikit_learn
from benchmarks.simulate import mixture_rows

VALUES = {
    "n": [10**i for i in range(3, 8)],
    "d": [1, 2, 3, 5, 10, 20, 30],
    "K": [1, 2, 3, 5, 10, 20, 30],
}
"""What varies, one at a time; the others stay at …"""
FIXED = {"n": 100_000, "d": 5, "K": 5}

MEANING = {"n": "rows n", "d": "features d", "K": "components K"}

FIRST = {"n": 100_000, "d": 5, "K": 2}
"""Where the fit of a slope begins: below, what does not grow costs as much, or a core is idle."""

SIDES = {
    "every core": ("a pass on every core", "#1f7a6d"),
    "one core": ("a pass on one core", "#d1603d"),
    "daal4py": ("an iteration of daal4py's, every core", "#6a5a9c"),
    "scikit-learn": ("an iteration of scikit-learn's, every core", "#9aa5ab"),
}

MOST_ROWS_OF_PEERS = 1_000_000
"""Beyond, an iteration of scikit-learn's takes many seconds."""

STYLE = {
    "font.size": 8.5,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.edgecolor": "#5b6770",
    "axes.labelcolor": "#23313d",
    "text.color": "#23313d",
    "xtick.color": "#5b6770",
    "ytick.color": "#5b6770",
}


def rows(profile):
    repetitions = REPETITIONS[profile]
    for axis in VALUES:
        for side, seconds in seconds_against(axis, repetitions, peers=True).items():
            yield curve(axis, side, seconds)
    # In a process of its own: threads keep the cores that they were started on.
    core, spawn = {min(os.sched_getaffinity(0))}, multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, os.sched_setaffinity, (0, core)) as process:
        alone = process.submit(seconds_against, "n", repetitions, peers=False).result()
        yield curve("n", "one core", alone["every core"])


def seconds_against(axis, repetitions, peers):
    """Seconds of a pass, every repetition, at each value of an axis, by side; in turn."""
    found = {}
    for value in VALUES[axis]:
        shape = tuple((FIXED | {axis: value}).values())
        for side, seconds in interleaved(sides_at(*shape, peers), repetitions).items():
            found.setdefault(side, []).append(seconds)
    return found


def sides_at(n, d, K, peers):
    x, mixture = mixture_rows(n, d, K)
    one_pass = partial(mixture_moments, x, mixture.log_weights, mixture.means, mixture.factor)

    def ours():
        with one_blas_thread():  # as in a fit: our threads are over the rows
            one_pass()

    sides = {"every core": ours}
    if peers and n <= MOST_ROWS_OF_PEERS:
        if not daal.MISSING:
            start = far_from_the_end(x, mixture)
            sides["daal4py"] = daal.iterations(daal.em(x, start, ITERATIONS))
        sides["scikit-learn"] = scikit_learn.em_iteration(x, mixture)
    return sides


def curve(axis, side, seconds):
    """A row whose figure is the slope of log seconds in the logarithm of what varies."""
    values = VALUES[axis][: len(seconds)]
    medians = [median(repetitions) for repetitions in seconds]
    settled = values.index(FIRST[axis])
    suffix = "" if side == "every core" else "_" + side.replace("-", "_").replace(" ", "_")
    return Row(
        f"scaling_{axis}{suffix}",
        f"{SIDES[side][0]} at {fixed(axis)}: slope of log seconds in log {axis}, "
        f"{number(FIRST[axis])} to {number(values[-1])}",
        "1.0 ± 0.05" if axis == "n" and side in ("every core", "one core") else "",
        "",
        value=slope(values[settled:], medians[settled:]),
        extra={
            "axis": axis,
            "side": side,
            "values": values,
            "repetitions": seconds,
            "slope over all": slope(values, medians),
        },
    )


def slope(values, seconds):
    """Slope of log seconds in log values, by least squares."""
    return float(np.polyfit(np.log(values), np.log(seconds), 1)[0])


def figure(rows, path):
    """Draw the curves among the rows of results.json into a file."""
    with mpl.rc_context(STYLE):
        drawn = Figure(figsize=(9, 3.1), layout="constrained")
        panels = dict(zip(VALUES, drawn.subplots(1, len(VALUES)), strict=True))
        for name, row in rows.items():
            if name.startswith("scaling_"):
                _draw(panels[row["extra"]["axis"]], row)
        for axis, axes in panels.items():
            axes.set(xscale="log", yscale="log", xlabel=MEANING[axis])
            low, high = np.log10(axes.get_ylim())
            axes.set_ylim(10 ** np.floor(low), 10 ** (np.ceil(high) + 1.5))  # room for the legend
            axes.xaxis.set_minor_formatter("")
            axes.yaxis.set_minor_formatter("")
            axes.set_title(fixed(axis), loc="left", fontsize=8.5)
            axes.grid(color="#e8e6e1", linewidth=0.6)
            axes.set_axisbelow(True)
            axes.legend(frameon=False, loc="upper left")
        panels["n"].set_ylabel("seconds per pass")
        drawn.savefig(path, dpi=200)


def _draw(axes, row):
    extra = row["extra"]
    color = SIDES[extra["side"]][1]
    values, medians = extra["values"], [median(s) for s in extra["repetitions"]]
    axes.plot(values, medians, "o", color=color, markersize=4)
    settled = [value for value in values if value >= FIRST[extra["axis"]]]
    height = np.mean(np.log(medians[-len(settled) :])) - row["value"] * np.mean(np.log(settled))
    line = np.exp(height) * np.array(settled, dtype=float) ** row["value"]
    label = f"{extra['side']}, slope {row['value']:.2f}"
    axes.plot(settled, line, color=color, linewidth=1.4, label=label)


def fixed(axis):
    """What stays while an axis varies: ``d = 5, K = 5``."""
    return ", ".join(f"{name} = {number(v)}" for name, v in FIXED.items() if name != axis)


def number(value):
    return f"{value:,}".replace(",", " ")
