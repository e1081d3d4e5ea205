"""LeNet-5: what the paper counts, and its odd parts worked out by hand."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from layerlab.data import load_data
from layerlab.errors import LayerlabError
from layerlab.layers import PartialConv2d, Subsampling2d
from layerlab.training import fit
from layerlab.training.task import criterion_of
from layerlab.zoo import create
from layerlab.zoo.lenet import DIGITS, LeNet5, LeNet5Modern, MapLoss, RadialBasis, ScaledTanh
from parity import agree

# Table I as it is printed: a row for each map of S2, a column for each map of C3.
TABLE = [
    "X...XXX..XXXX.XX",
    "XX...XXX..XXXX.X",
    "XXX...XXX..X.XXX",
    ".XXX..XXXX..X.XX",
    "..XXX..XXXX.XX.X",
    "...XXX..XXXX.XXX",
]


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameters_are_the_papers_layer_by_layer() -> None:
    network = LeNet5()
    stages = {name: count(getattr(network, name)) for name in ("c1", "s2", "c3", "s4", "c5", "f6", "output")}
    assert stages == {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164, "output": 0}
    assert count(network) == sum(stages.values()) == 60_000


def test_connections_are_the_papers_layer_by_layer() -> None:
    """A connection is a weight at a place, a bias among them."""
    found: dict[str, int] = {}

    def keep(name: str) -> Any:
        def hook(module: Any, _arguments: tuple[Tensor], output: Tensor) -> None:
            places = output[0, 0].numel()
            if isinstance(module, Subsampling2d):
                found[name] = output[0].numel() * (module.kernel_size**2 + 1)
            elif isinstance(module, RadialBasis):
                found[name] = module.prototypes.numel()
            else:
                found[name] = places * (module.weight.numel() + module.bias.numel())

        return hook

    network = LeNet5()
    for name in ("c1", "s2", "c3", "s4", "c5", "f6", "output"):
        getattr(network, name).register_forward_hook(keep(name))
    network(torch.zeros(1, 1, 32, 32))
    assert found == {
        "c1": 122_304,
        "s2": 5_880,
        "c3": 151_600,
        "s4": 2_000,
        "c5": 48_120,
        "f6": 10_164,
        "output": 840,
    }
    assert sum(found.values()) == 340_908


def test_each_map_of_c3_sees_those_of_the_printed_table() -> None:
    c3 = LeNet5().c3
    for number in range(16):
        x = torch.rand(1, 6, 14, 14, requires_grad=True)
        c3(x)[0, number].sum().backward()
        assert x.grad is not None
        seen = "".join("X" if bool(maps.any()) else "." for maps in x.grad[0])
        assert seen == "".join(row[number] for row in TABLE), number


def test_the_table_of_connections_worked_out_by_hand() -> None:
    layer = PartialConv2d(3, [(0, 2), (1,)], kernel_size=2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[[1, 0], [0, 2]], [[0, 1], [0, 0]], [[1, 1], [1, 1]]]))
        layer.bias.copy_(torch.tensor([0.5, -1]))
    x = torch.tensor([[[[1.0, 2], [3, 4]], [[5, 6], [7, 8]], [[9, 10], [11, 12]]]])
    # Map 0: 1*1 + 2*4 of channel 0 and 1*10 of channel 2, and 0.5. Map 1: 5 + 6 + 7 + 8 of channel 1, less 1.
    assert layer(x).flatten().tolist() == [19.5, 25.0]


def test_a_partial_convolution_is_one_with_a_mask_and_so_are_its_gradients() -> None:
    table = [[map_ for map_ in range(6) if TABLE[map_][number] == "X"] for number in range(16)]
    layer, masked = PartialConv2d(6, table, 5), torch.zeros(16, 6, 5, 5)
    kernel = iter(layer.weight.detach())
    for number, row in enumerate(table):
        for seen in row:
            masked[number, seen] = next(kernel)
    masked.requires_grad_()
    x, way = torch.randn(3, 6, 9, 9), torch.randn(3, 16, 5, 5)
    expected = functional.conv2d(x, masked, layer.bias)
    torch.testing.assert_close(layer(x), expected)
    (layer(x) * way).sum().backward()
    (expected * way).sum().backward()
    assert masked.grad is not None
    gradients = torch.stack([masked.grad[number, seen] for number, row in enumerate(table) for seen in row])
    torch.testing.assert_close(layer.weight.grad, gradients, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("table", [[(0,), ()], [(0, 0)], [(3,)], [(-1,)]])
def test_a_row_of_the_table_that_cannot_be_meant(table: list[tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="must name different channels from 0 to 2, at least one, not"):
        PartialConv2d(3, table, 5)


def test_subsampling_worked_out_by_hand() -> None:
    network = LeNet5()
    with torch.no_grad():
        network.s2.coefficient.copy_(torch.tensor([0.5, 1, 1, 1, 1, -0.25]))
        network.s2.bias.copy_(torch.tensor([0.25, 0, 0, 0, 0, 1]))
    x = torch.zeros(1, 6, 28, 28)
    x[0, 0, :2, :2] = torch.tensor([[0.1, 0.2], [0.3, 0.4]])
    x[0, 5, 26:, 26:] = torch.tensor([[1.0, 2], [3, 4]])
    out = network.s2(x)
    assert out.shape == (1, 6, 14, 14)
    assert out[0, 0, 0, 0].item() == pytest.approx(0.75)  # (0.1 + 0.2 + 0.3 + 0.4) / 2 + 0.25
    assert out[0, 0, 0, 1].item() == pytest.approx(0.25)
    assert out[0, 5, 13, 13].item() == pytest.approx(-1.5)  # 10 * -0.25 + 1
    squashed = network.squash2(out)[0, 0, 0, 0].item()
    assert squashed == pytest.approx(1.7159 * math.tanh(2 / 3 * 0.75))


def test_squashing_keeps_one_and_ends_below_two() -> None:
    out = ScaledTanh()(torch.tensor([1.0, -1, 0, 100]))
    assert out.tolist() == pytest.approx([1, -1, 0, 1.7159], abs=1e-4)
    network = LeNet5()
    assert sum(isinstance(part, ScaledTanh) for part in network.modules()) == 6


def test_the_prototypes_are_the_drawings() -> None:
    output = RadialBasis(10)
    lines = DIGITS.split()
    assert len(lines) == 120 and {len(line) for line in lines} == {7}
    for digit in range(10):
        drawn = ["".join("#" if pixel > 0 else "." for pixel in row) for row in output.prototypes[digit].view(12, 7)]
        assert drawn == lines[digit::10]
    assert set(output.prototypes.flatten().tolist()) == {-1.0, 1.0}
    apart = (output.prototypes[:, None] - output.prototypes).square().sum(2) + 999 * torch.eye(10)
    assert apart.min() >= 4 * 12, "two drawings differ in fewer than twelve pixels"


def test_the_output_is_minus_the_squared_distance() -> None:
    output = RadialBasis(10)
    three = output.prototypes[3]
    touched = three.clone()
    touched[:2] *= -1  # two pixels the other way: each is 2 away
    out = output(torch.stack([three, touched, 0.5 * three, torch.zeros(84)]))
    assert out[:3, 3].tolist() == [0, -8, -21]  # 84 * 0.5²
    assert out[:3].argmax(1).tolist() == [3, 3, 3]
    assert out[3].tolist() == [-84] * 10
    assert out[0, 8].item() == -4 * (three != output.prototypes[8]).sum().item()


def test_classes_without_a_drawing_have_codes_of_their_own() -> None:
    many, few = RadialBasis(300).prototypes, RadialBasis(4).prototypes
    assert torch.equal(many[:4], few)
    assert torch.equal(many[:10], RadialBasis(10).prototypes)
    assert len({tuple(code.tolist()) for code in many}) == 300
    assert many.unique().tolist() == [-1, 1]
    assert many[10, :16].tolist() == [1, 1, -1, -1, 1, -1, -1, -1, 1, -1, -1, -1, -1, -1, 1, -1], (
        "the same on every machine"
    )


def test_the_loss_worked_out_by_hand() -> None:
    distances, labels = torch.tensor([[1.0, 2.0], [4.0, 0.5]]), torch.tensor([0, 0])
    first = 1 + math.log(math.exp(-3) + math.exp(-1) + math.exp(-2))
    second = 4 + math.log(math.exp(-3) + math.exp(-4) + math.exp(-0.5))
    assert MapLoss(j=3)(-distances, labels).item() == pytest.approx((first + second) / 2)


def test_the_loss_pushes_only_from_prototypes_nearer_than_j() -> None:
    distances = torch.tensor([[0.0, 5, 40]], requires_grad=True)
    MapLoss(j=20)(-distances, torch.tensor([2])).backward()
    assert distances.grad is not None
    own, near = distances.grad[0, 2].item(), distances.grad[0, 0].item()
    assert own == pytest.approx(1)  # drawn near
    assert near == pytest.approx(-1, abs=0.01)  # pushed off
    far = torch.tensor([[30.0, 31, 40]], requires_grad=True)
    MapLoss(j=20)(-far, torch.tensor([2])).backward()
    assert far.grad is not None
    assert far.grad[0, :2].abs().max() < 1e-4
    logits, labels = torch.randn(5, 10), torch.arange(5)
    torch.testing.assert_close(MapLoss(j=math.inf)(logits, labels), functional.cross_entropy(logits, labels))


def test_the_loss_comes_with_the_network_and_is_no_layer() -> None:
    network = copy.deepcopy(create("lenet5"))
    assert isinstance(network, LeNet5) and isinstance(network.criterion, MapLoss)
    assert criterion_of(network) is network.criterion
    assert not any(isinstance(module, MapLoss) for module in network.modules())
    assert criterion_of(create("lenet5_modern")) is None
    other = nn.CrossEntropyLoss()
    network.criterion = other
    assert criterion_of(network) is other


def test_weights_begin_as_the_paper_says() -> None:
    torch.manual_seed(0)
    network = create("lenet5", in_channels=3)
    assert isinstance(network, LeNet5) and isinstance(network.c3, PartialConv2d)
    units = network.c3.units()
    drawn = [
        (network.c1.weight, 3 * 25),
        (units[0][0], 3 * 25),
        (units[15][0], 6 * 25),
        (network.c5.weight, 400),
        (network.f6.weight, 120),
        (network.s4.coefficient, 4),
    ]
    for weights, inputs in drawn:
        bound = 2.4 / inputs
        assert 0.75 * bound < weights.abs().max().item() <= bound
        assert weights.min() < 0 < weights.max()


@pytest.mark.slow
def test_it_learns_the_digits_by_its_own_loss(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = create("lenet5")
    data = load_data("mnist5k", size=32)
    run = fit(network, data, epochs=3, output=tmp_path / "run", precision="32", progress=False)
    assert run.metrics["test_accuracy"] > 0.94
    images, labels = next(iter(data.test.batches(64)))
    with torch.no_grad():
        distances = -network.eval()(images)
    assert distances.gather(1, labels[:, None]).mean() < 20, "the digits lie at their drawings, which are 60 apart"


def test_width_stretches_the_table() -> None:
    wide = create("lenet5", width=2)
    assert isinstance(wide, LeNet5) and isinstance(wide.c3, PartialConv2d)
    assert wide.c3.seen == [2 * sum(row[number // 2] == "X" for row in TABLE) for number in range(32)]
    seen = wide.c3.places.view(-1)[: wide.c3.seen[0]] % 12
    assert seen.tolist() == [0, 1, 2, 3, 4, 5]  # maps 0, 1 and 2, each twice
    assert wide.c5.weight.shape == (240, 32, 5, 5)
    assert wide(torch.zeros(2, 1, 32, 32)).shape == (2, 10)
    assert count(create("lenet5", width=0.5)) < 20_000


def test_knobs_of_lenet5() -> None:
    assert count(create("lenet5", connections="full")) == 60_900  # 2,416 in C3
    other = create("lenet5", activation="maxout", num_classes=12, in_channels=3)
    out = other(torch.rand(2, 3, 32, 32))
    assert out.shape == (2, 12)
    other.criterion(out, torch.tensor([0, 11])).backward()  # type: ignore[operator]
    assert all(parameter.grad is not None for parameter in other.parameters())


@pytest.mark.parametrize(
    ("name", "knobs", "sentence"),
    [
        ("lenet5", {"width": 0.1}, 'width 0.1 leaves maps of C3 without any input in the table; take connections="ful'),
        ("lenet5", {"connections": "some"}, 'connections must be one of "table", "full", not \'some\''),
        ("lenet5", {"norm": "batch"}, 'no knob "norm".*activation.*connections.*in_channels.*num_classes.*width'),
        ("lenet5_modern", {"pooling": "min"}, 'pooling must be one of "max", "average", not \'min\''),
        ("lenet5_modern", {"dropout": 1.0}, "dropout must be from 0 up to, not including, 1, not 1.0"),
    ],
)
def test_a_bad_knob_is_one_sentence(name: str, knobs: dict[str, Any], sentence: str) -> None:
    with pytest.raises(LayerlabError, match=sentence) as caught:
        create(name, **knobs)
    assert "\n" not in str(caught.value)


def test_the_modern_form_is_the_usual_one() -> None:
    network = LeNet5Modern()
    stages = [count(getattr(network, name)) for name in ("conv1", "conv2", "dense1", "dense2", "dense3")]
    assert stages == [156, 2_416, 48_120, 10_164, 850]
    assert count(network) == sum(stages) == 61_706
    usual = nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )
    agree(usual, network, torch.randn(3, 1, 32, 32), training=True)


@pytest.mark.parametrize("norm", ["batch", "group", "layer"])
def test_knobs_of_the_modern_form(norm: str) -> None:
    network = create(
        "lenet5_modern", norm=norm, pooling="average", dropout=0.5, activation="maxout", width=2, in_channels=3
    )
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 10)
    kinds = [type(module) for module in network.modules()]
    assert kinds.count(nn.BatchNorm2d if norm == "batch" else nn.GroupNorm) == 2
    assert kinds.count(nn.AvgPool2d) == 2 and nn.MaxPool2d not in kinds
    assert network.get_submodule("conv2.0").bias is None
