"""What is known of each Keras layer: its arguments, and what it becomes in PyTorch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from layerlab.notation.description import Shape, Value

if TYPE_CHECKING:
    from layerlab.notation.catalogue.call import LayerCall

__all__ = [
    "INERT",
    "KINDS",
    "REQUIRED",
    "Built",
    "Kind",
    "Weight",
    "chain",
    "keras_layer",
    "keras_layer_names",
    "permuted",
]

REQUIRED: Any = ...
"""Stands for the default of an argument that has none."""

COMMON: dict[str, Value] = {
    "name": None,
    "dtype": None,
    "trainable": True,
    "activity_regularizer": None,
    "input_shape": None,
    "batch_input_shape": None,
    "input_dim": None,
    "input_length": None,
}
"""Arguments of every layer, after its own."""

_INERT_ENDS = ("_regularizer", "_constraint")
INERT = frozenset(
    {"dtype", "seed", "use_cudnn", "unroll", "implementation", "fused", "input_length", "autocast", "synchronized"}
)
"""Arguments that do not change what the layer computes. They are kept for writing the text back."""


@dataclass
class Weight:
    """One of a layer's arrays, in Keras's order and shape, and where its numbers go in PyTorch."""

    name: str
    """Keras's name, such as ``kernel``."""
    shape: tuple[int, ...]
    """Keras's shape."""
    make: Callable[[tuple[int, ...]], torch.Tensor]
    """Makes the array that it begins with."""
    unit_forget: bool = False
    """Whether the second quarter, an LSTM's forget gate, begins at 1."""
    slots: list[tuple[nn.Module, str, Callable[[torch.Tensor], torch.Tensor]]] = field(default_factory=list)

    def into(
        self, module: nn.Module, attribute: str, convert: Callable[[torch.Tensor], torch.Tensor] = torch.clone
    ) -> None:
        """Note that ``convert`` of this array is ``module``'s ``attribute``."""
        self.slots.append((module, attribute, convert))

    def initialise(self) -> None:
        """Write the array that it begins with."""
        array = self.make(self.shape)
        if self.unit_forget:
            quarter = self.shape[0] // 4
            array[quarter : 2 * quarter] = 1.0
        self.store(array)

    @torch.no_grad()
    def store(self, array: torch.Tensor) -> None:
        """Write an array of Keras's shape into the module."""
        for module, attribute, convert in self.slots:
            target: torch.Tensor = getattr(module, attribute)
            target.copy_(convert(array).reshape(target.shape))


@dataclass
class Built:
    """A layer as PyTorch has it."""

    module: nn.Module
    shape: Shape
    """What it gives, in Keras's order without the batch."""


Builder = Callable[["LayerCall"], Built]


@dataclass(frozen=True)
class Kind:
    """A Keras layer class."""

    name: str
    parameters: dict[str, Value]
    """Its own arguments in Keras's order, then those of every layer, each with its default."""
    build: Builder
    several: bool
    """Whether it takes a list of tensors."""

    def is_inert(self, parameter: str) -> bool:
        """Return whether ``parameter`` leaves what the layer computes as it is."""
        return parameter in INERT or parameter.endswith(_INERT_ENDS)


KINDS: dict[str, Kind] = {}
"""Every layer that is read, by each of its names."""


def keras_layer_names() -> list[str]:
    """Return the Keras layers that are read, by their first names, sorted.

    Example:
        >>> keras_layer_names()[:3]
        ['Activation', 'ActivityRegularization', 'Add']
    """
    return sorted({kind.name for kind in KINDS.values()})


def keras_layer(*names: str, several: bool = False, **parameters: Value) -> Callable[[Builder], Builder]:
    """Return a decorator that registers what builds a Keras layer.

    Args:
        names: the class's name, then other names that Keras gives to it.
        several: whether it takes a list of tensors.
        parameters: its own arguments with their defaults, in Keras's order.
    """

    def register(build: Builder) -> Builder:
        kind = Kind(
            names[0],
            {**parameters, **{name: value for name, value in COMMON.items() if name not in parameters}},
            build,
            several,
        )
        for name in names:
            KINDS[name] = kind
        return build

    return register


def chain(**modules: nn.Module | None) -> nn.Module:
    """Return the modules that are there as one ``nn.Sequential`` with these names; a single one stays bare."""
    present = OrderedDict((name, module) for name, module in modules.items() if module is not None)
    if len(present) == 1:
        return next(iter(present.values()))
    return nn.Sequential(present)


def permuted(*axes: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return the conversion that permutes an array's axes."""
    return partial(torch.permute, dims=axes)
