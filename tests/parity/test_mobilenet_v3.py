"""MobileNet v3 against torchvision's with the same weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torchvision.models import mobilenetv3

from layerlab.zoo import create
from parity import agree, randomise

pytestmark = pytest.mark.parity


def torchvisions(size: str, width: float, **options: Any) -> mobilenetv3.MobileNetV3:
    """Return torchvision's network of any width; its public builders have the full one only."""
    rows, last = mobilenetv3._mobilenet_v3_conf(f"mobilenet_v3_{size}", width_mult=width)
    return mobilenetv3.MobileNetV3(rows, last, **options)


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize(
    ("name", "size", "width"),
    [
        ("mobilenet_v3_large", "large", 1.0),
        ("mobilenet_v3_small", "small", 1.0),
        ("mobilenet_v3_small_025", "small", 0.25),
    ],
)
def test_outputs_and_gradients_are_torchvisions(name: str, size: str, width: float, training: bool) -> None:
    torch.manual_seed(0)
    reference = randomise(torchvisions(size, width, num_classes=10))
    agree(reference, create(name, num_classes=10), torch.randn(4, 3, 64, 64), training=training)


@pytest.mark.parametrize("size", ["large", "small"])
@pytest.mark.parametrize(("suffix", "width"), [("", 1.0), ("_075", 0.75), ("_050", 0.5), ("_025", 0.25)])
def test_weights_of_every_width_fit_by_name(size: str, suffix: str, width: float) -> None:
    with torch.device("meta"):
        reference = torchvisions(size, width).state_dict()
    ours = create(f"mobilenet_v3_{size}{suffix}", device="meta").state_dict()
    assert {name: value.shape for name, value in reference.items()} == {n: v.shape for n, v in ours.items()}
