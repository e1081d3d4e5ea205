"""Inception v3 against torchvision: the same weights, outputs, auxiliary outputs and gradients."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from layerlab.zoo import create
from parity import agree, randomise

pytestmark = pytest.mark.parity


def reference(**knobs: object) -> nn.Module:
    torch.manual_seed(0)
    network: nn.Module = torchvision.models.inception_v3(init_weights=False, transform_input=False, **knobs)
    return randomise(network)


def test_names_and_shapes_are_torchvisions() -> None:
    theirs = {key: value.shape for key, value in reference().state_dict().items()}
    ours = create("inception_v3", device="meta")
    assert {key: value.shape for key, value in ours.state_dict().items()} == theirs


def test_agrees_with_torchvision_in_evaluation() -> None:
    agree(reference(num_classes=10), create("inception_v3", num_classes=10), torch.randn(2, 3, 75, 75), training=False)


def test_agrees_with_torchvision_in_training() -> None:
    # At 75 the last maps are single places, over two of which a batch norm is ill-conditioned; at 139 they are 3 x 3.
    # torchvision's auxiliary head takes no less than 299: see below.
    ours = create("inception_v3", num_classes=10, auxiliary=False)
    agree(reference(num_classes=10, aux_logits=False), ours, torch.randn(3, 3, 139, 139), training=True)


@pytest.mark.slow
def test_agrees_with_the_auxiliary_head() -> None:
    agree(reference(), create("inception_v3"), torch.randn(2, 3, 299, 299), training=True)
