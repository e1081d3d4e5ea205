"""Skip connections by addition and by concatenation."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from layerlab import LayerlabError
from layerlab.layers import Add, Concatenate, Skip


def test_add_is_the_sum_of_all_and_changes_none():
    inputs = [torch.full((2, 3), float(value)) for value in (1, 10, 100)]
    assert torch.equal(Add()(*inputs), torch.full((2, 3), 111.0))
    assert torch.equal(inputs[0], torch.ones(2, 3))


def test_add_repeats_an_axis_of_length_one():
    assert Add()(torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 1, 1)).shape == (2, 3, 4, 4)


def test_concatenate_joins_along_its_axis():
    x, y = torch.zeros(2, 3, 4), torch.ones(2, 5, 4)
    assert torch.equal(Concatenate()(x, y), torch.cat((x, y), 1))
    assert Concatenate(dim=-1)(x, x, x).shape == (2, 3, 12)


def test_skip_adds_the_input_to_the_block():
    x = torch.randn(2, 4, 5, 5)
    block = nn.Conv2d(4, 4, 3, padding=1)
    torch.testing.assert_close(Skip(block)(x), block(x) + x)


def test_skip_puts_the_input_beside_the_block():
    x = torch.randn(2, 4, 5, 5)
    block = nn.Conv2d(4, 3, 3, padding=1)
    torch.testing.assert_close(Skip(block, "concatenate")(x), torch.cat((x, block(x)), 1))


def test_the_projection_is_what_the_input_goes_through():
    x = torch.randn(2, 4, 6, 6)
    block, projection = nn.Conv2d(4, 8, 3, 2, 1), nn.Conv2d(4, 8, 1, 2)
    torch.testing.assert_close(Skip(block, projection=projection)(x), block(x) + projection(x))


def test_a_block_that_would_change_its_input_is_refused():
    block = nn.Sequential(nn.Sequential(nn.ReLU(inplace=True)), nn.Linear(4, 4))
    with pytest.raises(ValueError, match=r"^the block's first layer works in place and would change what goes past it"):
        Skip(block)
    Skip(nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True)))  # further on it does no harm
    Skip(block, projection=nn.Linear(4, 4))


def test_the_gradient_reaches_the_input_past_a_block_that_passes_none():
    x = torch.zeros(1, 2, requires_grad=True)
    Skip(nn.ReLU())(x - 1).sum().backward()
    assert torch.equal(x.grad, torch.ones(1, 2))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (Add(), "Add was given no input"),
        (
            lambda: Add()(torch.zeros(2, 3), torch.zeros(2, 4)),
            "Add needs inputs of one shape, and was given 2x3, 2x4",
        ),
        (
            lambda: Add()(torch.zeros(2, 3), torch.zeros(3)),
            "Add needs inputs of one shape, and was given 2x3, 3",
        ),
        (Concatenate(), "Concatenate was given no input"),
        (
            lambda: Concatenate()(torch.zeros(2, 3, 4), torch.zeros(2, 3, 5)),
            "Concatenate needs inputs that differ along axis 1 at most, and was given 2x3x4, 2x3x5",
        ),
        (
            lambda: Concatenate()(torch.zeros(2, 3, 4), torch.zeros(2, 4)),
            "Concatenate needs inputs that differ along axis 1 at most, and was given 2x3x4, 2x4",
        ),
        (lambda: Concatenate(3)(torch.zeros(2, 3)), "Concatenate has dim=3, and was given 2x3"),
        (
            lambda: Skip(nn.Conv2d(4, 8, 3, 2, 1))(torch.zeros(1, 4, 6, 6)),
            "Skip cannot add 1x4x6x6, which came past the block, to 1x8x3x3, which came out of it: give a projection, "
            "such as a 1x1 convolution of the same stride",
        ),
        (
            lambda: Skip(nn.MaxPool2d(2), "concatenate")(torch.zeros(1, 4, 6, 6)),
            "Skip cannot put 1x4x6x6, which came past the block, beside 1x4x3x3, which came out of it: they may differ "
            "in the number of channels only",
        ),
    ],
)
def test_shapes_that_do_not_fit_are_refused(make, sentence):
    with pytest.raises(LayerlabError) as refusal:
        make()
    assert str(refusal.value) == sentence


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r'^mode must be "add" or "concatenate", not \'sum\'$'):
        Skip(nn.Identity(), "sum")
    with pytest.raises(ValueError, match=r"^dim must be a whole number, not None$"):
        Concatenate(None)
