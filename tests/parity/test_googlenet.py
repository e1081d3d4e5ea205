"""GoogLeNet against torchvision: the same weights, outputs, auxiliary outputs and gradients."""

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
    network: nn.Module = torchvision.models.googlenet(init_weights=False, **knobs)
    return randomise(network)


def test_names_and_shapes_are_torchvisions() -> None:
    theirs = {key: value.shape for key, value in reference().state_dict().items()}
    ours = create("googlenet", device="meta")
    assert {key: value.shape for key, value in ours.state_dict().items()} == theirs


@pytest.mark.parametrize("training", [False, True])
def test_agrees_with_torchvision(training: bool) -> None:
    # In training four images: the last maps are 2 x 2, and a batch norm over few places is ill-conditioned.
    images = torch.randn(4 if training else 2, 3, 64, 64)
    agree(reference(num_classes=10), create("googlenet", num_classes=10), images, training=training)


def test_agrees_without_auxiliary_heads() -> None:
    ours = create("googlenet", num_classes=10, auxiliary=False)
    agree(reference(num_classes=10, aux_logits=False), ours, torch.randn(4, 3, 64, 64), training=True)


@pytest.mark.slow
def test_agrees_on_its_original_input() -> None:
    agree(reference(), create("googlenet"), torch.randn(2, 3, 224, 224), training=True)


def test_the_auxiliary_outputs_are_in_torchvisions_order() -> None:
    theirs = reference(num_classes=10).train()
    ours = create("googlenet", num_classes=10, device="meta").train()
    images = torch.randn(2, 3, 64, 64)
    fields = theirs(images)._fields, ours(images.to("meta"))._fields
    assert fields == (("logits", "aux_logits2", "aux_logits1"), ("logits", "aux2", "aux1"))
