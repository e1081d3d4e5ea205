"""Inception v3: the header's table, flat kernels, the auxiliary head at any size, where the knobs act."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from layerlab.zoo import create
from layerlab.zoo import inception as family
from layerlab.zoo.inception import AuxiliaryHead, InceptionV3
from layerlab.zoo.inception_modules import Module8, Module17


def meta(**knobs: Any) -> InceptionV3:
    network = create("inception_v3", device="meta", **knobs)
    assert isinstance(network, InceptionV3)
    return network


def count(*modules: nn.Module | None) -> int:
    return sum(parameter.numel() for part in modules if part is not None for parameter in part.parameters())


def test_the_headers_table_is_true() -> None:
    network = meta()
    seen: dict[nn.Module, tuple[int, ...]] = {}
    for part in network.modules():
        if not isinstance(part, (InceptionV3, AuxiliaryHead)):
            part.register_forward_hook(lambda part, _inputs, output: seen.__setitem__(part, tuple(output.shape[1:])))
    network(torch.empty(2, 3, 299, 299, device="meta"))
    mixed = {name[6:]: part for name, part in network.named_children() if name.startswith("Mixed_")}
    parts: list[list[nn.Module]] = [
        [network.Conv2d_1a_3x3],
        [network.Conv2d_2a_3x3],
        [network.Conv2d_2b_3x3],
        [network.maxpool1],
        [network.Conv2d_3b_1x1],
        [network.Conv2d_4a_3x3],
        [network.maxpool2],
        [mixed[name] for name in ("5b", "5c", "5d")],
        [mixed["6a"]],
        [mixed[name] for name in ("6b", "6c", "6d", "6e")],
        [mixed["7a"]],
        [mixed[name] for name in ("7b", "7c")],
        [network.fc],
    ]
    rows = re.findall(r"^\| .* \| ([\dx ]+) \| ([\d,]*) ?\|$", family.__doc__ or "", re.MULTILINE)
    assert len(rows) == len(parts) + 1
    for (shape, parameters), group in zip(rows, parts, strict=False):
        assert tuple(map(int, shape.split(" x "))) == seen[group[-1]]
        assert int(parameters.replace(",", "") or 0) == count(*group)
    assert int(rows[-1][1].replace(",", "")) == count(network.AuxLogits)


def test_kernels_are_taken_apart() -> None:
    def kernels(part: nn.Module) -> list[object]:
        return [one.kernel_size for one in part.modules() if isinstance(one, nn.Conv2d) and one.kernel_size != (1, 1)]

    network = meta()
    flat, tall = (1, 7), (7, 1)
    for part in network.modules():
        if isinstance(part, Module17):
            assert kernels(part) == [flat, tall, tall, flat, tall, flat]
        if isinstance(part, Module8):
            assert kernels(part) == [(1, 3), (3, 1), (3, 3), (1, 3), (3, 1)]


@pytest.mark.parametrize("side", [17, 18, 16, 3])
def test_the_auxiliary_head_pools_as_published_where_that_fits(side: int) -> None:
    torch.manual_seed(0)
    head = AuxiliaryHead(16, 3, 0.125, "relu", "batch").eval()
    x = torch.randn(2, 16, side, side)
    pooled = functional.avg_pool2d(x, 5, 3) if side >= 17 else functional.adaptive_avg_pool2d(x, 5)
    expected = head.fc(head.conv1(head.conv0(pooled)).mean((2, 3)))
    torch.testing.assert_close(head(x), expected)


def test_the_auxiliary_output_is_for_training_only() -> None:
    small = torch.randn(2, 3, 75, 75)
    network = create("inception_v3", num_classes=4, width=0.125)
    output = network(small)
    assert output.logits.shape == output.auxiliary.shape == (2, 4)
    assert output._fields == ("logits", "auxiliary")
    assert isinstance(network.eval()(small), Tensor)
    without = create("inception_v3", num_classes=4, width=0.125, auxiliary=False)
    assert isinstance(without(small), Tensor)
    assert not [name for name in without.state_dict() if name.startswith("Aux")]


@pytest.mark.parametrize("width", [0.1, 0.5, 1.3])
def test_width_fits_where_channels_meet(width: float) -> None:
    network = meta(width=width, auxiliary=False)
    assert network(torch.empty(2, 3, 75, 75, device="meta")).shape == (2, 1000)


def test_weights_start_as_the_reference() -> None:
    torch.manual_seed(0)
    network = create("inception_v3", num_classes=100)
    special = {"AuxLogits.conv1.conv": 0.01, "AuxLogits.fc": 0.001}
    for name, part in network.named_modules():
        if isinstance(part, (nn.Conv2d, nn.Linear)):
            assert part.weight.std().item() == pytest.approx(special.get(name, 0.1), rel=0.1), name


def test_without_norms_weights_start_from_he() -> None:
    torch.manual_seed(0)
    network = create("inception_v3", width=0.5, norm="none")
    for name, part in network.named_modules():
        if isinstance(part, nn.Conv2d) and part.weight.numel() > 5000:
            expected = (2 / part.weight[0].numel()) ** 0.5
            assert part.weight.std().item() == pytest.approx(expected, rel=0.1), name
            assert part.bias is not None
            assert not part.bias.any()
