"""Convolution, its transpose, and the depthwise-separable pair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from layerlab.anatomy.explain.arithmetic import (
    dense_comparison,
    equation,
    field_lines,
    macs_line,
    parameters_line,
    per_dimension,
    product,
    ratio,
    several,
)
from layerlab.anatomy.explain.line import Line, Phrase, say
from layerlab.anatomy.record import Layer

__all__ = ["convolution", "separable", "transposed_convolution", "window_output"]


def convolution(layer: Layer) -> list[Line]:
    """Explain ``Conv1d``, ``Conv2d`` and ``Conv3d``."""
    settings = layer.settings
    kernel = settings["kernel_size"]
    count = len(kernel)
    stride, dilation = several(settings["stride"], count), several(settings["dilation"], count)
    space, out = layer.inputs[0][-count:], layer.outputs[0][-count:]
    pads = _pads(settings, count)
    formulas = [window_output(*axis) for axis in zip(space, kernel, stride, pads, dilation, strict=True)]
    lines = per_dimension("out", formulas, out)
    lines += _filters(layer)
    lines += field_lines(layer, list(zip(kernel, stride, dilation, strict=True)))
    if settings["groups"] > 1:
        lines.append(_full(layer, math.prod(layer.own_parameters[0].shape)))
    return lines + dense_comparison(layer, math.prod(layer.own_parameters[0].shape))


def _pads(settings: Any, count: int) -> list[tuple[int, int]]:
    """Return the padding before and after along each axis."""
    if "padding_pairs" in settings:
        return list(settings["padding_pairs"])
    if isinstance(settings["padding"], str):
        return [(0, 0)] * count
    return [(amount, amount) for amount in several(settings["padding"], count)]


def window_output(
    size: int, kernel: int, stride: int, pad: tuple[int, int], dilation: int = 1, ceil: bool = False
) -> tuple[str, int]:
    """Return formula and value of the number of places that a window takes."""
    before, after = pad
    padding = f"2*{before}" if before == after else f"{before} + {after}"
    reach = f"{kernel:,}" if dilation == 1 else f"{dilation}*({kernel} - 1) - 1"
    room = size + before + after - dilation * (kernel - 1) - 1
    if ceil:
        return f"ceil(({size:,} + {padding} - {reach})/{stride:,}) + 1", -(-room // stride) + 1
    return f"floor(({size:,} + {padding} - {reach})/{stride:,}) + 1", room // stride + 1


def _filters(layer: Layer) -> list[Line]:
    """Return parameters and multiply-accumulates: each output is a product with one filter."""
    settings = layer.settings
    kernel, groups = settings["kernel_size"], settings["groups"]
    channels, filters = settings["in_channels"] // groups, settings["out_channels"]
    window = math.prod(kernel) * channels
    formula, value = product(*kernel, channels, filters), window * filters
    if settings.get("bias"):
        formula, value = f"{formula} + {filters:,}", value + filters
    places = layer.outputs[0][-len(kernel) :]
    lines = []
    if groups > 1:
        kind = Phrase("depthwise") if channels == 1 else Phrase("groups", {"count": groups})
        formula_each = f"{settings['in_channels']:,}/{groups:,}"
        lines.append(equation("filter-channels", formula_each, channels, channels, kind))
    elif set(kernel) == {1}:
        lines.append(say("pointwise", before=channels, after=filters))
    lines.append(parameters_line(layer, formula, value))
    macs = f"{product(*places, filters)} * ({product(*kernel, channels)})"
    lines.append(macs_line(layer, macs, math.prod(places) * filters * window))
    return lines


def transposed_convolution(layer: Layer) -> list[Line]:
    """Explain ``ConvTranspose1d``, ``ConvTranspose2d`` and ``ConvTranspose3d``."""
    settings = layer.settings
    kernel = settings["kernel_size"]
    count = len(kernel)
    space, out = layer.inputs[0][-count:], layer.outputs[0][-count:]
    names = ("stride", "padding", "dilation", "output_padding")
    axes = list(zip(space, kernel, *(several(settings[name], count) for name in names), strict=True))
    lines = per_dimension("out", [_transposed_output(*axis) for axis in axes], out)
    channels, filters, groups = settings["in_channels"], settings["out_channels"], settings["groups"]
    formula, value = (
        product(*kernel, channels, filters // groups),
        math.prod(kernel) * channels * filters // groups,
    )
    macs = f"{product(*space, channels)} * ({product(*kernel, filters // groups)})"
    lines_after = [macs_line(layer, macs, math.prod(space) * value)]
    if settings.get("bias"):
        formula, value = f"{formula} + {filters:,}", value + filters
    lines.append(parameters_line(layer, formula, value))
    lines += lines_after
    lines += _spread_field(layer, [(axis[1], axis[2], axis[4]) for axis in axes])
    return lines + dense_comparison(layer, math.prod(layer.own_parameters[0].shape))


def _spread_field(layer: Layer, windows: Sequence[tuple[int, int, int]]) -> list[Line]:
    """Return the growth of the receptive field: only every ``stride``-th tap of the kernel meets an input."""
    before, jumps, after = layer.incoming_field, layer.incoming_stride, layer.receptive_field
    if before is None or jumps is None or after is None or layer.stride is None or None in jumps:
        return []
    kernel, stride, dilation = windows[0]
    if len({*windows}) > 1 or len({*before}) > 1 or len({*jumps}) > 1:
        return []
    span = dilation * (kernel - 1) + 1
    taps = -(-span // stride)
    jump = jumps[0] or 1
    grown = math.ceil(before[0] + (taps - 1) * jump)
    lines = [equation("receptive-field", f"{before[0]} + (ceil({span}/{stride}) - 1)*{jump}", grown, after[0])]
    if layer.stride[0] is not None:
        lines.append(equation("stride", f"{jump}/{stride}", Fraction(jump) / stride, layer.stride[0]))
    return lines


def _transposed_output(size: int, kernel: int, stride: int, padding: int, dilation: int, more: int) -> tuple[str, int]:
    value = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + more + 1
    return f"({size:,} - 1)*{stride} - 2*{padding} + {dilation}*({kernel} - 1) + {more} + 1", value


def separable(layer: Layer) -> list[Line]:
    """Explain what the pair of convolutions saves; its parts are explained after it."""
    settings = layer.settings
    weights = layer.parameters - (settings["out_channels"] if _has_bias(layer) else 0)
    return [say("separable.pair"), _full(layer, weights)]


def _full(layer: Layer, weights: int) -> Line:
    """Return the comparison with a convolution whose every filter sees every channel."""
    settings = layer.settings
    sides = (*settings["kernel_size"], settings["in_channels"], settings["out_channels"])
    full = math.prod(sides)
    return equation("full-convolution", product(*sides), full, full, ratio(full, weights))


def _has_bias(layer: Layer) -> bool:
    """Return whether the parameters are more than the two kernels."""
    settings = layer.settings
    channels, filters = settings["in_channels"], settings["out_channels"]
    middle = channels * settings.get("depth_multiplier", 1)
    return bool(layer.parameters > math.prod(settings["kernel_size"]) * middle + middle * filters)
