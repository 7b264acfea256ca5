"""The target in coordinates whitened at the mode, and how chains move in them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesgmm.likelihood import Target, unconstrain
from bayesgmm.sampling.metric import Dense, Metric, metric_at
from bayesgmm.sampling.native import native_model

OVERDISPERSION = 2.0
"""Standard deviation of the chains' starts about the mode, in posterior standard deviations."""

FALL = 20.0
"""Nats per dimension that a start may lie below the centre; among normals it is 2 on average."""

MANY_ROWS = 32_768
"""Beyond these every pass is shared by all cores, and the posterior taken to be nearly normal."""

TRAJECTORY: dict[str, Any] = {"maxdepth": 10}

# With many rows a pass is dear and the posterior nearly normal: whitened, a standard normal, whose
# trajectories are circles of period 2π. The integrator that is exact for it [1] may take steps of a
# quarter of the circle, which makes a draw independent of the last; half of it only changes the
# last one's sign, and NUTS must walk that far before it sees a U-turn. So trajectories have a fixed
# length, one step where steps are near a quarter: the length lies between π/2 + 10 % and π − 10 %,
# 10 % being nutpie's jitter of the step. Only without any check of U-turns is that reversible:
# nutpie skips the early ones. Far from normal, as with few rows, plain NUTS does better.
# [1] Shahbaba, Lan, Johnson & Neal (2014), Statistics and Computing 24, 339–349.
FIXED_LENGTH = {
    "exact_normal_trajectory": True,
    "max_step_size": np.pi / 2,
    "target_integration_time": 2.8,
    "mindepth": 1,
    "check_turning": False,
}


@dataclass(frozen=True, eq=False)
class WhitenedTarget:
    """A target as a function of y, where θ = centre + W y; with the Jacobian."""

    target: Target
    centre: np.ndarray
    metric: Metric
    """W."""

    @classmethod
    def at(cls, target, parameters):
        """Whitened by the curvature at a mode (Laplace)."""
        centre = unconstrain(parameters)
        return cls(target, centre, metric_at(target, centre))

    def __call__(self, y):
        value, gradient = self.target(self.centre + self.metric(y))
        return value, self.metric.transposed(gradient)

    def coordinates(self, y):
        """The target's own coordinates θ of vectors (…, n_dim)."""
        return self.metric(y) + self.centre

    def whitened(self, theta):
        """The inverse: y of a vector (n_dim,)."""
        return self.metric.inverse(theta - self.centre)

    @property
    def sampler(self):
        """ "HMC", of a fixed length, with many rows; else "NUTS"."""
        return "HMC" if len(self.target.evidence) > MANY_ROWS else "NUTS"

    @property
    def trajectory(self):
        """How nutpie is to move in these coordinates."""
        return TRAJECTORY | (FIXED_LENGTH if self.sampler == "HMC" else {})

    def overdispersed(self, rng):
        """Where a chain begins: nearer to the centre where the density is far from normal.

        Where a component has collapsed onto equal rows it falls by 1e16 nats within two standard
        deviations, and no tuning brings a chain back from there.
        """
        y = OVERDISPERSION * rng.standard_normal(len(self.centre))
        least = self(np.zeros_like(y))[0] - FALL * len(y)
        while y.any() and not self(y)[0] >= least:
            y /= 2
        return y

    def nutpie_model(self, start: np.ndarray | None = None) -> Any:
        """The density as nutpie samples it, in the variable ``y``; chains begin at ``start``.

        Where none is given, about the mode.
        """
        n_dim = len(self.centre)

        def initial_point(seed):
            if start is not None:
                return start
            return self.overdispersed(np.random.default_rng(seed))

        if isinstance(self.metric, Dense) and len(self.target.evidence) <= MANY_ROWS:
            return native_model(self.target, self.centre, self.metric.matrix, initial_point)
        from nutpie.compiled_pyfunc import from_pyfunc

        return from_pyfunc(
            ndim=n_dim,
            make_logp_fn=lambda: self,
            make_expand_fn=lambda seed1, seed2, chain: lambda y: {"y": y},
            expanded_dtypes=[np.dtype(np.float64)],
            expanded_shapes=[(n_dim,)],
            expanded_names=["y"],
            make_initial_point_fn=initial_point,
        )
