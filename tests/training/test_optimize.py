"""Optimised networks: the same numbers from odd models, the choice by measuring, and what is refused."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

import layerlab
from layerlab.errors import LayerlabError
from layerlab.training import optimize as module
from layerlab.training.folding import Folded, fold
from layerlab.training.fused import FusedAffine, FusedConvolution, FusedLinear, round_to_bfloat16
from layerlab.training.optimize import OptimizedModel, optimize
from layerlab.training.precision import bf16_is_native

CHANNELS_LAST = torch.channels_last
GUIDE = Path(__file__).parents[2] / "docs" / "optimize.md"


def randomise(model: nn.Module, seed: int = 0) -> nn.Module:
    """Give every norm statistics that matter: with those of a fresh one, a wrong fold hides."""
    generator = torch.Generator().manual_seed(seed)
    for part in model.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            for tensor, low in (
                (part.weight, 0.5),
                (part.bias, -0.5),
                (part.running_mean, -0.5),
                (part.running_var, 0.3),
            ):
                if tensor is not None:
                    tensor.data.copy_(torch.rand(tensor.shape, generator=generator) + low)
    return model.eval().requires_grad_(False)


def images(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def agrees(model: nn.Module, x: Tensor, others: tuple[Tensor, ...] = ()) -> Folded:
    """Fold a copy and compare it, in both layouts, on the input, on one of it, and on further ones."""
    randomise(model)
    before = copy.deepcopy(model.state_dict())
    folded = fold(module._frozen_copy(model), x)
    for one in (x, x[:1], *others):
        expected = model(one)
        for layout in (torch.contiguous_format, CHANNELS_LAST) if x.dim() == 4 else (torch.contiguous_format,):
            got = folded.module(one.clone().contiguous(memory_format=layout))
            assert (got - expected).abs().max() <= 1e-5 * expected.abs().max()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    return folded


class Classifier(nn.Module):
    """What is tested, then pooling and a dense layer; the shortest network that classifies."""

    def __init__(self, body: nn.Module, channels: int = 8) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(channels, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).mean((2, 3)))


class Twice(nn.Module):
    """One convolution, called twice, with a norm of its own after each."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 1)
        self.conv = nn.Conv2d(8, 8, 3, padding=1)
        self.first, self.second = nn.BatchNorm2d(8), nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.conv(F.relu(self.first(self.conv(self.stem(x))))))


class Shared(nn.Module):
    """The convolution's output goes to its norm and elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return F.relu(self.norm(y)) + y


class InPlace(nn.Module):
    """An activation overwrites what the skip connection and a convolution had read."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:
        y = self.stem(x)
        z = self.norm(self.conv(y))
        y = F.relu_(y)
        z += y
        return F.relu(z)


