"""Normalisation and dropout."""

from __future__ import annotations

import math

from layerlab.anatomy.explain.arithmetic import declared, equation, parameters_line, product
from layerlab.anatomy.record import Layer
from layerlab.anatomy.text import sizes

__all__ = [
    "batch_normalization",
    "dropout",
    "group_normalization",
    "layer_normalization",
    "rms_normalization",
]


def batch_normalization(layer: Layer) -> list[str]:
    """Explain batch normalisation as Algorithm 1 of its paper."""
    channels, eps = layer.settings["num_features"], layer.settings["eps"]
    places = math.prod(layer.inputs[0][2:])
    values = f"m = {places}*batch" if places > 1 else "m = batch"
    lines = [
        f"for each of {channels} channels, over its {values} values x in a batch (Algorithm 1):",
        "mean = sum(x) / m",
        "var = sum((x - mean)^2) / m",
        f"x_hat = (x - mean) / sqrt(var + {eps:g})",
        "y = gamma*x_hat + beta",
    ]
    tail = " (gamma and beta of each channel, learned)" if declared(layer) else ""
    lines.append(parameters_line(layer, product(2, channels) if tail else "0", 2 * channels if tail else 0, tail))
    if layer.own_buffers:
        tail = " (running mean and variance of each channel, kept and not learned; the number of batches seen)"
        lines.append(equation("buffers", f"2*{channels} + 1", 2 * channels + 1, layer.own_buffers, tail))
        momentum = layer.settings.get("momentum")
        if momentum is not None:
            lines.append(f"in training: running <- (1 - {momentum:g})*running + {momentum:g}*that of the batch")
        lines.append("in evaluation mean and var are the running ones, so that it is one multiplication and one sum")
    lines.append(
        "written in one line, (x - mean)/(var + eps)*gamma + beta, the formula lacks the square root: "
        "it is (x - mean)/sqrt(var + eps)*gamma + beta"
    )
    return lines


def _affine(layer: Layer, count: int, biased: bool = True) -> str:
    if not layer.own_parameters:
        return "parameters = 0"
    if biased and len(layer.own_parameters) > 1:
        return parameters_line(layer, product(2, count), 2 * count, " (gamma and beta, learned)")
    return parameters_line(layer, str(count), count, " (gamma, learned)")


def layer_normalization(layer: Layer) -> list[str]:
    """Explain layer normalisation: each example (or position) by itself."""
    shape = layer.settings["normalized_shape"]
    count = math.prod(shape)
    return [
        f"over the {sizes(shape)} values of each position, apart from the batch:",
        f"y = gamma*(x - mean)/sqrt(var + {layer.settings['eps']:g}) + beta",
        _affine(layer, count),
    ]


def rms_normalization(layer: Layer) -> list[str]:
    """Explain normalisation by the root of the mean square."""
    shape = layer.settings["normalized_shape"]
    return ["y = gamma*x/sqrt(mean(x^2) + eps)", _affine(layer, math.prod(shape), biased=False)]


def group_normalization(layer: Layer) -> list[str]:
    """Explain group and instance normalisation: each example by itself, in groups of channels."""
    channels = layer.settings.get("num_channels", layer.settings.get("num_features", layer.inputs[0][1]))
    groups = layer.settings.get("num_groups", channels)
    each = channels // groups
    places = math.prod(layer.inputs[0][2:])
    return [
        equation("values of a group", f"{each}*{places}", each * places, each * places, f" ({groups} groups)"),
        f"y = gamma*(x - mean)/sqrt(var + {layer.settings['eps']:g}) + beta, mean and var over the group",
        _affine(layer, channels),
    ]


def dropout(layer: Layer) -> list[str]:
    """Explain dropout in training and in evaluation."""
    p = layer.settings["p"]
    lines = [f"in training each {'channel' if '2d' in layer.kind else 'value'} becomes 0 with probability {p:g}"]
    if p < 1:
        lines.append(f"in training the others are multiplied by 1/(1 - {p:g}), so that the sum stays on average")
    return [*lines, "in evaluation nothing changes", "parameters = 0"]
