"""MobileNet v2 against torchvision's with the same weights."""

from __future__ import annotations

import pytest
import torch
import torchvision

from layerlab.zoo import create
from parity import agree, randomise

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize(("name", "width"), [("mobilenet_v2", 1.0), ("mobilenet_v2_025", 0.25)])
def test_outputs_and_gradients_are_torchvisions(name: str, width: float, training: bool) -> None:
    torch.manual_seed(0)
    reference = randomise(torchvision.models.mobilenet_v2(num_classes=10, width_mult=width))
    agree(reference, create(name, num_classes=10), torch.randn(4, 3, 64, 64), training=training)


@pytest.mark.parametrize(("suffix", "width"), [("", 1.0), ("_075", 0.75), ("_050", 0.5), ("_025", 0.25)])
def test_weights_of_every_width_fit_by_name(suffix: str, width: float) -> None:
    with torch.device("meta"):
        reference = torchvision.models.mobilenet_v2(width_mult=width).state_dict()
    ours = create(f"mobilenet_v2{suffix}", device="meta").state_dict()
    assert {name: value.shape for name, value in reference.items()} == {n: v.shape for n, v in ours.items()}
