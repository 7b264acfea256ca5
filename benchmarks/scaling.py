"""Cost of one pass over the rows against their number, the features and the components."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from statistics import median

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from bayesgmm.likelihood.passes import mixture_moments
from benchmarks.measure import REPETITIONS, Row, interleaved
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

COLORS = {"every core": "#1f7a6d", "one core": "#d1603d"}

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
        yield curve(axis, "every core", seconds_against(axis, repetitions))
    # In a process of its own: threads keep the cores that they were started on.
    core, spawn = {min(os.sched_getaffinity(0))}, multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, os.sched_setaffinity, (0, core)) as process:
        yield curve("n", "one core", process.submit(seconds_against, "n", repetitions).result())


def seconds_against(axis, repetitions):
    """Seconds of a pass, every repetition, at each value of an axis."""
    passes = {value: one_pass(**FIXED | {axis: value}) for value in VALUES[axis]}
    # As in a fit: our threads are over the rows.
    with threadpool_limits(1, user_api="blas"):
        return list(interleaved(passes, repetitions).values())


def one_pass(n, d, K):
    x, mixture = mixture_rows(n, d, K)
    return partial(mixture_moments, x, mixture.log_weights, mixture.means, mixture.factor)


def curve(axis, cores, seconds):
    """A row whose figure is the slope of log seconds in the logarithm of what varies."""
    values, medians = VALUES[axis], [median(repetitions) for repetitions in seconds]
    settled = values.index(FIRST[axis])
    return Row(
        f"scaling_{axis}" if cores == "every core" else f"scaling_{axis}_{cores.split()[0]}_core",
        f"a pass on {cores} at {fixed(axis)}: slope of log seconds in log {axis}, "
        f"{number(FIRST[axis])} to {number(values[-1])}",
        "1.0 ± 0.05" if axis == "n" else "",
        "",
        value=slope(values[settled:], medians[settled:]),
        extra={
            "axis": axis,
            "cores": cores,
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
            axes.set_ylim(10 ** np.floor(low), 10 ** np.ceil(high))
            axes.xaxis.set_minor_formatter("")
            axes.yaxis.set_minor_formatter("")
            axes.set_title(fixed(axis), loc="left", fontsize=8.5)
            axes.grid(color="#e8e6e1", linewidth=0.6)
            axes.set_axisbelow(True)
            axes.legend(frameon=False, loc="upper left")
        panels["n"].set_ylabel("seconds per pass")
        drawn.savefig(path, dpi=200)


def _draw(axes, row):
    extra, color = row["extra"], COLORS[row["extra"]["cores"]]
    values, medians = extra["values"], [median(s) for s in extra["repetitions"]]
    axes.plot(values, medians, "o", color=color, markersize=4)
    settled = [value for value in values if value >= FIRST[extra["axis"]]]
    height = np.mean(np.log(medians[-len(settled) :])) - row["value"] * np.mean(np.log(settled))
    line = np.exp(height) * np.array(settled, dtype=float) ** row["value"]
    label = f"{extra['cores']}, slope {row['value']:.2f}"
    axes.plot(settled, line, color=color, linewidth=1.4, label=label)


def fixed(axis):
    """What stays while an axis varies: ``d = 5, K = 5``."""
    return ", ".join(f"{name} = {number(v)}" for name, v in FIXED.items() if name != axis)


def number(value):
    return f"{value:,}".replace(",", " ")
