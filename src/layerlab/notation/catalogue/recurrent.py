"""Recurrent layers and the two wrappers around layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from layerlab.notation.catalogue.activations import KERAS_ACTIVATIONS, activation_of
from layerlab.notation.catalogue.call import LayerCall
from layerlab.notation.catalogue.kind import KINDS, REQUIRED, Built, keras_layer, permuted
from layerlab.notation.description import Layer
from layerlab.notation.layout import keras_order, torch_order
from layerlab.notation.modules.axes import TimeDistributed
from layerlab.notation.modules.recurrent import Bidirectional, LoopGRU, LoopLSTM, LoopRNN, Recurrent

__all__: list[str] = []

_STARTS: dict[str, Any] = {
    "use_bias": True,
    "kernel_initializer": "glorot_uniform",
    "recurrent_initializer": "orthogonal",
    "bias_initializer": "zeros",
}
_REGULARIZERS: dict[str, Any] = {
    "kernel_regularizer": None,
    "recurrent_regularizer": None,
    "bias_regularizer": None,
    "kernel_constraint": None,
    "recurrent_constraint": None,
    "bias_constraint": None,
    "dropout": 0.0,
    "recurrent_dropout": 0.0,
}
_ENDS: dict[str, Any] = {
    "seed": None,
    "return_sequences": False,
    "return_state": False,
    "go_backwards": False,
    "stateful": False,
    "unroll": False,
    "use_cudnn": "auto",
    "implementation": 2,
    "time_major": False,
}
_RECURRENT = ("SimpleRNN", "LSTM", "GRU")
_TRANSPOSE = permuted(1, 0)


def _name_of(call: LayerCall, argument: str) -> str | None:
    """Return an activation's name, as far as it is one of those that PyTorch's own layers compute."""
    value = call[argument]
    name = getattr(value, "last", value)
    return name.casefold() if isinstance(name, str) and name.casefold() in KERAS_ACTIVATIONS else None


def _own(call: LayerCall, argument: str) -> nn.Module:
    return activation_of(call, argument, rank=1) or nn.Identity()


def _sequence(call: LayerCall, make: Callable[[int, int, bool], nn.Module]) -> Built:
    """Return a recurrent layer; ``make(features, units, bias)`` gives what it runs and declares its arrays."""
    call.require_rank(2)
    call.refuse("recurrent_dropout", "return_state", "stateful", "time_major")
    units, features, bias = call.whole("units"), call.channels(), call.flag("use_bias")
    sequences, backwards = call.flag("return_sequences"), call.flag("go_backwards")
    dropout = call.number("dropout", 0, 1)
    if call.shape[0] == 0:
        raise call.error("gets a sequence without steps")
    layer = Recurrent(make(features, units, bias), sequences, backwards, float(dropout))
    return Built(layer, (call.shape[0], units) if sequences else (units,))


@keras_layer("SimpleRNN", units=REQUIRED, activation="tanh", **_STARTS, **_REGULARIZERS, **_ENDS)
def _simple_rnn(call: LayerCall) -> Built:
    def make(features: int, units: int, bias: bool) -> nn.Module:
        kernel = call.weight("kernel", (features, units))
        recurrent = call.weight("recurrent_kernel", (units, units), call["recurrent_initializer"])
        biases = call.weight("bias", (units,)) if bias else None
        name = _name_of(call, "activation")
        layer: nn.Module
        if name in ("tanh", "relu"):
            layer = nn.RNN(features, units, nonlinearity=name, bias=bias, batch_first=True)
        else:
            layer = LoopRNN(features, units, _own(call, "activation"), bias)
        loop = isinstance(layer, LoopRNN)
        kernel.into(layer, "weight_ih" if loop else "weight_ih_l0", _TRANSPOSE)
        recurrent.into(layer, "weight_hh" if loop else "weight_hh_l0", _TRANSPOSE)
        if biases is not None:
            biases.into(layer, "bias" if loop else "bias_ih_l0")
            _freeze_second_bias(call, layer)
        return layer

    return _sequence(call, make)


def _freeze_second_bias(call: LayerCall, layer: nn.Module) -> None:
    """PyTorch's own layers have two biases that are added; Keras has one."""
    if isinstance(layer, nn.RNNBase):
        call.freeze(layer, "bias_hh_l0", "zeros")


@keras_layer("LSTM", units=REQUIRED, activation="tanh", recurrent_activation="sigmoid", **_STARTS,
             unit_forget_bias=True, **_REGULARIZERS, **_ENDS)  # fmt: skip
def _lstm(call: LayerCall) -> Built:
    def make(features: int, units: int, bias: bool) -> nn.Module:
        kernel = call.weight("kernel", (features, 4 * units))
        recurrent = call.weight("recurrent_kernel", (units, 4 * units), call["recurrent_initializer"])
        biases = call.weight("bias", (4 * units,)) if bias else None
        layer: nn.Module
        if (_name_of(call, "activation"), _name_of(call, "recurrent_activation")) == ("tanh", "sigmoid"):
            layer = nn.LSTM(features, units, bias=bias, batch_first=True)
        else:
            layer = LoopLSTM(features, units, _own(call, "activation"), _own(call, "recurrent_activation"), bias)
        loop = isinstance(layer, LoopLSTM)
        kernel.into(layer, "weight_ih" if loop else "weight_ih_l0", _TRANSPOSE)
        recurrent.into(layer, "weight_hh" if loop else "weight_hh_l0", _TRANSPOSE)
        if biases is not None:
            biases.unit_forget = call.flag("unit_forget_bias")
            biases.into(layer, "bias" if loop else "bias_ih_l0")
            _freeze_second_bias(call, layer)
        return layer

    return _sequence(call, make)


