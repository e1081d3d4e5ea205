"""DenseNet against torchvision's with the same weights."""

from __future__ import annotations

import pytest
import torch
import torchvision

from layerlab.zoo import create, transplant
from parity import agree, randomise

pytestmark = pytest.mark.parity

slow = pytest.mark.slow


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize(
    "name",
    [
        "densenet121",
        pytest.param("densenet161", marks=slow),
        pytest.param("densenet169", marks=slow),
        pytest.param("densenet201", marks=slow),
    ],
)
def test_outputs_and_gradients_are_torchvisions(name: str, training: bool) -> None:
    torch.manual_seed(0)
    reference = randomise(torchvision.models.get_model(name, weights=None, num_classes=10))
    agree(reference, create(name, num_classes=10), torch.randn(2, 3, 64, 64), training=training)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_checkpointing_agrees_with_torchvision_too(checkpointing: bool) -> None:
    torch.manual_seed(0)
    reference = torchvision.models.DenseNet(
        growth_rate=12, block_config=(6, 12, 24, 16), num_init_features=24, num_classes=10
    )
    ours = create("densenet121", num_classes=10, growth_rate=12, checkpointing=checkpointing)
    agree(randomise(reference), ours, torch.randn(2, 3, 64, 64), training=True)


@pytest.mark.parametrize("name", ["densenet121", "densenet161", "densenet169", "densenet201"])
def test_published_weights_fit_by_name(name: str) -> None:
    with torch.device("meta"):
        reference = torchvision.models.get_model(name, weights=None)
    ours = create(name, device="meta")
    assert all(mine == theirs for mine, theirs in transplant(reference, ours).items())
    assert list(reference.state_dict()) == list(ours.state_dict())