class Residual(nn.Module):
    """Skips of all kinds: a kept image, a projected one, one that is used again, one that is added to itself."""

    def __init__(self, activation: Callable[[], nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.c, self.d = nn.Conv2d(8, 8, 1, stride=2), nn.Conv2d(8, 8, 3, stride=2, padding=1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(8) for _ in range(4))
        self.act = activation()

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.norms[0](self.a(x)))
        y = self.act(self.norms[1](self.b(x)) + x)
        z = self.norms[3](self.d(y)) + self.norms[2](self.c(y))
        z = z + z
        return self.act(z) * y.mean((2, 3), keepdim=True) + x.mean((2, 3), keepdim=True)


class Broadcast(nn.Module):
    """The addition is of one number a channel at one size, of an image at another."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.squeeze = nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) + F.adaptive_avg_pool2d(self.squeeze(x), 1)


class Follows(nn.Module):
    """Code that cannot be followed with a stand-in: it asks what its numbers are."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.conv, self.norm = nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.inner(x)
        if x.abs().max() > 1e6:
            x = x / 2
        return self.norm(self.conv(x))


class Lies(nn.Module):
    """Code that a stand-in leads another way."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)

    def forward(self, x: Any) -> Tensor:
        return self.norm(self.conv(x if isinstance(x, Tensor) else x * 2))


def sequence(*layers: nn.Module) -> nn.Module:
    return Classifier(nn.Sequential(*layers))


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("padding", [0, 1, "same", "valid"])
def test_a_norm_goes_into_any_convolution(groups: int, dilation: int, padding: int | str) -> None:
    convolution = nn.Conv2d(4, 8, 3, groups=groups, dilation=dilation, padding=padding, bias=groups == 2)
    folded = agrees(sequence(convolution, nn.BatchNorm2d(8), nn.ReLU()), images(3, 4, 12, 11), (images(2, 4, 17, 9),))
    assert folded.norms == ["body.1"] and not folded.left and folded.joined == 1


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_a_stride_and_uneven_kernels() -> None:
    layers = [nn.Conv2d(3, 8, (1, 7), padding=(0, 3), stride=(2, 1)), nn.BatchNorm2d(8, affine=False), nn.ReLU6()]
    assert agrees(
        sequence(*layers, nn.Conv2d(8, 8, (4, 1), padding="same"), nn.BatchNorm2d(8)), images(2, 3, 12, 11)
    ).norms


def test_padding_that_is_no_zeros_stays() -> None:
    folded = agrees(
        sequence(nn.Conv2d(3, 8, 3, padding=1, padding_mode="reflect"), nn.BatchNorm2d(8)), images(2, 3, 9, 9)
    )
    assert folded.norms == ["body.1"]


@pytest.mark.parametrize("groups", [1, 2])
def test_transposed_convolutions(groups: int) -> None:
    layers = [nn.ConvTranspose2d(4, 8, 3, stride=2, groups=groups, output_padding=1), nn.BatchNorm2d(8)]
    assert agrees(sequence(*layers), images(2, 4, 6, 6)).norms == ["body.1"]


def test_one_and_three_axes_and_dense_layers() -> None:
    flat = nn.Sequential(
        nn.Conv1d(2, 8, 3), nn.BatchNorm1d(8), nn.ReLU(), nn.Flatten(), nn.Linear(64, 6), nn.BatchNorm1d(6)
    )
    assert agrees(nn.Sequential(*flat, nn.Sigmoid(), nn.Linear(6, 5)), images(3, 2, 10)).norms == ["1", "5"]
    deep = nn.Sequential(nn.Conv3d(2, 4, 3), nn.BatchNorm3d(4), nn.Flatten(), nn.Linear(32, 5))
    assert agrees(deep, images(3, 2, 4, 4, 4)).norms == ["1"]


def test_a_norm_over_another_axis_than_the_dense_layers_stays() -> None:
    model = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Flatten(), nn.Linear(36, 5))
    assert agrees(model, images(3, 6, 6)).norms == []


def test_a_convolution_that_is_called_twice() -> None:
    folded = agrees(Classifier(Twice()), images(2, 3, 9, 9))
    assert folded.norms == ["body.first", "body.second"]
    assert {"network.body.conv_again.weight", "network.body.conv.weight"} < set(folded.module.state_dict())


def test_an_output_that_is_used_twice() -> None:
    folded = agrees(Classifier(Shared()), images(2, 3, 9, 9))
    assert folded.norms == [] and folded.left == {"body.norm": "other layers see its input too"}


def test_a_view_after_pooling() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16)
            self.pool, self.dense = nn.MaxPool2d(2), nn.Linear(16 * 3 * 3, 5)

        def forward(self, x: Tensor) -> Tensor:
            x = self.pool(self.norm(self.conv(x)).relu())
            return self.dense(x.view(x.size(0), -1))

    assert agrees(Net(), images(4, 3, 8, 8)).norms == ["norm"]
    assert "folded" in str(optimize(Net().eval(), images(4, 3, 8, 8), precision="32").report)


def test_what_is_overwritten_was_read_before() -> None:
    assert agrees(Classifier(InPlace()), images(2, 3, 9, 9)).norms == ["body.norm"]


class Statements(nn.Module):
    """Overwrites images without taking what that gives."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.act = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Hardtanh(-0.2, 0.4, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        x.mul_(1.5)
        F.leaky_relu(x, 0.5, inplace=True)
        F.relu6(x, True)
        self.act(x)
        return x


def test_what_is_overwritten_by_a_statement_is_kept() -> None:
    assert agrees(Classifier(Statements()), images(2, 3, 9, 9)).norms == ["body.norm"]


class Doubles(nn.Identity):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


class Shifts(nn.Dropout):
    def forward(self, x: Tensor) -> Tensor:
        return x + 1


@pytest.mark.parametrize("layer", [Doubles(), Shifts()], ids=lambda layer: type(layer).__name__)
def test_a_layer_that_only_descends_from_an_idle_one_stays(layer: nn.Module) -> None:
    folded = agrees(sequence(layer, nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)), images(2, 3, 9, 9))
    assert len(folded.norms) == 1


