"""The report: one self-contained HTML page, and the folder of files that goes with a fit."""

import base64
import io
import json
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from markupsafe import Markup
from matplotlib import pyplot as plt
from scipy.optimize import linear_sum_assignment

from bayesgmm.posterior import relabel, save
from bayesgmm.posterior.relabelling import is_relabelled
from bayesgmm.posterior.summaries import summary_table
from bayesgmm.reporting import clusters, drawing, plots, tables
from bayesgmm.sampling.tree import map_dataset

ALIGNMENT_ROWS = 2000
"""Rows by which the components of another mode are matched with the posterior's."""

STRUCTURE_WORDS = {
    "full": "one covariance matrix per component",
    "tied": "one covariance matrix shared by all components",
    "diag": "one variance per component and feature",
    "spherical": "one variance per component",
}


@dataclass(frozen=True)
class Picture:
    """A figure of the page."""

    name: str
    """File name without its ending."""
    png: bytes
    alt: str
    """What the figure shows, for those who cannot see it."""
    caption: str
    """What to look for."""

    @property
    def source(self) -> str:
        """The image as a data URI."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")


def report(post: xr.DataTree, mode: Any = None, path: str | Path = "report.html") -> Path:
    """One self-contained HTML page of a fit: what was fitted, whether it converged, what came out.

    Parameters
    ----------
    post : xarray.DataTree
        What ``sample`` returned, or ``load``; relabelled first if it is not yet.
    mode : PointEstimate, optional
        Stands in for the tree's own MAP; its components take the order of the posterior's.
    path : str or path
        File to write; its folder is made if there is none.

    Returns
    -------
    pathlib.Path
        The file written.
    """
    post = _prepared(post, mode)
    return _write_page(post, summary_table(post, round_to="none"), pictures(post), Path(path))


def write_outputs(post: xr.DataTree, folder: str | Path) -> list[Path]:
    """``posterior.nc``, ``summary.csv``, ``report.html`` and the figures as PNG, in a folder.

    Parameters
    ----------
    post : xarray.DataTree
        What ``sample`` returned, or ``load``; relabelled first if it is not yet.
    folder : str or path
        Made if there is none; files of these names in it are replaced.

    Returns
    -------
    list of pathlib.Path
        The files written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    post = _prepared(post, None)
    table, shown = summary_table(post, round_to="none"), pictures(post)
    save(post, folder / "posterior.nc")
    pd.DataFrame(table).to_csv(folder / "summary.csv", index_label="quantity")
    _write_page(post, table, shown, folder / "report.html")
    for picture in shown:
        (folder / f"{picture.name}.png").write_bytes(picture.png)
    names = ["posterior.nc", "summary.csv", "report.html", *(f"{p.name}.png" for p in shown)]
    return [folder / name for name in names]


def pictures(post: Any) -> list[Picture]:
    """The figures of a relabelled posterior, with captions and texts for those who cannot see."""
    n_obs, n_features = drawing.data_of(post)[0].shape
    n_components = post["posterior"].sizes["component"]
    what = f"{n_obs} rows, {n_features} feature{'s' if n_features > 1 else ''}"
    shown: list[tuple[str, Any, str, str]] = [
        ("mixture", plots.plot_mixture, *_mixture_words(n_features, n_components, what))
    ]
    if "map" in post.children and "trace" in post["map"]:
        shown.append(("em_trace", plots.plot_trace_em, *_trace_words(post["map"])))
    shown += [
        ("components", plots.plot_components, *_component_words(n_components)),
        ("assignments", clusters.plot_assignments, *_assignment_words(post, n_features)),
    ]
    return [Picture(name, _png(plot(post)), alt, caption) for name, plot, alt, caption in shown]


def _mixture_words(n_features: int, n_components: int, what: str) -> tuple[str, str]:
    if n_features == 1:
        return (
            f"Histogram of {what}, under the density of the mixture and of its {n_components} "
            "components.",
            "Lines are the MAP, bands the central 94 % interval of the posterior. Where a band "
            "is wide, the data leave the density open; where a line leaves its band, the MAP is "
            "not typical of the posterior. Ticks under the axis are the data.",
        )
    return (
        f"Scatter of {what}, with ellipses of {n_components} components.",
        "Bold ellipses lie at Mahalanobis distance 1, 2 and 3 from each MAP mean (in two "
        "dimensions they hold 39 %, 86 % and 99 % of the component), faint ones at distance 2 for "
        "posterior draws. Faint ellipses that hug the middle bold one mean a component well known; "
        "a wide haze means a component the data hardly fix.",
    )


