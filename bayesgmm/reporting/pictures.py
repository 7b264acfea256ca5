"""The figures of a report, each with what it shows and what to look for."""

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import pyplot as plt

from bayesgmm.reporting import drawing, plots


@dataclass(frozen=True)
class Picture:
    """A figure of the page."""

    name: str
    """File name without its ending."""
    section: str
    """The page's section that it belongs to."""
    png: bytes
    alt: str
    """What the figure shows, for those who cannot see it."""
    caption: str
    """What to look for."""

    @property
    def source(self) -> str:
        """The image as a data URI."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")

    def words(self) -> dict[str, str]:
        """What the report's JSON keeps of it."""
        return {
            "name": self.name,
            "section": self.section,
            "alt": self.alt,
            "caption": self.caption,
        }


def pictures(post: Any) -> list[Picture]:
    """The figures of a relabelled posterior, in the order of the page."""
    return [
        Picture(name, section, _png(plot(post)), alt, caption)
        for name, section, plot, (alt, caption) in _planned(post)
    ]


def _planned(post: Any) -> Iterator[tuple[str, str, Any, tuple[str, str]]]:
    """Name, section, function, and words of every figure. A new figure is a new line here."""
    n_obs, n_features = drawing.data_of(post)[0].shape
    k = post["posterior"].sizes["component"]
    what = f"{n_obs} rows, {n_features} feature{'s' if n_features > 1 else ''}"
    yield "mixture", "estimates", plots.plot_mixture, _mixture_words(n_features, k, what)
    yield "components", "estimates", plots.plot_components, _component_words(k)
    yield "assignments", "clustering", plots.plot_assignments, _assignment_words(post, n_features)
    if "map" in post.children and "trace" in post["map"]:
        yield "em_trace", "diagnostics", plots.plot_trace_em, _trace_words(post["map"])


def _mixture_words(n_features: int, n_components: int, what: str) -> tuple[str, str]:
    if n_features == 1:
        return (
            f"Histogram of {what}, under the density of the mixture and of its {n_components} "
            "components.",
            "Bold lines are the MAP, faint ones posterior draws. Where the faint lines spread, the "
            "data leave the density open; where a bold line leaves their middle, the MAP is not "
            "typical of the posterior. Ticks under the axis are the data.",
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
    unsure = int((probability.max(axis=1) < plots.CERTAIN).sum())
    alt = (
        f"Rows by the component they most probably belong to; {unsure} of {len(probability)} have "
        f"a probability below {plots.CERTAIN}."
    )
    count = (
        f"{unsure} of {len(probability)} rows belong to their component with a probability below "
        f"{plots.CERTAIN}."
    )
    if n_features == 1:
        return alt, (
            "Each curve is the posterior probability that a value belongs to the component, "
            f"averaged over the draws; markers are the rows on the curve of their own. {count}"
        )
    strip = (
        ""
        if n_features == 2
        else " On the right, each component's rows from the least to the most certain: the farther "
        "right a curve rises to 1, the larger the share of doubtful rows."
    )
    return alt, (
        "Colour is the most probable component, and a marker's fill fades to white where the "
        f"probability falls to one half.{strip} {count}"
    )


def _png(axes: Any) -> bytes:
    target, figure = io.BytesIO(), np.atleast_1d(axes).flat[0].figure
    figure.savefig(target, format="png", dpi=144)
    plt.close(figure)
    return target.getvalue()
