"""Convolutions: plain, depthwise, separable and transposed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import torch
from torch import nn

from layerlab.layers import SeparableConv2d, transposed_convolution
from layerlab.notation.catalogue.activations import activation_of
from layerlab.notation.catalogue.call import LayerCall
from layerlab.notation.catalogue.kind import REQUIRED, Built, Weight, chain, keras_layer, permuted
from layerlab.notation.catalogue.windows import padded_window, windows_out
from layerlab.notation.description import Shape
from layerlab.notation.modules.axes import Permute

__all__: list[str] = []

_CONVOLUTIONS: tuple[Callable[..., nn.Module], ...] = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)

_ENDS: dict[str, Any] = {
    "kernel_initializer": "glorot_uniform",
    "bias_initializer": "zeros",
    "kernel_regularizer": None,
    "bias_regularizer": None,
    "kernel_constraint": None,
    "bias_constraint": None,
}
_DEPTHWISE_ENDS: dict[str, Any] = {
    "depthwise_initializer": "glorot_uniform",
    "bias_initializer": "zeros",
    "depthwise_regularizer": None,
    "bias_regularizer": None,
    "depthwise_constraint": None,
    "bias_constraint": None,
}


def _convolution(call: LayerCall, dims: int) -> Built:
    call.require_rank(dims + 1)
    call.channels_last()
    filters, channels, groups = call.whole("filters"), call.channels(), call.whole("groups")
    if channels % groups or filters % groups:
        raise call.error(f"has groups={groups}, which must divide its {channels} channels and its {filters} filters")
    kernel, stride, dilation = _window(call, dims)
    use_bias = call.flag("use_bias")
    weight = call.weight("kernel", (*kernel, channels // groups, filters))
    bias = call.weight("bias", (filters,)) if use_bias else None

    padding, amounts = padded_window(call, kernel, stride, dilation)
    conv = _CONVOLUTIONS[dims - 1](channels, filters, kernel, stride, amounts, dilation, groups, bias=use_bias)
    weight.into(conv, "weight", permuted(dims + 1, dims, *range(dims)))
    if bias is not None:
        bias.into(conv, "bias")
    shape = (*windows_out(call, kernel, stride, dilation), filters)
    return Built(_around(call, shape, padding=padding, convolution=conv), shape)


def _around(call: LayerCall, shape: Shape, **modules: nn.Module | None) -> nn.Module:
    """Return the modules, each by its name, with the activation behind ``convolution``.

    A sequence has its channels first in between.
    """
    swap = len(shape) == 2
    first, last = (Permute(0, 2, 1), Permute(0, 2, 1)) if swap else (None, None)
    act = activation_of(call, rank=3)
    crop = modules.pop("crop", None)
    return chain(channels_first=first, **modules, activation=act, crop=crop, channels_last=last)


def _window(call: LayerCall, dims: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Return kernel, stride and dilation."""
    kernel, stride, dilation = (call.axes(name, dims) for name in ("kernel_size", "strides", "dilation_rate"))
    if max(stride) > 1 and max(dilation) > 1:
        raise call.error("has strides and dilation_rate both greater than 1, which Keras refuses")
    return kernel, stride, dilation


@keras_layer("Conv1D", "Convolution1D", filters=REQUIRED, kernel_size=REQUIRED, strides=1, padding="valid",
             data_format=None, dilation_rate=1, groups=1, activation=None, use_bias=True, **_ENDS)  # fmt: skip
def _conv1d(call: LayerCall) -> Built:
    return _convolution(call, 1)


@keras_layer("Conv2D", "Convolution2D", filters=REQUIRED, kernel_size=REQUIRED, strides=(1, 1), padding="valid",
             data_format=None, dilation_rate=(1, 1), groups=1, activation=None, use_bias=True, **_ENDS)  # fmt: skip
def _conv2d(call: LayerCall) -> Built:
    return _convolution(call, 2)


@keras_layer("Conv3D", "Convolution3D", filters=REQUIRED, kernel_size=REQUIRED, strides=(1, 1, 1), padding="valid",
             data_format=None, dilation_rate=(1, 1, 1), groups=1, activation=None, use_bias=True, **_ENDS)  # fmt: skip
def _conv3d(call: LayerCall) -> Built:
    return _convolution(call, 3)


def _depthwise_weight(array: torch.Tensor, dims: int) -> torch.Tensor:
    """Return (*kernel, channels, multiplier) as PyTorch's (channels * multiplier, 1, *kernel)."""
    array = array.permute(dims, dims + 1, *range(dims))
    return array.flatten(0, 1).unsqueeze(1)


def _depthwise(call: LayerCall, dims: int) -> Built:
    call.require_rank(dims + 1)
    call.channels_last()
    channels, multiplier, use_bias = call.channels(), call.whole("depth_multiplier"), call.flag("use_bias")
    kernel, stride, dilation = _window(call, dims)
    weight = call.weight("kernel", (*kernel, channels, multiplier), call["depthwise_initializer"])
    bias = call.weight("bias", (channels * multiplier,)) if use_bias else None

    padding, amounts = padded_window(call, kernel, stride, dilation)
    conv = _CONVOLUTIONS[dims - 1](
        channels,
        channels * multiplier,
        kernel,
        stride,
        amounts,
        dilation,
        channels,
        bias=use_bias,
    )
    weight.into(conv, "weight", partial(_depthwise_weight, dims=dims))
    if bias is not None:
        bias.into(conv, "bias")
    shape = (*windows_out(call, kernel, stride, dilation), channels * multiplier)
    return Built(_around(call, shape, padding=padding, convolution=conv), shape)


