"""GoogLeNet: the paper's table 1 by hand, response normalisation, auxiliary heads, the small stem."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from layerlab.anatomy import dissect
from layerlab.zoo import create, model_info
from layerlab.zoo import googlenet as family
from layerlab.zoo.convolution_unit import ConvolutionUnit
from layerlab.zoo.googlenet import TABLE_1, AuxiliaryHead, GoogLeNet, Inception, Row

MODULES = [row for row in TABLE_1 if row.widths]
IMAGES = torch.empty(2, 3, 224, 224, device="meta")


def count(*modules: nn.Module | None) -> int:
    return sum(parameter.numel() for part in modules if part is not None for parameter in part.parameters())


def of_paper(**knobs: Any) -> GoogLeNet:
    network = create("googlenet_paper", device="meta", **knobs)
    assert isinstance(network, GoogLeNet)
    return network


def weights_by_hand(row: Row, inputs: int) -> tuple[int, int]:
    """Return the weights and biases of a module of the table, from its channels alone."""
    ones, reduce3, threes, reduce5, fives, pooled = row.widths
    weights = inputs * (ones + reduce3 + reduce5 + pooled) + 9 * reduce3 * threes + 25 * reduce5 * fives
    return weights, sum(row.widths)


def rows_by_hand() -> dict[str, tuple[int, int]]:
    """Return the weights and biases of each row of the table."""
    rows = {"convolution": (7 * 7 * 3 * 64, 64), "convolution 3x3": (64 * 64 + 9 * 64 * 192, 64 + 192)}
    inputs = 192
    for row in MODULES:
        rows[row.module] = weights_by_hand(row, inputs)
        inputs = row.output[0]
    return rows | {"linear": (1024 * 1000, 1000)}


def parts_of(network: GoogLeNet) -> dict[str, list[nn.Module]]:
    """Return the modules behind each row of the table."""
    named: dict[str, list[nn.Module]] = {
        "convolution": [network.conv1],
        "convolution 3x3": [network.conv2, network.conv3],
        "linear": [network.fc],
    }
    return named | {row.module: [network.get_submodule(f"inception{row.module}")] for row in MODULES}


def test_parameters_of_the_paper_by_hand_row_by_row() -> None:
    network = of_paper()
    for module, parts in parts_of(network).items():
        assert count(*parts) == sum(rows_by_hand()[module]), module
    assert sum(map(sum, rows_by_hand().values())) == model_info("googlenet_paper").parameters == 6_998_552
    head = 2048 * 1024 + 1024 + 1024 * 1000 + 1000 + 128
    assert count(network.aux1) == 512 * 128 + head
    assert count(network.aux2) == 528 * 128 + head
    assert count(network) == 13_378_280


def test_the_paper_prints_what_follows_from_its_channels_or_nearly() -> None:
    """Its operations are ours to the million but for two rows; its parameters are near and for one row are not."""
    for row in TABLE_1:
        weights = rows_by_hand()[row.module][0]
        side = row.output[1]
        near = abs(weights * side**2 / 1e6 - row.operations) < 1
        assert near == (row.module not in ("convolution", "5a")), row
        assert (abs(weights / 1024 / row.parameters - 1) < 0.08) == (row.module != "convolution"), row
    assert rows_by_hand()["convolution"][0] == 9_408
    assert rows_by_hand()["5a"][0] == 1018 * 1024
    assert round(rows_by_hand()["5a"][0] * 49 / 1e6) == 51


@pytest.mark.parametrize("name", ["googlenet", "googlenet_paper"])
def test_outputs_are_those_of_the_table(name: str) -> None:
    network = create(name, auxiliary=False, device="meta")
    assert isinstance(network, GoogLeNet)
    seen: dict[nn.Module, tuple[int, ...]] = {}
    for part in network.modules():
        part.register_forward_hook(lambda part, _inputs, output: seen.__setitem__(part, tuple(output.shape[1:])))
    network(IMAGES)
    for row in TABLE_1[:-1]:
        assert seen[parts_of(network)[row.module][-1]] == row.output, row
        if row.widths:
            assert row.output[0] == sum(row.widths[i] for i in (0, 2, 4, 5))
    assert seen[network.maxpool1] == (64, 56, 56)
    assert seen[network.maxpool2] == (192, 28, 28)
    assert seen[network.maxpool3] == (480, 14, 14)
    assert seen[network.maxpool4] == (832, 7, 7)


def test_multiplications_of_the_paper_by_hand() -> None:
    macs = sum(weights * row.output[1] ** 2 for row, (weights, _) in zip(TABLE_1, rows_by_hand().values(), strict=True))
    assert macs == model_info("googlenet_paper").macs
    assert dissect(of_paper().eval(), (3, 224, 224)).totals.macs == macs


def test_the_header_counts_right() -> None:
    rows = [line.split("|") for line in (family.__doc__ or "").splitlines() if line.startswith("| ")]
    written = [[int(cell.replace(",", "")) for cell in row[3:5]] for row in rows if re.match(r" [\d,]+ $", row[3])]
    networks = [create("googlenet", device="meta"), of_paper()]
    found = []
    for network in networks:
        assert isinstance(network, GoogLeNet)
        fourth = [network.get_submodule(f"inception4{letter}") for letter in "abcde"]
        found.append(
            [
                count(network.conv1),
                count(network.conv2, network.conv3),
                count(network.inception3a, network.inception3b),
                count(*fourth),
                count(network.inception5a, network.inception5b),
                count(network.fc),
                count(network.aux1, network.aux2),
            ]
        )
    assert written == [list(pair) for pair in zip(*found, strict=True)]


# ---- what the paper has and torchvision has not


def plain_response(x: Tensor) -> Tensor:
    """Krizhevsky's formula, number by number: b = a / (2 + 1e-4 sum of squares of five neighbours)^0.75."""
    out = torch.empty_like(x)
    channels = x.shape[1]
    for channel in range(channels):
        near = range(max(0, channel - 2), min(channels, channel + 3))
        energy = sum((x[:, other] ** 2 for other in near), torch.zeros_like(x[:, 0]))
        out[:, channel] = x[:, channel] / (2 + 1e-4 * energy) ** 0.75
    return out


