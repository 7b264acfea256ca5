"""The report: one self-contained HTML page, and the folder of files that goes with a fit."""

import json
from dataclasses import replace
from importlib import resources
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from markupsafe import Markup
from scipy.optimize import linear_sum_assignment

from bayesgmm.clusterings import N_RUNS
from bayesgmm.data import Rows
from bayesgmm.draws import Posterior, Reading, map_dataset, names, save
from bayesgmm.em import PointEstimate
from bayesgmm.html import cells
from bayesgmm.labels import relabelled, within
from bayesgmm.page.captions import Picture, pictures
from bayesgmm.page.clustering_numbers import clustered
from bayesgmm.page.numbers import numbers_of, plain
from bayesgmm.posterior import summary_table
from bayesgmm.runtime import arguments, files

ALIGNMENT_ROWS = 2000
"""Rows by which the components of another mode are matched with the posterior's."""

SHOWN_ROWS = 20
"""Rows of a long table that the page shows; the JSON has all of them."""


def report(
    post: Posterior,
    mode: PointEstimate | None = None,
    path: str | Path = "report.html",
    *,
    random_seed: int = 1,
    x: Rows | None = None,
    progress: bool = True,
) -> Path:
    """One self-contained HTML page of a fit, and beside it every number as JSON.

    The page says whether the chains converged, what was fitted, what came out with intervals and
    Monte Carlo errors, how sure the clustering is, how the MAP compares with the posterior, and
    whether replicas look like the data. It needs no network. The JSON bears the page's name, and
    fits the schema ``report.schema.json`` in the folder of this module.

    Parameters
    ----------
    post : xarray.DataTree
        What ``sample`` returned, or ``load``; relabelled first if it is not yet.
    mode : PointEstimate, optional
        Stands in for the tree's own MAP; its components take the order of the posterior's.
    path : str or path
        File to write; its folder is made if there is none.
    random_seed : int
        Of sampled assignments and replicas: the same tree and seed give the same numbers.
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    progress : bool
        Bars for what takes longer than two seconds.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    ValueError
        The mode is of another mixture, or ``path`` is where the JSON would go.
    """
    path = arguments.path("path", path)
    random_seed = arguments.integer("random_seed", random_seed, 0, arguments.LARGEST_SEED)
    if path.is_dir():
        raise ValueError(f"path must be that of a file; {str(path)!r} is a folder.")
    if path.suffix == ".json":
        raise ValueError(
            f"path is that of the page, and the JSON goes beside it; got {str(path)!r}. "
            f"Try {str(path.with_suffix('.html'))!r}."
        )
    reading = Reading.of(post, x)
    if mode is not None:
        arguments.instance("mode", mode, PointEstimate, "Try mode=bg.fit_map(mixture, x).")
    reading = relabelled(reading, progress=progress)
    if mode is not None:
        reading = _with_mode(reading, mode)
    found = clustered(reading, random_seed, progress)
    _write(numbers_of(reading, found), pictures(reading, found), path)
    return path


def write_outputs(
    post: Posterior, folder: str | Path, *, progress: bool = True
) -> tuple[list[Path], dict[str, Any]]:
    """``posterior.nc``, ``summary.csv``, the report and its figures as PNG, in a folder.

    Parameters
    ----------
    post : xarray.DataTree
        What ``sample`` returned, or ``load``; relabelled first if it is not yet.
    folder : str or path
        Made if there is none; files of these names in it are replaced.
    progress : bool

    Returns
    -------
    files : list of pathlib.Path
        The files written.
    numbers : dict
        Those of the report.
    """
    folder = Path(folder)
    reading = relabelled(post, progress=progress)
    save(reading.tree, folder / "posterior.nc")
    table = summary_table(reading, round_to="none")
    files.write(folder / "summary.csv", pd.DataFrame(table).to_csv(index_label="quantity"))
    found = clustered(reading, 1, progress)
    shown = pictures(reading, found)
    for picture in shown:
        files.write(folder / f"{picture.name}.png", picture.png)
    numbers = numbers_of(reading, found)
    _write(numbers, shown, folder / "report.html")
    written = ["posterior.nc", "summary.csv", "report.html", "report.json"]
    return [folder / name for name in (*written, *(f"{p.name}.png" for p in shown))], numbers


