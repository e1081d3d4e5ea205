"""AlexNet: what the paper counts, its response normalisation and its towers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from layerlab.data import load_data
from layerlab.errors import LayerlabError
from layerlab.training import fit
from layerlab.zoo import create, model_info
from layerlab.zoo.alexnet import AlexNet2012, response_normalization


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.fixture(scope="module")
def small() -> AlexNet2012:
    """The two towers at a sixth of the width: 16, 42, 64, 64, 42 maps, of which each tower has half."""
    torch.manual_seed(0)
    return AlexNet2012(num_classes=5, width=1 / 6, dropout=0.0)


def test_parameters_are_the_papers_layer_by_layer() -> None:
    network = create("alexnet_2012", device="meta")
    names = ("conv1", "conv2", "conv3", "conv4", "conv5", "dense6", "dense7", "dense8")
    counted = [count(network.get_submodule(name)) for name in names]
    assert counted == [
        96 * (3 * 11 * 11 + 1),
        256 * (48 * 5 * 5 + 1),
        384 * (256 * 3 * 3 + 1),
        384 * (192 * 3 * 3 + 1),
        256 * (192 * 3 * 3 + 1),
        4096 * (256 * 6 * 6 + 1),
        4096 * (4096 + 1),
        1000 * (4096 + 1),
    ]
    assert sum(counted) == count(network) == 60_965_224


def test_response_normalisation_worked_out_by_hand() -> None:
    x = torch.tensor([100.0, 200, 0, -100, 300, 50])[None, :, None, None]
    squares = [1e4, 4e4, 0, 1e4, 9e4, 2.5e3]
    # The sum runs over two maps on either side, as far as there are any.
    sums = [
        squares[0] + squares[1] + squares[2],
        squares[0] + squares[1] + squares[2] + squares[3],
        squares[0] + squares[1] + squares[2] + squares[3] + squares[4],
        squares[1] + squares[2] + squares[3] + squares[4] + squares[5],
        squares[2] + squares[3] + squares[4] + squares[5],
        squares[3] + squares[4] + squares[5],
    ]
    by_hand = [a / (2 + 1e-4 * s) ** 0.75 for a, s in zip(x.flatten().tolist(), sums, strict=True)]
    assert response_normalization()(x).flatten().tolist() == pytest.approx(by_hand)
    assert by_hand[0] == pytest.approx(100 / 7**0.75)


def test_response_normalisation_follows_the_rectifiers_of_the_first_two_layers(small: AlexNet2012) -> None:
    kinds = [[type(part) for part in stage] for stage in (small.conv1, small.conv2, small.conv3)]
    assert kinds[0] == kinds[1] == [nn.Conv2d, nn.ReLU, nn.LocalResponseNorm]
    assert kinds[2] == [nn.Conv2d, nn.ReLU]


@pytest.mark.parametrize(("layer", "apart"), [("conv2", True), ("conv3", False), ("conv4", True), ("conv5", True)])
def test_the_towers_meet_in_the_third_layer_only(small: AlexNet2012, layer: str, apart: bool) -> None:
    convolution = small.get_submodule(layer)[0]  # type: ignore[index]
    x = torch.randn(1, small.get_submodule(layer)[0].weight.shape[1] * (2 if apart else 1), 5, 5)  # type: ignore[index]
    x.requires_grad_()
    out: Tensor = convolution(x)
    half_in, half_out = x.shape[1] // 2, out.shape[1] // 2
    (gradient,) = torch.autograd.grad(out[:, :half_out].square().sum(), x)
    assert gradient[:, :half_in].abs().min() > 0
    assert bool((gradient[:, half_in:] == 0).all()) == apart
    (gradient,) = torch.autograd.grad(convolution(x)[:, half_out:].square().sum(), x)
    assert gradient[:, half_in:].abs().min() > 0
    assert bool((gradient[:, :half_in] == 0).all()) == apart


def test_it_is_the_papers_stages_at_its_own_size() -> None:
    network = create("alexnet_2012", device="meta")
    pools = [stage for stage in network.modules() if isinstance(stage, nn.MaxPool2d)]
    assert [(pool.kernel_size, pool.stride) for pool in pools] == [(3, 2)] * 3  # they overlap
    x = torch.rand(2, 4, 6, 6)
    torch.testing.assert_close(network.get_submodule("resize")(x), x)
    for dense in ("dense6", "dense7"):
        kinds = [type(part) for part in network.get_submodule(dense)]  # type: ignore[attr-defined]
        assert kinds == [nn.Linear, nn.ReLU, nn.Dropout]


@pytest.mark.parametrize("width", [1.0, 0.25])
def test_weights_begin_as_the_paper_says_and_sums_are_as_large_at_every_width(width: float) -> None:
    network = AlexNet2012(num_classes=5, width=width)
    stages = ["conv1", "conv2", "conv3", "conv4", "conv5", "dense6", "dense7"]
    layers = [network.get_submodule(f"{name}.0") for name in stages] + [network.dense8]
    biases = [set(layer.bias.tolist()) for layer in layers]  # type: ignore[operator]
    assert biases == [{0.0}, {1.0}, {0.0}, {1.0}, {1.0}, {1.0}, {1.0}, {0.0}]
    for layer in layers:
        weight = layer.weight
        assert isinstance(weight, Tensor)
        deviation = 0.01 if layer is layers[0] else 0.01 / width**0.5
        assert weight.std().item() == pytest.approx(deviation, rel=0.06)
        assert abs(weight.mean().item()) < 0.001


@pytest.mark.parametrize("size", [67, 100, 227])
def test_other_sizes_than_227(small: AlexNet2012, size: int) -> None:
    assert small.eval()(torch.rand(1, 3, size, size)).shape == (1, 5)


@pytest.mark.parametrize("name", ["alexnet_2012", "alexnet", "alexnet_cifar"])
def test_smallest_input(name: str) -> None:
    smallest = model_info(name).smallest_input
    network = create(name, width=0.05, num_classes=3).eval()
    assert network(torch.rand(1, 3, smallest, smallest)).shape == (1, 3)
    with pytest.raises(RuntimeError, match="too small"):
        network(torch.rand(1, 3, smallest - 1, smallest - 1))


@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 32)])
@pytest.mark.parametrize("name", ["alexnet_2012", "alexnet"])
def test_the_small_stem_keeps_all_places_for_the_second_layer(name: str, channels: int, size: int) -> None:
    network = create(name, stem="cifar", width=0.1, num_classes=10, in_channels=channels)
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    seen: list[Tensor] = []
    convolutions[1].register_forward_pre_hook(lambda _module, arguments: seen.append(arguments[0]))
    assert network(torch.rand(2, channels, size, size)).shape == (2, 10)
    assert seen[0].shape[2:] == (size, size)
    assert (convolutions[0].kernel_size, convolutions[0].stride) == ((3, 3), (1, 1))


def test_the_network_of_2014_at_its_published_size() -> None:
    network = create("alexnet", device="meta")
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert [count(module) for module in convolutions] == [
        64 * (3 * 11 * 11 + 1),
        192 * (64 * 5 * 5 + 1),
        384 * (192 * 3 * 3 + 1),
        256 * (384 * 3 * 3 + 1),
        256 * (256 * 3 * 3 + 1),
    ]
    assert all(module.groups == 1 for module in convolutions)
    assert count(network) == 61_100_840


@pytest.mark.parametrize("name", ["alexnet_2012", "alexnet_cifar"])
@pytest.mark.parametrize("norm", ["lrn", "batch", "group", "layer", "none"])
def test_norms(name: str, norm: str) -> None:
    network = create(name, norm=norm, stem="cifar", width=0.1, num_classes=4)
    kinds = [type(module) for module in network.modules()]
    assert kinds.count(nn.LocalResponseNorm) == (2 if norm == "lrn" else 0)
    assert kinds.count(nn.BatchNorm2d) == (5 if norm == "batch" else 0)
    assert kinds.count(nn.GroupNorm) == (5 if norm in ("group", "layer") else 0)
    biased = {module.bias is not None for module in network.modules() if isinstance(module, nn.Conv2d)}
    assert biased == {norm in ("lrn", "none")}
    network(torch.rand(2, 3, 32, 32)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_other_knobs() -> None:
    network = create("alexnet_cifar", activation="maxout", dropout=0.25, in_channels=2, num_classes=4, width=0.1)
    assert network(torch.rand(2, 2, 32, 32)).shape == (2, 4)
    assert [module.p for module in network.modules() if isinstance(module, nn.Dropout)] == [0.25, 0.25]
    assert not any(isinstance(module, nn.ReLU) for module in network.modules())


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"norm": "instance"}, 'norm must be one of "lrn", "batch", "group", "layer", "none", not \'instance\''),
        ({"stem": "mnist"}, 'stem must be one of "imagenet", "cifar", not \'mnist\''),
        ({"dropout": -0.1}, "dropout must be from 0 up to, not including, 1, not -0.1"),
        ({"width": 0}, "width must be a number above 0, not 0"),
        ({"skip": False}, 'no knob "skip".*activation.*dropout.*in_channels.*norm.*num_classes.*stem.*width'),
    ],
)
@pytest.mark.parametrize("name", ["alexnet_2012", "alexnet"])
def test_a_bad_knob_is_one_sentence(name: str, knobs: dict[str, Any], sentence: str) -> None:
    with pytest.raises(LayerlabError, match=sentence) as caught:
        create(name, **knobs)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_the_small_member_learns_the_digits(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = create("alexnet_cifar", in_channels=1)
    run = fit(network, load_data("mnist5k"), epochs=2, output=tmp_path / "run", precision="32", progress=False)
    assert run.metrics["test_accuracy"] > 0.93
