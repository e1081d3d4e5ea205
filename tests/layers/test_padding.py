"""Keras's ``same`` padding as a module."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from layerlab import LayerlabError
from layerlab.layers import SamePadding, convolution, same_padding


@given(st.data(), st.integers(1, 3))
def test_each_axis_is_padded_as_the_arithmetic_says(data, dims):
    def axes(most):
        return data.draw(st.tuples(*[st.integers(1, most)] * dims))

    size, kernel, stride, dilation = axes(8), axes(4), axes(3), axes(2)
    x = torch.ones(1, 1, *size)
    padded = SamePadding(kernel, stride, dilation, value=-2.0)(x)
    pads = [same_padding(*axis) for axis in zip(size, kernel, stride, dilation, strict=True)]
    flat = [amount for pair in reversed(pads) for amount in pair]
    assert torch.equal(padded, functional.pad(x, flat, value=-2.0))


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("size", [7, 8])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_convolution_gives_size_over_stride_rounded_up(dims, size, kernel, stride):
    layer = convolution(1, 1, kernel, stride, padding="same", dims=dims)
    assert layer(torch.zeros(1, 1, *(size,) * dims)).shape[2:] == (math.ceil(size / stride),) * dims


def test_the_odd_remainder_goes_right_and_down():
    padded = SamePadding(2)(torch.ones(1, 1, 2, 2))
    assert torch.equal(padded[0, 0], torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]))


def test_no_padding_returns_the_input_itself():
    x = torch.ones(1, 1, 4, 4)
    assert SamePadding(2, stride=2)(x) is x


def test_the_number_of_axes_comes_from_a_tuple_or_from_dims():
    assert SamePadding((3,)).dims == SamePadding(3, dims=1).dims == SamePadding(3, stride=(2,)).dims == 1
    assert SamePadding(3).kernel_size == (3, 3)


def test_an_image_without_batch_is_padded():
    assert SamePadding(3)(torch.zeros(1, 4, 4)).shape == (1, 6, 6)


def test_an_input_of_other_axes_is_refused():
    with pytest.raises(LayerlabError) as refusal:
        SamePadding(3)(torch.zeros(2, 3))
    assert str(refusal.value) == (
        "SamePadding for 2 spatial axes takes (N, C, *spatial), and its input has shape (2, 3)"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0,), "kernel_size must be a whole number of at least 1, not 0"),
        ((3, 0), "stride must be a whole number of at least 1, not 0"),
        (((3, 3), (1, 1, 1)), "stride must be one number or 2, not (1, 1, 1)"),
        (((3, 3, 3, 3),), "the number of spatial axes must be 1, 2 or 3, not 4"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, sentence):
    with pytest.raises(ValueError) as refusal:
        SamePadding(*arguments)
    assert str(refusal.value) == sentence
