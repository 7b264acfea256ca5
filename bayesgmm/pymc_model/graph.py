"""Names for the types of PyTensor's graphs."""

from typing import Any

from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

type Tensor = TensorVariable[Any, Any]
type Generator = Variable[Any, Any]
type Batch = tuple[Tensor, ...]
type Drawn = tuple[Generator, Tensor]
"""The next generator, and what was drawn."""
