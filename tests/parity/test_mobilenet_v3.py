"""MobileNet v3 with the weights of others: torchvision's at width 1, timm's in the narrower widths as published."""

from __future__ import annotations

import pytest
import timm
import torch
import torchvision
from torch import nn

from layerlab.zoo import create
from parity import agree, randomise

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("size", ["large", "small"])
def test_outputs_and_gradients_are_torchvisions(size: str, training: bool) -> None:
    name = f"mobilenet_v3_{size}"
    torch.manual_seed(0)
    reference = randomise(torchvision.models.get_model(name, weights=None, num_classes=10))
    agree(reference, create(name, num_classes=10), torch.randn(4, 3, 64, 64), training=training)


@pytest.mark.parametrize("size", ["large", "small"])
def test_torchvisions_weights_fit_by_name(size: str) -> None:
    with torch.device("meta"):
        reference = torchvision.models.get_model(f"mobilenet_v3_{size}", weights=None).state_dict()
    ours = create(f"mobilenet_v3_{size}", device="meta").state_dict()
    assert {name: value.shape for name, value in reference.items()} == {n: v.shape for n, v in ours.items()}


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("name", ["mobilenetv3_small_075", "mobilenetv3_large_075"])
def test_outputs_and_gradients_of_a_narrow_one_are_timms(name: str, training: bool) -> None:
    torch.manual_seed(0)
    reference = timm.create_model(name, num_classes=10)
    for part in reference.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eps, part.momentum = 1e-3, 0.01
    # In double precision: before a norm a bias has no gradient but rounding, and the two pool by different means.
    ours = create(f"mobilenet_v3_{name[12:]}", num_classes=10).double()
    agree(randomise(reference).double(), ours, torch.randn(4, 3, 64, 64).double(), training=training)
