"""DenseNet: the paper's counts, what reads what, the control without concatenation, checkpointing."""

from __future__ import annotations

import copy
import re

import pytest
import torch
from torch import Tensor, nn

from layerlab.errors import LayerlabError
from layerlab.zoo import create
from layerlab.zoo.densenet import DenseBlock, DenseLayer


def by_hand(layers: tuple[int, ...], k: int, classes: int, stem: str) -> int:
    """Return the parameters of DenseNet-BC from the paper's text."""
    channels = 2 * k
    total = 3 * 49 * channels + 2 * channels if stem == "imagenet" else 3 * 9 * channels
    for number, count in enumerate(layers):
        for _ in range(count):
            total += 2 * channels + channels * 4 * k  # norm, 1x1
            total += 2 * 4 * k + 4 * k * 9 * k  # norm, 3x3
            channels += k
        if number < len(layers) - 1:
            total += 2 * channels + channels * (channels // 2)
            channels //= 2
    return total + 2 * channels + channels * classes + classes


@pytest.mark.parametrize(
    ("name", "layers", "k", "classes", "stem", "published"),
    [
        ("densenet121", (6, 12, 24, 16), 32, 1000, "imagenet", 7_978_856),
        ("densenet161", (6, 12, 36, 24), 48, 1000, "imagenet", 28_681_000),
        ("densenet169", (6, 12, 32, 32), 32, 1000, "imagenet", 14_149_480),
        ("densenet201", (6, 12, 48, 32), 32, 1000, "imagenet", 20_013_928),
        ("densenet_bc_100_12", (16, 16, 16), 12, 10, "cifar", 769_162),
        ("densenet_bc_40_12", (6, 6, 6), 12, 10, "cifar", 176_122),
    ],
)
def test_parameters_by_hand(
    name: str, layers: tuple[int, ...], k: int, classes: int, stem: str, published: int
) -> None:
    assert by_hand(layers, k, classes, stem) == published
    assert sum(p.numel() for p in create(name, device="meta").parameters()) == published


@pytest.mark.parametrize("depth", [40, 100])
def test_depth_counts_the_layers_with_weights(depth: int) -> None:
    model = create("densenet_bc_40_12", depth=depth, device="meta")
    assert sum(isinstance(part, (nn.Conv2d, nn.Linear)) for part in model.modules()) == depth


def test_each_layer_reads_all_before_it() -> None:
    """Against the sentence of the paper, x_l = H_l([x_0, ..., x_{l-1}]), written out plainly."""
    torch.manual_seed(0)
    block = DenseBlock(3, 5, 4).train()
    first, second, third = block
    x = torch.randn(2, 5, 6, 6)
    x1 = first(x)
    x2 = second(torch.cat([x, x1], 1))
    x3 = third(torch.cat([x, x1, x2], 1))
    torch.testing.assert_close(block(x), torch.cat([x, x1, x2, x3], 1))
    assert [layer.conv1.in_channels for layer in (first, second, third)] == [5, 9, 13]


def test_a_layer_is_norm_relu_conv_twice() -> None:
    """One map of two values, worked by hand: the batch's mean 2 and variance 1, then ReLU, then kernels of ones."""
    layer = DenseLayer(1, 1).train()
    nn.init.ones_(layer.conv1.weight)  # four maps, all the same
    nn.init.zeros_(layer.conv2.weight)
    nn.init.ones_(layer.conv2.weight[:, :1, 1, 1])
    out = layer(torch.tensor([1.0, 3.0]).reshape(1, 1, 1, 2))
    # (-1, 1) is rectified to (0, 1); its mean 1/2 and deviation 1/2 make (-1, 1) again, rectified (0, 1).
    torch.testing.assert_close(out.flatten(), torch.tensor([0.0, 1.0]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("activation", ["relu", "elu"])
def test_without_norm_no_layer_overwrites_what_others_read(activation: str) -> None:
    torch.manual_seed(0)
    block = DenseBlock(3, 4, 4, norm="none", activation=activation)
    x = torch.randn(2, 4, 5, 5)
    before = x.clone()
    assert torch.equal(block(x)[:, :4], before)
    assert torch.equal(x, before)


def test_without_skip_each_layer_reads_the_one_before_it() -> None:
    model = create("densenet121", skip=False, device="meta")
    layers = [part for part in model.modules() if isinstance(part, DenseLayer)]
    assert [layer.conv1.in_channels for layer in layers[:3]] == [64, 32, 32]
    assert [layer.conv1.in_channels for layer in layers[6:9]] == [16, 32, 32]
    assert all(layer.conv2.out_channels == 32 for layer in layers)
    assert len(layers) == 58
    assert model.classifier.in_features == 32

    torch.manual_seed(0)
    block = DenseBlock(3, 5, 4, skip=False)
    x = torch.randn(2, 5, 6, 6)
    expected: Tensor = x
    for layer in block:
        expected = layer(expected)
    torch.testing.assert_close(block(x), expected)


def test_dropout_stands_behind_every_layer_and_in_training_only() -> None:
    torch.manual_seed(0)
    layer = DenseLayer(8, 4, dropout=0.5)
    x = torch.randn(4, 8, 16, 16)
    share = (layer.train()(x) == 0).float().mean()
    assert 0.4 < share < 0.6
    assert not (layer.eval()(x) == 0).any()
    model = create("densenet_bc_40_12", dropout=0.2, device="meta")
    assert sum(isinstance(part, nn.Dropout) and part.p == 0.2 for part in model.modules()) == 18


# ---- checkpointing


def pair(**knobs: object) -> tuple[nn.Module, nn.Module]:
    """Return the same network kept and recomputed."""
    torch.manual_seed(0)
    kept = create("densenet_bc_40_12", depth=22, **knobs)
    again = create("densenet_bc_40_12", depth=22, checkpointing=True, **knobs)
    again.load_state_dict(kept.state_dict())
    return kept, again


@pytest.mark.parametrize("knobs", [{}, {"norm": "group"}, {"norm": "none"}, {"skip": False}, {"dropout": 0.3}])
@pytest.mark.parametrize("training", [True, False])
def test_checkpointing_changes_no_number(knobs: dict[str, object], training: bool) -> None:
    kept, again = pair(**knobs)
    x = torch.randn(4, 3, 16, 16)
    found = []
    for model in (kept, again):
        torch.manual_seed(1)
        model.train(training)
        images = x.clone().requires_grad_()
        output = model(images)
        output.square().sum().backward()
        assert images.grad is not None
        found.append([output.detach(), images.grad, *(p.grad for p in model.parameters()), *model.buffers()])
    assert len(found[0]) == len(found[1])
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_a_batch_counts_once_in_the_running_statistics(momentum: float | None) -> None:
    """The gradient computes the norm of every bottleneck a second time, and PyTorch would count that batch again."""
    _, again = pair()
    for part in again.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = momentum
    x = torch.randn(4, 3, 16, 16)
    output = again.train()(x)
    after_forward = copy.deepcopy(again.state_dict())
    output.sum().backward()
    for name, value in again.state_dict().items():
        assert torch.equal(value, after_forward[name]), name
    norm = again.features.denseblock1.denselayer2.norm1
    assert int(norm.num_batches_tracked) == 1
    assert norm.momentum == momentum
    assert bool((norm.running_mean != 0).any())


def saved_bytes(depth: int, *, checkpointing: bool) -> int:
    """Return what is kept for the gradient, each storage once, the outputs of the layers among it."""
    model = create("densenet_bc_40_12", depth=depth, checkpointing=checkpointing).train()
    owned = {p.untyped_storage().data_ptr() for p in [*model.parameters(), *model.buffers()]}
    sizes: dict[int, int] = {}
    alive: list[Tensor] = []  # or an address may be used again

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in owned:
            sizes[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    def keep_inputs(_layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        for one in inputs:
            keep(one)

    for part in model.modules():
        if isinstance(part, DenseLayer):  # a checkpoint holds its inputs without the hooks
            part.register_forward_pre_hook(keep_inputs)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model(torch.randn(2, 3, 16, 16))
    assert output.requires_grad
    return sum(sizes.values())


def test_checkpointing_keeps_less_and_grows_with_the_depth_not_its_square() -> None:
    shallow, deep = (saved_bytes(depth, checkpointing=False) for depth in (40, 76))
    lean_shallow, lean_deep = (saved_bytes(depth, checkpointing=True) for depth in (40, 76))
    assert lean_shallow < 0.6 * shallow
    assert lean_deep < 0.45 * deep
    assert deep / shallow > 2.4  # twice the layers
    assert lean_deep / lean_shallow < 2.1


# ---- knobs


@pytest.mark.parametrize(
    ("name", "knobs", "sentence"),
    [
        ("densenet121", {"depth": 120}, "depth must be one of [121, 161, 169, 201, 264] (four blocks) or 6n + 4"),
        ("densenet_bc_100_12", {"depth": 4}, "depth must be one of"),
        ("densenet121", {"compression": 0}, "compression must be above 0 and at most 1, not 0"),
        ("densenet121", {"compression": 1.5}, "compression must be above 0 and at most 1, not 1.5"),
        ("densenet121", {"growth_rate": 0}, "growth_rate must be a whole number of at least 1, not 0"),
    ],
)
def test_a_bad_knob_is_one_sentence(name: str, knobs: dict[str, object], sentence: str) -> None:
    with pytest.raises(LayerlabError, match=re.escape(sentence)):
        create(name, device="meta", **knobs)


def test_width_is_a_factor_on_the_growth_rate() -> None:
    half, direct = create("densenet121", width=0.5, device="meta"), create("densenet121", growth_rate=16, device="meta")
    shapes = [{name: value.shape for name, value in model.state_dict().items()} for model in (half, direct)]
    assert shapes[0] == shapes[1]


def test_any_published_network_takes_the_small_stem() -> None:
    model = create("densenet121", stem="cifar", in_channels=1, num_classes=10, device="meta").eval()
    assert model(torch.empty(1, 1, 28, 28, device="meta")).shape == (1, 10)
