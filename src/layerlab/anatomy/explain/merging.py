"""Layers that join several tensors, and those that only rearrange one."""

from __future__ import annotations

import math
from collections.abc import Mapping

from layerlab.anatomy.explain.arithmetic import equation, product, total
from layerlab.anatomy.explain.line import Line, formula, say
from layerlab.anatomy.record import Layer
from layerlab.anatomy.text import sizes

__all__ = ["MERGES", "concatenation", "fold", "merge", "repeat", "reshape"]

MERGES: Mapping[str, str] = {
    "Add": "y = {sum}",
    "Subtract": "y = x1 - x2",
    "Multiply": "y = {product}",
    "Average": "y = ({sum})/{count}",
    "Maximum": "y = max({list})",
    "Minimum": "y = min({list})",
}


def merge(layer: Layer) -> list[Line]:
    """Explain what joins inputs of one size, element by element."""
    names = [f"x{number}" for number in range(1, len(layer.inputs) + 1)]
    text = MERGES[layer.kind].format(
        sum=" + ".join(names), product="*".join(names), list=", ".join(names), count=len(names)
    )
    shape = layer.outputs[0][1:]
    return [
        formula(text, "activation.each"),
        equation("values", product(*shape), math.prod(shape), math.prod(shape)),
    ]


def concatenation(layer: Layer) -> list[Line]:
    """Explain ``Concatenate``: inputs one behind the other along one axis."""
    axis = layer.settings.get("dim", 1)
    parts = [shape[axis] for shape in layer.inputs]
    name = "channels" if axis == 1 else "concatenated"
    return [
        equation(name, total(parts), sum(parts), layer.outputs[0][axis]),
        say("concatenation.side-by-side"),
    ]


def reshape(layer: Layer) -> list[Line]:
    """Explain ``Flatten`` and other changes of shape."""
    before, after = layer.inputs[0][1:], layer.outputs[0][1:]
    lines = [say("reshape", before=sizes(before), after=sizes(after))]
    if len(after) == 1:
        lines.append(equation("out", product(*before), math.prod(before), after[0]))
    order = layer.settings.get("dims") or layer.settings.get("axes")
    if layer.kind == "Permute" and order:
        lines.append(say("permute", order=", ".join(map(str, order))))
    return lines


def repeat(layer: Layer) -> list[Line]:
    """Explain ``RepeatVector``: one row at every step."""
    times, features = layer.outputs[0][1:]
    return [
        say("repeat", count=times),
        equation("values", product(times, features), times * features, times * features),
    ]


def fold(layer: Layer) -> list[Line]:
    """Explain ``Unfold``, which puts the values of each window into a column, and ``Fold``, which adds them up."""
    if layer.kind == "Fold":
        return [say("fold")]
    channels, kernel = layer.inputs[0][1], layer.settings["kernel_size"]
    window = list(kernel) if isinstance(kernel, tuple) else [kernel, kernel]
    column = channels * math.prod(window)
    return [
        say("unfold", count=layer.outputs[0][-1]),
        equation("column", product(channels, *window), column, layer.outputs[0][1]),
    ]
