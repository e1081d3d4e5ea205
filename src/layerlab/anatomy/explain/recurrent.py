"""Recurrent layers: LSTM, GRU and the plain one, in torch's form with two biases."""

from __future__ import annotations

from layerlab.anatomy.explain.arithmetic import equation, parameters_line
from layerlab.anatomy.record import Layer

__all__ = ["recurrent"]

_EQUATIONS = {
    "LSTM": (
        "i, f, o = sigmoid(W x + b + U h + c), one W, U, b, c each",
        "g = tanh(W x + b + U h + c)",
        "cell <- f*cell + i*g;  h <- o*tanh(cell)",
    ),
    "GRU": (
        "r, z = sigmoid(W x + b + U h + c), one W, U, b, c each",
        "n = tanh(W x + b + r*(U h + c))",
        "h <- (1 - z)*n + z*h",
    ),
    "RNN": ("h <- tanh(W x + b + U h + c)",),
}
_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def recurrent(layer: Layer) -> list[str]:
    """Explain ``LSTM``, ``GRU`` and ``RNN``."""
    settings, kind = layer.settings, layer.kind.removesuffix("Cell")
    hidden, features = settings["hidden_size"], settings["input_size"]
    directions = 2 if settings.get("bidirectional") else 1
    ins = [features] + [hidden * directions] * (settings.get("num_layers", 1) - 1)
    gates = _GATES[kind]
    # Torch adds two biases; where the second is a constant (networks read from Keras) there is one.
    biases = sum(own.name.startswith("bias") for own in layer.own_parameters) // (directions * len(ins))
    factor = f"{directions * gates}*"
    weights, values = [], []
    for size in ins:
        bias = ("", f" + {hidden}", f" + 2*{hidden}")[biases]
        weights.append(f"{factor}({size}*{hidden} + {hidden}*{hidden}{bias})")
        values.append(directions * gates * (size * hidden + hidden * hidden + biases * hidden))
    lines = list(_EQUATIONS[kind])
    if biases == 1:
        lines = [line.replace(" + c)", ")").replace("b, c each", "b each") for line in lines]
    if settings.get("nonlinearity") == "relu":
        lines = [line.replace("tanh", "relu") for line in lines]
    what = f" ({gates} gates" + (", 2 directions)" if directions > 1 else ")") if gates > 1 else ""
    lines.append(parameters_line(layer, " + ".join(weights), sum(values), what))
    return lines + _cost(layer, ins, directions * gates, hidden)


def _cost(layer: Layer, ins: list[int], factor: int, hidden: int) -> list[str]:
    shape = layer.inputs[0]
    sequence = 3
    time_axis = 1 if layer.settings.get("batch_first") else 0
    steps = shape[time_axis] if len(shape) == sequence else 1
    batch = shape[1 - time_axis] if len(shape) == sequence else shape[0]
    one = sum(factor * (size * hidden + hidden * hidden) for size in ins)
    formula = " + ".join(f"{factor}*({size}*{hidden} + {hidden}*{hidden})" for size in ins)
    times = "".join(f"{count}*" for count in (layer.calls, batch) if count != 1)
    return [
        equation("MACs", f"{times}{steps}*({formula})", layer.calls * batch * steps * one, layer.macs),
        f"{steps} steps, one after the other; the same weights in each",
    ]
