"""Dense layers, embeddings, attention, and layers that only rearrange."""

from __future__ import annotations

import math

from layerlab.anatomy.explain.arithmetic import equation, macs_line, parameters_line, product
from layerlab.anatomy.record import Layer
from layerlab.anatomy.text import sizes, without_batch

__all__ = ["addition", "attention", "bilinear", "concatenation", "dense", "embedding", "flatten", "maxout"]


def dense(layer: Layer) -> list[str]:
    """Explain ``Linear``: every output is connected to every input."""
    into, out = layer.settings["in_features"], layer.settings["out_features"]
    places = math.prod(layer.outputs[0][1:-1])
    formula, value = product(into, out), into * out
    if layer.settings.get("bias"):
        formula, value = f"{formula} + {out}", value + out
    lines = [f"y = W x{' + b' if layer.settings.get('bias') else ''}, W is {out}x{into}"]
    lines.append(parameters_line(layer, formula, value))
    macs = product(into, out) if places == 1 else product(places, into, out)
    lines.append(macs_line(layer, macs, places * into * out))
    if places > 1:
        lines.append(f"the same weights at each of {places:,} positions")
    return lines


def bilinear(layer: Layer) -> list[str]:
    """Explain ``Bilinear``: every output is a weighted sum over all pairs of inputs."""
    one, two, out = (layer.settings[name] for name in ("in1_features", "in2_features", "out_features"))
    formula, value = product(one, two, out), one * two * out
    macs = macs_line(layer, formula, value)
    if layer.settings.get("bias"):
        formula, value = f"{formula} + {out}", value + out
    return ["y_k = x1' W_k x2 + b_k", parameters_line(layer, formula, value), macs]


def embedding(layer: Layer) -> list[str]:
    """Explain ``Embedding``: a table of vectors."""
    words, length = layer.settings["num_embeddings"], layer.settings["embedding_dim"]
    return [
        f"each of {words:,} numbers has a vector of {length}; it is looked up, not multiplied",
        parameters_line(layer, product(words, length), words * length),
        "MACs = 0",
    ]


def attention(layer: Layer) -> list[str]:
    """Explain ``MultiheadAttention``."""
    width, heads = layer.settings["embed_dim"], layer.settings["num_heads"]
    each = width // heads
    lines = [
        "attention(Q, K, V) = softmax(Q K' / sqrt(d)) V, in each head",
        equation("d", f"{width}/{heads}", each, each, f" ({heads} heads)"),
    ]
    bias = any(parameter.name == "in_proj_bias" for parameter in layer.own_parameters)
    formula, value = f"4*({width}*{width})", 4 * width * width
    if bias:
        formula, value = f"4*({width}*{width} + {width})", 4 * (width * width + width)
    lines.append(equation("parameters", formula, value, layer.parameters, " (Q, K, V and output projection)"))
    first_axis = 1 if layer.settings.get("batch_first") else 0
    if layer.inputs and len(layer.inputs[0]) > first_axis:
        batch = layer.inputs[0][1 - first_axis]
        time = layer.inputs[0][first_axis]
        one = 4 * time * width * width + 2 * time * time * width
        factor = "".join(f"{count}*" for count in (layer.calls, batch) if count != 1)
        formula = f"{factor}(4*{time}*{width}*{width} + 2*{time}*{time}*{width})"
        lines.append(equation("MACs", formula, layer.calls * batch * one, layer.macs))
    return lines


def flatten(layer: Layer) -> list[str]:
    """Explain ``Flatten`` and other changes of shape."""
    before, after = layer.inputs[0][1:], layer.outputs[0][1:]
    lines = [f"{sizes(before)} becomes {sizes(after)}: the same numbers in another shape"]
    if len(after) == 1:
        lines.append(equation("out", product(*before), math.prod(before), after[0]))
    return [*lines, "parameters = 0"]


def maxout(layer: Layer) -> list[str]:
    """Explain ``Maxout``: groups of channels compete."""
    pieces = layer.settings["pieces"]
    shape, out = layer.inputs[0], layer.outputs[0]
    axis = layer.settings["dim"] % len(shape)
    formula = f"{shape[axis]}/{pieces}"
    names = ", ".join(f"w{k}'x + b{k}" for k in range(1, min(pieces, 3) + 1)) + (", ..." if pieces > 3 else "")
    return [
        f"y = max({names})",
        equation("units", formula, shape[axis] // pieces, out[axis]),
        "parameters = 0",
    ]


def addition(layer: Layer) -> list[str]:
    """Explain ``Add``: inputs of one size, element by element."""
    return [f"y = {' + '.join(f'x{k}' for k in range(1, len(layer.inputs) + 1))}", "parameters = 0"]


def concatenation(layer: Layer) -> list[str]:
    """Explain ``Concatenate``: inputs one behind the other along one axis."""
    axis = layer.settings.get("dim", 1)
    parts = [shape[axis] for shape in layer.inputs]
    formula = " + ".join(map(str, parts))
    name = "channels" if axis == 1 else f"axis {axis}"
    lines = [equation(name, formula, sum(parts), layer.outputs[0][axis])]
    return [*lines, f"out = {without_batch(layer.outputs)}", "parameters = 0"]
