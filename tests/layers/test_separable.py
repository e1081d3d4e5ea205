"""Depthwise-separable convolution against the full convolution that it factors."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from layerlab.layers import SeparableConv2d


@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, 0, 1), (2, 1, 1), ((1, 2), (2, 0), (1, 2))])
def test_it_is_the_full_convolution_with_the_product_of_its_kernels(multiplier, stride, padding, dilation):
    torch.manual_seed(0)
    layer = SeparableConv2d(3, 5, 3, stride, padding, dilation, multiplier).double()
    x = torch.randn(2, 3, 9, 10, dtype=torch.float64)
    depthwise = layer.depthwise.weight.reshape(3, multiplier, 3, 3)
    pointwise = layer.pointwise.weight.reshape(5, 3, multiplier)
    full = torch.einsum("ocm,cmhw->ochw", pointwise, depthwise)
    expected = functional.conv2d(x, full, layer.pointwise.bias, stride, padding, dilation)
    torch.testing.assert_close(layer(x), expected)


def test_parameters_are_a_sum_of_two_products():
    layer = SeparableConv2d(64, 128, 3)
    assert sum(weight.numel() for weight in layer.parameters()) == 3 * 3 * 64 + 64 * 128 + 128


def test_same_with_a_stride_gives_size_over_stride_rounded_up():
    assert SeparableConv2d(2, 3, 3, stride=2, padding="same")(torch.zeros(1, 2, 7, 8)).shape == (1, 3, 4, 4)


def test_it_says_its_window():
    layer = SeparableConv2d(2, 3, (3, 5), stride=1, padding="same", dilation=2)
    assert (layer.kernel_size, layer.stride, layer.padding, layer.dilation) == ((3, 5), (1, 1), (2, 4), (2, 2))
    assert SeparableConv2d(2, 3, 3, stride=2, padding="same").padding == "same"


def test_bias_is_the_last_convolutions():
    assert SeparableConv2d(2, 3, 3).depthwise.bias is None
    assert SeparableConv2d(2, 3, 3, bias=False).pointwise.bias is None


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"^depth_multiplier must be a whole number of at least 1, not 0$"):
        SeparableConv2d(2, 3, 3, depth_multiplier=0)