def _trace_words(group: Any) -> tuple[str, str]:
    steps = group["trace"].size
    return (
        f"Two curves over {steps} EM iterations: the objective, and on a log scale its distance "
        "from the last value.",
        "The curve must never fall. On the right a straight line is EM's linear convergence: the "
        "flatter, the more the components overlap; a sudden drop is the quasi-Newton finish.",
    )


def _component_words(n_components: int) -> tuple[str, str]:
    weights = "" if n_components == 1 else "weights and "
    return (
        f"Posterior densities of the {weights}means of {n_components} components.",
        "One ridge per component, all scaled to the same height, so compare widths, not heights. "
        "The bar is the central 94 % interval, the tick the median, the diamond the MAP. "
        "Two humps in one ridge mean that chains found two answers, or that labels are ambiguous.",
    )


def _assignment_words(post: Any, n_features: int) -> tuple[str, str]:
    probability = post["clustering"]["mean_probability"].values
    unsure = int((probability.max(axis=1) < drawing.CERTAIN).sum())
    alt = (
        f"Rows by the component they most probably belong to; {unsure} of {len(probability)} have "
        f"a probability below {drawing.CERTAIN}."
    )
    count = (
        f"{unsure} of {len(probability)} rows belong to their component with a probability below "
        f"{drawing.CERTAIN}."
    )
    if n_features == 1:
        return alt, (
            "Each curve is the posterior probability that a value belongs to the component, "
            "averaged over the draws; markers are the rows on the curve of their own, the "
            f"disputed ringed or dotted. {count}"
        )
    strip = (
        ""
        if n_features == 2
        else " On the right, each component's rows from the least to the most certain: the farther "
        "right a curve rises to 1, the larger the share of doubtful rows."
    )
    return alt, (
        "Colour is the most probable component, and a marker's fill fades to white where the "
        f"probability falls to one half; rings or dots mark the disputed.{strip} {count}"
    )


def _png(axes: Any) -> bytes:
    target, figure = io.BytesIO(), np.atleast_1d(axes).flat[0].figure
    figure.savefig(target, format="png", dpi=144)
    plt.close(figure)
    return target.getvalue()


def _prepared(post: xr.DataTree, mode: Any) -> xr.DataTree:
    """The relabelled tree, with another mode in place of its own where there is one."""
    if not is_relabelled(post):
        post = relabel(post, progress=False)
    return post if mode is None else _with_mode(post, mode)


def _with_mode(post: Any, mode: Any) -> xr.DataTree:
    """The tree with a mode in ``/map``, its components in the order of the posterior's."""
    probability = post["clustering"]["mean_probability"].transpose("obs", "component").values
    x, features = drawing.data_of(post)
    n_components = probability.shape[1]
    if tuple(mode.features) != tuple(features) or len(mode.weights) != n_components:
        raise ValueError(
            f"mode must have the posterior's {n_components} components and features "
            f"{', '.join(features)}; got {len(mode.weights)} and {', '.join(mode.features)}. "
            "Fit it with the declaration and the data of post."
        )
    rows = np.unique(np.linspace(0, len(x) - 1, min(len(x), ALIGNMENT_ROWS)).astype(int))
    shared = probability[rows].T @ np.asarray(mode.predict_proba(x[rows]))
    order = linear_sum_assignment(shared, maximize=True)[1]
    group = post["posterior"].to_dataset()
    coords = {name: values.values for name, values in group.coords.items()}
    tree = post.copy()
    aligned = replace(mode, parameters=mode.parameters.permuted(order))
    tree["map"] = xr.DataTree(map_dataset(aligned, coords))
    return tree


