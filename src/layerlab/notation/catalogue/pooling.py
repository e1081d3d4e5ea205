"""Pooling over windows and over everything."""

from __future__ import annotations

import math

from torch import nn

from layerlab.layers import (
    GlobalAveragePool1d,
    GlobalAveragePool2d,
    GlobalMaxPool1d,
    GlobalMaxPool2d,
    SameAvgPool1d,
    SameAvgPool2d,
    SameMaxPool1d,
    SameMaxPool2d,
    SamePadding,
)
from layerlab.notation.catalogue.call import LayerCall
from layerlab.notation.catalogue.kind import Built, chain, keras_layer
from layerlab.notation.catalogue.windows import same_amounts, windows_out
from layerlab.notation.modules.axes import Permute

__all__: list[str] = []

_MAXIMUM: tuple[type[nn.Module], ...] = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
_AVERAGE: tuple[type[nn.Module], ...] = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
_SAME_MAXIMUM: tuple[type[nn.Module], ...] = (SameMaxPool1d, SameMaxPool2d)
_SAME_AVERAGE: tuple[type[nn.Module], ...] = (SameAvgPool1d, SameAvgPool2d)
_GLOBAL_AVERAGE: tuple[type[nn.Module], ...] = (GlobalAveragePool1d, GlobalAveragePool2d)
_GLOBAL_MAXIMUM: tuple[type[nn.Module], ...] = (GlobalMaxPool1d, GlobalMaxPool2d)
_VOLUME = 3


def _pooling(call: LayerCall, dims: int, average: bool) -> Built:
    call.require_rank(dims + 1)
    call.channels_last()
    kernel = call.axes("pool_size", dims)
    stride = kernel if call["strides"] is None else call.axes("strides", dims)
    ones = (1,) * dims
    padding = call.choice("padding", "valid", "same")
    amounts = same_amounts(kernel, stride, ones) if padding == "same" else (0,) * dims

    before: nn.Module | None = None
    layer: nn.Module
    if amounts is not None:
        extra = {"count_include_pad": False} if average and any(amounts) else {}
        layer = (_AVERAGE if average else _MAXIMUM)[dims - 1](_plain(kernel), _plain(stride), _plain(amounts), **extra)
    elif dims < _VOLUME:
        layer = (_SAME_AVERAGE if average else _SAME_MAXIMUM)[dims - 1](kernel, stride)
    elif average:
        raise call.error('has padding="same" with an uneven window, which is not supported for volumes; use "valid"')
    else:
        before, layer = SamePadding(kernel, stride, value=-math.inf), nn.MaxPool3d(_plain(kernel), _plain(stride))
    spatial = windows_out(call, kernel, stride, ones)
    swap = dims == 1
    module = chain(
        channels_first=Permute(0, 2, 1) if swap else None,
        padding=before,
        pooling=layer,
        channels_last=Permute(0, 2, 1) if swap else None,
    )
    return Built(module, (*spatial, call.shape[-1]))


def _plain(numbers: tuple[int, ...]) -> int | tuple[int, ...]:
    """Return one number where PyTorch's one-dimensional layers show it so."""
    return numbers[0] if len(numbers) == 1 else numbers


@keras_layer("MaxPooling1D", "MaxPool1D", pool_size=2, strides=None, padding="valid", data_format=None)
def _max1d(call: LayerCall) -> Built:
    return _pooling(call, 1, average=False)


@keras_layer("MaxPooling2D", "MaxPool2D", pool_size=(2, 2), strides=None, padding="valid", data_format=None)
def _max2d(call: LayerCall) -> Built:
    return _pooling(call, 2, average=False)


@keras_layer("MaxPooling3D", "MaxPool3D", pool_size=(2, 2, 2), strides=None, padding="valid", data_format=None)
def _max3d(call: LayerCall) -> Built:
    return _pooling(call, 3, average=False)


@keras_layer("AveragePooling1D", "AvgPool1D", pool_size=2, strides=None, padding="valid", data_format=None)
def _average1d(call: LayerCall) -> Built:
    return _pooling(call, 1, average=True)


@keras_layer("AveragePooling2D", "AvgPool2D", pool_size=(2, 2), strides=None, padding="valid", data_format=None)
def _average2d(call: LayerCall) -> Built:
    return _pooling(call, 2, average=True)


@keras_layer("AveragePooling3D", "AvgPool3D", pool_size=(2, 2, 2), strides=None, padding="valid", data_format=None)
def _average3d(call: LayerCall) -> Built:
    return _pooling(call, 3, average=True)


def _global(call: LayerCall, dims: int, average: bool) -> Built:
    call.require_rank(dims + 1)
    call.channels_last()
    keep = call.flag("keepdims")
    layer: nn.Module
    if dims == _VOLUME:
        pool = nn.AdaptiveAvgPool3d(1) if average else nn.AdaptiveMaxPool3d(1)
        layer = pool if keep else chain(pooling=pool, flatten=nn.Flatten())
    else:
        layer = (_GLOBAL_AVERAGE if average else _GLOBAL_MAXIMUM)[dims - 1](keepdim=keep)
    if dims == 1:
        layer = chain(channels_first=Permute(0, 2, 1), pooling=layer, channels_last=Permute(0, 2, 1) if keep else None)
    return Built(layer, (*((1,) * dims if keep else ()), call.shape[-1]))


@keras_layer("GlobalAveragePooling1D", "GlobalAvgPool1D", data_format=None, keepdims=False)
def _global_average1d(call: LayerCall) -> Built:
    return _global(call, 1, average=True)


@keras_layer("GlobalAveragePooling2D", "GlobalAvgPool2D", data_format=None, keepdims=False)
def _global_average2d(call: LayerCall) -> Built:
    return _global(call, 2, average=True)


@keras_layer("GlobalAveragePooling3D", "GlobalAvgPool3D", data_format=None, keepdims=False)
def _global_average3d(call: LayerCall) -> Built:
    return _global(call, 3, average=True)


@keras_layer("GlobalMaxPooling1D", "GlobalMaxPool1D", data_format=None, keepdims=False)
def _global_max1d(call: LayerCall) -> Built:
    return _global(call, 1, average=False)


@keras_layer("GlobalMaxPooling2D", "GlobalMaxPool2D", data_format=None, keepdims=False)
def _global_max2d(call: LayerCall) -> Built:
    return _global(call, 2, average=False)


@keras_layer("GlobalMaxPooling3D", "GlobalMaxPool3D", data_format=None, keepdims=False)
def _global_max3d(call: LayerCall) -> Built:
    return _global(call, 3, average=False)


@keras_layer("GlobalAveragePooling", data_format=None, keepdims=False)
def _global_average(call: LayerCall) -> Built:
    """The lecture's own word, which Keras has not: the one of the three that fits the input."""
    call.require_rank(2, 3, 4)
    return _global(call, call.rank - 1, average=True)


@keras_layer("GlobalMaxPooling", data_format=None, keepdims=False)
def _global_max(call: LayerCall) -> Built:
    """As :func:`_global_average`."""
    call.require_rank(2, 3, 4)
    return _global(call, call.rank - 1, average=False)