@pytest.mark.parametrize("activation", [nn.ReLU, lambda: nn.ReLU(inplace=True), nn.SiLU, nn.Hardswish, nn.ELU])
def test_skips(activation: Callable[[], nn.Module]) -> None:
    folded = agrees(Classifier(Residual(activation)), images(2, 3, 12, 12), (images(1, 3, 20, 14),))
    assert len(folded.norms) == 4
    kinds = [part.adds for part in folded.module.modules() if isinstance(part, FusedConvolution)]
    assert kinds.count("into") + kinds.count("add") == 2


class Kept(nn.Module):
    """What an addition could overwrite is read once more, by a layer or by a view of it."""

    def __init__(self, again: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(3 if i == 0 else 8, 8, 3, padding=1) for i in range(3))
        self.again = again

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.layers[0](x))
        before = x.flatten(2)
        y = F.relu(self.layers[2](F.relu(self.layers[1](x))) + x)
        return y * (x if self.again else before.mean(2)[:, :, None, None])


@pytest.mark.parametrize("again", [True, False])
def test_an_addition_does_not_overwrite_what_is_read_later(again: bool) -> None:
    folded = agrees(Classifier(Kept(again)), images(2, 3, 9, 9))
    assert [part.adds for part in folded.module.modules() if isinstance(part, FusedConvolution)].count("add") == 1


def test_an_addition_that_repeats_numbers() -> None:
    model = Classifier(Broadcast())
    assert agrees(model, images(2, 3, 3, 3), (images(2, 3, 8, 8),))  # both are one pixel at first


@pytest.mark.parametrize(
    "activation",
    [
        nn.LeakyReLU(0.2),
        nn.GELU(),
        nn.GELU("tanh"),
        nn.Hardtanh(-0.5, 0.7),
        nn.Tanh(),
        nn.Sigmoid(),
        nn.Softplus(),
        nn.PReLU(8),
    ],
    ids=str,
)
def test_activations(activation: nn.Module) -> None:
    for before in (nn.Identity(), nn.MaxPool2d(2)):  # after a convolution, and after a norm that stays
        agrees(sequence(nn.Conv2d(3, 8, 3), before, nn.BatchNorm2d(8), activation), images(2, 3, 10, 10))


@pytest.mark.parametrize(
    "norm", [nn.GroupNorm(2, 8), nn.InstanceNorm2d(8), nn.BatchNorm2d(8, track_running_stats=False)]
)
def test_other_norms_stay(norm: nn.Module) -> None:
    assert agrees(sequence(nn.Conv2d(3, 8, 3), norm, nn.ReLU()), images(1, 3, 10, 10)).norms == []


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("normalise", [nn.utils.weight_norm, nn.utils.parametrizations.weight_norm])
def test_a_weight_that_is_computed_stays(normalise: Callable[[nn.Module], nn.Module]) -> None:
    folded = agrees(sequence(normalise(nn.Conv2d(3, 8, 3)), nn.BatchNorm2d(8)), images(2, 3, 10, 10))
    assert folded.norms == []


def test_hooks_run_still() -> None:
    model = sequence(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Sequential(nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8)))
    seen: list[tuple[int, ...]] = []
    model.body[0].register_forward_hook(lambda _module, _inputs, output: output * 2)
    model.body[2].register_forward_hook(lambda _module, _inputs, output: seen.append(tuple(output.shape)))
    folded = agrees(model, images(2, 3, 10, 10))
    assert folded.norms == [] and "it has hooks" in folded.closed["body.2"]
    seen.clear()
    folded.module(images(2, 3, 10, 10))
    assert seen == [(2, 8, 8, 8)]


def test_what_cannot_be_followed_is_called_as_it_stands() -> None:
    folded = agrees(Classifier(Follows()), images(2, 3, 10, 10), (images(2, 3, 12, 8),))
    assert folded.norms == ["body.inner.1"] and list(folded.left) == ["body.norm"] and list(folded.closed) == ["body"]


def test_pooling_comes_before_a_convolution_of_single_pixels() -> None:
    model = sequence(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 8, 1), nn.AvgPool2d(2), nn.BatchNorm2d(8))
    folded = agrees(model, images(2, 3, 11, 11), (images(2, 3, 12, 13),))
    called = [node.target for node in folded.module.graph.nodes]
    assert called.index("network.body.3") < called.index("network.body.2")


