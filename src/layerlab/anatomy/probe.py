"""Running a network on shapes only, for one input size after another."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from layerlab.anatomy.collect import ForwardFailed, position_axes, watch
from layerlab.anatomy.record import Failure
from layerlab.anatomy.text import sizes
from layerlab.anatomy.twin import meta_twin, preserved

__all__ = ["OutOfTime", "Probe"]


class OutOfTime(Exception):  # noqa: N818 - ends a search, is no error
    """The search has taken as long as it may."""


class Probe:
    """A network that can be tried with square inputs of any size.

    Args:
        module: the network.
        example: an input of the kind that it takes: (batch, channels, and one or more axes of positions).
        seconds: how long all trials together may take.
    """

    def __init__(self, module: nn.Module, example: torch.Tensor, seconds: float) -> None:
        self._module = module
        self._twin = meta_twin(module)
        self._example = example
        self._deadline = time.monotonic() + seconds

    @classmethod
    def of(cls, module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any], seconds: float) -> Probe | None:
        """Return a probe for a network that takes one image, else ``None``."""
        if kwargs or len(args) != 1 or not isinstance(args[0], torch.Tensor):
            return None
        axes = position_axes(args[0], module)
        if not axes or axes.start == 1:  # a sequence: its features are no axis of positions
            return None
        try:
            return cls(module, args[0], seconds)
        except Exception:  # a module that cannot be copied is not searched
            return None

    def __call__(self, size: int) -> Failure | None:
        """Return how the network fails on a square input, or ``None`` if it does not.

        Raises:
            OutOfTime: there is no time left.
        """
        if time.monotonic() > self._deadline:
            raise OutOfTime
        with preserved(self._module), torch.device("meta"):
            tensor = torch.empty((*self._example.shape[:2], *self._space(size)), dtype=self._example.dtype)
            try:
                watch(self._twin, [tensor], {}, guarded=self._module, operations=False)
            except ForwardFailed as failed:
                return failed.failure
        return None

    def square(self, size: int) -> str:
        """Return the size of a square input as text: ``63x63``."""
        return sizes(self._space(size))

    def _space(self, size: int) -> list[int]:
        return [size] * (self._example.dim() - 2)
