"""Activation layers, and the ``activation=`` of other layers, with Keras's meaning."""

from __future__ import annotations

from torch import nn

from layerlab.errors import did_you_mean
from layerlab.layers import activation as make_activation
from layerlab.notation.catalogue.call import LayerCall
from layerlab.notation.catalogue.kind import REQUIRED, Built, keras_layer, permuted
from layerlab.notation.description import Layer, LibraryName, Value
from layerlab.notation.layout import channels_are_first, torch_axis, torch_shape
from layerlab.notation.modules.elementwise import ElementwisePReLU, KerasReLU

__all__ = ["KERAS_ACTIVATIONS", "activation_of", "one_axis"]

# Keras's name -> (the name in layers/, options where Keras's default is another).
KERAS_ACTIVATIONS: dict[str, tuple[str, dict[str, float]]] = {
    **{
        name: (name, {})
        for name in [
            "celu",
            "elu",
            "exponential",
            "gelu",
            "hard_shrink",
            "hard_sigmoid",
            "hard_swish",
            "hard_tanh",
            "linear",
            "log_sigmoid",
            "log_softmax",
            "mish",
            "relu",
            "relu6",
            "selu",
            "sigmoid",
            "silu",
            "soft_shrink",
            "softmax",
            "softplus",
            "softsign",
            "swish",
            "tanh",
            "tanh_shrink",
        ]
    },
    "hard_silu": ("hard_swish", {}),
    "leaky_relu": ("leaky_relu", {"negative_slope": 0.2}),
}
"""The activations that are read by name."""

_LAYERS = ("ReLU", "LeakyReLU", "ELU", "Softmax")


def activation_of(call: LayerCall, argument: str = "activation", rank: int | None = None) -> nn.Module | None:
    """Return the module of an ``activation=`` argument; None for no activation.

    Args:
        call: the layer.
        argument: the argument's name.
        rank: the number of axes of what is activated, the batch not counted; that of the input unless given.
    """
    value = call[argument]
    if value is None:
        return None
    if isinstance(value, Layer):
        return _layer_as_activation(call, argument, value)
    name = value.last if isinstance(value, LibraryName) else value
    if not isinstance(name, str):
        raise call.wrong(argument, 'the name of an activation, such as "relu"')
    plain = {known.replace("_", ""): known for known in KERAS_ACTIVATIONS}.get(name.casefold().replace("_", ""))
    if plain is None:
        raise call.error(f'has the unknown activation "{name}"{did_you_mean(name, KERAS_ACTIVATIONS)}')
    ours, options = KERAS_ACTIVATIONS[plain]
    if ours == "linear":
        return None
    if ours in ("softmax", "log_softmax"):
        options = {"dim": 1 if channels_are_first(call.rank if rank is None else rank) else -1}
    return make_activation(ours, **options)


def _layer_as_activation(call: LayerCall, argument: str, layer: Layer) -> nn.Module:
    """Return ``activation=layers.LeakyReLU(0.1)`` as a module."""
    if layer.kind not in _LAYERS:
        raise call.wrong(argument, 'the name of an activation, such as "relu", or an activation layer without weights')
    inner = LayerCall(layer, call.shapes, layer.line, call.label, call.budget)
    return inner.build().module


@keras_layer("Activation", activation=REQUIRED)
def _activation(call: LayerCall) -> Built:
    if call["activation"] is REQUIRED:
        raise call.wrong("activation", 'its name, such as "relu"')
    return Built(activation_of(call) or nn.Identity(), call.shape)


@keras_layer("Identity")
def _identity(call: LayerCall) -> Built:
    return Built(nn.Identity(), call.shape)


@keras_layer("ActivityRegularization", l1=0.0, l2=0.0)
def _activity_regularization(call: LayerCall) -> Built:
    return Built(nn.Identity(), call.shape)


@keras_layer("ReLU", max_value=None, negative_slope=0.0, threshold=0.0)
def _relu(call: LayerCall) -> Built:
    ceiling = None if call["max_value"] is None else call.number("max_value", 0)
    slope = 0.0 if call["negative_slope"] is None else call.number("negative_slope", 0)
    threshold = 0.0 if call["threshold"] is None else call.number("threshold", 0)
    if threshold or (slope and ceiling is not None) or ceiling == 0:
        return Built(KerasReLU(ceiling, slope, threshold), call.shape)
    if slope:
        return Built(nn.LeakyReLU(slope), call.shape)
    if ceiling is None:
        return Built(nn.ReLU(), call.shape)
    return Built(nn.ReLU6() if ceiling == 6 else nn.Hardtanh(0.0, ceiling), call.shape)


@keras_layer("LeakyReLU", negative_slope=0.3, alpha=None)
def _leaky_relu(call: LayerCall) -> Built:
    """Keras 2 called the slope ``alpha``, as many texts still do."""
    slope = call.number("negative_slope" if call["alpha"] is None else "alpha", 0)
    return Built(nn.LeakyReLU(slope), call.shape)


@keras_layer("ELU", alpha=1.0)
def _elu(call: LayerCall) -> Built:
    return Built(nn.ELU(call.number("alpha")), call.shape)


@keras_layer("Softmax", axis=-1)
def _softmax(call: LayerCall) -> Built:
    axis = one_axis(call, call["axis"])
    return Built(nn.Softmax(torch_axis(axis, call.rank)), call.shape)


@keras_layer("PReLU", alpha_initializer="zeros", alpha_regularizer=None, alpha_constraint=None, shared_axes=None)
def _prelu(call: LayerCall) -> Built:
    shared = call["shared_axes"]
    axes = [] if shared is None else list(shared) if isinstance(shared, (tuple, list)) else [shared]
    if any(type(axis) is not int or not 1 <= axis <= call.rank for axis in axes):
        raise call.wrong("shared_axes", f"axes from 1 to {call.rank}")
    sizes = [1 if axis + 1 in axes else call.size(axis, "its full size") for axis in range(call.rank)]
    weight = call.weight("alpha", sizes)
    if all(size == 1 for size in sizes[:-1]) and (call.rank == 1 or channels_are_first(call.rank)):
        module: nn.Module = nn.PReLU(sizes[-1])
        weight.into(module, "weight")
        return Built(module, call.shape)
    module = ElementwisePReLU(*(size for size in torch_shape(tuple(sizes)) if size is not None))
    order = (call.rank - 1, *range(call.rank - 1)) if channels_are_first(call.rank) else tuple(range(call.rank))
    weight.into(module, "weight", permuted(*order))
    return Built(module, call.shape)


def one_axis(call: LayerCall, axis: Value) -> int:
    """Return Keras's ``axis`` counted from the batch (0)."""
    if isinstance(axis, (tuple, list)) and len(axis) == 1:
        axis = axis[0]
    if type(axis) is not int or not (1 <= axis <= call.rank or -call.rank <= axis <= -1):
        raise call.wrong("axis", f"a whole number from 1 to {call.rank}, or from -{call.rank} to -1")
    return axis % (call.rank + 1)
