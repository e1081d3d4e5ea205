"""Activations: their formulas."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from layerlab.anatomy.explain.arithmetic import equation, parameters_line, product
from layerlab.anatomy.explain.line import Line, Phrase, formula, say
from layerlab.anatomy.record import Layer

__all__ = ["FORMULAS", "activation", "gated", "keras_relu", "softmax"]

FORMULAS: Mapping[str, str] = {
    "Identity": "y = x",
    "Sigmoid": "y = 1/(1 + e^-x)",
    "Tanh": "y = tanh(x) = (e^x - e^-x)/(e^x + e^-x)",
    "ScaledTanh": "y = 1.7159*tanh(2*x/3)",
    "ReLU": "y = max(0, x)",
    "ReLU6": "y = min(max(0, x), 6)",
    "LeakyReLU": "y = max({negative_slope:g}x, x)",
    "RReLU": "y = max(a*x, x), {lower:g} <= a <= {upper:g}",
    "PReLU": "y = max(0, x) + a*min(0, x)",
    "ElementwisePReLU": "y = max(0, x) + a*min(0, x)",
    "ELU": "y = x, x >= 0;  y = {alpha:g}(e^x - 1), x < 0",
    "CELU": "y = max(0, x) + min(0, {alpha:g}(e^(x/{alpha:g}) - 1))",
    "SELU": "y = 1.0507 x, x >= 0;  y = 1.0507*1.6733(e^x - 1), x < 0",
    "GELU": "y = x*Phi(x)",
    "GELUTanh": "y = x*Phi(x)",
    "SiLU": "y = x*sigmoid(x) = x/(1 + e^-x)",
    "Mish": "y = x*tanh(ln(1 + e^x))",
    "Softplus": "y = ln(1 + e^({beta:g}x))/{beta:g}",
    "Softsign": "y = x/(1 + |x|)",
    "Hardsigmoid": "y = min(max(0, x + 3), 6)/6",
    "Hardswish": "y = x*min(max(0, x + 3), 6)/6",
    "Hardtanh": "y = min(max({min_val:g}, x), {max_val:g})",
    "Hardshrink": "y = x, |x| > {lambd:g};  y = 0, |x| <= {lambd:g}",
    "Softshrink": "y = sign(x)*max(|x| - {lambd:g}, 0)",
    "Tanhshrink": "y = x - tanh(x)",
    "LogSigmoid": "y = -ln(1 + e^-x)",
    "Exponential": "y = e^x",
    "Threshold": "y = x, x > {threshold:g};  y = {value:g}, x <= {threshold:g}",
    "Rescaling": "y = {scale:g}*x + {offset:g}",
}
# What of a formula is not said by it.
_COMMENTS = {
    "PReLU": "activation.slope",
    "ElementwisePReLU": "activation.slope",
    "RReLU": "activation.random-slope",
    "GELU": "activation.phi",
    "GELUTanh": "activation.phi",
}


class _Blanks(dict[str, Any]):
    """Names of settings that a foreign class of the same name lacks become 0."""

    def __missing__(self, key: str) -> float:
        return 0.0


def activation(layer: Layer) -> list[Line]:
    """Explain a function of each number by itself."""
    shape = layer.outputs[0][1:] or layer.outputs[0]
    lines = [formula(FORMULAS[layer.kind].format_map(_Blanks(layer.settings)), "activation.each")]
    if layer.kind in _COMMENTS:
        lines.append(say(_COMMENTS[layer.kind]))
    if layer.kind == "GELUTanh" or layer.settings.get("approximate") == "tanh":
        lines.append(formula("Phi(x) ~ (1 + tanh(0.79788(x + 0.044715x^3)))/2"))
    lines.append(equation("values", product(*shape), math.prod(shape), math.prod(shape)))
    if layer.own_parameters:
        count = math.prod(layer.own_parameters[0].shape)
        sides = product(*layer.own_parameters[0].shape)
        lines.append(parameters_line(layer, sides, count, Phrase("parameters.slope")))
    return lines


def keras_relu(layer: Layer) -> list[Line]:
    """Explain ``KerasReLU``: a threshold, a slope below it, a ceiling."""
    shape = layer.outputs[0][1:]
    slope, threshold, ceiling = (layer.settings.get(name) for name in ("slope", "threshold", "ceiling"))
    text = f"y = x, x >= {threshold:g};  y = {slope:g}(x - {threshold:g}), x < {threshold:g}"
    if ceiling is not None:
        text += f";  y <= {ceiling:g}"
    return [
        formula(text, "activation.each"),
        equation("values", product(*shape), math.prod(shape), math.prod(shape)),
    ]


def softmax(layer: Layer) -> list[Line]:
    """Explain softmax and its logarithm along one axis."""
    shape = layer.outputs[0]
    axis = layer.settings.get("dim")
    if axis is None:  # torch's own choice where none is given
        axis = -3 if layer.kind == "Softmax2d" else 0 if len(shape) in (0, 1, 3) else 1
    classes = shape[axis]
    text = "y_k = e^(x_k) / (e^(x_1) + ... + e^(x_n))"
    if layer.kind.startswith("Log"):
        text = "y_k = x_k - ln(e^(x_1) + ... + e^(x_n))"
    elif layer.kind == "Softmin":
        text = "y_k = e^(-x_k) / (e^(-x_1) + ... + e^(-x_n))"
    times = math.prod(shape[1:]) // max(classes, 1)
    lines = [formula(f"{text}, n = {classes:,}")]
    lines.append(say("softmax.log" if layer.kind.startswith("Log") else "softmax.sum"))
    if times > 1:
        lines.append(say("softmax.places", count=times))
    return lines


def gated(layer: Layer) -> list[Line]:
    """Explain ``GLU``: one half opens and closes the other."""
    axis = layer.settings.get("dim", -1)
    size = layer.inputs[0][axis]
    return [
        formula("y = a*sigmoid(b)", "glu.halves"),
        equation("out", f"{size:,}/2", size // 2, layer.outputs[0][axis]),
    ]
