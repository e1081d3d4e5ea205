"""Maxout against its formula, max(w1'x + b1, w2'x + b2), with gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from layerlab import LayerlabError
from layerlab.layers import Maxout, MaxoutConv2d, MaxoutLinear, convolution, dense


@pytest.mark.parametrize("pieces", [1, 2, 3, 5])
def test_dense_is_the_formula(pieces):
    torch.manual_seed(pieces)
    layer = MaxoutLinear(6, 4, pieces).double()
    x = torch.randn(7, 6, dtype=torch.float64)
    weight = layer.linear.weight.detach().clone().requires_grad_()
    bias = layer.linear.bias.detach().clone().requires_grad_()

    # unit j has the rows pieces*j, pieces*j + 1, ...
    expected = torch.stack(
        [
            torch.stack([x @ weight[pieces * unit + piece] + bias[pieces * unit + piece] for piece in range(pieces)])
            .max(0)
            .values
            for unit in range(4)
        ],
        dim=1,
    )
    made = layer(x)
    torch.testing.assert_close(made, expected)

    made.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(layer.linear.weight.grad, weight.grad)
    torch.testing.assert_close(layer.linear.bias.grad, bias.grad)


@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_convolution_is_the_formula(pieces):
    torch.manual_seed(pieces)
    layer = MaxoutConv2d(3, 4, 3, pieces, stride=2, padding=1).double()
    x = torch.randn(2, 3, 9, 8, dtype=torch.float64)
    weight = layer.convolution.weight.detach().clone().requires_grad_()
    bias = layer.convolution.bias.detach().clone().requires_grad_()

    answers = [
        functional.conv2d(x, weight[piece::pieces], bias[piece::pieces], stride=2, padding=1) for piece in range(pieces)
    ]
    expected = torch.stack(answers).max(0).values
    made = layer(x)
    torch.testing.assert_close(made, expected)

    made.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(layer.convolution.weight.grad, weight.grad)
    torch.testing.assert_close(layer.convolution.bias.grad, bias.grad)


@pytest.mark.parametrize("dim", [1, -3])
def test_it_takes_any_number_of_axes(dim):
    x = torch.randn(2, 6, 5, 4)
    assert torch.equal(Maxout(3, dim)(x), torch.stack([x[:, 0::3], x[:, 1::3], x[:, 2::3]]).max(0).values)


def test_an_empty_batch_passes():
    assert Maxout(2)(torch.zeros(0, 4, 3)).shape == (0, 2, 3)


def test_one_piece_changes_nothing():
    x = torch.randn(2, 3)
    assert torch.equal(Maxout(1)(x), x)


def test_a_leaky_relu_is_a_maxout():
    layer = MaxoutLinear(1, 1, pieces=2, bias=False)
    layer.linear.weight.data = torch.tensor([[1.0], [0.1]])
    x = torch.linspace(-3, 3, 13).unsqueeze(1)
    torch.testing.assert_close(layer(x), functional.leaky_relu(x, 0.1))


def test_by_name_it_is_as_wide_as_asked():
    assert dense(6, 4, activation="maxout", pieces=3)(torch.zeros(2, 5, 6)).shape == (2, 5, 4)
    assert convolution(3, 8, 3, activation="maxout")(torch.zeros(2, 3, 9, 9)).shape == (2, 8, 7, 7)
    assert convolution(3, 8, 3, activation="maxout", groups=1, dims=1)(torch.zeros(2, 3, 9)).shape == (2, 8, 7)


def test_by_name_and_as_a_layer_it_is_the_same():
    torch.manual_seed(0)
    named = dense(6, 4, activation="maxout", pieces=3)
    torch.manual_seed(0)
    layer = MaxoutLinear(6, 4, pieces=3)
    x = torch.randn(2, 6)
    assert torch.equal(named(x), layer(x))


def test_the_convolution_says_its_window():
    layer = MaxoutConv2d(3, 4, (3, 5), stride=2, padding=1, dilation=2)
    assert (layer.kernel_size, layer.stride, layer.padding, layer.dilation) == ((3, 5), (2, 2), (1, 1), (2, 2))


def test_channels_that_cannot_be_divided_are_refused():
    with pytest.raises(LayerlabError) as refusal:
        Maxout(3)(torch.zeros(1, 8))
    assert str(refusal.value) == (
        "Maxout takes the maximum of every 3 channels, and 8 channels are not divisible by 3: make the layer before "
        "it 3 times as wide"
    )


def test_an_axis_that_is_not_there_is_refused():
    with pytest.raises(LayerlabError, match=r"Maxout has dim=3 and its input has 2 dimensions"):
        Maxout(dim=3)(torch.zeros(1, 8))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Maxout(0), "pieces must be a whole number of at least 1, not 0"),
        (lambda: Maxout(2, "1"), "dim must be a whole number, not '1'"),
        (lambda: MaxoutLinear(0, 1), "in_features must be a whole number of at least 1, not 0"),
        (lambda: MaxoutLinear(1, -1), "out_features must be a whole number of at least 1, not -1"),
        (lambda: MaxoutConv2d(1, 2.0, 3), "out_channels must be a whole number of at least 1, not 2.0"),
    ],
)
def test_arguments_out_of_range_are_refused(make, sentence):
    with pytest.raises(ValueError, match=r"^" + sentence.replace(".", r"\.") + "$"):
        make()


def test_the_layers_hold_pytorchs_own_modules():
    assert isinstance(MaxoutLinear(1, 1).linear, nn.Linear)
    assert isinstance(MaxoutConv2d(1, 1, 1).convolution, nn.Conv2d)
