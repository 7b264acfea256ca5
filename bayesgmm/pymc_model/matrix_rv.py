"""What random covariance matrices have in common in PyMC."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytensor.tensor as pt
from pymc.distributions.distribution import SymbolicRandomVariable
from pymc.distributions.shape_utils import implicit_size_from_params, rv_size_is_none
from pymc.distributions.transforms import CholeskyCovTransform, _default_transform
from pymc.pytensorf import normalize_rng_param
from pytensor.graph.basic import Apply
from pytensor.tensor.random.utils import normalize_size_param

from bayesgmm.pymc_model.graph import Drawn, Tensor


class MatrixRV(SymbolicRandomVariable):
    """Random matrices, batched; their coordinates are those of ``CholeskyCovTransform``."""

    sized_by: ClassVar[int] = 0
    """Which parameter has as many entries along its last axis as the matrices have rows."""
    drawn: ClassVar[Callable[..., Drawn]]
    """Of a generator, a batch and parameters: the next generator and matrices, (*batch, p, p)."""

    def update(self, node: Apply[Any]) -> dict[Any, Any]:
        return {node.inputs[0]: node.outputs[0]}

    @classmethod
    def rv_op(cls, *parameters: pt.TensorLike, size: Any = None, rng: Any = None) -> Tensor:
        tensors = [pt.as_tensor_variable(p) for p in parameters]
        rng, size = normalize_rng_param(rng), normalize_size_param(size)
        batch = size
        if rv_size_is_none(size):
            batch = implicit_size_from_params(*tensors, ndims_params=cls.ndims_params)
        inputs = [rng, size, *tensors]
        return cls(inputs=inputs, outputs=[*cls.drawn(rng, tuple(batch), *tensors)])(*inputs)


@_default_transform.register(MatrixRV)
def _(op: MatrixRV, rv: Tensor) -> CholeskyCovTransform:
    return CholeskyCovTransform(n=rv.owner.inputs[2 + op.sized_by].shape[-1])
