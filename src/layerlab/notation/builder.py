"""From a description to PyTorch modules.

Everything is built on PyTorch's ``meta`` device first, so that nothing is allocated before the whole text is known to
be right and not too large; then each weight is drawn from Keras's initial distribution.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from layerlab.errors import LayerlabError
from layerlab.notation.catalogue import Budget, LayerCall, Weight
from layerlab.notation.description import Layer, Network, Shape, Tensor, Value, automatic_name
from layerlab.notation.graph import INPUT, Graph, graph_of, sequential_input
from layerlab.notation.layout import shown
from layerlab.notation.model import KerasModel, Plan, Step

__all__ = ["build"]

_MOST_LAYERS = 10_000
_LONGEST_AXIS = 2**31 - 1
_DEEPEST = 30
_MOST_AXES = 8


def build(network: Network, filename: str) -> KerasModel:
    """Return ``network`` as a PyTorch module with fresh weights.

    Raises:
        LayerlabError: an argument or a shape does not fit; the sentence says where.
    """
    device = torch.get_default_device()
    with torch.device("meta"):
        model = _Builder(Budget(filename)).network(network, None, 0)
    if device.type != "meta":
        model.to_empty(device=device)
        model.initialise()
    return model


@dataclass
class _Made:
    """A layer that has its module."""

    module: nn.Module
    weights: list[Weight]
    constants: list[Weight]
    shapes: dict[tuple[Shape, ...], Shape] = field(default_factory=dict)
    """What it gives for each of the shapes that it was called with."""


@dataclass
class _Builder:
    """Builds a network and those inside it; a layer that is used twice is made once."""

    budget: Budget
    made: dict[Layer, _Made] = field(default_factory=dict)
    """Of all networks, since two of them may share a layer."""

    def network(self, network: Network, shapes: tuple[Shape, ...] | None, depth: int) -> KerasModel:
        """Return one network. ``shapes`` are those that come in where it is a layer of another."""
        if depth > _DEEPEST:
            raise self.error(network.line, f"networks inside networks, more than {_DEEPEST} deep")
        entrance = sequential_input(network) if network.kind == "Sequential" else None
        graph = graph_of(network, entrance)
        if shapes is None:
            if network.kind == "Sequential" and entrance is None:
                raise self.error(network.line, "the network has no Input; begin it with keras.Input(shape=...)")
            shapes = tuple(self.input_shape(tensor.layer) for tensor in graph.inputs)
        elif len(shapes) != len(graph.inputs):
            raise self.error(network.line, f"a network of {len(graph.inputs)} inputs is called with {len(shapes)}")
        return self.assemble(network, graph, shapes, depth)

    def assemble(self, network: Network, graph: Graph, shapes: tuple[Shape, ...], depth: int) -> KerasModel:
        """Build the layers in the order in which they run, and list them in Keras's."""
        if network.kind == "Sequential":
            self.refuse_twice(network)
        names = self.names(graph.layers)
        numbers = {tensor: number for number, tensor in enumerate(graph.inputs)}
        known = dict(zip(graph.inputs, shapes, strict=True))
        steps: list[Step] = []
        for tensor in graph.tensors:
            if tensor in known:
                continue
            layer = tensor.layer
            if layer.kind == INPUT:
                raise self.error(tensor.line, "an Input that is not among the inputs of keras.Model(inputs, outputs)")
            shape = self.call(layer, names[layer], tensor, tuple(known[source] for source in tensor.inputs), depth)
            known[tensor] = shape
            numbers[tensor] = len(numbers)
            sources = tuple(numbers[source] for source in tensor.inputs)
            steps.append(Step(names[layer], replace(layer, network=None), sources, numbers[tensor], shape))

        plan = Plan(
            network.kind,
            network.name,
            tuple(tensor.layer for tensor in graph.inputs),
            shapes,
            _with_last_uses(steps, {numbers[tensor] for tensor in graph.outputs}),
            tuple(numbers[tensor] for tensor in graph.outputs),
            network.several_outputs,
        )
        ordered = {names[layer]: self.made[layer] for layer in graph.layers}
        return KerasModel(
            plan,
            {name: item.module for name, item in ordered.items()},
            _each_once([(name, weight) for name, item in ordered.items() for weight in item.weights]),
            [constant for item in ordered.values() for constant in item.constants],
        )

    def call(
        self,
        layer: Layer,
        name: str,
        tensor: Tensor,
        shapes: tuple[Shape, ...],
        depth: int,
    ) -> Shape:
        """Return the shape that a layer gives, making its module at its first call."""
        earlier = self.made.get(layer)
        if earlier is not None and shapes in earlier.shapes:
            return earlier.shapes[shapes]
        item, shape = self.make(layer, name, tensor, shapes, depth)
        if earlier is None:
            self.made[layer] = earlier = item
        elif [weight.shape for weight in earlier.weights] != [weight.shape for weight in item.weights] or len(
            shapes[0]
        ) != len(next(iter(earlier.shapes))[0]):
            raise self.error(
                tensor.line,
                f'{layer.kind} "{name}" is used again for {shown(shapes[0])}, but its weights fit'
                f" {shown(next(iter(earlier.shapes))[0])}; make a second layer",
            )
        earlier.shapes[shapes] = shape
        return shape

    def make(
        self, layer: Layer, name: str, tensor: Tensor, shapes: tuple[Shape, ...], depth: int
    ) -> tuple[_Made, Shape]:
        """Return a layer's module, and the shape that it gives."""
        self.budget.layers += 1
        if self.budget.layers > _MOST_LAYERS:
            raise self.error(tensor.line, f"more than {_MOST_LAYERS:,} layers")
        if layer.network is not None:
            inner = self.network(layer.network, shapes, depth + 1)
            if inner.plan.several_outputs:
                raise self.error(tensor.line, "a network with several outputs is not read as a layer of another")
            weights = [weight for _, weight in inner.keras_weights]
            last = {step.result: step.shape for step in inner.plan.steps}
            shape = last.get(inner.plan.outputs[0], shapes[0])
            return _Made(inner, weights, inner.constants), shape
        call = LayerCall(layer, shapes, tensor.line, name, self.budget)
        if call.kind.several and len(shapes) < 2:
            raise call.error("takes a list of at least two tensors")
        if not call.kind.several and len(shapes) != 1:
            raise call.error(f"takes one tensor and gets {len(shapes)}")
        built = call.build()
        for size in built.shape:
            if size is not None and not 0 < size <= _LONGEST_AXIS:
                raise call.error(f"gives {shown(built.shape)}; expected axes of 1 to {_LONGEST_AXIS:,}")
        return _Made(built.module, call.weights, call.constants), built.shape

    def names(self, layers: list[Layer]) -> dict[Layer, str]:
        """Return the name of each child: the text's, or Keras's automatic one, in the order of the text."""
        names: dict[Layer, str] = {}
        taken: dict[str, Layer] = {}
        for layer in layers:
            if layer.name is not None:
                if layer.name in taken:
                    raise self.error(
                        layer.line, f'a second layer with name="{layer.name}"; layers need different names'
                    )
                taken[layer.name] = layer
                names[layer] = layer.name
        counts: dict[str, int] = {}
        for layer in sorted((layer for layer in layers if layer.name is None), key=lambda layer: layer.order):
            base = automatic_name(layer.kind)
            while True:
                count = counts.get(base, 0)
                counts[base] = count + 1
                name = f"{base}_{count}" if count else base
                if name not in taken:
                    break
            taken[name] = layer
            names[layer] = name
        return _as_attributes(names)

    def refuse_twice(self, network: Network) -> None:
        """Refuse a layer that is added to one Sequential twice, as Keras does."""
        seen: set[Layer] = set()
        for layer in network.layers:
            if layer in seen:
                raise self.error(layer.line, f"the same {layer.kind} is added twice; make a second layer")
            seen.add(layer)

    def input_shape(self, layer: Layer) -> Shape:
        """Return the shape that an Input says, in Keras's order without the batch."""
        given = layer.arguments
        shape: Value = given.get("shape")
        if shape is None:
            batch = given.get("batch_shape", given.get("batch_input_shape"))
            if isinstance(batch, (tuple, list)) and batch:
                shape = tuple(batch[1:])
        if type(shape) is int:
            shape = (shape,)
        if shape is None:
            raise self.error(layer.line, "the Input has no shape; write keras.Input(shape=...)")
        if not isinstance(shape, (tuple, list)) or not 1 <= len(shape) <= _MOST_AXES:
            raise self.error(layer.line, f"the Input has shape={_shown(shape)}; expected 1 to {_MOST_AXES} sizes")
        sizes: list[int | None] = []
        for size in shape:
            if size is not None and (type(size) is not int or not 1 <= size <= _LONGEST_AXIS):
                raise self.error(
                    layer.line, f"the Input has shape={_shown(shape)}; expected whole numbers of at least 1"
                )
            sizes.append(size if type(size) is int else None)
        return tuple(sizes)

    def error(self, line: int, message: str) -> LayerlabError:
        """Return an error that says where."""
        return LayerlabError(f"{self.budget.filename} line {line}: {message}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _each_once(weights: list[tuple[str, Weight]]) -> list[tuple[str, Weight]]:
    """Return the arrays without those of layers that two networks share and that came before."""
    unique: dict[int, tuple[str, Weight]] = {}
    for name, weight in weights:
        unique.setdefault(id(weight), (name, weight))
    return list(unique.values())


def _with_last_uses(steps: list[Step], outputs: set[int]) -> tuple[Step, ...]:
    """Note after which step each tensor may be forgotten."""
    needed = set(outputs)
    finished: list[Step] = []
    for step in reversed(steps):
        last = tuple(sorted(set(step.sources) - needed))
        needed.update(step.sources)
        finished.append(replace(step, last_uses=last))
    return tuple(reversed(finished))


_TAKEN = frozenset(dir(nn.Module())) | frozenset(dir(KerasModel))


def _as_attributes(names: dict[Layer, str]) -> dict[Layer, str]:
    """Return names that can be attributes: ``block1/conv`` becomes ``block1_conv``."""
    free: dict[Layer, str] = {}
    used: set[str] = set()
    for layer, name in names.items():
        plain = re.sub(r"\W", "_", name, flags=re.ASCII) or "_"
        if plain[0].isdigit() or plain[0] == "_":
            plain = f"layer{'' if plain[0] == '_' else '_'}{plain}"
        while plain in used or plain in _TAKEN or keyword.iskeyword(plain):
            plain += "_"
        used.add(plain)
        free[layer] = plain
    return free
