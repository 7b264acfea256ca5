"""The figure of the similarity matrix."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from bayesgmm.clusterings import Partition, checked_assignments, similarity
from bayesgmm.clusterings import partition as best_partition
from bayesgmm.data import Rows
from bayesgmm.draws import Posterior, Reading
from bayesgmm.figures.certainty import in_colours
from bayesgmm.figures.style import INK, axes_of, colour, dash, note, shown_rows, thinned
from bayesgmm.labels import relabelled
from bayesgmm.runtime import arguments

MAX_ROWS = 1000
"""More rows than this are thinned to this many, and the figure says so."""
LABELLED = 0.04
"""A cluster with a smaller share of the rows has no room for its name."""


def plot_similarity(
    post: Posterior | ArrayLike,
    partition: Partition | ArrayLike | None = None,
    *,
    x: Rows | None = None,
    ax: Axes | None = None,
) -> Axes:
    """How probable it is that two rows share a component, rows ordered by cluster.

    Clusters come in their order, rows within so that similar ones are neighbours, by average
    linkage; a frame marks each cluster. Light blocks in a frame are rows that do not belong, dark
    ones outside it rows that clusters dispute.

    Parameters
    ----------
    post : xarray.DataTree, int array (n_draws, n_obs), or float array or DataArray (n_obs, n_obs)
        A posterior, assignments, or the matrix that ``similarity`` returned. Of more than 1000 rows
        so many are drawn at random.
    partition : Partition or int array, shape (n_obs,), optional
        The clusters. By default those of least expected variation of information among the rows
        shown, with seed 1; of a matrix, none: its rows go by average linkage.
    x : (n_obs, n_features), optional
        Rows, for a tree that holds none.
    ax : matplotlib Axes, optional
        Where to draw; the colour bar takes some of its room.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError, TypeError
        The matrix is not square, or the partition one of other rows.
    """
    shown, rows, n_obs, probability = _shown(post, x)
    is_matrix = isinstance(shown, np.ndarray) and shown.dtype.kind == "f"
    psm: Any = shown if is_matrix else similarity(shown, progress=False).values
    labels = None
    if partition is not None:
        labels = _labels(partition, n_obs)[rows]
    elif not is_matrix:
        labels = best_partition(shown, random_seed=1, progress=False).labels
    axes: Axes = axes_of(ax, (1, 1), (7, 5.4))[0, 0]
    if labels is None:
        order = _by_linkage(psm)
        axes.set(yticks=[], xlabel="rows, ordered by average linkage")
    else:
        parts = [np.flatnonzero(labels == k) for k in range(labels.max() + 1)]
        order = np.concatenate([part[_by_linkage(psm[np.ix_(part, part)])] for part in parts])
        shades = labels
        if probability is not None:
            shades = in_colours(labels, probability.argmax(axis=1), probability.shape[1])
        _frames(axes, labels[order], shades[order])
    look: dict[str, Any] = {"cmap": "Greys", "vmin": 0, "vmax": 1, "aspect": "auto"}
    image = axes.imshow(psm[np.ix_(order, order)], interpolation="nearest", **look)
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.85)
    bar.set_label("posterior probability of sharing a component")
    axes.set_xticks([])
    axes.spines[:].set_color(INK)
    note(axes, thinned(n_obs, MAX_ROWS))
    return axes


def _frames(axes: Axes, labels: np.ndarray, shades: np.ndarray) -> None:
    """A frame in its colour round every cluster, and its name at the side."""
    starts = np.flatnonzero(np.r_[True, np.diff(labels) != 0])
    sizes = np.diff(np.r_[starts, len(labels)])
    unit = "row" if sizes.max() == 1 else "rows"
    names = {}
    for start, size in zip(starts, sizes, strict=True):
        line = {"edgecolor": colour(shades[start]), "ls": dash(shades[start]), "lw": 2.2}
        corner = (start - 0.5, start - 0.5)
        axes.add_patch(Rectangle(corner, size, size, fill=False, clip_on=False, zorder=3, **line))
        if size >= LABELLED * len(labels):
            names[start + (size - 1) / 2] = f"cluster {labels[start]}\n{size:,} {unit}"
    axes.set_yticks([*names], [*names.values()], fontsize="small")
    axes.tick_params(axis="y", length=0)
    small = len(sizes) - len(names)
    rest = f"; {small} small one{'s' * (small > 1)} unnamed" if small else ""
    axes.set_xlabel(f"rows by cluster, in each by average linkage{rest}")


def _shown(
    post: Posterior | ArrayLike, x: Rows | None
) -> tuple[Reading | np.ndarray, np.ndarray, int, np.ndarray | None]:
    """Posterior, assignments or matrix of the rows shown, which they are, of how many.

    Of a posterior also their probabilities of every component, else None.
    """
    if isinstance(post, Posterior):
        reading = relabelled(post, x)
        n_obs = len(reading.rows)
        rows = shown_rows(n_obs, MAX_ROWS)
        return reading.of_rows(rows), rows, n_obs, reading.mean_probability[rows]
    kind = "a DataTree, integer assignments (n_draws, n_obs), or a square matrix of probabilities"
    values = arguments.array("post", post, "iuf", kind)
    if values.dtype.kind in "iu":
        values = checked_assignments(values)
        rows = shown_rows(values.shape[1], MAX_ROWS)
        return values[:, rows], rows, values.shape[1], None
    square = values.ndim == 2 and values.shape[0] == values.shape[1] > 0
    if not square or not (np.abs(values - 0.5) <= 0.5 + 1e-9).all():
        raise ValueError(f"post must be {kind}; got {arguments.shown(values)}.")
    rows = shown_rows(len(values), MAX_ROWS)
    return values[np.ix_(rows, rows)], rows, len(values), None


def _labels(partition: Partition | ArrayLike, n_obs: int) -> np.ndarray:
    if isinstance(partition, Partition):
        partition = partition.labels
    kind = "a Partition or an array of integers"
    labels = arguments.integers("partition", partition, (n_obs,), kind=kind)
    return np.unique(labels, return_inverse=True)[1]


def _by_linkage(psm: np.ndarray) -> np.ndarray:
    """An order in which similar rows are neighbours, the surest at the front."""
    if len(psm) < 3:
        return np.arange(len(psm))
    order: np.ndarray = leaves_list(linkage(squareform(1 - psm, checks=False), "average"))
    first, last = np.array_split(psm.mean(axis=1)[order], 2)
    return order if first.mean() >= last.mean() else np.flip(order)
