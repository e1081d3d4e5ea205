"""Algorithm 1, written out, is what PyTorch's batch normalisation does in training."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from layerlab import LayerlabError
from layerlab.layers import batch_normalize

CASES = [
    (nn.BatchNorm1d, (16, 5)),
    (nn.BatchNorm1d, (4, 5, 7)),
    (nn.BatchNorm2d, (4, 5, 6, 3)),
    (nn.BatchNorm3d, (2, 5, 3, 4, 2)),
]


@pytest.mark.parametrize(("kind", "shape"), CASES)
@pytest.mark.parametrize("epsilon", [1e-5, 1e-3])
def test_outputs_and_gradients_are_torchs(kind, shape, epsilon):
    torch.manual_seed(0)
    module = kind(5, eps=epsilon).double().train()
    nn.init.normal_(module.weight)
    nn.init.normal_(module.bias)
    x = (3 + 2 * torch.randn(shape, dtype=torch.float64)).requires_grad_()
    ours = x.detach().clone().requires_grad_()
    gamma = module.weight.detach().clone().requires_grad_()
    beta = module.bias.detach().clone().requires_grad_()

    expected = module(x)
    made = batch_normalize(ours, gamma, beta, epsilon)
    torch.testing.assert_close(made, expected)

    weights = torch.randn(shape, dtype=torch.float64)
    (expected * weights).sum().backward()
    (made * weights).sum().backward()
    for one, other in ((ours.grad, x.grad), (gamma.grad, module.weight.grad), (beta.grad, module.bias.grad)):
        torch.testing.assert_close(one, other)


def test_without_scale_and_offset_each_channel_has_mean_0_and_variance_1():
    x = 5 + 3 * torch.randn(64, 3, 8, 8, dtype=torch.float64)
    y = batch_normalize(x)
    torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(3, dtype=torch.float64))
    torch.testing.assert_close(y.var((0, 2, 3), correction=0), torch.ones(3, dtype=torch.float64), atol=1e-5, rtol=0)


def test_the_lectures_line_is_wrong_by_the_standard_deviation():
    x = 4 * torch.randn(4096, 1, dtype=torch.float64)
    lecture = (x - x.mean()) / (x.var(correction=0) + 1e-5)
    torch.testing.assert_close(lecture * (x.var(correction=0) + 1e-5).sqrt(), batch_normalize(x))


def test_a_constant_channel_becomes_its_offset():
    y = batch_normalize(torch.full((4, 2), 7.0), beta=torch.tensor([1.0, 2.0]))
    assert torch.equal(y, torch.tensor([[1.0, 2.0]]).expand(4, 2))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((torch.zeros(3),), "batch_normalize takes (N, C, ...), and its input has shape (3,)"),
        ((torch.zeros(1, 3),), "batch_normalize needs more than one value for each channel: one has no variance"),
        (
            (torch.zeros(2, 3), torch.ones(2)),
            "gamma must have 3 numbers, one for each channel, not (2,)",
        ),
        (
            (torch.zeros(2, 3), None, torch.ones(3, 1)),
            "beta must have 3 numbers, one for each channel, not (3, 1)",
        ),
    ],
)
def test_what_cannot_be_normalised_is_refused(arguments, sentence):
    with pytest.raises(LayerlabError) as refusal:
        batch_normalize(*arguments)
    assert str(refusal.value) == sentence