def _reset_first(array: Tensor) -> Tensor:
    """Return the gates, along the first axis, in PyTorch's order: reset, update, new. Keras begins with update."""
    update, reset, new = array.chunk(3, 0)
    return torch.cat((reset, update, new))


def _reset_first_transposed(array: Tensor) -> Tensor:
    return _reset_first(array.T)


def _input_bias(array: Tensor) -> Tensor:
    return array[0]


def _recurrent_bias(array: Tensor) -> Tensor:
    return array[1]


def _input_bias_reset_first(array: Tensor) -> Tensor:
    return _reset_first(array[0])


def _recurrent_bias_reset_first(array: Tensor) -> Tensor:
    return _reset_first(array[1])


@keras_layer("GRU", units=REQUIRED, activation="tanh", recurrent_activation="sigmoid", **_STARTS, **_REGULARIZERS,
             **_ENDS, reset_after=True)  # fmt: skip
def _gru(call: LayerCall) -> Built:
    def make(features: int, units: int, bias: bool) -> nn.Module:
        after = call.flag("reset_after")
        kernel = call.weight("kernel", (features, 3 * units))
        recurrent = call.weight("recurrent_kernel", (units, 3 * units), call["recurrent_initializer"])
        biases = call.weight("bias", (2, 3 * units) if after else (3 * units,)) if bias else None
        names = (_name_of(call, "activation"), _name_of(call, "recurrent_activation"))
        if names == ("tanh", "sigmoid") and after:
            layer = nn.GRU(features, units, bias=bias, batch_first=True)
            kernel.into(layer, "weight_ih_l0", _reset_first_transposed)
            recurrent.into(layer, "weight_hh_l0", _reset_first_transposed)
            if biases is not None:
                biases.into(layer, "bias_ih_l0", _input_bias_reset_first)
                biases.into(layer, "bias_hh_l0", _recurrent_bias_reset_first)
            return layer
        loop = LoopGRU(features, units, _own(call, "activation"), _own(call, "recurrent_activation"), bias, after)
        kernel.into(loop, "weight_ih", _TRANSPOSE)
        recurrent.into(loop, "weight_hh", _TRANSPOSE)
        if biases is not None and after:
            biases.into(loop, "bias_ih", _input_bias)
            biases.into(loop, "bias_hh", _recurrent_bias)
        elif biases is not None:
            biases.into(loop, "bias_ih")
        return loop

    return _sequence(call, make)


@keras_layer("Bidirectional", layer=REQUIRED, merge_mode="concat", weights=None, backward_layer=None)
def _bidirectional(call: LayerCall) -> Built:
    call.refuse("weights")
    mode = call.choice("merge_mode", "concat", "sum", "ave", "mul")
    ahead, back = call["layer"], call["backward_layer"]
    if not isinstance(ahead, Layer) or ahead.kind not in _RECURRENT:
        raise call.wrong("layer", "a recurrent layer: " + ", ".join(_RECURRENT))
    if back is None:
        back = Layer(ahead.kind, {**ahead.arguments, "go_backwards": True}, ahead.line)
    if not isinstance(back, Layer) or back.kind not in _RECURRENT:
        raise call.wrong("backward_layer", "a recurrent layer with go_backwards=True")
    ways = []
    for layer, backwards in ((ahead, False), (back, True)):
        inner = call.inside(layer, call.shape)
        if inner["go_backwards"] is not backwards:
            raise inner.wrong("go_backwards", f"{backwards} for this layer of a Bidirectional")
        ways.append(inner.build())
    if (ways[0].shape != ways[1].shape and mode != "concat") or len(ways[0].shape) != len(ways[1].shape):
        raise call.error("has two layers that give different shapes")
    first, second = (built.module for built in ways)
    if not isinstance(first, Recurrent) or not isinstance(second, Recurrent):
        raise call.wrong("layer", "a recurrent layer")
    units = [built.shape[-1] or 0 for built in ways]
    width = sum(units) if mode == "concat" else units[0]
    return Built(Bidirectional(first, second, mode), (*ways[0].shape[:-1], width))


@keras_layer("TimeDistributed", layer=REQUIRED)
def _time_distributed(call: LayerCall) -> Built:
    inner = call["layer"]
    if not isinstance(inner, Layer) or inner.kind not in KINDS or KINDS[inner.kind].several:
        raise call.wrong("layer", "a layer that takes one tensor, such as Dense")
    if call.rank < 2:
        raise call.error(f"takes (steps, ...) and gets {call.rank} axis")
    built = call.inside(inner, call.shape[1:]).build()
    shape = (call.shape[0], *built.shape)

    before = _step_order(call.rank)
    back = _step_order(len(shape))
    after = tuple(back.index(axis) for axis in range(len(back)))
    plain = tuple(range(len(before)))
    module = TimeDistributed(
        built.module, None if before == plain else before, None if after == tuple(range(len(after))) else after
    )
    return Built(module, shape)


def _step_order(rank: int) -> tuple[int, ...]:
    """Return the permutation from PyTorch's order of a sequence of things to (N, steps, PyTorch's order of one)."""
    to_keras = keras_order(rank)
    inner = torch_order(rank - 1)
    return (0, to_keras[1], *(to_keras[1 + axis] for axis in inner[1:]))
