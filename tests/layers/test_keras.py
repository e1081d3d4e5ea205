"""The layers that have Keras's meaning give Keras's numbers."""

from __future__ import annotations

import os
from itertools import product

import numpy as np
import pytest
import torch
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
    SeparableConv2d,
    activation,
    activation_names,
    convolution,
    same_padding,
    transposed_convolution,
    transposed_output_size,
)

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras

pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword"),  # Keras's own
]


def through_keras(layer, x: torch.Tensor, *arrays: torch.Tensor) -> torch.Tensor:
    """Return what a Keras layer with these weights makes of an input in PyTorch's layout."""
    given = keras.ops.convert_to_tensor(x.movedim(1, -1).contiguous().numpy())
    layer.build(tuple(given.shape))
    layer.set_weights([array.detach().numpy() for array in arrays])
    made = torch.from_numpy(np.ascontiguousarray(keras.ops.convert_to_numpy(layer(given))))
    return made if made.dim() == 2 else made.movedim(-1, 1)


def close(made: torch.Tensor, expected: torch.Tensor) -> None:
    """Compare to the last few bits of float32."""
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("kernel", "stride"), [*product([1, 2, 3, 4], [1, 2, 3])])
@pytest.mark.parametrize("size", [5, 6])
def test_pooling_with_same(kernel, stride, size):
    signal, image = torch.randn(2, 3, size), torch.randn(2, 3, size, size)
    options = {"strides": stride, "padding": "same", "data_format": "channels_last"}
    close(SameMaxPool1d(kernel, stride)(signal), through_keras(keras.layers.MaxPooling1D(kernel, **options), signal))
    close(SameMaxPool2d(kernel, stride)(image), through_keras(keras.layers.MaxPooling2D(kernel, **options), image))
    before, after = same_padding(size, kernel, stride)
    if before != after:
        # Keras leaves the padding out of an average, and so do we (tested against windows cut out by hand); but where
        # the two sides differ, its PyTorch backend repeats the edge, and counts it.
        return
    close(
        SameAvgPool1d(kernel, stride)(signal), through_keras(keras.layers.AveragePooling1D(kernel, **options), signal)
    )
    close(SameAvgPool2d(kernel, stride)(image), through_keras(keras.layers.AveragePooling2D(kernel, **options), image))


@pytest.mark.parametrize("keepdim", [False, True])
def test_global_pooling(keepdim):
    signal, image = torch.randn(2, 3, 7), torch.randn(2, 3, 7, 5)
    for ours, theirs, x in (
        (GlobalAveragePool1d, keras.layers.GlobalAveragePooling1D, signal),
        (GlobalMaxPool1d, keras.layers.GlobalMaxPooling1D, signal),
        (GlobalAveragePool2d, keras.layers.GlobalAveragePooling2D, image),
        (GlobalMaxPool2d, keras.layers.GlobalMaxPooling2D, image),
    ):
        close(ours(keepdim)(x), through_keras(theirs(data_format="channels_last", keepdims=keepdim), x))


@pytest.mark.parametrize(("kernel", "stride"), [*product([1, 2, 3, 4, 5], [1, 2, 3])])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_convolution(kernel, stride, padding):
    x = torch.randn(2, 3, 8, 7)
    layer = convolution(3, 4, kernel, stride, padding)
    conv = layer if isinstance(layer, nn.Conv2d) else layer.convolution
    theirs = keras.layers.Conv2D(4, kernel, stride, padding, data_format="channels_last")
    close(layer(x), through_keras(theirs, x, conv.weight.permute(2, 3, 1, 0), conv.bias))


@pytest.mark.parametrize(("kernel", "stride"), [*product([2, 3, 4], [1, 2])])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("multiplier", [1, 2])
def test_separable_convolution(kernel, stride, padding, multiplier):
    x = torch.randn(2, 3, 8, 7)
    layer = SeparableConv2d(3, 4, kernel, stride, padding, depth_multiplier=multiplier)
    depthwise = layer.depthwise.weight.reshape(3, multiplier, kernel, kernel).permute(2, 3, 0, 1)
    pointwise = layer.pointwise.weight.permute(2, 3, 1, 0)
    theirs = keras.layers.SeparableConv2D(
        4, kernel, stride, padding, depth_multiplier=multiplier, data_format="channels_last"
    )
    close(layer(x), through_keras(theirs, x, depthwise, pointwise, layer.pointwise.bias))


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    ("stride", "longer"), [(1, None), (1, 0), (2, None), (2, 0), (2, 1), (3, None), (3, 0), (3, 1)]
)
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_transposed_convolution(kernel, stride, padding, longer):
    x = torch.randn(2, 3, 5, 4)
    layer = transposed_convolution(3, 4, kernel, stride, padding, longer)
    conv = layer if isinstance(layer, nn.ConvTranspose2d) else layer.convolution
    theirs = keras.layers.Conv2DTranspose(
        4, kernel, stride, padding, output_padding=longer, data_format="channels_last"
    )
    expected = through_keras(theirs, x, conv.weight.permute(2, 3, 1, 0), conv.bias)
    close(layer(x), expected)
    assert transposed_output_size(5, kernel, stride, padding, longer) == expected.shape[2]


NOT_KERASS = {"maxout", "prelu"}  # Maxout is not in Keras, and PReLU is a layer there
OPTIONS = {"leaky_relu": {"negative_slope": 0.2}}  # the lecture's slope is another


@pytest.mark.parametrize("name", [name for name in activation_names() if name not in NOT_KERASS])
def test_activations(name):
    x = torch.linspace(-7, 7, 60).reshape(3, 20)
    expected = keras.ops.convert_to_numpy(keras.activations.get(name)(keras.ops.convert_to_tensor(x.numpy())))
    close(activation(name, **OPTIONS.get(name, {}))(x), torch.from_numpy(expected))
