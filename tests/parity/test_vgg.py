"""VGG against torchvision: the same weights, outputs and gradients."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from layerlab.zoo import create
from parity import agree, randomise

pytestmark = pytest.mark.parity

NAMES = [f"vgg{depth}{suffix}" for depth in (11, 13, 16, 19) for suffix in ("", "_bn")]
DEFAULT = ("vgg11_bn", "vgg16", "vgg19_bn")  # the others are the same lines with another row of the table


@pytest.mark.parametrize("name", NAMES)
def test_names_and_shapes_are_torchvisions(name: str) -> None:
    with torch.device("meta"):
        reference = getattr(torchvision.models, name)()
    ours = create(name, device="meta")
    theirs = {key: value.shape for key, value in reference.state_dict().items()}
    assert {key: value.shape for key, value in ours.state_dict().items()} == theirs


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize(
    "name",
    [name if name in DEFAULT else pytest.param(name, marks=pytest.mark.slow) for name in NAMES],
)
def test_agrees_with_torchvision(name: str, training: bool) -> None:
    # The image of 64 leaves maps of 4 x 4 to the last norms: over two single places a batch norm is ill-conditioned.
    torch.manual_seed(0)
    with torch.device("meta"):
        reference = getattr(torchvision.models, name)(num_classes=10)
    agree(
        filled(reference),
        filled(create(name, num_classes=10, device="meta")),
        torch.randn(2, 3, 64, 64),
        training=training,
    )


def filled(network: nn.Module) -> nn.Module:
    """Bring a network from ``meta`` with 32 hidden dense units: drawing a hundred million weights takes seconds."""
    for index, sizes in ((0, (512 * 49, 32)), (3, (32, 32)), (6, (32, 10))):
        network.set_submodule(f"classifier.{index}", nn.Linear(*sizes))
    network.to_empty(device="cpu")
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1) if parameter.dim() < 2 else nn.init.kaiming_normal_(parameter)
    return randomise(network)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vgg11", "vgg16_bn"])
def test_agrees_in_its_full_width(name: str) -> None:
    torch.manual_seed(0)
    reference = randomise(getattr(torchvision.models, name)())
    agree(reference, create(name), torch.randn(2, 3, 64, 64), training=True)
