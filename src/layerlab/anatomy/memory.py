"""Memory that a run takes: what lives at one moment, and what training keeps for the backward pass."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from layerlab.anatomy.shapes import Shapes
from layerlab.anatomy.twin import memory_of, plainly

__all__ = ["Alive", "Kept", "kept_for_backward"]


class Alive:
    """Adds up the memory of the tensors that live, each memory once.

    Args:
        apart: parameters and buffers, which are counted elsewhere.
    """

    def __init__(self, apart: Iterable[torch.Tensor]) -> None:
        self._apart = {memory_of(tensor) for tensor in apart if not is_lazy(tensor)}
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


class Kept:
    """Adds up what operations keep for the backward pass, each memory once; nothing is kept in truth.

    Args:
        module: whose parameters and buffers are not counted; the input is, where a gradient needs it.
    """

    def __init__(self, module: nn.Module) -> None:
        tensors = (*module.parameters(), *module.buffers())
        self._apart = {memory_of(tensor) for tensor in tensors if not is_lazy(tensor)}
        self._living: dict[int, weakref.ref[torch.UntypedStorage]] = {}
        self._nothing = torch.empty(0, device="cpu")
        self.bytes = 0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Let operations say what they keep; there can be no backward pass."""
        with (
            torch.enable_grad(),
            warnings.catch_warnings(),
            torch.autograd.graph.saved_tensors_hooks(self._pack, lambda kept: kept),
        ):
            warnings.filterwarnings("ignore", "Converting a tensor with requires_grad")  # asked for by us alone
            try:
                yield
            finally:
                self._living.clear()  # what it holds knows this object

    def _pack(self, tensor: torch.Tensor) -> torch.Tensor:
        if tensor.layout is torch.strided:
            storage = tensor.untyped_storage()
            key = int(storage._cdata)
            if key not in self._living and key not in self._apart:
                self.bytes += storage.nbytes()
                # Memory that is gone and taken again is other memory: in truth the first would have been kept.
                self._living[key] = weakref.ref(storage, lambda _: self._living.pop(key, None))
        return self._nothing  # instead of the tensor


def kept_for_backward(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int | None:
    """Return the bytes that a training step keeps from the forward to the backward pass.

    The module runs as it is set, for shapes only.

    Returns:
        The bytes; ``None`` where the forward fails.
    """
    kept = Kept(module)
    with plainly(module), Shapes(), kept.counting():
        try:
            module(*args, **kwargs)
        except Exception:
            return None
    return kept.bytes
