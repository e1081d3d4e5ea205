"""Activations: their formulas."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from layerlab.anatomy.explain.arithmetic import equation, parameters_line, product
from layerlab.anatomy.record import Layer

__all__ = ["FORMULAS", "activation", "softmax"]

FORMULAS: Mapping[str, str] = {
    "Identity": "y = x",
    "Sigmoid": "y = 1/(1 + e^-x)",
    "Tanh": "y = tanh(x)",
    "ReLU": "y = max(0, x)",
    "ReLU6": "y = min(max(0, x), 6)",
    "LeakyReLU": "y = max({negative_slope:g}x, x)",
    "PReLU": "y = max(0, x) + a*min(0, x), a learned",
    "ELU": "y = x for x >= 0, else {alpha:g}(e^x - 1)",
    "CELU": "y = max(0, x) + min(0, {alpha:g}(e^(x/{alpha:g}) - 1))",
    "SELU": "y = 1.0507 x for x >= 0, else 1.0507*1.6733(e^x - 1)",
    "GELU": "y = x*Phi(x), Phi the normal distribution function",
    "SiLU": "y = x/(1 + e^-x)",
    "Mish": "y = x*tanh(ln(1 + e^x))",
    "Softplus": "y = ln(1 + e^x)",
    "Softsign": "y = x/(1 + |x|)",
    "Hardsigmoid": "y = min(max(0, x + 3), 6)/6",
    "Hardswish": "y = x*min(max(0, x + 3), 6)/6",
    "Hardtanh": "y = min(max({min_val:g}, x), {max_val:g})",
    "Hardshrink": "y = x for |x| > {lambd:g}, else 0",
    "Softshrink": "y = sign(x)*max(|x| - {lambd:g}, 0)",
    "Tanhshrink": "y = x - tanh(x)",
    "LogSigmoid": "y = -ln(1 + e^-x)",
    "Exponential": "y = e^x",
}


class _Blanks(dict[str, Any]):
    """Names of settings that a foreign class of the same name lacks become 0."""

    def __missing__(self, key: str) -> float:
        return 0.0


def activation(layer: Layer) -> list[str]:
    """Explain a function of each number by itself."""
    shape = layer.outputs[0][1:] or layer.outputs[0]
    lines = [FORMULAS[layer.kind].format_map(_Blanks(layer.settings)) + ", for each value by itself"]
    lines.append(equation("values", product(*shape), math.prod(shape), math.prod(shape)))
    if layer.own_parameters:
        count = math.prod(layer.own_parameters[0].shape)
        lines.append(parameters_line(layer, str(count), count, " (the slope a)"))
    else:
        lines.append("parameters = 0")
    return lines


def softmax(layer: Layer) -> list[str]:
    """Explain softmax and its logarithm along one axis."""
    shape = layer.outputs[0]
    axis = layer.settings.get("dim", -1)
    classes = shape[axis]
    formula = "y_k = e^(x_k) / (e^(x_1) + ... + e^(x_n))"
    if layer.kind.startswith("Log"):
        formula = "y_k = x_k - ln(e^(x_1) + ... + e^(x_n))"
    return [f"{formula}, n = {classes}", "the outputs are positive and their sum is 1", "parameters = 0"]
