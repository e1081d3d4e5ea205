"""Normalisation, dropout and noise."""

from __future__ import annotations

import math
from typing import Any

from layerlab.anatomy.explain.arithmetic import declared, equation, parameters_line, product
from layerlab.anatomy.explain.line import Line, Phrase, aside, formula, say
from layerlab.anatomy.record import Layer
from layerlab.anatomy.text import sizes

__all__ = [
    "batch_normalization",
    "channel_normalization",
    "dropout",
    "frozen_batch_normalization",
    "group_normalization",
    "layer_normalization",
    "layer_scale",
    "local_response_normalization",
    "noise",
    "rms_normalization",
    "stochastic_depth",
]


def batch_normalization(layer: Layer) -> list[Line]:
    """Explain batch normalisation as Algorithm 1 of its paper, then what becomes of it in evaluation."""
    channels, eps = layer.settings["num_features"], layer.settings["eps"]
    places = math.prod(layer.inputs[0][2:])
    # Without running statistics those of the batch serve in evaluation too.
    runs = layer.own_buffers > 0 or layer.settings.get("track_running_stats", True)
    learned = declared(layer) > 0
    lines = [
        say("batch-norm.values", channels=channels, m=f"{places:,}*batch" if places > 1 else "batch"),
        formula("mean = sum(x)/m"),
        formula("var = sum((x - mean)^2)/m"),
        formula(f"x_hat = (x - mean)/sqrt(var + {eps:g})"),
        formula("y = gamma*x_hat + beta" if learned else "y = x_hat"),
    ]
    tail = Phrase("batch-norm.learned") if learned else None
    lines.append(parameters_line(layer, product(2, channels) if learned else "0", 2 * channels * learned, tail))
    if layer.own_buffers:
        tail = Phrase("batch-norm.buffers")
        lines.append(equation("buffers", f"2*{channels:,} + 1", 2 * channels + 1, layer.own_buffers, tail))
        momentum = layer.settings.get("momentum")
        if momentum is not None:
            keep = f"(1 - {momentum:g})*running_mean + {momentum:g}*mean"
            lines.append(aside("in-training", text=f"running_mean <- {keep}"))
            unbiased = "var" if "KerasBatchNorm" in (layer.kind, *layer.bases) else "var*m/(m - 1)"
            keep = f"(1 - {momentum:g})*running_var + {momentum:g}*{unbiased}"
            lines.append(aside("in-training", text=f"running_var <- {keep}"))
    lines += _folded(eps, "running_", learned) if runs else [say("batch-norm.no-running")]
    lines.append(aside("batch-norm.one-line"))
    return lines


def _folded(eps: float, prefix: str, learned: bool = True) -> list[Line]:
    """Return the evaluation's one multiplication and one addition."""
    gamma, beta = ("gamma", "beta - ") if learned else ("1", "-")
    return [
        say("in-evaluation", text=f"y = a*x + b, a = {gamma}/sqrt({prefix}var + {eps:g}), b = {beta}a*{prefix}mean"),
        aside("batch-norm.folds"),
    ]


def frozen_batch_normalization(layer: Layer) -> list[Line]:
    """Explain torchvision's ``FrozenBatchNorm2d``: four vectors, none of them learned."""
    channels = layer.inputs[0][1]
    return [
        say("frozen-norm"),
        *_folded(layer.settings["eps"], "running_"),
        equation("buffers", product(4, channels), 4 * channels, layer.own_buffers, Phrase("frozen-norm.buffers")),
    ]


def _affine(layer: Layer, count: int) -> tuple[str, Line]:
    """Return what is done with the normalised x, and the parameters that do it."""
    names = {own.name for own in layer.own_parameters}
    if not names:
        return "x_hat", parameters_line(layer, "", 0)
    if "bias" in names:
        return "gamma*x_hat + beta", parameters_line(layer, product(2, count), 2 * count, Phrase("affine.both"))
    return "gamma*x_hat", parameters_line(layer, f"{count:,}", count, Phrase("affine.scale"))


