"""The weights that make a channel, as pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from layerlab.anatomy.record import Operation

__all__ = ["Filters", "filters_of"]

# Operations that keep each channel apart: behind them a map is still that of the convolution before.
_KEEPING = frozenset(
    {"relu", "relu_", "relu6", "hardtanh", "leaky_relu", "gelu", "silu", "elu", "selu", "hardswish", "hardsigmoid",
     "tanh", "sigmoid", "mish", "softplus", "threshold", "batch_norm", "group_norm", "instance_norm", "layer_norm",
     "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d", "dropout", "local_response_norm",
     "contiguous", "clone"}
)  # fmt: skip
_VIEWS = frozenset({"flatten", "reshape", "view"})
_COLOURS = (1, 3)


@dataclass(frozen=True)
class Filters:
    """The weights of a convolution or of a dense layer.

    Attributes:
        path: of the layer that holds them.
        weight: (outputs, inputs, height, width).
        sees_image: whether the inputs are the colours of the image.
        groups: into which the inputs are divided; an output sees those of its group.
    """

    path: str
    weight: Tensor
    sees_image: bool
    groups: int = 1

    def strongest(self, output: int, count: int) -> list[int]:
        """Return the inputs with the largest weights (root of the sum of squares) of an output, largest first."""
        norms = self.weight[output].flatten(1).norm(dim=1)
        return [int(index) for index in norms.argsort(descending=True, stable=True)[:count]]

    def input_of(self, output: int, index: int) -> int:
        """Return the number, in all inputs of the layer, of an input that an output sees."""
        group = output // (self.weight.shape[0] // self.groups)
        return group * self.weight.shape[1] + index


def filters_of(module: nn.Module, path: str, operations: tuple[Operation, ...]) -> Filters | None:
    """Return the weights that make the maps at ``path``: the layer's own, or those of the one that feeds it.

    Args:
        module: the network.
        path: of the layer.
        operations: of a run.

    Returns:
        The filters; ``None`` where the maps mix several layers or come from no weights.
    """
    inner = [one for one in operations if any(call == (path, 0) for call in one.within)]
    last = inner[-1] if inner else None
    while last is not None:
        if last.name in ("conv2d", "linear"):
            return _weights(module, last, operations)
        if last.name not in _KEEPING or not last.sources or last.sources[0] < 0:
            return None
        last = operations[last.sources[0]]
    return None


def _weights(module: nn.Module, operation: Operation, operations: tuple[Operation, ...]) -> Filters | None:
    holder = module.get_submodule(operation.path)
    weight = getattr(holder, "weight", None)
    if not isinstance(weight, Tensor) or weight.dim() not in (2, 4) or weight.is_meta or not operation.sources:
        return None
    weight = weight.detach().float().cpu()
    if not torch.isfinite(weight).all():
        return None
    source = operation.sources[0]
    if weight.dim() == 4:
        groups = int(getattr(holder, "groups", 1))
        return Filters(operation.path, weight, source < 0 and groups == 1 and weight.shape[1] in _COLOURS, groups)
    shape = operation.inputs[0]
    while (
        source >= 0 and operations[source].name in _KEEPING | _VIEWS and operations[source].sources and len(shape) < 4
    ):
        shape = operations[source].inputs[0]
        source = operations[source].sources[0]
    if len(shape) == 4 and math.prod(shape[1:]) == weight.shape[1] and math.prod(shape[2:]) > 1:
        return Filters(operation.path, weight.view(-1, *shape[1:]), source < 0 and shape[1] in _COLOURS)
    return Filters(operation.path, weight[:, :, None, None], False)
