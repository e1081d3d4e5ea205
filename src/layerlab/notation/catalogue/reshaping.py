"""Layers that move, repeat, cut off or add places, and compute nothing."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import nn

from layerlab.layers import ChannelsLastFlatten, Crop
from layerlab.notation.catalogue.call import LayerCall
from layerlab.notation.catalogue.kind import REQUIRED, Built, chain, keras_layer
from layerlab.notation.description import Shape
from layerlab.notation.layout import channels_are_first, keras_order, shown, torch_order
from layerlab.notation.modules.axes import Permute, RepeatVector, Reshape
from layerlab.notation.modules.elementwise import Rescaling

__all__: list[str] = []

_MOST_AXES = 8
_ZERO_PADS: dict[int, Callable[..., nn.Module]] = {2: nn.ZeroPad2d, 3: nn.ZeroPad3d}


@keras_layer("Flatten", data_format=None)
def _flatten(call: LayerCall) -> Built:
    """Keras goes through all channels of one pixel after another."""
    call.channels_last()
    sizes = [call.size(axis, "its full size") for axis in range(call.rank)]
    module = ChannelsLastFlatten() if channels_are_first(call.rank) else nn.Flatten()
    return Built(module, (math.prod(sizes),))


@keras_layer("Reshape", target_shape=REQUIRED)
def _reshape(call: LayerCall) -> Built:
    value = call["target_shape"]
    target = list(value) if isinstance(value, (tuple, list)) else [value]
    if not 1 <= len(target) <= _MOST_AXES or any(type(size) is not int or (size < 1 and size != -1) for size in target):
        raise call.wrong("target_shape", "a tuple of whole numbers, one of which may be -1")
    if target.count(-1) > 1:
        raise call.wrong("target_shape", "at most one -1")
    sizes = tuple(size for size in target if isinstance(size, int))
    shape = _reshaped(call, sizes)
    module = chain(
        channels_last=Permute(*keras_order(call.rank)) if channels_are_first(call.rank) else None,
        reshape=Reshape(*(size if known is None else known for size, known in zip(sizes, shape, strict=True))),
        channels_first=Permute(*torch_order(len(sizes))) if channels_are_first(len(sizes)) else None,
    )
    return Built(module, shape)


def _reshaped(call: LayerCall, sizes: tuple[int, ...]) -> Shape:
    """Return the shape that comes out, refusing one with another number of values."""
    known = math.prod(size for size in sizes if size != -1)
    if None in call.shape:
        return tuple(None if size == -1 else size for size in sizes)
    values = math.prod(size for size in call.shape if size is not None)
    if (values % known if -1 in sizes else values != known) or (-1 in sizes and values < known):
        raise call.error(f"cannot make {shown(sizes)} of {shown(call.shape)}, which has {values} values")
    return tuple(values // known if size == -1 else size for size in sizes)


@keras_layer("Permute", dims=REQUIRED)
def _permute(call: LayerCall) -> Built:
    dims = call["dims"]
    if not isinstance(dims, (tuple, list)) or sorted(dims, key=repr) != list(range(1, call.rank + 1)):
        raise call.wrong("dims", f"the numbers from 1 to {call.rank} in another order")
    keras = (0, *(axis for axis in dims if isinstance(axis, int)))
    before, after = keras_order(call.rank), torch_order(call.rank)
    order = tuple(before[keras[axis]] for axis in after)
    return Built(Permute(*order), tuple(call.shape[axis - 1] for axis in keras[1:]))


@keras_layer("RepeatVector", n=REQUIRED)
def _repeat_vector(call: LayerCall) -> Built:
    call.require_rank(1)
    times = call.whole("n")
    return Built(RepeatVector(times), (times, *call.shape))


def _longer(call: LayerCall, pairs: list[tuple[int, int]], sign: int = 1) -> Shape:
    """Return the shape with each spatial axis longer (or shorter) by its pair."""
    spatial = tuple(
        None if size is None else size + sign * sum(pair) for size, pair in zip(call.shape, pairs, strict=False)
    )
    if any(size is not None and size < 1 for size in spatial):
        raise call.error(f"cuts all of {shown(call.shape[:-1])} away")
    return (*spatial, call.shape[-1])


def _zero_padding(call: LayerCall, dims: int) -> Built:
    call.require_rank(dims + 1)
    call.channels_last()
    pairs = call.pairs("padding", dims)
    flat = [amount for pair in reversed(pairs) for amount in pair]
    if dims == 1:  # the steps are the last axis but one
        return Built(nn.ZeroPad2d((0, 0, *pairs[0])), _longer(call, pairs))
    return Built(_ZERO_PADS[dims](tuple(flat)), _longer(call, pairs))


@keras_layer("ZeroPadding1D", padding=1, data_format=None)
def _zero_padding1d(call: LayerCall) -> Built:
    return _zero_padding(call, 1)


@keras_layer("ZeroPadding2D", padding=(1, 1), data_format=None)
def _zero_padding2d(call: LayerCall) -> Built:
    return _zero_padding(call, 2)


@keras_layer("ZeroPadding3D", padding=((1, 1), (1, 1), (1, 1)), data_format=None)
def _zero_padding3d(call: LayerCall) -> Built:
    return _zero_padding(call, 3)


@keras_layer("Cropping1D", cropping=(1, 1), data_format=None)
def _cropping1d(call: LayerCall) -> Built:
    call.require_rank(2)
    pairs = call.pairs("cropping", 1)
    return Built(Crop([*pairs, (0, 0)]), _longer(call, pairs, -1))


@keras_layer("Cropping2D", cropping=((0, 0), (0, 0)), data_format=None)
def _cropping2d(call: LayerCall) -> Built:
    call.require_rank(3)
    call.channels_last()
    pairs = call.pairs("cropping", 2)
    return Built(Crop(pairs), _longer(call, pairs, -1))


def _up_sampling(call: LayerCall, dims: int, mode: str = "nearest") -> Built:
    call.require_rank(dims + 1)
    size = call.axes("size", dims)
    options = {} if mode == "nearest" else {"align_corners": False}
    factors = tuple(map(float, size))
    layer = nn.Upsample(scale_factor=factors if dims > 1 else factors[0], mode=mode, **options)
    shape = tuple(None if length is None else length * times for length, times in zip(call.shape, size, strict=False))
    swap = dims == 1
    module = chain(
        channels_first=Permute(0, 2, 1) if swap else None,
        upsampling=layer,
        channels_last=Permute(0, 2, 1) if swap else None,
    )
    return Built(module, (*shape, call.shape[-1]))


@keras_layer("UpSampling1D", size=2)
def _up_sampling1d(call: LayerCall) -> Built:
    return _up_sampling(call, 1)


@keras_layer("UpSampling2D", size=(2, 2), data_format=None, interpolation="nearest")
def _up_sampling2d(call: LayerCall) -> Built:
    call.channels_last()
    return _up_sampling(call, 2, call.choice("interpolation", "nearest", "bilinear"))


@keras_layer("UpSampling3D", size=(2, 2, 2), data_format=None)
def _up_sampling3d(call: LayerCall) -> Built:
    call.channels_last()
    return _up_sampling(call, 3)


@keras_layer("Rescaling", scale=REQUIRED, offset=0.0)
def _rescaling(call: LayerCall) -> Built:
    return Built(Rescaling(call.number("scale"), call.number("offset")), call.shape)
