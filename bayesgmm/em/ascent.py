"""EM with SQUAREM's leaps [1]_, in compiled code: from a vector up, guarded so as never to fall.

One iteration takes two steps of EM, and leaps on in their direction by their ratio; where the leap
is not higher, it stays with the second step. What is known of a climb is one record of arrays, so
that it goes on where it was: passes over few rows are made in here, those over many by whoever has
the threads.

References
----------
.. [1] Varadhan & Roland (2008), Scandinavian Journal of Statistics 35, 335–353.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from bayesgmm.em.m_step import m_step
from bayesgmm.likelihood import (
    MixtureMoments,
    accumulate_moments,
    assemble,
    gradient_norm,
    pack,
    unpack,
)
from bayesgmm.mixture import Components, factor, laid_out
from bayesgmm.runtime import PLAIN, address_of, calls, compiled, inner

STUCK = 10
"""A climb that stays on the floor for so many leaps has collapsed."""

# What is being evaluated.
START, FIRST, LEAP, SECOND = 0, 1, 2, 3


class Ascent(NamedTuple):
    """A climb in compiled code."""

    mixture: Components
    """The parameters under evaluation; in the end, those reached."""
    moments: MixtureMoments
    """What the passes have added up there; its log likelihood is in ``numbers``."""
    sums: np.ndarray
    """The memory of the moments' arrays, flat."""
    gradient: np.ndarray
    """(n_dim,), in nats."""
    new: Components
    """Where the last step of EM led."""
    vectors: np.ndarray
    """(4, n_dim): where the iteration began, its two steps of EM, and what is under evaluation."""
    trace: np.ndarray
    """The value at every iteration (nats)."""
    numbers: np.ndarray
    """See ``LOG_LIKELIHOOD`` and the indices that follow it."""

    @classmethod
    def of(cls, y, room, max_iter):
        """A climb from a vector that has not yet made a pass; ``room`` makes empty mixtures."""
        mixture, new = room(), room()
        k, d = mixture.means.shape
        shapes = (k,), (k, d), laid_out(mixture.factor[0]).second_moments(k, d).shape
        ends = np.cumsum([0, *(math.prod(shape) for shape in shapes)])
        sums, vectors, numbers = np.zeros(ends[-1]), np.empty((4, len(y))), np.zeros(8)
        arrays = (sums[ends[i] : ends[i + 1]].reshape(shape) for i, shape in enumerate(shapes))
        vectors[3] = y
        unpack(vectors[3], mixture)
        numbers[VALUE] = numbers[FIRST_VALUE] = -np.inf
        moments = MixtureMoments(0.0, *arrays)
        gradient, trace = np.empty(len(y)), np.empty(max_iter + 2)
        return cls(mixture, moments, sums, gradient, new, vectors, trace, numbers)


LOG_LIKELIHOOD, VALUE, NORM, FIRST_VALUE, PHASE, N_PASSES, N_ITERATIONS, N_STUCK = range(8)


def accepted(ascent):
    """The highest vector that a climb has reached, while another is under evaluation."""
    phase = int(ascent.numbers[PHASE])
    return ascent.vectors[{START: 3, FIRST: 0, LEAP: 1, SECOND: 1}[phase]]


class Routines(NamedTuple):
    """Where the code begins of what a climb does at every pass."""

    accumulate: int
    assemble: int
    norm: int
    meets_floor: int
    advance: int
    step: int
    unpack: int

    @classmethod
    def of(cls, rows, density, prior, ascent):
        mixture, moments, gradient = ascent.mixture, ascent.moments, ascent.gradient
        layout = mixture._replace(factor=laid_out(mixture.factor[0]))
        return cls(
            address_of(accumulate_moments, rows, layout, moments.nk, moments.s, moments.S),
            address_of(assemble, moments, density, np.False_, mixture, gradient),
            address_of(gradient_norm, gradient, mixture.factor, 1, 1),
            address_of(meets_floor, mixture.factor, prior),
            address_of(_advance, ascent.vectors, ascent.trace, ascent.numbers, np.False_, 0.0, 1),
            address_of(_step, moments, mixture, prior, ascent.new, gradient),
            address_of(_unpack, gradient, mixture),
        )


_number, _flag = calls(types.float64), calls(types.boolean)


