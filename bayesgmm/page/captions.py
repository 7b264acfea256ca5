"""The figures of a report, each with what it shows and what to look for."""

import base64
import io
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from bayesgmm.clusterings import Comparison, Partition
from bayesgmm.draws import Reading, names
from bayesgmm.figures import (
    plot_assignments,
    plot_comparison,
    plot_components,
    plot_convergence,
    plot_mixture,
    plot_occupied,
    plot_similarity,
    plot_trace_em,
    style,
)
from bayesgmm.page.clustering_numbers import Clustered
from bayesgmm.page.methods import count
from bayesgmm.page.tables import fields
from bayesgmm.posterior import LEAST_DRAWS


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
        return fields(self, "name", "section", "alt", "caption")


def pictures(reading: Reading, found: Clustered) -> list[Picture]:
    """The figures of a relabelled posterior and its clustering, in the order of the page."""
    (n_obs, d), k = reading.rows.shape, len(reading.components)
    n_chains, n_draws = map(len, reading.lead.values())
    what = f"{n_obs} rows, {count(d, 'feature')}"
    part, both, mode = found.part, found.comparison, reading.group(names.MAP)
    shown = []

    def show(name: str, section: str, axes: Axes | np.ndarray, words: tuple[str, str]) -> None:
        shown.append(Picture(name, section, _png(axes), *words))

    show("mixture", "estimates", plot_mixture(reading), _mixture_words(d, k, what))
    show("components", "estimates", plot_components(reading), _component_words(k))
    words = _assignment_words(reading.mean_probability, d)
    show("assignments", "clustering", plot_assignments(reading), words)
    words = _similarity_words(found.partition)
    show("similarity", "clustering", plot_similarity(part, found.partition), words)
    if both is not None:
        show("comparison", "comparison", plot_comparison(part, both), _both_words(both, d))
    show("occupied", "occupied", plot_occupied(found.occupied), _occupied_words(found.occupied))
    if n_draws >= LEAST_DRAWS and len(found.diagnosis.functionals):
        show("convergence", "diagnostics", plot_convergence(reading), _chain_words(n_chains))
    if "trace" in mode:
        show("em_trace", "diagnostics", plot_trace_em(reading), _trace_words(mode))
    return shown


def _similarity_words(partition: Partition) -> tuple[str, str]:
    n, clusters = len(partition.labels), count(partition.n_clusters, "cluster")
    return (
        f"Matrix of the probabilities that two of {n} rows share a component, rows ordered by "
        f"their {clusters}.",
        "The darker, the more probably two rows share a component; frames are the clusters of the "
        "partition. Light stripes within a frame are rows that hardly belong; dark ones between "
        "frames are rows that two clusters dispute.",
    )


def _both_words(comparison: Comparison, n_features: int) -> tuple[str, str]:
    disputed, n = int(comparison.rows["disputed"].sum()), len(comparison.rows)
    certainty = "the higher" if n_features == 1 else "the fuller"
    return (
        f"The clusterings of {n} rows by the MAP and by the posterior, side by side; "
        f"{count(disputed, 'row')} disputed.",
        "Left the MAP's clustering, right the posterior's, in the same colours: a row whose colour "
        f"differs is one they disagree on. A marker is {certainty} the surer the posterior is; "
        f"{count(disputed, 'disputed row')} (MAP label wrong with a probability above 0.1) marked.",
    )


def _occupied_words(table: xr.DataArray) -> tuple[str, str]:
    most = int(table["n_occupied"].values[int(table.values.argmax())])
    return (
        "Bars of the posterior probability of each number of components that hold rows, highest "
        f"at {most}.",
        "Mass below the number of components means that some stand empty; all of it there means "
        "that none could be spared, and that more might be wanted.",
    )


def _chain_words(n_chains: int) -> tuple[str, str]:
    return (
        f"Traces and rank plots of {n_chains} chains for the quantities that converged least.",
        "Left, traces of the chains should lie on one another; right, the curves of their ranks "
        "should stay near zero. A chain that keeps to itself sits in another mode; only below, in "
        "the rows of single parameters, it may be a matter of labels.",
    )


def _mixture_words(n_features: int, n_components: int, what: str) -> tuple[str, str]:
    if n_features == 1:
        return (
            f"Histogram of {what}, under the density of the mixture and of its {n_components} "
            "components.",
            f"Lines are the MAP, bands the central {style.INTERVAL_NAME} of the posterior. Where a "
            "band is wide, the data leave the density open; where a line leaves its band, the MAP "
            "is not typical of the posterior. Ticks under the axis are the data.",
        )
    return (
        f"Scatter of {what}, with ellipses of {n_components} components.",
        "Bold ellipses lie at Mahalanobis distance 1, 2 and 3 from each MAP mean (in two "
        "dimensions they hold 39 %, 86 % and 99 % of the component), faint ones at distance 2 for "
        "posterior draws. Faint ellipses that hug the middle bold one mean a component well known; "
        "a wide haze means a component the data hardly fix.",
    )


def _trace_words(mode: xr.Dataset) -> tuple[str, str]:
    return (
        f"Two curves over {mode['trace'].size} EM iterations: the objective, and on a log scale "
        "its distance from the last value.",
        "The curve must never fall. On the right a straight line is EM's linear convergence: the "
        "flatter, the more the components overlap; a sudden drop is the quasi-Newton finish.",
    )


def _component_words(n_components: int) -> tuple[str, str]:
    weights = "" if n_components == 1 else "weights and "
    return (
        f"Posterior densities of the {weights}means of {n_components} components.",
        "One ridge per component, all scaled to the same height, so compare widths, not heights. "
        f"The bar is the central {style.INTERVAL_NAME}, the tick the median, the diamond the MAP. "
        "Two humps in one ridge mean that chains found two answers, or that labels are ambiguous.",
    )


def _assignment_words(probability: np.ndarray, n_features: int) -> tuple[str, str]:
    n, unsure = len(probability), int((probability.max(axis=1) < style.CERTAIN).sum())
    below = f"a probability below {style.CERTAIN}."
    alt = f"Rows by the component they most probably belong to; {unsure} of {n} have {below}"
    if n_features == 1:
        caption = (
            "Each curve is the posterior probability that a value belongs to the component, "
            "averaged over the draws; markers are the rows on the curve of their own, the "
            "uncertain ringed or dotted."
        )
    else:
        caption = (
            "Colour is the most probable component, and a marker's fill fades to white where the "
            "probability falls to one half; rings or dots mark the uncertain."
        )
    if n_features > 2:
        caption += (
            " On the right, each component's rows from the least to the most certain: the farther "
            "right a curve rises to 1, the larger the share of doubtful rows."
        )
    return alt, f"{caption} {unsure} of {n} rows belong to their component with {below}"


def _png(axes: Axes | np.ndarray) -> bytes:
    target, figure = io.BytesIO(), np.array(axes, ndmin=1).flat[0].figure
    figure.savefig(target, format="png", dpi=144)
    plt.close(figure)
    return target.getvalue()