def _epsilon(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else "eps"


def _normalised(eps: Any) -> Line:
    return formula(f"x_hat = (x - mean)/sqrt(var + {_epsilon(eps)})")


def layer_normalization(layer: Layer) -> list[Line]:
    """Explain layer normalisation: each example (or position) by itself."""
    shape = layer.settings["normalized_shape"]
    shape = (shape,) if isinstance(shape, int) else shape
    count = math.prod(shape)
    places = math.prod(layer.inputs[0][1:]) // max(count, 1)
    return [say("layer-norm", places=places, shape=sizes(shape)), *_over_values(layer, count)]


def channel_normalization(layer: Layer) -> list[Line]:
    """Explain ``LayerNorm2d``: over the channels of each position of a map."""
    channels = layer.inputs[0][1]
    places = math.prod(layer.inputs[0][2:])
    return [say("layer-norm.channels", places=places, count=channels), *_over_values(layer, channels)]


def _over_values(layer: Layer, count: int) -> list[Line]:
    """Return the equations over ``count`` values that are normalised together."""
    result, parameters = _affine(layer, count)
    return [
        formula(f"mean = sum(x)/{count:,},  var = sum((x - mean)^2)/{count:,}"),
        _normalised(layer.settings["eps"]),
        formula(f"y = {result}"),
        parameters,
        aside("no-batch"),
    ]


def rms_normalization(layer: Layer) -> list[Line]:
    """Explain normalisation by the root of the mean square."""
    shape = layer.settings["normalized_shape"]
    shape = (shape,) if isinstance(shape, int) else shape
    count = math.prod(shape)
    result, parameters = _affine(layer, count)
    places = math.prod(layer.inputs[0][1:]) // max(count, 1)
    eps = layer.settings.get("eps")
    lines = [
        say("layer-norm", places=places, shape=sizes(shape)),
        formula(f"x_hat = x/sqrt(sum(x^2)/{count:,} + {_epsilon(eps)})"),
    ]
    if eps is None:
        lines.append(say("rms-norm.eps"))
    return [*lines, formula(f"y = {result}"), parameters, aside("rms-norm.no-mean")]


def group_normalization(layer: Layer) -> list[Line]:
    """Explain group and instance normalisation: each example by itself, in groups of channels."""
    channels = layer.settings.get("num_channels", layer.settings.get("num_features", layer.inputs[0][1]))
    groups = layer.settings.get("num_groups", channels)
    each, rest = divmod(channels, groups)
    if rest:
        raise ValueError("groups of unequal size")
    places = math.prod(layer.inputs[0][2:])
    result, parameters = _affine(layer, channels)
    m = each * places
    lines = [equation("group-values", product(each, places), m, m, Phrase("groups", {"count": groups}))]
    if groups in (1, channels):
        lines.append(say("group-norm.one" if groups == 1 else "group-norm.instance"))
    return [
        *lines,
        formula(f"mean = sum(x)/{m:,},  var = sum((x - mean)^2)/{m:,}"),
        _normalised(layer.settings["eps"]),
        formula(f"y = {result}"),
        parameters,
        aside("no-batch"),
    ]


def local_response_normalization(layer: Layer) -> list[Line]:
    """Explain AlexNet's normalisation: a large answer makes its neighbours smaller."""
    settings = layer.settings
    size, alpha, beta, k = (settings[name] for name in ("size", "alpha", "beta", "k"))
    return [
        say("lrn", size=size, channels=layer.inputs[0][1]),
        formula(f"y = x / ({k:g} + {alpha:g}/{size} * sum(x_j^2))^{beta:g}"),
        aside("lrn.edge"),
    ]


def dropout(layer: Layer) -> list[Line]:
    """Explain dropout in training and in evaluation."""
    p = float(layer.settings.get("p", layer.settings.get("rate", 0)))
    lines = [_dropped(layer, p)]
    if 0 < p < 1 and "Alpha" not in layer.kind:
        lines.append(say("dropout.scale", factor=f"1/(1 - {p:g}) = {1 / (1 - p):.4g}"))
    elif "Alpha" in layer.kind:
        lines.append(say("dropout.alpha"))
    return [*lines, say("in-evaluation", text="y = x")]


def _dropped(layer: Layer, p: float) -> Line:
    whole = layer.kind.endswith(("1d", "2d", "3d")) or layer.kind in ("FeatureAlphaDropout", "StepDropout")
    return say("dropout.channel" if whole else "dropout.value", p=p)


def noise(layer: Layer) -> list[Line]:
    """Explain noise that is added or multiplied in training."""
    if layer.kind == "GaussianNoise":
        text = f"y = x + {layer.settings['stddev']:g}*N(0, 1)"
    else:
        rate = layer.settings["rate"]
        text = f"y = x*(1 + sqrt({rate:g}/(1 - {rate:g}))*N(0, 1))"
    return [say("in-training", text=text), say("in-evaluation", text="y = x")]


def stochastic_depth(layer: Layer) -> list[Line]:
    """Explain stochastic depth (``DropPath``): a block is left out as a whole."""
    settings = layer.settings
    p = float(settings["p"] if "p" in settings else settings["drop_prob"] or 0)
    row = settings.get("mode", "row") == "row"
    lines = [say("stochastic-depth.row" if row else "stochastic-depth.batch", p=p)]
    if 0 < p < 1:
        lines.append(say("dropout.scale", factor=f"1/(1 - {p:g}) = {1 / (1 - p):.4g}"))
    return [*lines, say("in-evaluation", text="y = x")]


def layer_scale(layer: Layer) -> list[Line]:
    """Explain ``LayerScale``: a learned factor for each channel."""
    count = declared(layer)
    return [formula("y = gamma*x"), parameters_line(layer, f"{count:,}", count, Phrase("affine.scale"))]
