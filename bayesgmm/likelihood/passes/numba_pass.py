"""The pass over rows in memory, or mapped into it: compiled, in sums over chunks on all cores."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bayesgmm.data import Evidence
from bayesgmm.likelihood.evidence import CompleteRows
from bayesgmm.likelihood.few_features import BLOCK
from bayesgmm.likelihood.kernel import accumulate_moments, fill_rows
from bayesgmm.likelihood.moments import MixtureMoments
from bayesgmm.mixture import Components, Triangles, laid_out
from bayesgmm.runtime import CHUNK, sum_over_chunks


@dataclass(frozen=True, eq=False)
class NumbaPass:
    """A :class:`~bayesgmm.likelihood.passes.protocol.Pass` over evidence for compiled code.

    The factor of a mixture is a layout, as ``laid_out`` gives it.
    """

    rows: CompleteRows

    @property
    def n_obs(self) -> int:
        return self.rows.n_rows(len(self.rows.shift))

    def __call__(self, mixture: Components) -> MixtureMoments:
        k, d = mixture.means.shape
        most = rows_at_once(k, d, isinstance(mixture.factor, Triangles))
        return sum_over_chunks(lambda chunk: self._moments(chunk, mixture), self.n_obs, most)

    def log_density(self, mixture: Components) -> np.ndarray:
        return self._filled(mixture, 0)[0]

    def responsibilities(self, mixture: Components) -> np.ndarray:
        return self._filled(mixture, len(mixture.means))[1]

    def _moments(self, chunk: slice, mixture: Components) -> MixtureMoments:
        shape = mixture.means.shape
        nk, s, S = np.zeros(shape[0]), np.zeros(shape), mixture.factor.second_moments(*shape)
        rows = self.rows.part(chunk)
        return MixtureMoments(accumulate_moments(rows, mixture, nk, s, S), nk, s, S)

    def _filled(self, mixture: Components, n_columns: int) -> tuple[np.ndarray, np.ndarray]:
        log_density, table = np.empty(self.n_obs), np.empty((self.n_obs, n_columns))
        fill_rows(self.rows, mixture, log_density, table)
        return log_density, table


def rows_at_once(n_components: int, n_features: int, correlated: bool) -> int:
    """Most rows that one thread takes at a time: ``CHUNK`` of three components in two features."""
    products = n_features**2 / 2 if correlated else n_features
    return max(4 * BLOCK, int(CHUNK * 36 / (n_components * (10 + products))))


def mixture_moments(
    x: ArrayLike,
    log_weights: ArrayLike,
    means: ArrayLike,
    factor: ArrayLike,
    sample_weight: ArrayLike | None = None,
    shift: ArrayLike = 0.0,
    scale: ArrayLike = 1.0,
) -> MixtureMoments:
    """Log likelihood and whitened moments of a Gaussian mixture, in one pass.

    Parameters
    ----------
    x : float64 array, shape (n_obs, n_features)
        Observations, in the data's units.
    log_weights : float64 array, shape (n_components,)
        Log mixing proportions (nats).
    means : float64 array, shape (n_components, n_features)
        Component means, of ``(x - shift) / scale``.
    factor : float64 array
        Spread of ``(x - shift) / scale``: lower Cholesky factors (n_components or 1, n_features,
        n_features) or standard deviations (n_components or 1, n_features or 1).
    sample_weight : float64 array, shape (n_obs,), optional
        How many times each row counts.
    shift, scale : float or float64 array, shape (n_features,)
        Coordinates of the parameters, in the data's units; the log likelihood is that of the
        shifted and scaled rows.

    Returns
    -------
    MixtureMoments

    Raises
    ------
    ValueError
        Shapes disagree; the message names the argument, the shape expected and the shape received.

    Notes
    -----
    Additive over rows at fixed parameters. Time O(n K d²), O(n K d) for diag and spherical;
    memory O(K d²): nothing of size n K is kept.

    References
    ----------
    .. [1] Dempster, Laird & Rubin (1977), J. R. Stat. Soc. B 39, 1–38.
    """
    over, mixture = _checked(x, log_weights, means, factor, sample_weight, shift, scale)
    return over(mixture)


def row_log_density(
    x: ArrayLike,
    log_weights: ArrayLike,
    means: ArrayLike,
    factor: ArrayLike,
    shift: ArrayLike = 0.0,
    scale: ArrayLike = 1.0,
) -> np.ndarray:
    """Log density of every row, (n_obs,), in nats; arguments as in :func:`mixture_moments`."""
    over, mixture = _checked(x, log_weights, means, factor, None, shift, scale)
    return over.log_density(mixture)


def responsibilities(
    x: ArrayLike,
    log_weights: ArrayLike,
    means: ArrayLike,
    factor: ArrayLike,
    shift: ArrayLike = 0.0,
    scale: ArrayLike = 1.0,
) -> np.ndarray:
    """Probability of each component for every row, (n_obs, n_components).

    Arguments as in :func:`mixture_moments`. The result is n × K: hand in rows by the block where n
    is large.
    """
    over, mixture = _checked(x, log_weights, means, factor, None, shift, scale)
    return over.responsibilities(mixture)


def _checked(
    x: Any, log_weights: Any, means: Any, factor: Any, sample_weight: Any, shift: Any, scale: Any
) -> tuple[NumbaPass, Components]:
    """The pass, and the mixture in compiled code, of arrays whose shapes agree."""
    x, log_weights, means, factor = (
        np.ascontiguousarray(a, dtype=np.float64) for a in (x, log_weights, means, factor)
    )
    if x.ndim != 2:
        raise ValueError(f"x must have shape (n_obs, n_features); got {x.shape}.")
    n_components, d = len(log_weights), x.shape[1]
    if means.shape != (n_components, d):
        raise ValueError(f"means must have shape {(n_components, d)}; got {means.shape}.")
    sizes = (n_components, 1)
    shapes = [*((n, d, d) for n in sizes), *((n, columns) for n in sizes for columns in (d, 1))]
    if factor.shape not in shapes:
        raise ValueError(
            f"factor must have one of the shapes {', '.join(map(str, shapes))}; got {factor.shape}."
        )
    if sample_weight is not None and np.shape(sample_weight) != (len(x),):
        raise ValueError(
            f"sample_weight must have shape {(len(x),)}; got {np.shape(sample_weight)}."
        )
    mixture = Components(log_weights, means, laid_out(factor))
    correlated = isinstance(mixture.factor, Triangles)
    rows = CompleteRows.of(Evidence.of(x, sample_weight), correlated, shift, scale)
    return NumbaPass(rows), mixture
