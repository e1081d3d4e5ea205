"""Global pooling: one number a channel."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from layerlab import LayerlabError
from layerlab.layers import GlobalAveragePool1d, GlobalAveragePool2d, GlobalMaxPool1d, GlobalMaxPool2d

PAIRS = [
    (GlobalAveragePool1d, nn.AdaptiveAvgPool1d, (2, 3, 7)),
    (GlobalMaxPool1d, nn.AdaptiveMaxPool1d, (2, 3, 7)),
    (GlobalAveragePool2d, nn.AdaptiveAvgPool2d, (2, 3, 7, 5)),
    (GlobalMaxPool2d, nn.AdaptiveMaxPool2d, (2, 3, 7, 5)),
]


@pytest.mark.parametrize(("ours", "torchs", "shape"), PAIRS)
def test_numbers_and_gradients_are_those_of_torchs_pooling_to_one_place(ours, torchs, shape):
    x = torch.randn(shape, dtype=torch.float64)
    one, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    made, expected = ours(keepdim=True)(one), torchs(1)(other)
    torch.testing.assert_close(made, expected)
    made.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(one.grad, other.grad)


@pytest.mark.parametrize(("ours", "torchs", "shape"), PAIRS)
def test_the_pooled_axes_go_unless_kept(ours, torchs, shape):
    x = torch.randn(shape)
    torch.testing.assert_close(ours()(x), torchs(1)(x).flatten(1))
    assert ours()(x).shape == shape[:2]


@pytest.mark.parametrize(("ours", "torchs", "shape"), PAIRS)
def test_an_input_of_other_axes_is_refused(ours, torchs, shape):
    with pytest.raises(LayerlabError) as refusal:
        ours()(torch.zeros(2, 3))
    expected = {3: "(N, C, L)", 4: "(N, C, H, W)"}[len(shape)]
    assert str(refusal.value) == f"{ours.__name__} takes {expected}, and its input has shape (2, 3)"