@compiled
def ascend(routines, rows, total, density, prior, ascent, norm, max_iter, n_passes):
    """Climb on until the gradient norm is at most ``norm``, or for so many passes over the rows.

    ``total`` is their number, ``density`` the prior's numbers as ``assemble`` takes them, ``prior``
    pseudodata of the conjugate one. Returns whether the climb has ended: there, after ``max_iter``
    iterations, or for good on the floor.
    """
    mixture, numbers, vectors = ascent.mixture, ascent.numbers, ascent.vectors
    gradient, nk, s, S = ascent.gradient, ascent.moments.nk, ascent.moments.s, ascent.moments.S
    n_components, d = mixture.means.shape
    layout = Components(
        mixture.log_weights, mixture.means, laid_out(mixture.factor[0]), mixture.family
    )
    for _ in range(n_passes):
        numbers[LOG_LIKELIHOOD] += _number(routines.accumulate, (rows, layout, nk, s, S))
        moments = MixtureMoments(numbers[LOG_LIKELIHOOD], nk, s, S)
        value = _number(routines.assemble, (moments, density, False, mixture, gradient))
        numbers[VALUE], numbers[NORM] = value, np.inf
        if value > -np.inf:
            slope = _number(routines.norm, (gradient, mixture.factor, n_components, d))
            numbers[NORM] = slope / total if total > 0 else slope
        numbers[N_PASSES] += 1
        on_floor = _flag(routines.meets_floor, (mixture.factor, prior))
        if _flag(routines.advance, (vectors, ascent.trace, numbers, on_floor, norm, max_iter)):
            return True
        if numbers[PHASE] == FIRST:
            _number(routines.step, (moments, mixture, prior, ascent.new, vectors[3]))
        elif numbers[PHASE] == LEAP:
            _number(routines.step, (moments, mixture, prior, ascent.new, vectors[2]))
            _leap(vectors)
        _number(routines.unpack, (vectors[3], mixture))
        numbers[LOG_LIKELIHOOD] = 0.0
        for i in range(len(ascent.sums)):
            ascent.sums[i] = 0.0
    return False


@compiled
def _advance(vectors, trace, numbers, on_floor, norm, max_iter):
    """What has been evaluated is reached, or not; whether the climb has come to its end."""
    phase, value = numbers[PHASE], numbers[VALUE]
    if phase == LEAP and (value < numbers[FIRST_VALUE] or on_floor):
        _copy(vectors[2], vectors[3])
        numbers[PHASE] = SECOND
        return False
    n_iterations = int(numbers[N_ITERATIONS])
    trace[n_iterations] = value
    numbers[N_ITERATIONS] += 1
    if phase in (LEAP, SECOND):
        numbers[N_STUCK] = numbers[N_STUCK] + 1 if on_floor else 0.0
    if numbers[NORM] <= norm or n_iterations + 1 >= max_iter or numbers[N_STUCK] >= STUCK:
        return True
    _copy(vectors[3], vectors[1 if phase == FIRST else 0])
    if phase == FIRST:
        numbers[FIRST_VALUE] = value
    numbers[PHASE] = LEAP if phase == FIRST else FIRST
    return False


@inner
def _copy(source, target):
    for i in range(len(source)):
        target[i] = source[i]


@inner
def _leap(vectors):
    """SQUAREM's leap from where the iteration began, in the direction of its two steps."""
    base, first, second, trial = vectors[0], vectors[1], vectors[2], vectors[3]
    step, bend = 0.0, 0.0
    for i in range(len(base)):
        step += (first[i] - base[i]) ** 2
        bend += (second[i] - 2 * first[i] + base[i]) ** 2
    length = min(max(np.sqrt(step) / max(np.sqrt(bend), 1e-300), 1.0), 1e6)
    for i in range(len(base)):
        r = first[i] - base[i]
        trial[i] = base[i] + 2 * length * r + length**2 * (second[i] - first[i] - r)


@compiled
def _step(moments, mixture, prior, new, y):
    """Write the mixture that a step of EM leads to, and its vector."""
    m_step(moments, mixture, prior, new)
    pack(new, y)
    return 0.0


@compiled
def _unpack(y, mixture):
    unpack(y, mixture)
    return 0.0


def _is_on_floor(of_mixture, metric, floor):
    """Whether a spread has met the smallest eigenvalue allowed; not where there is no metric."""


@overload(_is_on_floor, jit_options=PLAIN)
def _is_on_floor_as(of_mixture, metric, floor):
    if isinstance(metric, types.NoneType):
        return lambda of_mixture, metric, floor: False
    return lambda of_mixture, metric, floor: factor.is_on_floor(of_mixture, metric, floor)


@compiled
def meets_floor(of_mixture, prior):
    """Whether a spread has met the smallest eigenvalue allowed."""
    return _is_on_floor(of_mixture, prior.metric, 1.0001 * prior.floor)
