"""The layers of old papers that torch lacks, of :mod:`layerlab.layers` and the zoo."""

from __future__ import annotations

import math

from layerlab.anatomy.explain.arithmetic import (
    dense_comparison,
    equation,
    field_lines,
    macs_line,
    parameters_line,
    per_dimension,
    product,
    ratio,
)
from layerlab.anatomy.explain.convolution import window_output
from layerlab.anatomy.explain.line import Line, Phrase, formula, say
from layerlab.anatomy.record import Layer

__all__ = ["partial_convolution", "radial_basis", "subsampling", "subsampling_shortcut"]


def partial_convolution(layer: Layer) -> list[Line]:
    """Explain ``PartialConv2d``: each channel sees only those of its row in a table."""
    settings = layer.settings
    side, into, out = settings["kernel_size"], settings["in_channels"], settings["out_channels"]
    kernels = layer.own_parameters[0].shape[0]
    places = layer.outputs[0][-2:]
    sizes = [window_output(size, side, 1, (0, 0)) for size in layer.inputs[0][-2:]]
    weights, full = kernels * side * side, into * out * side * side
    lines = [
        *per_dimension("out", sizes, places),
        equation("kernels", "", kernels, kernels, Phrase("partial.kernels", {"all": product(into, out)})),
        parameters_line(layer, f"{product(side, side, kernels)} + {out:,}", weights + out),
        # The kernels that are not there are zeros, which are multiplied all the same.
        macs_line(layer, f"{product(*places, out)} * ({product(side, side, into)})", math.prod(places) * full),
        say("partial.zeros"),
        *field_lines(layer, [(side, 1, 1), (side, 1, 1)]),
        equation("full-convolution", product(side, side, into, out), full, full, ratio(full, weights)),
    ]
    return lines + dense_comparison(layer, weights)


def subsampling(layer: Layer) -> list[Line]:
    """Explain ``Subsampling2d``: pooling with a learned factor and constant of each channel."""
    side, channels = layer.settings["kernel_size"], layer.inputs[0][1]
    sizes = [window_output(size, side, side, (0, 0)) for size in layer.inputs[0][-2:]]
    return [
        formula("y = a*(x_1 + ... + x_n) + b", "subsampling.learned"),
        equation("window-values", product(side, side), side * side, side * side),
        *per_dimension("out", sizes, layer.outputs[0][-2:]),
        parameters_line(layer, product(2, channels), 2 * channels),
        *field_lines(layer, [(side, side, 1), (side, side, 1)]),
        *dense_comparison(layer, 2 * channels),
    ]


def radial_basis(layer: Layer) -> list[Line]:
    """Explain ``RadialBasis``: the distance to a drawn prototype of each class."""
    into, classes = layer.inputs[0][-1], layer.outputs[0][-1]
    return [
        formula(f"y_k = -sum((x_j - p_k_j)^2), j = 1...{into}, k = 1...{classes}"),
        equation("buffers", product(into, classes), into * classes, layer.own_buffers, Phrase("rbf.drawn")),
        say("rbf.nearest"),
    ]


def subsampling_shortcut(layer: Layer) -> list[Line]:
    """Explain ``SubsampleAndPad``: every n-th pixel, and zeros for the new channels."""
    settings = layer.settings
    stride, into, out = settings["stride"], settings["in_channels"], settings["out_channels"]
    sizes = [(f"ceil({size}/{stride})", -(-size // stride)) for size in layer.inputs[0][-2:]]
    return [
        *per_dimension("out", sizes, layer.outputs[0][-2:]),
        equation("channels", f"{into:,} + {out - into:,}", out, layer.outputs[0][1], Phrase("shortcut.zeros")),
        say("shortcut.option-a", stride=stride),
        *field_lines(layer, [(1, stride, 1), (1, stride, 1)]),
    ]
