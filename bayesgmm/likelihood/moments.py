"""Log likelihood and whitened moments of a Gaussian mixture: one pass, in sums over chunks."""

from dataclasses import dataclass

import numpy as np

from bayesgmm.likelihood.few_features import coordinates
from bayesgmm.likelihood.kernel import accumulate_moments, fill_rows
from bayesgmm.mixture import Triangles, laid_out
from bayesgmm.runtime import sum_over_chunks


@dataclass(frozen=True, eq=False)
class MixtureMoments:
    """What one pass knows of the rows; records at the same parameters add.

    ``log_likelihood`` (nats); ``nk`` (n_components,), expected counts; ``s`` (n_components,
    n_features) and ``S`` (n_components, n_features, n_features), the dimensionless first and
    second moments of ``z = L⁻¹ (x − μ)`` under the responsibilities; only the diagonal of S,
    (n_components, n_features), where the structure is diag or spherical.
    """

    log_likelihood: float
    nk: np.ndarray
    s: np.ndarray
    S: np.ndarray

    def __add__(self, other):
        if not isinstance(other, MixtureMoments):
            return NotImplemented
        if self.S.shape != other.S.shape:
            raise ValueError(
                "moments add only for the same mixture; "
                f"got second moments of shapes {self.S.shape} and {other.S.shape}."
            )
        return MixtureMoments(
            self.log_likelihood + other.log_likelihood,
            self.nk + other.nk,
            self.s + other.s,
            self.S + other.S,
        )


def mixture_moments(x, log_weights, means, factor, sample_weight=None, shift=0.0, scale=1.0):
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
    x, coordinates, parameters = _arguments(x, log_weights, means, factor, shift, scale)
    weight = np.broadcast_to(1.0, len(x)) if sample_weight is None else np.asarray(sample_weight)
    if weight.shape != (len(x),):
        raise ValueError(f"sample_weight must have shape {(len(x),)}; got {weight.shape}.")
    return Pass(x, kernel_weight(weight), coordinates)(*parameters)


@dataclass(frozen=True, eq=False)
class Pass:
    """:func:`mixture_moments` of the same rows again and again, their arguments checked once.

    ``weight`` as :func:`kernel_weight` gives it, ``coordinates`` as the kernel takes them.
    """

    x: np.ndarray
    weight: np.ndarray
    coordinates: tuple

    def __call__(self, log_weights, means, factor):
        factor = laid_out(factor)
        return sum_over_chunks(
            lambda chunk: self._moments_of(chunk, log_weights, means, factor), len(self.x)
        )

    def _moments_of(self, chunk, log_weights, means, factor):
        weight = self.weight if len(self.weight) == 1 else self.weight[chunk]
        nk, s, S = np.zeros(len(means)), np.zeros(means.shape), factor.second_moments(*means.shape)
        log_likelihood = accumulate_moments(
            self.x[chunk], weight, *self.coordinates, log_weights, means, factor, nk, s, S
        )
        return MixtureMoments(log_likelihood, nk, s, S)


def kernel_weight(sample_weight):
    """Row weights as the kernel takes them: (n_obs,), or (1,) if all rows share one.

    Equal weights come as one number broadcast, so that a huge array of rows brings no other.
    """
    if sample_weight.strides == (0,) and len(sample_weight):
        return np.array(sample_weight[:1], dtype=np.float64)
    return np.ascontiguousarray(sample_weight, dtype=np.float64)


def row_log_density(x, log_weights, means, factor, shift=0.0, scale=1.0):
    """Log density of every row, (n_obs,), in nats; arguments as in :func:`mixture_moments`."""
    x, coordinates, parameters = _arguments(x, log_weights, means, factor, shift, scale)
    log_density, nothing = np.empty(len(x)), np.empty((len(x), 0))
    fill_rows(x, *coordinates, *parameters[:2], laid_out(parameters[2]), log_density, nothing)
    return log_density


def responsibilities(x, log_weights, means, factor, shift=0.0, scale=1.0):
    """Probability of each component for every row, (n_obs, n_components).

    Arguments as in :func:`mixture_moments`. The result is n × K: hand in rows by the block where n
    is large.
    """
    x, coordinates, parameters = _arguments(x, log_weights, means, factor, shift, scale)
    log_density, table = np.empty(len(x)), np.empty((len(x), len(parameters[0])))
    fill_rows(x, *coordinates, *parameters[:2], laid_out(parameters[2]), log_density, table)
    return table


def _arguments(x, log_weights, means, factor, shift, scale):
    """Checked arrays as the kernel takes them; rows read-only, so that it is compiled once."""
    x = np.ascontiguousarray(x, dtype=np.float64).view(np.ndarray)
    if x.ndim != 2:
        raise ValueError(f"x must have shape (n_obs, n_features); got {x.shape}.")
    x.flags.writeable = False
    log_weights, means, factor = (
        np.ascontiguousarray(a, dtype=np.float64) for a in (log_weights, means, factor)
    )
    n_components, d = len(log_weights), x.shape[1]
    if means.shape != (n_components, d):
        raise ValueError(f"means must have shape {(n_components, d)}; got {means.shape}.")
    sizes = (n_components, 1)
    shapes = [*((n, d, d) for n in sizes), *((n, columns) for n in sizes for columns in (d, 1))]
    if factor.shape not in shapes:
        raise ValueError(
            f"factor must have one of the shapes {', '.join(map(str, shapes))}; got {factor.shape}."
        )
    shift = np.broadcast_to(np.asarray(shift, dtype=np.float64), (d,)).copy()
    inv_scale = np.broadcast_to(1 / np.asarray(scale, dtype=np.float64), (d,)).copy()
    matrices = isinstance(laid_out(factor), Triangles)
    return x, coordinates(shift, inv_scale, matrices), (log_weights, means, factor)