def _write_page(post: xr.DataTree, table: pd.DataFrame, shown: list[Picture], path: Path) -> Path:
    from jinja2 import Environment, StrictUndefined

    room = files("bayesgmm.reporting")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(room.joinpath("page.html").read_text(encoding="utf-8"))
    style = Markup(room.joinpath("style.css").read_text(encoding="utf-8"))
    text = template.render(style=style, pictures=shown, **_page_values(post, table))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _page_values(post: Any, table: pd.DataFrame) -> dict[str, Any]:
    """Everything the template prints, as text or ready HTML."""
    group = post["posterior"].to_dataset()
    structure = tables.structure_of(group)
    features = [str(name) for name in group["feature"].values]
    n_components = group.sizes["component"]
    worst = tables.convergence(post, table)
    frame = tables.named_rows(table)
    spread = frame["quantity"].str.startswith(("cov", "variances"))
    parameters = tables.estimate(post)
    prior = _prior_family(post)
    return {
        "title": f"Gaussian mixture, {n_components} component{'s' if n_components > 1 else ''}",
        "n_components": n_components,
        "structure": STRUCTURE_WORDS[structure],
        "prior_family": prior,
        "worst": worst,
        "convergence_line": tables.convergence_line(worst),
        "facts": _facts(post, features),
        "prior_numbers": _prior_numbers(post),
        "map_facts": _map_facts(post),
        "map_table": parameters
        and Markup(
            tables.html_table(
                tables.estimate_table(parameters, features),
                "In the data's units",
            )
        ),
        "summary_table": Markup(
            tables.html_table(frame[~spread], "Posterior of the weights and means")
        ),
        "spread_table": Markup(tables.html_table(frame[spread], "Posterior of the covariances"))
        if spread.any()
        else None,
        "label_note": table.attrs.get("note"),
        "lkj": prior == "NormalLKJ",
        "n_starts": _n_starts(post),
        "relabelled": post["clustering"].attrs.get("method", "stephens"),
    }


def _facts(post: Any, features: list[str]) -> list[tuple[str, str]]:
    """What was fitted, to what, with what."""
    attrs = post.attrs
    sizes = post["posterior"].sizes
    n_obs = len(post["observed_data"]["x"])
    facts = [
        ("Data", f"{tables.whole(n_obs)} rows of {len(features)}: {', '.join(features)}"),
    ]
    constants: Any = post["constant_data"] if "constant_data" in post.children else {}
    if "sample_weight" in constants and not np.all(constants["sample_weight"].values == 1):
        total = float(constants["sample_weight"].sum())
        facts.append(("Row weights", f"sum {tables.number(total, 6)}"))
    facts.append(("Draws", f"{sizes['chain']} chains of {tables.whole(sizes['draw'])}"))
    if "random_seed" in attrs:
        facts.append(("Seed", str(attrs["random_seed"])))
    if "wall_time" in attrs:
        facts.append(("Sampling took", f"{float(attrs['wall_time']):.1f} s"))
    if "data_hash" in attrs:
        facts.append(("Hash of the data", str(attrs["data_hash"])))
    versions = json.loads(attrs.get("versions", "{}"))
    if "bayesgmm_version" in attrs:
        versions = {"bayesgmm": attrs["bayesgmm_version"], **versions}
    if versions:
        facts.append(("Versions", ", ".join(f"{name} {v}" for name, v in versions.items())))
    return facts


def _prior_family(post: Any) -> str:
    declaration = json.loads(post.attrs.get("bayesgmm_declaration", "{}"))
    return str(declaration.get("prior", {}).get("family", ""))


def _prior_numbers(post: Any) -> list[tuple[str, str]]:
    """The prior's numbers as they were resolved from the data."""
    if "constant_data" not in post.children:
        return []
    numbers = []
    for name, values in post["constant_data"].data_vars.items():
        if str(name).startswith("prior_"):
            array = np.asarray(values.values, dtype=float)
            rows = [", ".join(f"{v:.5g}" for v in row) for row in np.atleast_2d(array)]
            numbers.append((str(name).removeprefix("prior_"), "\n".join(rows)))
    return numbers


def _map_facts(post: Any) -> list[tuple[str, str]]:
    if "map" not in post.children:
        return []
    group, facts = post["map"], []
    for name, words in (("log_posterior", "Log posterior"), ("log_likelihood", "Log likelihood")):
        if name in group and np.isfinite(float(group[name])):
            facts.append((words, f"{tables.number(group[name], 7)} nats"))
    if "gradient_norm" in group:
        facts.append(("Gradient, per row", tables.number(group["gradient_norm"], 2)))
    if "mode_count" in group:
        counts = group["mode_count"].values.astype(int)
        found = ", ".join(map(str, counts))
        text = f"{len(counts)}; best first, found by {found} of {counts.sum()} starts"
        facts.append(("Modes", text))
    if "status" in group.attrs:
        facts.append(("Status", str(group.attrs["status"])))
    return facts


def _n_starts(post: Any) -> int | None:
    if "map" not in post.children or "mode_count" not in post["map"]:
        return None
    return int(post["map"]["mode_count"].sum())