def test_response_normalisation_is_the_formula() -> None:
    network = of_paper()
    places = [name for name, part in network.named_modules() if isinstance(part, nn.LocalResponseNorm)]
    assert places == ["norm1", "norm2"]
    norm = network.norm1
    x = 100 * torch.randn(2, 9, 3, 4)  # large, so that the sum of squares counts
    torch.testing.assert_close(norm(x), plain_response(x))
    # by hand: five channels of 100 at one place; the middle one has all five as neighbours, the first three
    hundred = torch.full((1, 5, 1, 1), 100.0)
    assert norm(hundred)[0, 2].item() == pytest.approx(100 / (2 + 1e-4 * 5 * 10_000) ** 0.75)  # 100 / 7^0.75 = 23.24
    assert norm(hundred)[0, 0].item() == pytest.approx(100 / (2 + 1e-4 * 3 * 10_000) ** 0.75)  # 100 / 5^0.75 = 29.91


def test_response_normalisation_is_after_the_first_and_before_the_second_pooling() -> None:
    order: list[str] = []
    network = create("googlenet_paper", auxiliary=False, device="meta")
    for name in ("conv1", "maxpool1", "norm1", "conv3", "norm2", "maxpool2"):
        network.get_submodule(name).register_forward_hook(lambda *_, name=name: order.append(name))
    network(IMAGES)
    assert order == ["conv1", "maxpool1", "norm1", "conv3", "norm2", "maxpool2"]


def test_a_norm_takes_its_place() -> None:
    assert not [part for part in of_paper(norm="batch").modules() if isinstance(part, nn.LocalResponseNorm)]
    assert not [part for part in create("googlenet", norm="none").modules() if isinstance(part, nn.LocalResponseNorm)]


@pytest.mark.parametrize(
    ("name", "kernel", "pool", "bias"), [("googlenet", 3, 2, False), ("googlenet_paper", 5, 3, True)]
)
def test_kernels_pools_and_biases(name: str, kernel: int, pool: int, bias: bool) -> None:
    network = create(name, device="meta")
    assert isinstance(network, GoogLeNet)
    modules = [part for part in network.modules() if isinstance(part, Inception)]
    assert len(modules) == 9
    for module in modules:
        large = module.branch3[1]
        assert isinstance(large, ConvolutionUnit)
        assert large.conv.kernel_size == (kernel, kernel)
    assert network.maxpool4.kernel_size == pool
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            assert (part.bias is not None) == bias
        if isinstance(part, nn.BatchNorm2d):
            assert part.eps == 1e-3


