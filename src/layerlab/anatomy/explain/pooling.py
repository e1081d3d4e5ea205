"""Pooling, padding and resizing: what changes the size without weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

from layerlab.anatomy.explain.arithmetic import (
    AXES,
    dense_comparison,
    equation,
    field_lines,
    per_dimension,
    product,
    several,
)
from layerlab.anatomy.explain.convolution import window_output
from layerlab.anatomy.explain.line import Line, Phrase, formula, say
from layerlab.anatomy.record import Layer
from layerlab.layers import same_padding

__all__ = [
    "adaptive_pooling",
    "crop_or_pad",
    "fractional_pooling",
    "global_pooling",
    "pooling",
    "shuffle",
    "unpooling",
    "upsampling",
]


def _dimensions(layer: Layer) -> int:
    """Return the number of axes of the window, from the class's name or from the input."""
    return next((int(c) for c in reversed(layer.kind) if c in "123"), len(layer.inputs[0]) - 2)


def _what(layer: Layer) -> str:
    """Return the key of what is taken of each window."""
    return "pool.max" if "Max" in layer.kind else "pool.power" if layer.kind.startswith("LP") else "pool.mean"


def pooling(layer: Layer) -> list[Line]:
    """Explain max, average and power pooling, with padding by number or ``same``."""
    settings = layer.settings
    count = _dimensions(layer)
    kernel = several(settings["kernel_size"], count)
    stride = several(settings.get("stride") or kernel, count)
    dilation = several(settings.get("dilation", 1), count)
    space, out = layer.inputs[0][-count:], layer.outputs[0][-count:]
    if settings.get("padding") == "same":
        pads = [same_padding(*axis) for axis in zip(space, kernel, stride, dilation, strict=True)]
    else:
        pads = [(amount, amount) for amount in several(settings.get("padding", 0), count)]
    ceil = bool(settings.get("ceil_mode"))
    formulas = [window_output(*axis, ceil) for axis in zip(space, kernel, stride, pads, dilation, strict=True)]
    return [
        *per_dimension("out", formulas, out),
        equation("window-values", product(*kernel), math.prod(kernel), math.prod(kernel), Phrase(_what(layer))),
        *field_lines(layer, list(zip(kernel, stride, dilation, strict=True))),
        *dense_comparison(layer, 0),
    ]


