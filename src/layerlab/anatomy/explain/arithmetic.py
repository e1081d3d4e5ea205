"""Writing equations whose right side is the number of the record.

Every function takes the formula's text, its value, and the recorded number. Where they differ (a subclass
does something of its own) only the recorded number is written: an explanation never contradicts the table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from layerlab.anatomy.record import Layer

__all__ = [
    "AXES", "calls_factor", "declared", "dense_comparison", "equation", "field_lines", "macs_line",
    "parameters_line", "per_dimension", "product", "ratio", "several",
]  # fmt: skip

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
_MANY = 10


def product(*factors: int) -> str:
    """Return ``3*3*64``."""
    return "*".join(map(str, factors))


def several(value: Any, count: int) -> list[Any]:
    """Return one value for each axis."""
    return list(value) if isinstance(value, (tuple, list)) else [value] * count


def equation(name: str, formula: str, value: int | Fraction, recorded: int | Fraction, tail: str = "") -> str:
    """Return ``name = formula = recorded``, or without the formula where it gives another number."""
    shown = f"{recorded:,}" if isinstance(recorded, int) else str(recorded)
    if value != recorded or formula == str(recorded):
        return f"{name} = {shown}{tail}"
    return f"{name} = {formula} = {shown}{tail}"


def per_dimension(name: str, formulas: Sequence[tuple[str, int]], recorded: Sequence[int]) -> list[str]:
    """Return one line where all axes agree, else one for each axis."""
    if len(set(formulas)) == 1 and len(set(recorded)) == 1:
        return [equation(name, formulas[0][0], formulas[0][1], recorded[0])]
    return [
        equation(axis, formula, value, size)
        for axis, (formula, value), size in zip(AXES[len(recorded)], formulas, recorded, strict=True)
    ]


def declared(layer: Layer) -> int:
    """Return the number of parameters that the layer itself declares, tied ones included."""
    return sum(math.prod(parameter.shape) for parameter in layer.own_parameters)


def parameters_line(layer: Layer, formula: str, value: int, tail: str = "") -> str:
    """Return the line with the parameters that the layer itself declares."""
    return equation("parameters", formula, value, declared(layer), tail)


def calls_factor(layer: Layer) -> str:
    """Return the factors that stand before the cost of one example: calls and batch, where they are not 1."""
    batch = layer.outputs[0][0] if layer.outputs and layer.outputs[0] else 1
    return "".join(f"{count}*" for count in (layer.calls, batch) if count != 1)


def macs_line(layer: Layer, formula: str, value: int) -> str:
    """Return the line with the multiply-accumulates; formula and value are for one example and one call."""
    batch = layer.outputs[0][0] if layer.outputs and layer.outputs[0] else 1
    return equation("MACs", calls_factor(layer) + formula, layer.calls * batch * value, layer.macs)


def ratio(more: int, less: int) -> str:
    """Return how many times ``more`` is ``less``, in words."""
    if not less or more <= less:
        return f"against {less:,}"
    times = more / less
    return f"against {less:,}: {times:,.0f} times as many" if times >= _MANY else f"against {less:,}: {times:.1f} times"


def dense_comparison(layer: Layer, weights: int) -> list[str]:
    """Return the lecture's comparison: the weights of a dense layer between the same ends."""
    if not layer.inputs or not layer.outputs:
        return []
    into, out = math.prod(layer.inputs[0][1:]), math.prod(layer.outputs[0][1:])
    tail = f" ({ratio(into * out, weights)})"
    return [equation("were it fully connected, weights", f"{into}*{out}", into * out, into * out, tail)]


def field_lines(layer: Layer, windows: Sequence[tuple[int, int, int]]) -> list[str]:
    """Return how a window makes the receptive field grow.

    Args:
        layer: its record.
        windows: kernel, stride and dilation along each axis.
    """
    before, jumps, after = layer.incoming_field, layer.incoming_stride, layer.receptive_field
    if before is None or jumps is None or after is None or len(after) != len(windows):
        return []
    if any(jump is None for jump in jumps):
        return [f"receptive field = {axis}" for axis in sorted(set(after))]
    grown = []
    for field, jump, (kernel, _, dilation) in zip(before, jumps, windows, strict=True):
        wide = f"({kernel} - 1)*{jump}" if dilation == 1 else f"({kernel} - 1)*{dilation}*{jump}"
        grown.append((f"{field} + {wide}", field + (kernel - 1) * dilation * (jump or 1)))
    lines = _axis_lines("receptive field", grown, after)
    strides = [(f"{jump}*{stride}", (jump or 1) * stride) for jump, (_, stride, _) in zip(jumps, windows, strict=True)]
    after_stride = layer.stride or ()
    if all(stride is not None for stride in after_stride):
        lines += _axis_lines("stride", strides, [stride or 1 for stride in after_stride])
    return lines


def _axis_lines(name: str, formulas: Sequence[tuple[str, Any]], recorded: Sequence[Any]) -> list[str]:
    if len(set(formulas)) == 1 and len(set(recorded)) == 1:
        return [equation(name, formulas[0][0], formulas[0][1], recorded[0])]
    return [
        equation(f"{name}, {axis}", formula, value, number)
        for axis, (formula, value), number in zip(AXES[len(recorded)], formulas, recorded, strict=True)
    ]
