"""From what a person gives as 'the input' to the arguments of a forward."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from layerlab.anatomy.text import sizes
from layerlab.errors import LayerlabError

__all__ = ["example_inputs", "is_example"]

_MOST_NUMBERS = 2**48  # beyond it the sizes of what the layers give no longer fit into 64 bits


def example_inputs(
    module: nn.Module, inputs: Any, batch: int = 1, dtype: torch.dtype | None = None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return positional and named arguments; sizes become tensors of zeros that take no memory yet.

    Args:
        module: what the arguments are for; its parameters say the type.
        inputs: a size without the batch, a tensor, a tuple or list with one of them for each argument, or a
            mapping by name.
        batch: number of examples that a size stands for.
        dtype: type of the tensors made from sizes.

    Raises:
        LayerlabError: a size is not made of positive whole numbers.
    """
    if type(batch) is not int or batch < 1:
        raise LayerlabError(f"batch is {batch!r}: it must be a positive whole number")
    dtype = dtype if dtype is not None else _dtype_for(module)
    if isinstance(inputs, Mapping):
        return (), {str(name): _argument(value, batch, dtype) for name, value in inputs.items()}
    if isinstance(inputs, torch.Tensor) or _is_size(inputs):
        return (_argument(inputs, batch, dtype),), {}
    if isinstance(inputs, (tuple, list)) and inputs:
        return tuple(_argument(value, batch, dtype) for value in inputs), {}
    raise LayerlabError(
        f"the input is {inputs!r}: expected a size without the batch such as (1, 28, 28), a tensor, or a tuple of them"
    )


def is_example(tensor: torch.Tensor) -> bool:
    """Return whether the tensor was made from a size: one number for all its places."""
    return tensor.dim() > 0 and not any(tensor.stride())


def _is_size(value: Any) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return True
    return isinstance(value, Sequence) and bool(value) and all(isinstance(size, int) for size in value)


def _argument(value: Any, batch: int, dtype: torch.dtype) -> Any:
    if not _is_size(value):
        return value
    size = (value,) if isinstance(value, int) else tuple(value)
    if any(length < 1 for length in size):
        raise LayerlabError(f"the input size {size} has a length below 1: every length must be positive")
    if batch * math.prod(size) > _MOST_NUMBERS:
        raise LayerlabError(f"the input size {sizes(size)} is more than {_MOST_NUMBERS:,} numbers: no memory holds it")
    # Expanded from one element: the shape of the batch with the memory of a single number.
    return torch.zeros((), dtype=dtype).expand(batch, *size)


def _dtype_for(module: nn.Module) -> torch.dtype:
    """Return whole numbers for a module that begins with an embedding, else the type of its parameters."""
    first = next((part for part in module.modules() if not part._modules), None)
    if isinstance(first, (nn.Embedding, nn.EmbeddingBag)):
        return torch.int64
    return next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)