def test_a_dense_network_joins_its_norms_with_their_activations() -> None:
    torch.manual_seed(0)
    model = torchvision.models.DenseNet(4, (2, 2), 8, 4, num_classes=5)
    folded = agrees(model, images(2, 3, 32, 32), (images(1, 3, 48, 40),))
    left = [part for part in folded.module.modules() if isinstance(part, FusedAffine)]
    assert len(left) == len(folded.left) > 0 and all(part.activation.name == "relu" for part in left)


@pytest.mark.parametrize(
    ("name", "norms", "left"),
    [
        ("resnet20", 19, 0),
        ("preact_resnet20", 10, 9),
        ("densenet_bc_40_12", 18, 21),
        ("googlenet_cifar", 57, 0),
        ("xception_cifar", 22, 0),
        ("mobilenet_v2_025", 52, 0),
        ("mobilenet_v3_small_025", 34, 0),
    ],
)
def test_the_zoos_networks_can_be_followed(name: str, norms: int, left: int) -> None:
    torch.manual_seed(0)
    folded = agrees(layerlab.create(name, num_classes=10), images(2, 3, 32, 32))
    assert (len(folded.norms), len(folded.left), folded.closed) == (norms, left, {})
    assert [type(head) for head in folded.heads] == [FusedLinear]


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(inplace=True), nn.Dropout(), Residual8())
    return randomise(Classifier(body, 16))


class Residual8(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)) + x)


def test_any_classifier_of_any_size(network: nn.Module) -> None:
    network.train()
    network.head.weight.requires_grad_()
    before = copy.deepcopy(network.state_dict())
    torch.manual_seed(5)
    expected_draw = torch.rand(3)
    torch.manual_seed(5)
    fast = layerlab.optimize(network, images(8, 3, 20, 20), precision="32")
    assert torch.equal(torch.rand(3), expected_draw)
    assert network.training and network.head.weight.requires_grad and network.body[0].weight.is_contiguous()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    network.eval()
    for shape in ((1, 3, 20, 20), (8, 3, 20, 20), (3, 3, 41, 30)):
        x = images(*shape)
        expected = network(x)
        assert fast(x).dtype == torch.float32 and not fast.training
        assert (fast(x) - expected).abs().max() <= 1e-5 * expected.abs().max()
    assert not fast(images(1, 3, 20, 20).requires_grad_()).requires_grad
    with torch.autocast("cpu", torch.bfloat16):
        assert (fast(x) - expected).abs().max() <= 1e-5 * expected.abs().max()


