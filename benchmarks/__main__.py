"""``python -m benchmarks``: measures the rows, and writes results.json and the README from them."""

import argparse
import json
import os
from dataclasses import asdict
from datetime import date

from rich.console import Console

from benchmarks import page
from benchmarks.machine import machine, versions
from benchmarks.measure import REPETITIONS
from benchmarks.runner import rows_in_a_process

BENCHMARKS = [
    "em",
    "limit",
    "fit",
    "passes",
    "gradient",
    "process",
    "sampling",
    "clustering",
    "memory",
    "scaling",
]
"""Modules with ``rows(profile)``."""


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--profile", choices=REPETITIONS, default="quick")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=BENCHMARKS,
        metavar="NAME",
        help=f"measure these alone, and keep the other rows: {', '.join(BENCHMARKS)}",
    )
    arguments = parser.parse_args()
    console, failed = Console(highlight=False), []
    results = begin(keep=bool(arguments.only))
    chosen = arguments.only or BENCHMARKS
    for i, benchmark in enumerate(chosen, start=1):
        with console.status(f"{benchmark}, {i} of {len(chosen)}"):
            for row in rows_in_a_process(benchmark, arguments.profile, failed):
                entry = {"benchmark": benchmark, "profile": arguments.profile}
                entry |= {"date": date.today().isoformat(), **asdict(row)}
                entry |= {"figure": row.figure, "met": row.met}
                results["rows"][row.name] = entry
                save(results)
                console.print(page.line(entry), markup=False, soft_wrap=True)
    if results["rows"]:
        page.write(results)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}; what was measured is in results.json.")


def begin(keep):
    """Results without rows, or with those measured before on the same machine and versions.

    ``keep`` keeps all of them; else those of the full profile stay until it is run again.
    """
    results = {"machine": machine(), "versions": versions(), "rows": {}}
    if page.RESULTS.exists():
        before = json.loads(page.RESULTS.read_text("utf-8"))
        other = [what for what in ("machine", "versions") if before[what] != results[what]]
        if other and keep:
            raise SystemExit(f"results.json is of other {other[0]}: measure all, without --only.")
        for name, row in before["rows"].items():
            if not other and (keep or row["profile"] == "full"):
                results["rows"][name] = row
    return results


def save(results):
    """Write results.json, its rows in the order of the benchmarks, whole or not at all."""
    order = sorted(results["rows"].values(), key=lambda row: BENCHMARKS.index(row["benchmark"]))
    results["rows"] = {row["name"]: row for row in order}
    new = page.RESULTS.with_suffix(".new")
    new.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
    os.replace(new, page.RESULTS)


if __name__ == "__main__":
    main()
