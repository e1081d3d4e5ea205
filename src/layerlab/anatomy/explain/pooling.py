"""Pooling, padding and resizing: what changes the size without weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

from layerlab.anatomy.explain.arithmetic import AXES, equation, field_lines, per_dimension, product, several
from layerlab.anatomy.explain.convolution import window_output
from layerlab.anatomy.record import Layer
from layerlab.layers import same_padding

__all__ = ["adaptive_pooling", "crop_or_pad", "global_pooling", "pooling", "upsampling"]


def _dimensions(layer: Layer) -> int:
    """Return the number of axes of the window, from the class's name or from the input."""
    return next((int(c) for c in reversed(layer.kind) if c in "123"), len(layer.inputs[0]) - 2)


def pooling(layer: Layer) -> list[str]:
    """Explain max and average pooling, with padding by number or ``same``."""
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
    what = "the largest" if "Max" in layer.kind else "the mean"
    return [
        *per_dimension("out", formulas, out),
        equation(f"each output is {what} of values", product(*kernel), math.prod(kernel), math.prod(kernel)),
        "parameters = 0",
        *field_lines(layer, list(zip(kernel, stride, dilation, strict=True))),
    ]


def adaptive_pooling(layer: Layer) -> list[str]:
    """Explain pooling to a given output size."""
    count = _dimensions(layer)
    space, out = layer.inputs[0][-count:], layer.outputs[0][-count:]
    if all(size == 1 for size in out):
        return global_pooling(layer)
    windows = [
        f"{axis}: {size} positions to {end}, window i from floor(i*{size}/{end}) to ceil((i + 1)*{size}/{end})"
        for axis, size, end in zip(AXES[count], space, out, strict=True)
    ]
    return [*windows, "parameters = 0", *_field(layer)]


def global_pooling(layer: Layer) -> list[str]:
    """Explain the pooling of each channel to one number."""
    count = _dimensions(layer)
    space = layer.inputs[0][-count:]
    channels = layer.inputs[0][-count - 1]
    what = "the largest" if "Max" in layer.kind else "the mean"
    places = math.prod(space)
    return [
        equation(f"each channel becomes {what} of its values", product(*space), places, places),
        f"out = {channels} numbers, one for each channel, whatever the size of the input",
        "parameters = 0",
        *(field_lines(layer, [(size, size, 1) for size in space]) or _field(layer)),
    ]


def _field(layer: Layer) -> list[str]:
    return [f"receptive field = {field}" for field in sorted(set(layer.receptive_field or ()))]


def crop_or_pad(layer: Layer) -> list[str]:
    """Explain a layer that adds positions at the edges or takes them off."""
    space, out = layer.inputs[0][2:], layer.outputs[0][2:]
    sign, factor = ("-", -1) if layer.kind == "Crop" else ("+", 1)
    formulas = [
        (f"{size} {sign} {before} {sign} {after}", size + factor * (before + after))
        for size, (before, after) in zip(space, _edges(layer, space), strict=True)
    ]
    return [*per_dimension("out", formulas, out), "parameters = 0"]


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


def upsampling(layer: Layer) -> list[str]:
    """Explain interpolation and the shuffling of channels into places."""
    lines = []
    count = len(layer.outputs[0]) - 2
    for axis, size, out in zip(AXES.get(count, ()), layer.inputs[0][2:], layer.outputs[0][2:], strict=False):
        whole = out % size == 0
        lines.append(equation(axis, f"{size}*{out // size}", size * (out // size) if whole else -1, out))
    return [*lines, "parameters = 0", *_field(layer)]