def adaptive_pooling(layer: Layer) -> list[Line]:
    """Explain pooling to a given output size."""
    count = _dimensions(layer)
    space, out = layer.inputs[0][-count:], layer.outputs[0][-count:]
    if all(size == 1 for size in out):
        return global_pooling(layer)
    lines = [
        say("pool.adaptive", axis_size=size, out=end, start=f"floor(i*{size}/{end})", end=f"ceil((i + 1)*{size}/{end})")
        for size, end in dict.fromkeys(zip(space, out, strict=True))
    ]
    lines.append(say(f"{_what(layer)}.window"))
    if all(size % end == 0 for size, end in zip(space, out, strict=True)):  # windows of one size side by side
        lines += field_lines(layer, [(size // end, size // end, 1) for size, end in zip(space, out, strict=True)])
    return lines + dense_comparison(layer, 0)


def global_pooling(layer: Layer) -> list[Line]:
    """Explain the pooling of each channel to one number."""
    count = _dimensions(layer)
    space = layer.inputs[0][-count:]
    channels = layer.inputs[0][-count - 1]
    places = math.prod(space)
    name = "global.max" if "Max" in layer.kind else "global.mean"
    return [
        equation("channel-values", product(*space), places, places, Phrase(name)),
        say("global.out", channels=channels),
        *field_lines(layer, [(size, size, 1) for size in space]),
        *dense_comparison(layer, 0),
    ]


def fractional_pooling(layer: Layer) -> list[Line]:
    """Explain max pooling whose windows stand at random steps between two whole numbers."""
    count = _dimensions(layer)
    kernel = several(layer.settings["kernel_size"], count)
    size = math.prod(kernel)
    return [
        equation("window-values", product(*kernel), size, size, Phrase("pool.max")),
        say("pool.fractional"),
        *dense_comparison(layer, 0),
    ]


def unpooling(layer: Layer) -> list[Line]:
    """Explain the inverse of max pooling: each value goes back to the place that it came from."""
    count = _dimensions(layer)
    names = ("kernel_size", "stride", "padding")
    space, out = layer.inputs[0][-count:], layer.outputs[0][-count:]
    axes = zip(space, *(several(layer.settings[name], count) for name in names), strict=True)
    formulas = [
        (f"({size:,} - 1)*{stride} - 2*{pad} + {kernel}", (size - 1) * stride - 2 * pad + kernel)
        for size, kernel, stride, pad in axes
    ]
    return [*per_dimension("out", formulas, out), say("unpool")]


def crop_or_pad(layer: Layer) -> list[Line]:
    """Explain a layer that adds positions at the edges or takes them off."""
    space, out = layer.inputs[0][2:], layer.outputs[0][2:]
    sign, factor = ("-", -1) if layer.kind == "Crop" else ("+", 1)
    formulas = [
        (f"{size:,} {sign} {before} {sign} {after}", size + factor * (before + after))
        for size, (before, after) in zip(space, _edges(layer, space), strict=True)
    ]
    lines = per_dimension("out", formulas, out)
    kinds = ("Reflection", "Replication", "Circular")
    key = next((f"pad.{kind.lower()}" for kind in kinds if layer.kind.startswith(kind)), "pad.constant")
    if layer.kind == "Crop":
        key = "crop"
    return [*lines, say(key, value=float(layer.settings.get("value", 0)))]


def _edges(layer: Layer, space: Sequence[int]) -> list[tuple[int, int]]:
    """Return how many positions are added or taken at both ends of each axis."""
    settings, count = layer.settings, len(space)
    if "amounts" in settings:
        return list(settings["amounts"])
    if "kernel_size" in settings:
        windows = (several(settings[name], count) for name in ("kernel_size", "stride", "dilation"))
        return [same_padding(*axis) for axis in zip(space, *windows, strict=True)]
    flat = several(settings["padding"], 2 * count)  # torch begins at the last axis
    return [(flat[2 * k], flat[2 * k + 1]) for k in reversed(range(count))]


def upsampling(layer: Layer) -> list[Line]:
    """Explain interpolation to a larger (or smaller) size."""
    lines = []
    count = len(layer.outputs[0]) - 2
    for axis, size, out in zip(AXES.get(count, ()), layer.inputs[0][2:], layer.outputs[0][2:], strict=False):
        whole = out % size == 0
        lines.append(equation(axis, f"{size:,}*{out // size}", size * (out // size) if whole else -1, out))
    mode = layer.settings.get("mode", "bilinear" if "Bilinear" in layer.kind else "nearest")
    key = "upsample.nearest" if str(mode).startswith("nearest") else "upsample.between"
    return [*lines, say(key)]


def shuffle(layer: Layer) -> list[Line]:
    """Explain ``PixelShuffle``, its inverse and ``ChannelShuffle``: the same values in other places."""
    (channels, *space), (after, *out) = layer.inputs[0][1:], layer.outputs[0][1:]
    if layer.kind == "ChannelShuffle":
        groups = layer.settings["groups"]
        return [say("shuffle.channels", count=groups), formula(f"{channels} = {groups}*{channels // groups}")]
    if layer.kind == "PixelShuffle":
        step = out[0] // space[0]
        first = equation("channels", f"{channels:,}/({step}*{step})", channels // step**2, after)
        rest = [equation(axis, f"{a:,}*{step}", a * step, b) for axis, a, b in zip(AXES[2], space, out, strict=True)]
    else:
        step = space[0] // out[0]
        first = equation("channels", product(channels, step, step), channels * step**2, after)
        rest = [equation(axis, f"{a:,}/{step}", a // step, b) for axis, a, b in zip(AXES[2], space, out, strict=True)]
    return [first, *rest, say("shuffle.pixels")]
