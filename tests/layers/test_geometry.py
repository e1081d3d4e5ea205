"""Window arithmetic agrees with what PyTorch makes, on every drawn case."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from layerlab import LayerlabError
from layerlab.layers import (
    SamePadding,
    output_size,
    padding_amounts,
    same_padding,
    transposed_convolution,
    transposed_crop,
    transposed_output_size,
)

sizes = st.integers(1, 40)
kernels = st.integers(1, 9)
strides = st.integers(1, 6)
dilations = st.integers(1, 4)
amounts = st.integers(0, 6)
paddings = st.one_of(amounts, st.tuples(amounts, amounts), st.just("valid"), st.just("same"))


def torch_says(module: nn.Module, size: int, device: str = "meta") -> int | None:
    """Return the length that PyTorch makes, by default without computing it; ``None`` where it refuses."""
    try:
        made = module.to(device)(torch.zeros(1, 1, size, device=device))
    except RuntimeError:
        return None
    return int(made.shape[-1])


def we_say(function, *arguments, **options) -> int | None:
    """Return our length; ``None`` where we refuse."""
    try:
        return function(*arguments, **options)
    except LayerlabError:
        return None


@given(sizes, kernels, strides, paddings, dilations)
@example(2, 3, 1, 0, 1)
@example(5, 1, 3, (0, 0), 1)
def test_output_size_agrees_with_convolution(size, kernel, stride, padding, dilation):
    pads = padding_amounts(padding, size, kernel, stride, dilation)
    convolution = nn.Sequential(nn.ConstantPad1d(pads, 0.0), nn.Conv1d(1, 1, kernel, stride, dilation=dilation))
    assert we_say(output_size, size, kernel, stride, padding, dilation) == torch_says(convolution, size)


@given(sizes, kernels, strides, amounts, dilations)
def test_output_size_agrees_with_convolution_that_pads_itself(size, kernel, stride, padding, dilation):
    convolution = nn.Conv1d(1, 1, kernel, stride, padding, dilation)
    assert we_say(output_size, size, kernel, stride, padding, dilation) == torch_says(convolution, size)


@given(sizes, kernels, strides, st.data(), dilations, st.booleans())
@example(5, 2, 3, None, 1, True)
def test_output_size_agrees_with_max_pooling(size, kernel, stride, data, dilation, ceil_mode):
    # PyTorch's pooling refuses a padding above half of its kernel.
    padding = data.draw(st.integers(0, kernel // 2)) if data else 0
    pool = nn.MaxPool1d(kernel, stride, padding, dilation, ceil_mode=ceil_mode)
    assert we_say(output_size, size, kernel, stride, padding, dilation, ceil_mode=ceil_mode) == torch_says(pool, size)


@given(sizes, kernels, strides, st.data(), st.booleans())
def test_output_size_agrees_with_average_pooling(size, kernel, stride, data, ceil_mode):
    padding = data.draw(st.integers(0, kernel // 2))
    pool = nn.AvgPool1d(kernel, stride, padding, ceil_mode=ceil_mode)
    assert we_say(output_size, size, kernel, stride, padding, ceil_mode=ceil_mode) == torch_says(pool, size)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # PyTorch's, on its own copy
@given(sizes, kernels, dilations)
def test_same_with_stride_one_agrees_with_torch(size, kernel, dilation):
    convolution = nn.Conv1d(1, 1, kernel, padding="same", dilation=dilation)
    assert output_size(size, kernel, padding="same", dilation=dilation) == torch_says(convolution, size) == size


@given(sizes, kernels, strides, dilations)
def test_same_is_keras_and_pads_no_more_than_needed(size, kernel, stride, dilation):
    before, after = same_padding(size, kernel, stride, dilation)
    wanted = math.ceil(size / stride)
    assert output_size(size, kernel, stride, "same", dilation) == wanted
    assert after - before in (0, 1)
    if before + after:
        assert we_say(output_size, size, kernel, stride, (before, after - 1), dilation) in (wanted - 1 or None, None)


@given(sizes, kernels, strides, amounts, st.integers(0, 6), dilations)
@example(1, 1, 1, 1, 0, 1)
@example(3, 2, 1, 0, 1, 2)
def test_transposed_output_size_agrees_with_torch(size, kernel, stride, padding, output_padding, dilation):
    convolution = nn.ConvTranspose1d(1, 1, kernel, stride, padding, output_padding, dilation=dilation)
    ours = we_say(transposed_output_size, size, kernel, stride, padding, output_padding, dilation)
    assert ours == torch_says(convolution, size, device="cpu")  # "meta" takes any output padding


@given(sizes, kernels, strides, st.sampled_from(["valid", "same"]), dilations)
def test_transposed_words_are_keras(size, kernel, stride, padding, dilation):
    reach = dilation * (kernel - 1) + 1
    wanted = size * stride + (max(0, reach - stride) if padding == "valid" else 0)
    assert transposed_output_size(size, kernel, stride, padding, dilation=dilation) == wanted
    made = transposed_convolution(1, 1, kernel, stride, padding, dilation=dilation, dims=1)
    assert torch_says(made, size) == wanted


@given(sizes, kernels, strides, st.sampled_from(["valid", "same"]), st.integers(0, 5), dilations)
def test_transposed_words_with_output_padding(size, kernel, stride, padding, output_padding, dilation):
    assume(output_padding < max(stride, dilation))
    reach = dilation * (kernel - 1) + 1
    base = reach if padding == "valid" else reach % 2
    wanted = (size - 1) * stride + base + output_padding
    assert we_say(transposed_output_size, size, kernel, stride, padding, output_padding, dilation) == (wanted or None)


@given(st.integers(2, 40), kernels, strides)
def test_transposed_undoes_same(size, kernel, stride):
    assert output_size(transposed_output_size(size, kernel, stride, "same"), kernel, stride, "same") == size


def test_the_lectures_numbers():
    assert output_size(4, kernel=2, stride=2) == 2
    assert output_size(28, kernel=3) == 26
    assert output_size(5, kernel=3) == 3  # the dense layer in its place would have 25 x 9 weights


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"size": 2, "kernel": 3},
            "a window of 3 does not fit an input of 2: the smallest input is 3",
        ),
        (
            {"size": 2, "kernel": 3, "padding": (1, 1), "dilation": 2},
            "a window of 5 (kernel 3 with dilation 2) does not fit an input of 2 + 1 + 1: the smallest input is 3",
        ),
        ({"size": 5, "kernel": 3, "stride": 0}, "stride must be a whole number of at least 1, not 0"),
        ({"size": 0, "kernel": 1}, "size must be a whole number of at least 1, not 0"),
        ({"size": 5, "kernel": 2.0}, "kernel must be a whole number of at least 1, not 2.0"),
        ({"size": 5, "kernel": True}, "kernel must be a whole number of at least 1, not True"),
        ({"size": 5, "kernel": 3, "dilation": -1}, "dilation must be a whole number of at least 1, not -1"),
        ({"size": 5, "kernel": 3, "padding": "smae"}, 'unknown padding "smae"; did you mean "same"?'),
        ({"size": 5, "kernel": 3, "padding": (1, -1)}, "padding must be a whole number of at least 0, not -1"),
        (
            {"size": 5, "kernel": 3, "padding": (1, 2, 3)},
            'padding must be "valid", "same", a whole number of at least 0 or two of them, not (1, 2, 3)',
        ),
    ],
)
def test_output_size_refuses_in_one_sentence(arguments, sentence):
    with pytest.raises(LayerlabError) as refusal:
        output_size(**arguments)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"size": 7, "kernel": 3, "stride": 2, "output_padding": 2},
            "output padding 2 must be smaller than the stride 2 or the dilation 1",
        ),
        (
            {"size": 1, "kernel": 2, "padding": 1},
            "padding 1 takes off all of the 2 numbers that a transposed window of 2 makes of an input of 1: "
            "use less padding",
        ),
        ({"size": 1, "kernel": 2, "stride": 0}, "stride must be a whole number of at least 1, not 0"),
        (
            {"size": 1, "kernel": 2, "output_padding": -1},
            "output padding must be a whole number of at least 0, not -1",
        ),
    ],
)
def test_transposed_output_size_refuses_in_one_sentence(arguments, sentence):
    with pytest.raises(LayerlabError) as refusal:
        transposed_output_size(**arguments)
    assert str(refusal.value) == sentence


@given(sizes, kernels, strides)
def test_same_padding_is_what_the_layer_pads(size, kernel, stride):
    before, after = same_padding(size, kernel, stride)
    padded = SamePadding((kernel,), stride)(torch.ones(1, 1, size))
    assert torch.equal(padded, functional.pad(torch.ones(1, 1, size), (before, after)))


def test_transposed_crop_is_torchs_two_numbers():
    before, after = transposed_crop(3, 2, 1, 1)
    assert (before, before - after) == (1, 1)
