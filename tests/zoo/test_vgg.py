"""VGG: the paper's tables, the small stem, where the knobs act."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from layerlab.errors import LayerlabError
from layerlab.zoo import create, model_info
from layerlab.zoo import vgg as family
from layerlab.zoo.vgg import CONFIGURATIONS, VGG

IMAGES = torch.empty(2, 3, 224, 224, device="meta")


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("depth", "letter", "millions"), [(11, "A", 133), (13, "B", 133), (16, "D", 138), (19, "E", 144)]
)
def test_parameters_are_those_of_the_papers_tables(depth: int, letter: str, millions: int) -> None:
    assert CONFIGURATIONS[depth][0] == letter
    convolutions = [units for stage in CONFIGURATIONS[depth][1] for units in stage]
    assert len(convolutions) + 3 == depth
    by_hand = sum(9 * i * o + o for i, o in zip([3, *convolutions], convolutions, strict=False))
    dense = (512 * 7 * 7 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 1000
    plain, normed = create(f"vgg{depth}", device="meta"), create(f"vgg{depth}_bn", device="meta")
    assert count(plain) == by_hand + dense
    assert round(count(plain) / 1e6) == millions
    assert count(normed) == count(plain) + 2 * sum(convolutions)


def test_each_convolution_alone_sees_three_by_three() -> None:
    for depth in CONFIGURATIONS:
        network = create(f"vgg{depth}_bn", device="meta")
        convolutions = [part for part in network.modules() if isinstance(part, nn.Conv2d)]
        assert all(part.kernel_size == (3, 3) and part.stride == (1, 1) for part in convolutions)


@pytest.mark.parametrize("name", ["vgg11", "vgg13_bn", "vgg16", "vgg19_bn"])
def test_stages_have_the_shapes_of_the_header(name: str) -> None:
    seen: list[tuple[int, ...]] = []
    network = create(name, device="meta")
    for part in network.modules():
        if isinstance(part, nn.MaxPool2d):
            part.register_forward_hook(lambda _part, _inputs, output: seen.append(tuple(output.shape[1:])))
    network(IMAGES)
    written = re.findall(r"^\| \d: .*?\| (\d+) x (\d+) x (\d+) \|", family.__doc__ or "", re.MULTILINE)
    assert seen == [tuple(map(int, row)) for row in written]


def test_the_header_counts_the_convolutions() -> None:
    rows = re.findall(r"^\| \d: .*?\| [\d x]+ \|([\d |]+)\|$", family.__doc__ or "", re.MULTILINE)
    columns = zip(*(map(int, row.split("|")) for row in rows), strict=True)
    for column, (_, stages) in zip(columns, CONFIGURATIONS.values(), strict=True):
        assert column == tuple(map(len, stages))


@pytest.mark.parametrize(("side", "sides"), [(28, [14, 7, 4, 2, 1]), (32, [16, 8, 4, 2, 1]), (1, [1, 1, 1, 1, 1])])
def test_the_small_stem_takes_small_images(side: int, sides: list[int]) -> None:
    seen: list[int] = []
    network = create("vgg11_cifar", device="meta")
    for part in network.modules():
        if isinstance(part, nn.MaxPool2d):
            part.register_forward_hook(lambda _part, _inputs, output: seen.append(output.shape[-1]))
    assert network(torch.empty(2, 3, side, side, device="meta")).shape == (2, 10)
    assert seen == sides


def test_with_either_stem_the_head_has_one_path() -> None:
    for name in ("vgg16", "vgg11_cifar"):
        for stem in ("imagenet", "cifar"):
            head = create(name, stem=stem, num_classes=7, device="meta").get_submodule(model_info(name).head)
            assert isinstance(head, nn.Linear)
            assert head.out_features == 7


def test_depth_is_a_knob() -> None:
    assert count(create("vgg16", depth=19, device="meta")) == model_info("vgg19").parameters
    with pytest.raises(LayerlabError, match="depth must be one of 11, 13, 16, 19, not 12"):
        create("vgg16", depth=12, device="meta")


def test_width_narrows_every_layer() -> None:
    network = create("vgg16", width=0.5, device="meta")
    wide = create("vgg16", device="meta")
    pairs = zip(network.state_dict().items(), wide.state_dict().items(), strict=True)
    for (name, half), (_, whole) in pairs:
        expected = list(whole.shape)
        if name.split(".")[:2] != ["classifier", "6"]:
            expected[0] //= 2
        if half.dim() > 1 and name != "features.0.weight":
            expected[1] //= 2
        assert list(half.shape) == expected, name


@pytest.mark.parametrize("norm", ["batch", "group", "layer", "none"])
def test_a_norm_and_an_activation_follow_every_convolution(norm: str) -> None:
    parts = list(create("vgg13", norm=norm, activation="elu", device="meta").get_submodule("features").children())
    for index, part in enumerate(parts):
        if isinstance(part, nn.Conv2d):
            assert part.bias is not None
            following = parts[index + 1 : index + 3]
            kinds = {"batch": nn.BatchNorm2d, "group": nn.GroupNorm, "layer": nn.GroupNorm}
            if norm != "none":
                assert isinstance(following.pop(0), kinds[norm])
            assert isinstance(following[0], nn.ELU)


def test_dropout_is_before_the_second_and_the_last_dense_layer() -> None:
    classifier = create("vgg16", dropout=0.3, device="meta").get_submodule("classifier")
    rates = [part.p for part in classifier.modules() if isinstance(part, nn.Dropout)]
    assert rates == [0.3, 0.3]
    small = create("vgg11_cifar", dropout=0.3, device="meta").get_submodule("classifier")
    assert [type(part) for part in small.children()] == [nn.Dropout, nn.Linear]


def test_weights_start_as_the_header_says() -> None:
    torch.manual_seed(0)
    network = VGG(num_classes=10, width=0.25, depth=11)
    for name, parameter in network.named_parameters():
        if parameter.dim() == 1:
            assert not parameter.any(), name
        elif parameter.dim() == 4:
            deviation = (2 / (9 * parameter.shape[0])) ** 0.5
            assert parameter.std().item() == pytest.approx(deviation, rel=0.15), name
        else:
            assert parameter.std().item() == pytest.approx(0.01, rel=0.05), name
