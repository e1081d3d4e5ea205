"""Memory that a run takes: what lives at one moment, and what training keeps for the backward pass."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from layerlab.anatomy.shapes import Shapes
from layerlab.anatomy.twin import plainly

__all__ = ["Alive", "kept_for_backward"]


class Alive:
    """Adds up the memory of the tensors that live, each memory once.

    Args:
        apart: parameters and buffers, which are counted elsewhere.
    """

    def __init__(self, apart: Iterable[torch.Tensor]) -> None:
        self._apart = {_memory(tensor) for tensor in apart if not is_lazy(tensor)}
        self._living: dict[int, weakref.ref[torch.UntypedStorage]] = {}
        self._now = 0
        self.peak = 0

    def born(self, tensor: torch.Tensor) -> None:
        """Count a tensor, unless its memory is counted, until nothing holds it any more."""
        if tensor.layout is not torch.strided:
            return
        storage = tensor.untyped_storage()
        key = int(storage._cdata)
        if key in self._living or key in self._apart:
            return
        size = storage.nbytes()

        def gone(_: Any) -> None:
            del self._living[key]
            self._now -= size

        self._living[key] = weakref.ref(storage, gone)
        self._now += size
        self.peak = max(self.peak, self._now)


def kept_for_backward(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int | None:
    """Return the bytes that a training step keeps from the forward to the backward pass; each memory once.

    Parameters and buffers are not counted, the input is where a gradient needs it. The module runs as it is set;
    nothing is kept in truth.

    Returns:
        The bytes; ``None`` where the forward fails.
    """
    apart = {_memory(tensor) for tensor in (*module.parameters(), *module.buffers()) if not is_lazy(tensor)}
    kept: dict[int, int] = {}
    tensors: list[torch.Tensor] = []  # held, so that no memory is taken twice

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        memory = _memory(tensor)
        if memory not in apart:
            kept[memory] = tensor.untyped_storage().nbytes()
        tensors.append(tensor)
        return nothing  # there will be no backward pass

    nothing = torch.empty(0)
    hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept)
    with plainly(module), torch.enable_grad(), Shapes(), hooks:
        try:
            results = module(*args, **kwargs)
        except Exception:
            return None
        finally:
            tensors.clear()  # the graph holds the function that holds them
        del results
    return sum(kept.values())


def _memory(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata) if tensor.layout is torch.strided else -id(tensor)