def _with_mode(reading: Reading, mode: PointEstimate) -> Reading:
    """The posterior with a mode in ``/map``, its components in the order of the posterior's."""
    probability, x, features = reading.mean_probability, reading.rows, reading.features
    n_components = probability.shape[1]
    if tuple(mode.features) != tuple(features) or len(mode.weights) != n_components:
        raise ValueError(
            f"mode must have the posterior's {n_components} components and features "
            f"{', '.join(features)}; got {len(mode.weights)} and {', '.join(mode.features)}. "
            "Fit it with the declaration and the data of post."
        )
    rows = np.unique(np.linspace(0, len(x) - 1, min(len(x), ALIGNMENT_ROWS)).astype(int))
    shared = probability[rows].T @ np.asarray(mode.predict_proba(x[rows]))
    order = linear_sum_assignment(within(-shared, reading.groups))[1]
    coords = {name: values.values for name, values in reading.posterior.coords.items()}
    tree = reading.tree.copy()
    aligned = replace(mode, parameters=mode.parameters.permuted(order))
    tree[names.MAP] = xr.DataTree(map_dataset(aligned, coords))
    return Reading.of(tree, reading.x)


def _write(numbers: dict[str, Any], shown: list[Picture], path: Path) -> None:
    """The page, and its JSON beside it."""
    from jinja2 import Environment, StrictUndefined

    room = resources.files("bayesgmm.page")
    html, css, js = (room.joinpath(f"page.{s}").read_text("utf-8") for s in ("html", "css", "js"))
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": cells.number, "whole": cells.whole, "share": _share}
    text = environment.from_string(html).render(
        **numbers,
        style=Markup(cells.style() + css),
        script=Markup(js),
        table=_table,
        figures_of=lambda section: [p for p in shown if p.section == section],
        prior_numbers=_prior_numbers(numbers["fit"]["prior"]),
        shown_rows=SHOWN_ROWS,
        n_runs=N_RUNS,
    )
    everything = numbers | {"figures": plain([p.words() for p in shown])}
    written = json.dumps(everything, ensure_ascii=False, allow_nan=False, indent=1)
    files.write(path, text)
    files.write(path.with_suffix(".json"), written)


def _table(records: list[dict[str, Any]], caption: str, sort: str | None = None) -> Markup:
    """Records as a table; with ``sort`` the rows that are largest in it (−: smallest), no more."""
    if sort is not None:
        upwards, name = sort.startswith("-"), sort.lstrip("-")
        records = sorted(records, key=itemgetter(name), reverse=not upwards)
        if len(records) > SHOWN_ROWS:
            caption = f"{caption} – {SHOWN_ROWS} of {cells.whole(len(records))} shown"
            records = records[:SHOWN_ROWS]
    told = {name for r in records for name, value in r.items() if value is not None}
    records = [{n: v for n, v in r.items() if n in told} for r in records]
    return Markup(cells.table(records, caption))


def _share(value: float) -> str:
    """A probability in per cent, never rounded to certainty."""
    if 0 < value < 0.001 or 0.999 < value < 1:
        return "less than 0.1 %" if value < 0.5 else "more than 99.9 %"
    return f"{100 * value:.3g} %"


def _prior_numbers(prior: dict[str, Any] | None) -> list[tuple[str, str]]:
    """The prior's numbers as they were resolved from the data, a matrix by its rows."""
    numbers = []
    for name, value in (prior or {}).items():
        if isinstance(value, bool):
            numbers.append((name, "yes" if value else "no"))
        elif name != "family":
            # A matrix of every component, one after another, with a line between them.
            texts = (
                "\n".join(", ".join(f"{v:.5g}" for v in row) for row in matrix)
                for matrix in np.array(value, dtype=float, ndmin=3)
            )
            numbers.append((name, "\n\n".join(texts)))
    return numbers
