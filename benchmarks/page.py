"""The README's table and figures, from results.json."""

from pathlib import Path
from statistics import median

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator

from benchmarks import scaling

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_name("results.json")
README, FIGURE = ROOT / "README.md", ROOT / ".github" / "benchmarks.png"
SCALING = FIGURE.with_name("scaling.png")
BEGIN, END = "<!-- benchmarks -->\n", "<!-- /benchmarks -->"

OURS = "bayesgmm"

INK, MUTED, GRID = "#23313d", "#5b6770", "#e8e6e1"
COLORS = {True: "#1f7a6d", False: "#d1603d", None: "#9aa5ab"}
"""Of a bar whose target is met, missed, or not set."""

STYLE = {
    "font.size": 8.5,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.edgecolor": MUTED,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": MUTED,
}


def write(results):
    """Put the table and the figures of these results into the README."""
    text = README.read_text("utf-8")
    README.write_text(replaced(text, section(results)), "utf-8")
    draw(results).savefig(FIGURE, dpi=200)
    if "scaling_n" in results["rows"]:
        scaling.figure(results["rows"], SCALING)


def replaced(text, section):
    """A README with its section on speed replaced."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + section + END + after


def section(results):
    """What was measured on what, and a table of the rows that have a target, in Markdown."""
    machine, rows = results["machine"], results["rows"].values()
    judged = [row for row in rows if row["target"]]
    met = sum(row["met"] is True for row in judged)
    days = sorted({row["date"] for row in rows})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, {when}; "
        f"{met} of {len(judged)} targets met.",
        "(n, d, K) are rows, features and components; times are medians of interleaved",
        "repetitions, and [`benchmarks/results.json`](benchmarks/results.json) has every one, with",
        "the versions and the rows without a target (grey; a tick marks a target, an orange bar",
        "misses it).",
        "",
        "| what is measured | peer | bayesgmm | figure | target |",
        "|---|--:|--:|--:|:--|",
    ]
    for row in judged:
        times = [_time(row["seconds"].get(side)) for side in (_other(row), OURS)]
        cells = [row["what"], *times, _figure(row), _target(row)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def line(row):
    """A row as it is printed when it lands."""
    return f"{_figure(row):>12}  {_target(row):<14} {row['name']}: {row['what']}"


def draw(results):
    """Two panels of bars on log axes: how many times faster, and the share of a cost that is left.

    A dark tick is a row's target; a bar says in colour whether it is met.
    """
    ratios = [row for row in results["rows"].values() if row["unit"] == "×" and row["figure"]]
    faster = [row for row in ratios if OURS in list(row["seconds"])[1:]]
    shares = [row for row in ratios if row not in faster]
    panels = [("How many times faster than …", faster), ("Its cost, over that of …", shares)]
    panels = [(title, rows) for title, rows in panels if rows]
    heights = [len(rows) + 1.5 for _, rows in panels]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 0.25 * sum(heights) + 0.4), layout="constrained")
        grid = figure.subplots(len(panels), 1, height_ratios=heights, squeeze=False)
        for axes, (title, rows) in zip(grid[:, 0], panels, strict=True):
            _bars(axes, title, rows)
    return figure


def _bars(axes, title, rows):
    halo = [withStroke(linewidth=3, foreground="white")]
    for at, row in enumerate(rows):
        figure, color = row["figure"], COLORS[row["met"]]
        end = figure
        axes.barh(at, figure - 1, left=1, height=0.6, color=color, linewidth=0)
        if row["target"]:
            bound = float(row["target"].lstrip("≥≤< "))
            axes.plot([bound, bound], [at - 0.4, at + 0.4], color=INK, linewidth=1.4)
            end = bound if 1 < figure < bound < 2 * figure else figure  # a number beside the tick
        side = 1 if figure >= 1 else -1
        axes.annotate(
            f"{_digits(figure)} ×", (end, at), (4 * side, 0), textcoords="offset points",
            ha="left" if side > 0 else "right", va="center", color=color, weight="bold",
            path_effects=halo, zorder=3,
        )  # fmt: skip
    labels = [f"{row['what'].partition(':')[0]}  ·  {_other(row)}" for row in rows]
    axes.set_yticks(range(len(rows)), labels, color=INK)
    axes.tick_params(axis="y", length=0)
    figures = [row["figure"] for row in rows]
    axes.set_xscale("log")
    axes.set_xlim(min(0.8, min(figures) / 2), max(figures) * 2)
    axes.axvline(1, color=INK, linewidth=0.8)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_title(title, loc="left")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if max(figures) < 10 else (1,)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g} ×")
    axes.xaxis.set_minor_formatter("")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def _figure(row):
    if row["figure"] is None:
        return f"not measured: {row['skipped']}"
    return f"{_digits(row['figure'], 3 if row['unit'] else 4)} {row['unit']}".strip()


def _target(row):
    mark = {True: " ✓", False: " ✗", None: ""}[row["met"]]
    return f"{row['target']} {row['unit']}".strip() + mark if row["target"] else ""


def _digits(value, digits=3):
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.{digits}g}"


def _other(row):
    """What a row compares with."""
    return next((side for side in [*row["seconds"], *row["extra"]] if side != OURS), "")


def _time(seconds):
    if not seconds:
        return ""
    value = median(seconds)
    unit, size = next((u, s) for u, s in (("s", 1), ("ms", 1e-3), ("µs", 0)) if value >= s)
    return f"{_digits(value / (size or 1e-6))} {unit}"
