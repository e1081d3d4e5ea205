"""What a forward overwrites in a network's own tensors, kept so that it can be put back."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from layerlab.anatomy.twin import held_tensors, memory_of

__all__ = ["Overwritten"]

# Their schemas do not say that in training they write to the running statistics.
_WRITES_STATISTICS = frozenset({"aten::native_batch_norm", "aten::cudnn_batch_norm", "aten::miopen_batch_norm"})
_STATISTICS = ("running_mean", "running_var")


class Overwritten:
    """Copies a tensor of the network before an operation writes to it.

    Args:
        module: the network whose tensors are guarded; those on ``meta`` have no content.
    """

    def __init__(self, module: nn.Module) -> None:
        tensors = (tensor for tensor in held_tensors(module) if not is_lazy(tensor) and tensor.device.type != "meta")
        self._homes = {memory_of(tensor) for tensor in tensors if tensor.layout is torch.strided}
        self._kept: list[tuple[torch.Tensor, torch.Tensor]] = []

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """What was written to, in order."""
        return tuple(tensor for tensor, _ in self._kept)

    def before(self, function: Any, args: Any, kwargs: Any) -> None:
        """Copy what the operation is about to overwrite."""
        schema = function._schema
        if not self._homes or not (schema.is_mutable or schema.name in _WRITES_STATISTICS):
            return
        given = {**dict(zip((argument.name for argument in schema.arguments), args, strict=False)), **kwargs}
        for argument in schema.arguments:
            value = given.get(argument.name)
            written = argument.alias_info is not None and argument.alias_info.is_write
            written |= argument.name in _STATISTICS
            if written and isinstance(value, torch.Tensor) and memory_of(value) in self._homes:
                self._kept.append((value, value.detach().clone()))

    def put_back(self) -> None:
        """Write the copies back, the latest first."""
        with torch.no_grad():
            for tensor, content in reversed(self._kept):
                tensor.copy_(content)