class Centres(nn.Module):
    """Writes to the very images that it is given."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sub_(0.5)


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_images_that_the_network_writes_to_stay_as_they_are(memory_format: str) -> None:
    torch.manual_seed(0)
    body = nn.Sequential(Centres(), nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU())
    network = randomise(Classifier(body, 16))
    x, more = images(4, 3, 12, 12), images(6, 3, 12, 12, seed=2)
    given, further = x.clone(), more.clone()
    fast = optimize(network, given, more=further, precision="32", memory_format=memory_format)
    assert torch.equal(given, x) and torch.equal(further, more)
    assert len(fast.report.folded) == 1
    for one in (given, given.contiguous(memory_format=CHANNELS_LAST)):
        first = fast(one)
        assert torch.equal(one, x) and torch.equal(fast(one), first)
        assert torch.allclose(first, network(x.clone()), atol=1e-5)


def test_autocast_and_inference_mode_around_it_do_not_matter(network: nn.Module) -> None:
    x = images(4, 3, 20, 20)
    with torch.autocast("cpu", torch.bfloat16):
        fast = optimize(network, x, precision="32")
    assert fast.report.folded and not fast.report.warning
    assert fast.report.chosen.difference < 1e-5  # of float32, not of what autocast makes of it
    with torch.inference_mode():
        fast = optimize(network, x.clone(), precision="32")
    fast.load_state_dict(fast.state_dict())  # no tensor of it may be bound to inference mode
    assert torch.allclose(fast(x), network(x), atol=1e-5)


@pytest.mark.parametrize("kind", ["meta device", "float64"])
def test_defaults_that_somebody_has_set_do_not_matter(network: nn.Module, kind: str) -> None:
    x = images(4, 3, 20, 20)
    try:
        if kind == "float64":
            torch.set_default_dtype(torch.float64)
        else:
            torch.set_default_device("meta")
        fast = optimize(network, x, precision="32")
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
    assert fast(x).dtype == torch.float32 and torch.allclose(fast(x), network(x), atol=1e-5)


def test_copies_checkpoints_and_programs(network: nn.Module) -> None:
    fast = optimize(network, images(4, 3, 20, 20), precision="32", memory_format="channels_last")
    x = images(2, 3, 20, 20)
    expected = fast(x)
    assert torch.equal(copy.deepcopy(fast)(x), expected)
    other = copy.deepcopy(fast)
    other.load_state_dict({name: torch.zeros_like(value) for name, value in fast.state_dict().items()})
    assert not other(x).any() and torch.equal(fast(x), expected)  # also where oneDNN had its own copy
    other.load_state_dict(fast.state_dict())
    assert torch.equal(other(x), expected)
    program = torch.export.export(fast, (x,), dynamic_shapes=({0: torch.export.Dim.AUTO},)).module()
    assert torch.allclose(program(images(5, 3, 20, 20)), fast(images(5, 3, 20, 20)), rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(not bf16_is_native(torch.device("cpu")), reason="the processor has no bfloat16")
def test_rounding_keeps_the_classes_and_the_last_digits_of_the_logits(network: nn.Module) -> None:
    fast = optimize(network, images(16, 3, 20, 20), precision="bf16", agreement=0.9)
    parts = [part for part in fast.modules() if isinstance(part, FusedConvolution)]
    if fast.report.chosen.precision == "bf16":
        assert {part.weight.dtype for part in parts} == {torch.bfloat16}
    folded = fold(copy.deepcopy(network), images(2, 3, 20, 20))
    round_to_bfloat16(folded.module, folded.heads)
    heads = [part for part in folded.module.modules() if isinstance(part, FusedLinear)]
    assert [part.weight.dtype for part in heads] == [torch.float32]
    x = images(8, 3, 20, 20)
    got, expected = folded.module(x.bfloat16().contiguous(memory_format=CHANNELS_LAST)), network(x)
    assert got.dtype == torch.float32
    assert 0 < (got - expected).abs().max() <= 0.03 * expected.abs().max()


@pytest.mark.skipif(not bf16_is_native(torch.device("cpu")), reason="the processor has no bfloat16")
def test_each_joined_step_is_right_in_bfloat16() -> None:
    for model in (Classifier(Residual()), sequence(nn.Conv2d(3, 8, 3), nn.MaxPool2d(2), nn.BatchNorm2d(8), nn.ReLU())):
        randomise(model)
        folded = fold(copy.deepcopy(model), images(2, 3, 16, 16))
        round_to_bfloat16(folded.module, folded.heads)
        x = images(4, 3, 16, 16)
        got, expected = folded.module(x.bfloat16().contiguous(memory_format=CHANNELS_LAST)), model(x)
        assert (got - expected).abs().max() <= 0.03 * expected.abs().max()


def test_a_way_that_changes_classes_is_not_taken(network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(program: nn.Module, _keep: object) -> None:
        for buffer in program.buffers():
            buffer.mul_(-1)

    monkeypatch.setattr(module, "round_to_bfloat16", spoil)
    monkeypatch.setattr(module, "bf16_is_native", lambda _device: True)
    monkeypatch.setattr(module._Optimizer, "_dtype", lambda _self, _trial: torch.float32)
    fast = optimize(network, images(8, 3, 20, 20))
    assert fast.report.chosen.precision == "32"
    assert (fast(images(8, 3, 20, 20)) - network(images(8, 3, 20, 20))).abs().max() < 1e-4
    wrong = [trial for trial in fast.report.trials if trial.note]
    assert all(trial.precision == "bf16" and trial.note == "changes too many classes" for trial in wrong)
    asked = optimize(network, images(8, 3, 20, 20), precision="bf16").report
    assert asked.chosen.precision == "32" and {trial.precision for trial in asked.trials} == {"32", "bf16"}


def test_a_way_that_cannot_be_run_is_said_so(network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "bf16_is_native", lambda _device: True)
    monkeypatch.setattr(module, "round_to_bfloat16", lambda program, _keep: program.double())
    monkeypatch.setattr(FusedConvolution, "forward", lambda self, *x: F.conv2d(x[0], self.weight, None))
    fast = optimize(network, images(4, 3, 20, 20))
    assert fast.report.warning.startswith("nothing was folded: ")
    assert torch.equal(fast(images(4, 3, 20, 20)).argmax(1), network(images(4, 3, 20, 20)).argmax(1))


def test_other_numbers_are_noticed() -> None:
    model = randomise(Classifier(Lies()))
    fast = optimize(model, images(4, 3, 12, 12), precision="32")
    assert fast.report.warning.startswith("nothing was folded: a folded copy gave other outputs (off by ")
    assert torch.allclose(fast(images(4, 3, 12, 12)), model(images(4, 3, 12, 12)), atol=1e-5)


def test_the_report_says_what_was_done(network: nn.Module) -> None:
    fast = optimize(network, images(8, 3, 20, 20), more=images(40, 3, 20, 20, seed=3))
    report = fast.report
    assert report.batch == (8, 3, 20, 20) and report.images >= report.given == 48 and report.threads > 0
    assert report.folded == ("body.1", "body.4.norm") and report.joined == 4 and report.left == report.closed == {}
    assert report.chosen in report.trials and report.chosen.agreement >= 0.99
    text = str(report)
    assert text.count("\n* ") == 1 and "batch norms folded: 2 of 2; steps joined with a layer: 4" in text
    assert f"classes compared on {report.images} inputs (48 given, {report.images - 48} altered copies of them)" in text
    assert pickle.loads(pickle.dumps(report)) == report  # noqa: S301


@pytest.mark.parametrize("name", ["lecture_cnn"])
def test_networks_with_one_channel_or_a_softmax(name: str) -> None:
    torch.manual_seed(0)
    network = layerlab.create(name, num_classes=10).eval()
    fast = optimize(network, images(6, 1, 28, 28))
    assert torch.equal(fast(images(6, 1, 28, 28)).argmax(1), network(images(6, 1, 28, 28)).argmax(1))


def test_dense_networks() -> None:
    network = randomise(nn.Sequential(nn.Linear(12, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 1)))
    fast = optimize(network, images(8, 12), precision="32")
    assert fast.report.folded == ("1",) or not fast.report.chosen.folded
    assert torch.allclose(fast(images(5, 12)), network(images(5, 12)), atol=1e-5)


def test_the_guides_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    source = GUIDE.read_text().partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(source, names)
    assert names["logits"].shape == (200, 10)
    assert "8 x 3 x 32 x 32" in capsys.readouterr().out


def test_an_optimised_network_is_not_trained(network: nn.Module) -> None:
    fast = optimize(network, images(4, 3, 20, 20), precision="32")
    assert isinstance(fast.eval(), OptimizedModel)
    with pytest.raises(LayerlabError, match="for inference only: train the original and optimise it again"):
        fast.train()
    with pytest.raises(LayerlabError, match="optimised already: give the original"):
        optimize(fast, images(4, 3, 20, 20))
    with pytest.raises(LayerlabError, match="takes one tensor of images, and was given list"):
        fast([1])


class NoClassifier(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


class Overflows(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3)) / 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"example": images(2, 4, 20, 20)}, r"Classifier cannot take the example of shape \(2, 4, 20, 20\): "),
        ({"example": images(2, 3, 2, 2)}, r"Classifier cannot take the example of shape \(2, 3, 2, 2\): "),
        ({"example": torch.zeros(2, 3, 20, 20, dtype=torch.uint8)}, "as floats, not a torch.uint8 tensor of shape"),
        (
            {"example": torch.zeros(0, 3, 20, 20)},
            r"batch of prepared images .* not a torch.float32 tensor of shape \(0,",
        ),
        ({"example": [1]}, r"example must be a batch of prepared images \(N, C, H, W\) as floats, not list"),
        ({"example": images(2, 3, 20, 20).to("meta")}, "the network is on cpu and the example on meta: move one"),
        ({"model": NoClassifier()}, r"a tensor of shape \(2, 3, 20, 20\); expected a tensor \(N, classes\)"),
        ({"model": Overflows()}, "gives NaN or infinite outputs for the example; check its weights"),
        ({"model": "resnet50"}, r"takes a network \(nn.Module\), and was given str"),
        ({"more": images(2, 3, 9, 9)}, r"more holds inputs of shape \(3, 9, 9\), and the example's are \(3, 20, 20\)"),
        ({"precision": "bf61"}, r'precision must be auto, 32, bf16, not \'bf61\'; did you mean "bf16"'),
        ({"memory_format": "last"}, "memory_format must be auto, contiguous, channels_last, not 'last'"),
        ({"agreement": 99}, "agreement must be a share from 0 to 1, not 99"),
        ({"example": images(2, 3, 20, 20).double()}, "cannot take the example"),
    ],
)
def test_what_cannot_be_optimised(network: nn.Module, change: dict[str, Any], message: str) -> None:
    arguments = {"model": network, "example": images(2, 3, 20, 20)} | change
    with pytest.raises(LayerlabError, match=message) as caught:
        optimize(**arguments)
    assert "\n" not in str(caught.value)
