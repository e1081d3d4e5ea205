"""Transposed convolution: the gradient of the convolution, used forwards."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from layerlab import LayerlabError
from layerlab.layers import Crop, convolution, transposed_convolution, transposed_output_size


@given(st.integers(1, 7), st.integers(1, 5), st.integers(1, 4), st.integers(1, 2), st.integers(1, 2))
def test_same_is_the_gradient_of_the_convolution_with_same(size, kernel, stride, dilation, dims):
    torch.manual_seed(0)
    options = {"padding": "same", "dilation": dilation, "bias": False, "dims": dims}
    down = convolution(1, 1, kernel, stride, **options).double()
    up = transposed_convolution(1, 1, kernel, stride, **options).double()
    up.load_state_dict(dict(zip(up.state_dict(), down.state_dict().values(), strict=True)))

    large = torch.randn(1, 1, *(size * stride,) * dims, dtype=torch.float64, requires_grad=True)
    small = torch.randn(1, 1, *(size,) * dims, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(down(large), large, small)
    torch.testing.assert_close(up(small), gradient)


@given(st.integers(1, 7), st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(0, 2))
def test_numbers_are_pytorchs(size, kernel, stride, padding, longer):
    assume(longer < stride and (size - 1) * stride - 2 * padding + kernel + longer > 0)
    layer = transposed_convolution(2, 3, kernel, stride, padding, longer)
    assert type(layer) is nn.ConvTranspose2d
    x = torch.randn(1, 2, size, size)
    expected = functional.conv_transpose2d(x, layer.weight, layer.bias, stride, padding, longer)
    torch.testing.assert_close(layer(x), expected)
    assert expected.shape[-1] == transposed_output_size(size, kernel, stride, padding, longer)


def test_the_bias_reaches_every_place():
    layer = transposed_convolution(1, 1, 1, stride=3, padding="same")
    nn.init.constant_(layer.bias, 5.0)
    assert torch.equal(layer(torch.zeros(1, 1, 2, 2)), torch.full((1, 1, 6, 6), 5.0))


def test_children_have_names():
    layer = transposed_convolution(1, 1, 3, stride=2, padding="same", activation="relu")
    assert [name for name, _ in layer.named_children()] == ["convolution", "crop", "activation"]
    assert layer.crop.amounts == ((0, 1), (0, 1))
    assert type(transposed_convolution(1, 1, 2, stride=2, padding="same")) is nn.ConvTranspose2d


def test_maxout_by_name_is_as_wide_as_asked():
    layer = transposed_convolution(2, 3, 3, stride=2, padding="same", activation="maxout", pieces=4)
    assert layer(torch.zeros(1, 2, 5, 5)).shape == (1, 3, 10, 10)


def test_crop_takes_off_the_edges():
    x = torch.arange(20).reshape(1, 1, 4, 5)
    assert torch.equal(Crop([(1, 0), (2, 1)])(x), x[:, :, 1:, 2:-1])


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"^padding must be a whole number of at least 0, not -1$"):
        transposed_convolution(1, 1, 3, padding=-1)
    with pytest.raises(ValueError, match=r'^padding must be "valid", "same", a number or numbers, not "some"$'):
        transposed_convolution(1, 1, 3, padding="some")
    with pytest.raises(LayerlabError, match=r"^output padding 2 must be smaller than the stride 2 or the dilation 1$"):
        transposed_convolution(1, 1, 3, stride=2, output_padding=2)
    with pytest.raises(ValueError, match=r"^dims must be 1, 2 or 3, not 0$"):
        transposed_convolution(1, 1, 3, dims=0)
    with pytest.raises(ValueError, match=r"^amounts must be a whole number of at least 0, not -1$"):
        Crop([(1, -1)])
