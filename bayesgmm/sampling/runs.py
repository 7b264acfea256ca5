"""What is sampled: how a sampler's vectors become the variables of the tree, and back again."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from bayesgmm.em import Objective
from bayesgmm.mixture import GaussianMixture, MixtureParameters
from bayesgmm.sampling.whitened import TRAJECTORY, WhitenedTarget


@dataclass(frozen=True, eq=False)
class MixtureRun:
    """A declared mixture, on the compiled target."""

    objective: Objective
    whitened: WhitenedTarget

    @classmethod
    def about(
        cls,
        mixture: GaussianMixture,
        rows: np.ndarray,
        weight: np.ndarray,
        parameters: MixtureParameters,
    ) -> "MixtureRun":
        """A run whose chains start about a mode, in the data's units."""
        objective = Objective.of(mixture, rows, weight)
        mode = parameters.affine(1 / objective.scale, -objective.shift / objective.scale)
        # A weight may be 0 at the mode, where log weights have no curvature and chains cannot
        # start; in these, with the Jacobian, no weight is likeliest below that of one row.
        one_row = 1 / (1 + objective.evidence.total)
        centre = replace(mode, weights=np.maximum(mode.weights, one_row))
        return cls(objective, WhitenedTarget.at(objective.target, centre))

    @property
    def n_dim(self):
        return len(self.whitened.centre)

    @property
    def sampler(self):
        return self.whitened.sampler

    @property
    def trajectory(self):
        return self.whitened.trajectory

    def compiled(self, position=None):
        """What nutpie samples, from a position where one is given."""
        whitened = self.whitened
        if position is None:
            return whitened.nutpie_model()
        return whitened.nutpie_model(whitened.whitened(position))

    def position(self, columns):
        """Where a chain is after its last draw: the target's own coordinates."""
        return self.whitened.coordinates(columns["y"][-1])

    def variables(self, columns):
        """Variables of the tree, (draw, …) in the data's units, from nutpie's."""
        objective = self.objective
        drawn = objective.target.constrain(self.whitened.coordinates(columns["y"]))
        drawn = objective.in_data_units(drawn)
        return {
            "weights": drawn.weights,
            "means": drawn.means,
            drawn.structure.spread: drawn.spread,
        }

    def statistics(self, columns):
        """ArviZ's statistics of the tree's variables, from those of nutpie's."""
        # nutpie counts a trajectory of fixed length as cut off, too.
        cut_off = columns["tree_depth"] >= TRAJECTORY["maxdepth"]
        lp = columns["lp"] + self._log_density_offset()
        return columns | {"lp": lp, "reached_max_treedepth": cut_off}

    def _log_density_offset(self):
        """Nats from the target's density to that of the declared PyMC model in its coordinates.

        The coordinates differ by shifts and scales only: means by the scale, those of the spread as
        the structure has it.
        """
        objective = self.objective
        log_scale, k = np.log(objective.scale), objective.n_components
        spread = objective.structure.log_coordinate_scale(log_scale, k)
        return objective.log_likelihood_offset - k * log_scale.sum() - spread


@dataclass(frozen=True, eq=False)
class ModelRun:
    """A PyMC model, compiled by PyTensor."""

    model: Any
    sampler: ClassVar = "NUTS"
    trajectory: ClassVar = TRAJECTORY

    @classmethod
    def of(cls, model: Any) -> "ModelRun":
        import nutpie

        return cls(nutpie.compile_pymc_model(model))

    @property
    def n_dim(self):
        return self.model.n_dim

    @property
    def shapes(self):
        """Shapes of the variables of the tree, by name."""
        hidden = self.model.reparameterized_names
        return {name: shape for name, shape in self.model.shapes.items() if name not in hidden}

    def compiled(self, position=None):
        """What nutpie samples, from a position where one is given."""
        if position is None:
            return self.model
        return replace(self.model, initial_point_func=lambda seed: position)

    def position(self, columns):
        """Where a chain is after its last draw: the free variables, unconstrained."""
        names, slices, _ = self.model.shape_info
        free = [name for name, where in zip(names, slices, strict=True) if where.stop <= self.n_dim]
        return np.concatenate([columns[name][-1].ravel() for name in free])

    def variables(self, columns):
        return {name: columns[name] for name in self.shapes}

    def statistics(self, columns):
        return columns
