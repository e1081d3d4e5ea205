"""A network that was read from Keras source, as a PyTorch module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from layerlab.errors import LayerlabError
from layerlab.notation.catalogue.kind import Weight
from layerlab.notation.description import Layer, Shape
from layerlab.notation.layout import torch_shape

__all__ = ["KerasModel", "Plan", "Step"]


@dataclass(frozen=True)
class Step:
    """One call of one child. Tensors are numbered; the first numbers are the inputs."""

    child: str
    layer: Layer
    sources: tuple[int, ...]
    result: int
    shape: Shape
    """Of the result, in Keras's order."""
    last_uses: tuple[int, ...] = ()
    """The tensors that nobody needs after this step."""


@dataclass(frozen=True)
class Plan:
    """What a network is, beside its modules: plain data."""

    kind: Literal["Sequential", "Functional"]
    name: str | None
    input_layers: tuple[Layer, ...]
    input_shapes: tuple[Shape, ...]
    """In Keras's order."""
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    several_outputs: bool


class KerasModel(nn.Module):
    """A network read from Keras source. Made by :func:`~layerlab.notation.read_keras`.

    Each Keras layer is one child with the layer's name in Keras (``conv2d``, ``conv2d_1``, ...), in the order of
    Keras's ``model.layers``. A layer with an activation is one child with children of its own.

    Args:
        plan: which child runs when, and what the text says of each.
        children: the children by name.
        weights: the children's arrays, each with the child's name, in the order of Keras's ``get_weights()``.
        constants: what PyTorch's modules hold and Keras's have not.

    Input shape:
        (N, channels, *spatial) for what has two or more spatial axes; (N, features) and (N, steps, features), as in
        Keras, for the rest. Several inputs are several arguments. Where the text takes pixels as (features,) or
        (height, width), an image (N, channels, height, width) of as many values may go in too; it is flattened as
        Keras flattens it.

    Output shape:
        by the same rule. Several outputs are a tuple.
    """

    def __init__(
        self,
        plan: Plan,
        children: dict[str, nn.Module],
        weights: list[tuple[str, Weight]],
        constants: list[Weight],
    ) -> None:
        super().__init__()
        self._plan = plan
        self._keras_weights = weights
        self._constants = constants
        self._source = ("<text>", "")
        for name, module in children.items():
            self.add_module(name, module)

    @property
    def filename(self) -> str:
        """Where the text came from."""
        return self._source[0]

    @property
    def source_text(self) -> str:
        """The text that it was read from."""
        return self._source[1]

    @property
    def plan(self) -> Plan:
        """What the text says, as data: which child runs when."""
        return self._plan

    @property
    def keras_weights(self) -> list[tuple[str, Weight]]:
        """The arrays in the order of Keras's ``get_weights()``, each with the name of its child."""
        return list(self._keras_weights)

    @property
    def constants(self) -> list[Weight]:
        """What PyTorch's modules hold and Keras's have not."""
        return list(self._constants)

    @property
    def layer_names(self) -> list[str]:
        """The names of the children."""
        return [name for name, _ in self.named_children()]

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """What each input takes, in PyTorch's order without the batch; None for an axis of any length."""
        return tuple(map(torch_shape, self._plan.input_shapes))

    @property
    def input_shape(self) -> Shape:
        """What the first input takes; most networks have one."""
        return self.input_shapes[0]

    @property
    def output_shapes(self) -> tuple[Shape, ...]:
        """What each output gives, in PyTorch's order without the batch."""
        shapes = dict(enumerate(self._plan.input_shapes)) | {step.result: step.shape for step in self._plan.steps}
        return tuple(torch_shape(shapes[output]) for output in self._plan.outputs)

    def forward(self, *inputs: Tensor) -> Any:
        """Return the output; a tuple of them when the text gives a list of outputs."""
        if len(inputs) != len(self._plan.input_shapes):
            raise LayerlabError(f"the network takes {len(self._plan.input_shapes)} inputs, not {len(inputs)}")
        tensors = {number: _fitted(x, self._plan.input_shapes[number]) for number, x in enumerate(inputs)}
        for step in self._plan.steps:
            tensors[step.result] = self._modules[step.child](*[tensors[source] for source in step.sources])  # type: ignore[misc]
            for number in step.last_uses:
                del tensors[number]
        if self._plan.several_outputs:
            return tuple(tensors[number] for number in self._plan.outputs)
        return tensors[self._plan.outputs[0]]

    def initialise(self) -> None:
        """Give every weight the value that it begins with in Keras, drawn from PyTorch's random numbers."""
        with torch.no_grad():
            for tensor in (*self.parameters(), *self.buffers()):
                tensor.zero_()
        for _, weight in self._keras_weights:
            weight.initialise()
        for weight in self._constants:
            weight.initialise()


def _fitted(x: Tensor, shape: Shape) -> Tensor:
    """Return an image as the row of numbers, or the matrix, that the text takes; anything else as it is."""
    if x.dim() != 4 or len(shape) > 2 or None in shape:
        return x
    if len(shape) == 1 and x[0].numel() == shape[0]:
        return x.movedim(1, -1).flatten(1)
    return x.squeeze(1) if x.shape[1:] == (1, *shape) else x
