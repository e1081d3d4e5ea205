"""The order of a network: which layer runs when, and in which order Keras lists them."""

from __future__ import annotations

from dataclasses import dataclass

from layerlab.notation.description import Layer, Network, Tensor, Value

__all__ = ["INPUT", "Graph", "graph_of", "listed_layers", "sequential_input"]

INPUT = "Input"
"""The kind of the layer that stands for an input."""


@dataclass(frozen=True)
class Graph:
    """A network in order."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    tensors: list[Tensor]
    """Every tensor, each after those that it is made of."""
    layers: list[Layer]
    """Every layer but the inputs, in the order of Keras's ``model.layers``."""


def graph_of(network: Network, entrance: Layer | None) -> Graph:
    """Return the graph of ``network``.

    Args:
        network: what the text describes.
        entrance: the input of a Sequential; a Model brings its own.
    """
    inputs, outputs = network.inputs, network.outputs
    if network.kind == "Sequential":
        tensor = Tensor(entrance or Layer(INPUT), (), network.line)
        inputs = [tensor]
        for layer in network.layers:
            if layer.kind != INPUT:
                tensor = Tensor(layer, (tensor,), layer.line)
        outputs = [tensor]
    tensors, first_seen = _walk(inputs, outputs)
    layers = [layer for layer in _listed(tensors, first_seen) if layer.kind != INPUT]
    return Graph(inputs, outputs, tensors, layers)


def listed_layers(network: Network) -> list[Layer]:
    """Return the layers as Keras's ``model.layers`` lists them; those of a Model include its inputs."""
    if network.kind == "Sequential":
        return [layer for layer in network.layers if layer.kind != INPUT]
    return _listed(*_walk(network.inputs, network.outputs))


def _walk(inputs: list[Tensor], outputs: list[Tensor]) -> tuple[list[Tensor], dict[Layer, int]]:
    """Return the tensors, each after its inputs, and when each layer was first met on the way from the outputs."""
    done: dict[Tensor, None] = {}
    first_seen: dict[Layer, int] = {}
    ends = set(inputs)
    stack = [(output, False) for output in reversed(outputs)]
    while stack:
        tensor, ready = stack.pop()
        if tensor in done:
            continue
        if ready:
            done[tensor] = None
            continue
        first_seen.setdefault(tensor.layer, len(first_seen))
        stack.append((tensor, True))
        if tensor not in ends:
            stack.extend((source, False) for source in reversed(tensor.inputs))
    for tensor in inputs:  # one that no output needs
        done.setdefault(tensor)
        first_seen.setdefault(tensor.layer, -1)
    return list(done), first_seen


def _listed(tensors: list[Tensor], first_seen: dict[Layer, int]) -> list[Layer]:
    """Return the layers by their distance from the outputs, farthest first, as Keras lists them.

    ``get_weights()`` follows this order, which is not that of the text where a network branches.
    """
    depths: dict[Tensor, int] = {}
    layer_depths: dict[Layer, int] = {}
    for tensor in reversed(tensors):
        depth = max(depths.get(tensor, 0), layer_depths.get(tensor.layer, 0))
        depths[tensor] = layer_depths[tensor.layer] = depth
        for source in tensor.inputs:
            depths[source] = max(depths.get(source, 0), depth + 1)
    return sorted(layer_depths, key=lambda layer: (-layer_depths[layer], first_seen[layer]))


def sequential_input(network: Network) -> Layer | None:
    """Return the Input of a Sequential, or what its first layer says of it, or None."""
    if not network.layers:
        return None
    first = network.layers[0]
    if first.kind == INPUT:
        return first
    shape = _shape_of_first(first)
    if shape is None and first.network is not None:
        inner = first.network
        if inner.kind == "Sequential":
            return sequential_input(inner)
        return inner.inputs[0].layer if inner.inputs else None
    return None if shape is None else Layer(INPUT, shape, first.line)


def _shape_of_first(layer: Layer) -> dict[str, Value] | None:
    """Return the arguments of the Input that a first layer implies."""
    given = layer.arguments
    if given.get("input_shape") is not None:
        return {"shape": given["input_shape"]}
    if given.get("batch_input_shape") is not None:
        return {"batch_shape": given["batch_input_shape"]}
    if layer.kind == "Embedding":
        return {"shape": (given.get("input_length"),)}
    if given.get("input_dim") is not None:
        length = (given["input_length"],) if "input_length" in given else ()
        return {"shape": (*length, given["input_dim"])}
    wrapped = given.get("layer")
    return _shape_of_first(wrapped) if isinstance(wrapped, Layer) else None
