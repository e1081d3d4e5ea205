"""AlexNet against torchvision's: the same weights, the same outputs and gradients."""

from __future__ import annotations

import pytest
import torch
from torchvision.models import alexnet

from layerlab.zoo import create, transplant
from parity import agree

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_outputs_and_gradients(training: bool) -> None:
    torch.manual_seed(0)
    agree(alexnet(num_classes=10), create("alexnet", num_classes=10), torch.randn(2, 3, 64, 96), training=training)


def test_the_published_file_fits_by_name() -> None:
    theirs = alexnet(num_classes=10).state_dict()
    ours = create("alexnet", num_classes=10)
    assert list(ours.state_dict()) == list(theirs)
    assert transplant(theirs, ours) == {name: name for name in theirs}
    assert all(torch.equal(value, theirs[name]) for name, value in ours.state_dict().items())


def test_dropout_is_in_the_same_places() -> None:
    torch.manual_seed(0)
    theirs = alexnet(num_classes=10)
    ours = create("alexnet", num_classes=10)
    transplant(theirs, ours)
    x = torch.randn(2, 3, 64, 64)
    outputs = []
    for network in (theirs, ours):
        torch.manual_seed(1)
        outputs.append(network.train()(x))
    torch.testing.assert_close(*outputs)
