"""Convolution and dense layers with their activation."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from layerlab import LayerlabError
from layerlab.layers import SamePadding, activation_names, convolution, dense


@pytest.mark.parametrize("name", [None, "linear"])
def test_without_an_activation_the_layer_is_pytorchs_own(name):
    assert type(dense(3, 4, name)) is nn.Linear
    assert type(convolution(3, 4, 3, activation=name)) is nn.Conv2d


@pytest.mark.parametrize("name", activation_names())
def test_every_activation_works_by_name(name):
    assert dense(3, 6, activation=name)(torch.randn(2, 5, 3)).shape == (2, 5, 6)
    assert convolution(3, 6, 3, activation=name)(torch.randn(2, 3, 5, 5)).shape == (2, 6, 3, 3)


def test_children_have_names():
    assert [name for name, _ in dense(3, 4, "relu").named_children()] == ["dense", "activation"]
    layer = convolution(3, 4, 3, stride=2, padding="same", activation="relu")
    assert [name for name, _ in layer.named_children()] == ["padding", "convolution", "activation"]


def test_softmax_is_over_the_channels_of_an_image_and_the_last_axis_of_a_row():
    image = convolution(1, 4, 1, activation="softmax")(torch.randn(2, 1, 3, 3))
    torch.testing.assert_close(image.sum(1), torch.ones(2, 3, 3))
    rows = dense(3, 4, activation="softmax")(torch.randn(2, 5, 3))
    torch.testing.assert_close(rows.sum(-1), torch.ones(2, 5))


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_arguments_reach_the_convolution(dims):
    layer = convolution(4, 8, 3, 2, 1, 2, 4, bias=False, dims=dims)
    assert type(layer) is (nn.Conv1d, nn.Conv2d, nn.Conv3d)[dims - 1]
    assert (layer.kernel_size, layer.stride, layer.padding, layer.dilation) == tuple((n,) * dims for n in (3, 2, 1, 2))
    assert (layer.groups, layer.bias) == (4, None)


def test_same_is_plain_numbers_where_both_sides_are_alike():
    assert convolution(1, 1, (3, 5), padding="same", dilation=(2, 1)).padding == (2, 2)
    assert isinstance(convolution(1, 1, 3, stride=2, padding="same").padding, SamePadding)
    assert isinstance(convolution(1, 1, 2, padding="same").padding, SamePadding)


def test_padding_of_one_pair_for_each_axis():
    torch.manual_seed(0)
    layer = convolution(1, 1, 3, padding=((1, 0), (2, 3)))
    x = torch.randn(1, 1, 4, 4)
    conv = layer.convolution
    expected = functional.conv2d(functional.pad(x, (2, 3, 1, 0)), conv.weight, conv.bias)
    torch.testing.assert_close(layer(x), expected)


def test_padding_of_one_number_for_each_axis_is_pytorchs():
    assert convolution(1, 1, 3, padding=(1, 2)).padding == (1, 2)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"padding": "some"}, 'padding must be "valid", "same", a number or numbers, not "some"'),
        ({"padding": -1}, "padding must be a whole number of at least 0, not -1"),
        ({"padding": ((1, 2),)}, "padding must have one (before, after) for each of 2 axes, not ((1, 2),)"),
        ({"padding": ((1, 2), (1, -2))}, "padding must be a whole number of at least 0, not -2"),
        ({"stride": 0}, "stride must be a whole number of at least 1, not 0"),
        ({"dims": 4}, "dims must be 1, 2 or 3, not 4"),
        ({"groups": 3}, "groups must divide the channels, and 4 in and 8 out are not divisible by 3"),
    ],
)
def test_arguments_out_of_range_are_refused(options, sentence):
    with pytest.raises(ValueError) as refusal:
        convolution(4, 8, 3, **options)
    assert str(refusal.value) == sentence


def test_sizes_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"^in_features must be a whole number of at least 1, not 0$"):
        dense(0, 1)
    with pytest.raises(ValueError, match=r"^out_channels must be a whole number of at least 1, not 0$"):
        convolution(1, 0, 3)


def test_an_unknown_activation_is_refused():
    with pytest.raises(LayerlabError, match=r'^unknown activation "rely"; did you mean '):
        convolution(1, 1, 3, activation="rely")
    with pytest.raises(LayerlabError, match=r'^activation "linear" has no option "slope"$'):
        dense(1, 1, slope=2)
