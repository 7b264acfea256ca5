"""What random covariance matrices have in common in PyMC."""

from typing import ClassVar

import pytensor.tensor as pt
from pymc.distributions.distribution import SymbolicRandomVariable
from pymc.distributions.shape_utils import implicit_size_from_params, rv_size_is_none
from pymc.distributions.transforms import CholeskyCovTransform, _default_transform
from pymc.pytensorf import normalize_rng_param
from pytensor.tensor.random.utils import normalize_size_param


class MatrixRV(SymbolicRandomVariable):
    """Random matrices, batched; their coordinates are those of ``CholeskyCovTransform``."""

    sized_by: ClassVar[int] = 0
    """Which parameter has as many entries along its last axis as the matrices have rows."""

    def update(self, node):
        return {node.inputs[0]: node.outputs[0]}

    @classmethod
    def rv_op(cls, *parameters, size=None, rng=None):
        tensors = [pt.as_tensor_variable(p) for p in parameters]
        rng, size = normalize_rng_param(rng), normalize_size_param(size)
        batch = size
        if rv_size_is_none(size):
            batch = implicit_size_from_params(*tensors, ndims_params=cls.ndims_params)
        inputs = [rng, size, *tensors]
        return cls(inputs=inputs, outputs=[*cls.drawn(rng, tuple(batch), *tensors)])(*inputs)

    @classmethod
    def drawn(cls, rng, batch, *parameters):
        """The next generator, and random matrices, (*batch, p, p)."""
        raise NotImplementedError


@_default_transform.register(MatrixRV)
def _(op, rv):
    return CholeskyCovTransform(n=rv.owner.inputs[2 + op.sized_by].shape[-1])