@keras_layer("DepthwiseConv1D", kernel_size=REQUIRED, strides=1, padding="valid", depth_multiplier=1,
             data_format=None, dilation_rate=1, activation=None, use_bias=True, **_DEPTHWISE_ENDS)  # fmt: skip
def _depthwise1d(call: LayerCall) -> Built:
    return _depthwise(call, 1)


@keras_layer("DepthwiseConv2D", kernel_size=REQUIRED, strides=(1, 1), padding="valid", depth_multiplier=1,
             data_format=None, dilation_rate=(1, 1), activation=None, use_bias=True, **_DEPTHWISE_ENDS)  # fmt: skip
def _depthwise2d(call: LayerCall) -> Built:
    return _depthwise(call, 2)


@keras_layer(
    "SeparableConv2D",
    "SeparableConvolution2D",
    filters=REQUIRED,
    kernel_size=REQUIRED,
    strides=(1, 1),
    padding="valid",
    data_format=None,
    dilation_rate=(1, 1),
    depth_multiplier=1,
    activation=None,
    use_bias=True,
    depthwise_initializer="glorot_uniform",
    pointwise_initializer="glorot_uniform",
    bias_initializer="zeros",
    depthwise_regularizer=None,
    pointwise_regularizer=None,
    bias_regularizer=None,
    depthwise_constraint=None,
    pointwise_constraint=None,
    bias_constraint=None,
)
def _separable2d(call: LayerCall) -> Built:
    call.require_rank(3)
    call.channels_last()
    filters, channels, multiplier = call.whole("filters"), call.channels(), call.whole("depth_multiplier")
    kernel, stride, dilation = _window(call, 2)
    use_bias = call.flag("use_bias")
    depthwise = call.weight("depthwise_kernel", (*kernel, channels, multiplier), call["depthwise_initializer"])
    pointwise = call.weight("pointwise_kernel", (1, 1, channels * multiplier, filters), call["pointwise_initializer"])
    bias = call.weight("bias", (filters,)) if use_bias else None

    padding, amounts = padded_window(call, kernel, stride, dilation)
    conv = SeparableConv2d(channels, filters, kernel, stride, amounts, dilation, multiplier, use_bias)
    depthwise.into(conv.depthwise, "weight", partial(_depthwise_weight, dims=2))
    pointwise.into(conv.pointwise, "weight", permuted(3, 2, 0, 1))
    if bias is not None:
        bias.into(conv.pointwise, "bias")
    shape = (*windows_out(call, kernel, stride, dilation), filters)
    return Built(_around(call, shape, padding=padding, convolution=conv), shape)


def _transposed(call: LayerCall, dims: int) -> Built:
    call.require_rank(dims + 1)
    call.channels_last()
    filters, channels, use_bias = call.whole("filters"), call.channels(), call.flag("use_bias")
    kernel, stride, dilation = _window(call, dims)
    padding: Literal["valid", "same"] = "same" if call.choice("padding", "valid", "same") == "same" else "valid"
    longer = None if call["output_padding"] is None else call.axes("output_padding", dims, at_least=0)
    if longer is not None and any(extra >= step for extra, step in zip(longer, stride, strict=True)):
        raise call.wrong("output_padding", f"less than strides={call['strides']}")
    weight = call.weight("kernel", (*kernel, filters, channels))
    bias = call.weight("bias", (filters,)) if use_bias else None

    layer = transposed_convolution(
        channels,
        filters,
        kernel,
        stride,
        padding,
        longer,
        dilation,
        bias=use_bias,
        dims=dims,
    )
    conv = layer if isinstance(layer, _TRANSPOSED) else layer.get_submodule("convolution")
    crop = None if isinstance(layer, _TRANSPOSED) else layer.get_submodule("crop")
    _fill_transposed(conv, weight, bias, dims)
    spatial = tuple(
        None if call.shape[axis] is None else _transposed_size(call, axis, kernel, stride, dilation, padding, longer)
        for axis in range(dims)
    )
    return Built(_around(call, (*spatial, filters), convolution=conv, crop=crop), (*spatial, filters))


def _fill_transposed(conv: nn.Module, weight: Weight, bias: Weight | None, dims: int) -> None:
    weight.into(conv, "weight", permuted(dims + 1, dims, *range(dims)))
    if bias is not None:
        bias.into(conv, "bias")


def _transposed_size(
    call: LayerCall,
    axis: int,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: str,
    longer: tuple[int, ...] | None,
) -> int:
    """Return the length of one axis of what comes out, as Keras has it."""
    size, step = call.size(axis, "its size"), stride[axis]
    reach = (kernel[axis] - 1) * dilation[axis] + 1
    if longer is None:
        length = size * step + (0 if padding == "same" else max(reach - step, 0))
    else:
        length = (size - 1) * step + reach - (0 if padding == "valid" else 2 * (reach // 2)) + longer[axis]
    if length < 1:
        raise call.error("gives nothing: its output would have no place left")
    return length


@keras_layer("Conv1DTranspose", "Convolution1DTranspose", filters=REQUIRED, kernel_size=REQUIRED, strides=1,
             padding="valid", output_padding=None, data_format=None, dilation_rate=1, activation=None,
             use_bias=True, **_ENDS)  # fmt: skip
def _transposed1d(call: LayerCall) -> Built:
    return _transposed(call, 1)


@keras_layer("Conv2DTranspose", "Convolution2DTranspose", "Deconvolution2D", filters=REQUIRED, kernel_size=REQUIRED,
             strides=(1, 1), padding="valid", output_padding=None, data_format=None, dilation_rate=(1, 1),
             activation=None, use_bias=True, **_ENDS)  # fmt: skip
def _transposed2d(call: LayerCall) -> Built:
    return _transposed(call, 2)
