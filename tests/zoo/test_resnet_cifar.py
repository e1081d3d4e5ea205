"""ResNet for 32 x 32: its layers counted by hand, option A in numbers, depths, knobs."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from layerlab.anatomy import dissect
from layerlab.errors import LayerlabError
from layerlab.zoo import create, model_info
from layerlab.zoo.resnet import BasicBlock
from layerlab.zoo.resnet_cifar import CifarResNet, SubsampleAndPad, blocks_of


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize(
    ("depth", "total", "published"),
    [(20, 269_722, 0.27), (32, 464_154, 0.46), (44, 658_586, 0.66), (56, 853_018, 0.85), (110, 1_727_962, 1.7)],
)
def test_parameters_layer_by_layer(skip: bool, depth: int, total: int, published: float) -> None:
    """By hand from section 4.2: kernels of 3x3, two numbers of batch normalisation a channel; shortcuts have none."""
    n = (depth - 2) // 6
    model = create(f"resnet{depth}", skip=skip, device="meta")
    assert isinstance(model, CifarResNet)
    parts = [
        (model.conv1, 9 * 3 * 16),
        (model.bn1, 2 * 16),
        (model.layer1, 2 * n * (9 * 16 * 16 + 2 * 16)),
        (model.layer2, (9 * 16 * 32 + 2 * 32) + (2 * n - 1) * (9 * 32 * 32 + 2 * 32)),
        (model.layer3, (9 * 32 * 64 + 2 * 64) + (2 * n - 1) * (9 * 64 * 64 + 2 * 64)),
        (model.fc, 64 * 10 + 10),
    ]
    for part, expected in parts:
        assert count(part) == expected
    assert sum(expected for _, expected in parts) == total
    assert round(total / 1e6, 1 if depth == 110 else 2) == published
    weighted = [part for part in model.modules() if isinstance(part, (nn.Conv2d, nn.Linear))]
    assert len(weighted) == depth


@pytest.mark.parametrize("depth", [20, 32, 44, 56])
def test_plain_networks_are_the_ones_without_skips(depth: int) -> None:
    plain, residual = model_info(f"plain{depth}"), model_info(f"resnet{depth}")
    assert (plain.parameters, plain.macs) == (residual.parameters, residual.macs)
    model = create(f"plain{depth}", device="meta")
    assert all(part.downsample is None for part in model.modules() if isinstance(part, BasicBlock))


def test_option_a_in_numbers() -> None:
    """Rows and columns 0 and 2 of a 3 x 3 image; the second and third channel are zeros."""
    x = torch.arange(9.0).reshape(1, 1, 3, 3).requires_grad_()
    out = SubsampleAndPad(1, 3, 2)(x)
    assert out.tolist() == [[[[0, 2], [6, 8]], [[0, 0], [0, 0]], [[0, 0], [0, 0]]]]
    (out * torch.tensor([[10.0, 20.0], [30.0, 40.0]])).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[[[10, 0, 20], [0, 0, 0], [30, 0, 40]]]]


def test_option_a_in_the_network() -> None:
    """A block whose convolutions give nothing passes on every second pixel, old channels first."""
    model = create("resnet20", depth=8).eval()
    block = model.get_submodule("layer2.0")
    nn.init.zeros_(block.get_parameter("conv2.weight"))
    x = torch.rand(2, 16, 6, 6)
    out = block(x)
    assert out.shape == (2, 32, 3, 3)
    assert torch.equal(out[:, :16], x[:, :, ::2, ::2])
    assert not out[:, 16:].any()


def test_channels_last_stays_channels_last() -> None:
    x = torch.rand(2, 16, 8, 8).contiguous(memory_format=torch.channels_last)
    assert SubsampleAndPad(16, 32, 2)(x).is_contiguous(memory_format=torch.channels_last)


def test_option_b_has_the_parameters_of_its_convolutions() -> None:
    a, b = create("resnet20", device="meta"), create("resnet20", shortcut="B", device="meta")
    assert count(b) - count(a) == (16 * 32 + 2 * 32) + (32 * 64 + 2 * 64)
    assert count(create("resnet20", shortcut="B", skip=False, device="meta")) == count(a)


@pytest.mark.parametrize(("depth", "layers", "n"), [(8, 2, 1), (20, 2, 3), (1202, 2, 200), (11, 3, 1), (164, 3, 18)])
def test_depths(depth: int, layers: int, n: int) -> None:
    assert blocks_of(depth, layers) == n


def test_any_depth_and_size() -> None:
    model = create("resnet20", depth=14, in_channels=1, num_classes=3).eval()
    assert len(model.layer3) == 2  # type: ignore[arg-type]
    for height, width in ((28, 28), (32, 32), (7, 9), (1, 1)):
        assert model(torch.rand(2, 1, height, width)).shape == (2, 3)


def test_a_plain_network_is_a_residual_one_without_skips() -> None:
    """The same names and shapes, so that weights can be moved between them; other answers."""
    plain, residual = create("plain20").eval(), create("resnet20").eval()
    residual.load_state_dict(plain.state_dict())
    x = torch.rand(2, 3, 32, 32)
    assert not torch.allclose(plain(x), residual(x))
    twin = create("resnet20", skip=False).eval()
    twin.load_state_dict(plain.state_dict())
    assert torch.equal(plain(x), twin(x))


def test_width() -> None:
    totals = dissect(create("resnet20", width=0.5, device="meta").eval(), (3, 32, 32)).totals
    convolutions = 9 * (3 * 8) * 32**2 + 6 * 9 * 8 * 8 * 32**2
    convolutions += (9 * 8 * 16 + 5 * 9 * 16 * 16) * 16**2 + (9 * 16 * 32 + 5 * 9 * 32 * 32) * 8**2
    assert totals.macs == convolutions + 32 * 10


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"depth": 21}, "depth must be 6n + 2, not 21; the nearest that is: 20"),
        ({"depth": 24}, "the nearest that is: 26"),
        ({"depth": 2}, "depth must be 6n + 2, not 2; the nearest that is: 8"),
        ({"shortcut": "C"}, 'shortcut must be one of "A", "B", not \'C\''),
        ({"shortcut": "C", "skip": False}, 'shortcut must be one of "A", "B"'),
        ({"stem": "cifar"}, 'no knob "stem"'),
    ],
)
def test_a_bad_knob_is_one_sentence(knobs: dict[str, object], sentence: str) -> None:
    with pytest.raises(LayerlabError, match=re.escape(sentence)) as caught:
        create("resnet20", **knobs)
    assert "\n" not in str(caught.value)


def test_a_shortcut_to_fewer_channels_is_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("out_channels must be at least in_channels (4), not 3")):
        SubsampleAndPad(4, 3, 2)
