"""ResNet against torchvision's, and pre-activation ResNet against timm's, with the same weights."""

from __future__ import annotations

import pytest
import timm
import torch
import torchvision

from layerlab.zoo import create, transplant
from parity import agree, randomise

pytestmark = pytest.mark.parity

slow = pytest.mark.slow
NAMES = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize(
    "name",
    [
        "resnet18",
        "resnet34",
        "resnet50",
        pytest.param("resnet101", marks=slow),
        pytest.param("resnet152", marks=slow),
    ],
)
def test_outputs_and_gradients_are_torchvisions(name: str, training: bool) -> None:
    torch.manual_seed(0)
    reference = randomise(torchvision.models.get_model(name, weights=None, num_classes=10))
    agree(reference, create(name, num_classes=10), torch.randn(2, 3, 64, 64), training=training)


def test_zero_gamma_is_torchvisions() -> None:
    reference = torchvision.models.resnet50(zero_init_residual=True)
    zeros = {name for name, value in reference.named_parameters() if not value.any() and name.endswith("weight")}
    ours = create("resnet50", zero_gamma=True)
    assert {name for name, value in ours.named_parameters() if not value.any() and name.endswith("weight")} == zeros
    assert len(zeros) == 16


@pytest.mark.parametrize("name", NAMES)
def test_published_weights_fit_by_name(name: str) -> None:
    with torch.device("meta"):
        reference = torchvision.models.get_model(name, weights=None)
    ours = create(name, device="meta")
    assert all(mine == theirs for mine, theirs in transplant(reference, ours).items())
    assert list(reference.state_dict()) == list(ours.state_dict())


def test_weights_start_as_torchvisions() -> None:
    """Equal spread in every layer, and norms that change nothing."""
    torch.manual_seed(0)
    theirs, ours = torchvision.models.resnet18().state_dict(), create("resnet18").state_dict()
    for name, value in theirs.items():
        if value.dim() == 4:
            assert 0.9 < ours[name].std() / value.std() < 1.1, name
        elif name.startswith("fc"):
            assert 0.9 < ours[name].abs().max() / value.abs().max() < 1.1, name
        else:
            assert torch.equal(ours[name], value), name


def test_preactivation_outputs_and_gradients_are_timms() -> None:
    """In evaluation: timm pools before the first norm, which is the same for steady statistics and rising slopes."""
    torch.manual_seed(0)
    reference = randomise(timm.create_model("resnetv2_50", num_classes=10)).eval()
    ours = create("preact_resnet50", num_classes=10).eval()
    transplant({ours_of(name): value for name, value in reference.state_dict().items()}, ours)
    outputs = []
    inputs = [torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)).requires_grad_() for _ in range(2)]
    for module, x in zip((reference, ours), inputs, strict=True):
        outputs.append(module(x))
        outputs[-1].square().sum().backward()
    torch.testing.assert_close(outputs[1], outputs[0], rtol=1e-4, atol=1e-4)
    mine = dict(ours.named_parameters())
    pairs = [(name, value.grad, mine[ours_of(name)].grad) for name, value in reference.named_parameters()]
    for name, one, other in [("input", inputs[0].grad, inputs[1].grad), *pairs]:
        assert one is not None
        assert other is not None
        assert (one.reshape(other.shape) - other).abs().max() <= 1e-4 * one.abs().max(), name


def ours_of(name: str) -> str:
    """Return our name of a tensor of timm's resnetv2."""
    stem = {"stem.conv": "conv1", "stages.0.blocks.0.norm1": "bn1", "norm": "bn2", "head.fc": "fc"}
    path, _, kind = name.rpartition(".")
    if path in stem:
        return f"{stem[path]}.{kind}"
    _, stage, _, block, part = path.split(".", 4)
    part = part.replace("norm", "bn").removesuffix(".conv")
    return f"layer{int(stage) + 1}.{block}.{part}.{kind}"
