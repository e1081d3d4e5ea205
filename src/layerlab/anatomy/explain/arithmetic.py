"""Writing equations whose right side is the number of the record.

Every function takes the formula's text, its value, and the recorded number. Where they differ (a subclass
does something of its own) only the recorded number is written: an explanation never contradicts the table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from layerlab.anatomy.explain.line import Line, Phrase
from layerlab.anatomy.record import Layer

__all__ = [
    "AXES", "Whole", "calls_factor", "declared", "dense_comparison", "equation", "field_lines", "macs_line",
    "parameters_line", "per_dimension", "product", "ratio", "several", "total",
]  # fmt: skip

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
_MANY = 10
_RUN = 3

Whole = int | Fraction


def product(*factors: int) -> str:
    """Return ``3*3*64``."""
    return "*".join(f"{factor:,}" for factor in factors)


def total(terms: Sequence[int]) -> str:
    """Return ``64 + 128 + 2``; a longer run of equal terms as ``64 + 5*32``."""
    runs: list[tuple[int, int]] = []
    for term in terms:
        if runs and runs[-1][0] == term:
            runs[-1] = (term, runs[-1][1] + 1)
        else:
            runs.append((term, 1))
    shown = [f"{count}*{term:,}" if count > _RUN else " + ".join([f"{term:,}"] * count) for term, count in runs]
    return " + ".join(shown) or "0"


def several(value: Any, count: int) -> list[Any]:
    """Return one value for each axis."""
    return list(value) if isinstance(value, (tuple, list)) else [value] * count


def equation(
    name: str, formula: str, value: Whole, recorded: Whole, tail: Phrase | None = None, axis: str = ""
) -> Line:
    """Return ``name = formula = recorded``, or without the formula where it gives another number.

    Args:
        name: key of the quantity.
        formula: how it comes about; empty for none.
        value: what the formula gives.
        recorded: what the record has.
        tail: a comment behind it.
        axis: key of the axis that it holds for, where the axes differ.
    """
    shown = f"{recorded:,}" if isinstance(recorded, int) else str(recorded)
    known = not formula or value != recorded or formula == shown
    parts: list[str | Phrase] = [Phrase(name)]
    if axis:
        parts += [", ", Phrase(axis)]
    parts.append(f" = {shown}" if known else f" = {formula} = {shown}")
    if tail is not None:
        parts += [" (", tail, ")"]
    return Line(tuple(parts), name)


def per_dimension(name: str, formulas: Sequence[tuple[str, int]], recorded: Sequence[int]) -> list[Line]:
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


def parameters_line(layer: Layer, formula: str, value: int, tail: Phrase | None = None) -> Line:
    """Return the line with the parameters that the layer itself declares."""
    return equation("parameters", formula, value, declared(layer), tail)


def _batch(layer: Layer) -> int:
    return layer.outputs[0][0] if layer.outputs and layer.outputs[0] else 1


def calls_factor(layer: Layer) -> str:
    """Return the factors that stand before the cost of one example: calls and batch, where they are not 1."""
    return "".join(f"{count:,}*" for count in (layer.calls, _batch(layer)) if count != 1)


def macs_line(layer: Layer, formula: str, value: int) -> Line:
    """Return the line with the multiply-accumulates; formula and value are for one example and one call."""
    return equation("macs", calls_factor(layer) + formula, layer.calls * _batch(layer) * value, layer.macs)


def ratio(more: int, less: int) -> Phrase:
    """Return how many times ``more`` is ``less``, in words."""
    if not less or more <= less:
        return Phrase("against", {"count": less})
    times = more / less
    shown = f"{times:,.0f}" if times >= _MANY else f"{times:.1f}"
    return Phrase("against.times", {"count": less, "times": shown})


def dense_comparison(layer: Layer, weights: int) -> list[Line]:
    """Return the lecture's comparison: the weights of a dense layer between the same ends."""
    if not layer.inputs or not layer.outputs:
        return []
    into, out = math.prod(layer.inputs[0][1:]), math.prod(layer.outputs[0][1:])
    name = "fully-connected" if weights else "fully-connected.none"
    return [equation(name, product(into, out), into * out, into * out, ratio(into * out, weights))]


def field_lines(layer: Layer, windows: Sequence[tuple[int, int, int]]) -> list[Line]:
    """Return how a window makes the receptive field grow.

    Args:
        layer: its record.
        windows: kernel, stride and dilation along each axis.
    """
    before, jumps, after = layer.incoming_field, layer.incoming_stride, layer.receptive_field
    if before is None or jumps is None or after is None or len(after) != len(windows):
        return []
    if any(jump is None for jump in jumps):
        return []
    grown = []
    for field, jump, (kernel, _, dilation) in zip(before, jumps, windows, strict=True):
        wide = f"({kernel:,} - 1)*{jump}" if dilation == 1 else f"({kernel:,} - 1)*{dilation}*{jump}"
        grown.append((f"{field:,} + {wide}", field + (kernel - 1) * dilation * (jump or 1)))
    lines = _axis_lines("receptive-field", grown, after)
    strides = [
        (f"{jump}*{stride:,}", (jump or 1) * stride) for jump, (_, stride, _) in zip(jumps, windows, strict=True)
    ]
    after_stride = layer.stride or ()
    if all(stride is not None for stride in after_stride):
        lines += _axis_lines("stride", strides, [stride or 1 for stride in after_stride])
    return lines


def _axis_lines(name: str, formulas: Sequence[tuple[str, Any]], recorded: Sequence[Any]) -> list[Line]:
    if len(set(formulas)) == 1 and len(set(recorded)) == 1:
        return [equation(name, formulas[0][0], formulas[0][1], recorded[0])]
    return [
        equation(name, formula, value, number, axis=axis)
        for axis, (formula, value), number in zip(AXES[len(recorded)], formulas, recorded, strict=True)
    ]