def test_dropout_rates() -> None:
    for name, rate in (("googlenet", 0.2), ("googlenet_paper", 0.4)):
        network = create(name, device="meta")
        rates = {path: part.p for path, part in network.named_modules() if isinstance(part, nn.Dropout)}
        assert rates == {"aux1.dropout": 0.7, "aux2.dropout": 0.7, "dropout": rate}


# ---- auxiliary heads


@pytest.mark.parametrize("side", [14, 16, 13, 17, 1])
def test_the_papers_head_pools_as_published_where_that_fits(side: int) -> None:
    torch.manual_seed(0)
    head = AuxiliaryHead(8, 3, 0.125, published=True, activation="relu", norm="none").eval()
    x = torch.randn(2, 8, side, side)
    pooled = functional.avg_pool2d(x, 5, 3) if side in (14, 16) else functional.adaptive_avg_pool2d(x, 4)
    hidden = torch.relu(head.fc1(torch.relu(head.conv.conv(pooled)).flatten(1)))
    torch.testing.assert_close(head(x), head.fc2(hidden))


def test_at_the_original_input_the_published_pooling_is_used() -> None:
    network = of_paper()
    seen: list[Tensor] = []
    assert network.aux1 is not None
    network.aux1.register_forward_pre_hook(lambda _part, inputs: seen.append(inputs[0]))
    network(IMAGES)
    assert seen[0].shape == (2, 512, 14, 14)


def test_auxiliary_outputs_are_for_training_only() -> None:
    small = torch.randn(2, 3, 32, 32)
    network = create("googlenet", num_classes=4, width=0.125)
    logits, aux2, aux1 = network(small)
    assert logits.shape == aux2.shape == aux1.shape == (2, 4)
    assert isinstance(network.eval()(small), Tensor)
    without = create("googlenet", num_classes=4, width=0.125, auxiliary=False)
    assert isinstance(without(small), Tensor)
    assert not [name for name in without.state_dict() if name.startswith("aux")]
    predicting = count(network) - count(network.get_submodule("aux1"), network.get_submodule("aux2"))
    assert count(without) == predicting


def test_each_auxiliary_output_comes_from_its_own_head() -> None:
    network = create("googlenet", num_classes=4, width=0.125)
    for head, value in (("fc", 1.0), ("aux1.fc2", 2.0), ("aux2.fc2", 3.0)):
        part = network.get_submodule(head)
        assert isinstance(part, nn.Linear)
        nn.init.zeros_(part.weight)
        nn.init.constant_(part.bias, value)
    output = network(torch.randn(2, 3, 32, 32))
    assert [part[0, 0].item() for part in output] == [1.0, 3.0, 2.0]
    assert (output.logits[0, 0].item(), output.aux1[0, 0].item(), output.aux2[0, 0].item()) == (1.0, 2.0, 3.0)


# ---- the small one


@pytest.mark.parametrize("side", [28, 32])
def test_the_small_stem_keeps_the_image(side: int) -> None:
    network = create("googlenet_cifar", in_channels=1, device="meta")
    seen: dict[str, tuple[int, ...]] = {}
    for name in ("conv3", "inception3b", "inception4e", "inception5b"):
        part = network.get_submodule(name)
        part.register_forward_hook(lambda *a, name=name: seen.__setitem__(name, tuple(a[2].shape[1:])))
    network(torch.empty(2, 1, side, side, device="meta"))
    assert seen["conv3"] == (24, side, side)
    assert seen["inception3b"] == (60, side, side)
    assert seen["inception4e"] == (104, side // 2, side // 2)
    assert seen["inception5b"] == (128, side // 4, side // 4)


@pytest.mark.parametrize("name", ["googlenet", "googlenet_paper"])
def test_weights_start_as_the_reference_or_as_he(name: str) -> None:
    torch.manual_seed(0)
    for path, part in create(name).named_modules():
        if isinstance(part, nn.Conv2d) and part.weight.numel() > 5000:
            expected = 0.01 if name == "googlenet" else (2 / part.weight[0].numel()) ** 0.5
            assert part.weight.std().item() == pytest.approx(expected, rel=0.1), path
        if isinstance(part, nn.Linear) and name == "googlenet":
            assert part.weight.std().item() == pytest.approx(0.01, rel=0.1), path
