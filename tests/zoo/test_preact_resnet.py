"""Pre-activation ResNet: its layers counted by hand, a block in numbers, where the sum stays untouched."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from layerlab.errors import LayerlabError
from layerlab.zoo import create, model_info
from layerlab.zoo.preact_resnet import CifarPreactResNet, PreactBlock, PreactResNet
from layerlab.zoo.resnet_cifar import SubsampleAndPad


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


# ---- figures


def test_164_layer_by_layer() -> None:
    """By hand: 18 bottlenecks a stage, a 1x1 convolution without norm as the first shortcut of each."""
    model = create("preact_resnet164", device="meta")
    assert isinstance(model, CifarPreactResNet)
    total = count(model.conv1) + count(model.bn1)
    assert total == 9 * 3 * 16 + 2 * 16
    before = 16
    for stage, inside in enumerate((16, 32, 64), 1):
        after = 4 * inside
        convolutions = 9 * inside * inside + inside * after
        first = before * inside + convolutions + before * after + 2 * (before + inside + inside)
        later = after * inside + convolutions + 2 * (after + inside + inside)
        # The stem's norm is the one of the first block.
        expected = first + 17 * later - (2 * 16 if stage == 1 else 0)
        assert count(model.get_submodule(f"layer{stage}")) == expected
        total += expected
        before = after
    assert count(model.bn2) == 2 * 256
    assert count(model.fc) == 256 * 10 + 10
    assert total + 512 + 2570 == 1_703_258 == model_info("preact_resnet164").parameters
    weighted = [name for name, part in model.named_modules() if isinstance(part, (nn.Conv2d, nn.Linear))]
    assert sum("downsample" not in name for name in weighted) == 164


@pytest.mark.parametrize(("depth", "total"), [(20, 269_722), (56, 853_018), (110, 1_727_962)])
def test_networks_of_two_convolutions_have_the_parameters_of_resnet(depth: int, total: int) -> None:
    """Every norm has moved and none was added: the last of ResNet's last block is behind the sum here."""
    assert count(create(f"preact_resnet{depth}", device="meta")) == total
    assert count(create(f"resnet{depth}", device="meta")) == total


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_networks_for_photographs_against_resnet(depth: int) -> None:
    """The shortcuts' norms are gone; in bottlenecks the norm before the block replaces the one behind it."""
    ours, residual = (model_info(f"{name}{depth}") for name in ("preact_resnet", "resnet"))
    convolutions = [
        sum(part.weight.numel() for part in create(info.name, device="meta").modules() if isinstance(part, nn.Conv2d))
        for info in (ours, residual)
    ]
    assert convolutions[0] == convolutions[1]
    assert ours.macs == residual.macs
    norms = [info.parameters - number for info, number in zip((ours, residual), convolutions, strict=True)]
    if depth < 50:
        assert norms[1] - norms[0] == 2 * (128 + 256 + 512)  # the norms of three shortcuts
    else:
        # Four shortcuts' norms. The first block's own 64 stand in the stem in both; each stage's first block is
        # normalised with the channels before it, and each sum once: the last of them behind layer4.
        assert norms[1] - norms[0] == 2 * (256 + 512 + 1024 + 2048)


# ---- blocks


def test_a_block_by_hand() -> None:
    """x + 2 relu(3 relu(x) - 1) without norms, and nothing behind the sum: it may be negative."""
    block = PreactBlock(1, 1, 1, nn.Identity(), norm="none")
    block.load_state_dict(
        {
            "conv1.weight": torch.zeros(1, 1, 3, 3).index_fill_(3, torch.tensor(1), 3.0),
            "conv1.bias": torch.tensor([-1.0]),
            "conv2.weight": torch.zeros(1, 1, 3, 3).index_fill_(3, torch.tensor(1), 2.0),
            "conv2.bias": torch.zeros(1),
        }
    )
    x = torch.tensor([[[[1.0, -1.0, 0.0]]]])
    assert block(x).tolist() == [[[[5.0, -1.0, 0.0]]]]
    assert x.tolist() == [[[[1.0, -1.0, 0.0]]]], "the input is as it was"
    block.downsample = None
    assert block(x).tolist() == [[[[4.0, 0.0, 0.0]]]]


def test_a_norm_stands_before_its_convolution() -> None:
    """x + 2 (relu(4 - x) + 1): in evaluation the norm takes the mean 4 and turns the sign."""
    block = PreactBlock(1, 1, 1, nn.Identity()).eval()
    state = block.state_dict()
    state["bn1.weight"][:], state["bn1.running_mean"][:] = -1, 4
    state["bn2.bias"][:] = 1
    for name, centre in (("conv1.weight", 1), ("conv2.weight", 2)):
        state[name].zero_()
        state[name][0, 0, 1, 1] = centre
    expected = torch.tensor([[[[1.0 + 2 * 4, 6.0 + 2 * 1]]]])
    torch.testing.assert_close(block(torch.tensor([[[[1.0, 6.0]]]])), expected, rtol=1e-4, atol=1e-4)


def silent(block: PreactBlock) -> PreactBlock:
    """Return the block with a last convolution that gives nothing, in evaluation."""
    last = block.conv3 if block.bottleneck else block.conv2
    nn.init.zeros_(last.weight)
    return block.eval()


def test_a_convolution_as_shortcut_takes_the_activated_input_and_padding_the_sum() -> None:
    x = torch.tensor([[[[-2.0, 5.0], [5.0, 5.0]]]])
    convolution = nn.Conv2d(1, 2, 1, 2, bias=False)
    nn.init.ones_(convolution.weight)
    assert silent(PreactBlock(1, 2, 2, convolution))(x).flatten().tolist() == [0, 0]
    assert silent(PreactBlock(1, 2, 2, SubsampleAndPad(1, 2, 2)))(x).flatten().tolist() == [-2, 0]


def test_the_sum_reaches_the_end_untouched() -> None:
    """With blocks that add nothing, the last norm is given what the stem gave: every second pixel, and zeros."""
    model = create("preact_resnet20").eval()
    for part in model.modules():
        if isinstance(part, PreactBlock):
            silent(part)
    inputs: dict[str, torch.Tensor] = {}
    for name in ("layer1", "bn2"):
        model.get_submodule(name).register_forward_pre_hook(
            lambda _m, given, name=name: inputs.update({name: given[0]})
        )
    model(torch.randn(2, 3, 32, 32))
    assert torch.equal(inputs["bn2"][:, :16], inputs["layer1"][:, :, ::4, ::4])
    assert not inputs["bn2"][:, 16:].any()


@pytest.mark.parametrize("name", ["preact_resnet18", "preact_resnet20", "preact_resnet164"])
def test_the_first_block_is_activated_before_the_fork(name: str) -> None:
    model = create(name, device="meta")
    blocks = [part for part in model.modules() if isinstance(part, PreactBlock)]
    assert [isinstance(block.bn1, nn.Identity) for block in blocks] == [True] + [False] * (len(blocks) - 1)
    assert [isinstance(block.act1, nn.Identity) for block in blocks] == [True] + [False] * (len(blocks) - 1)
    assert isinstance(model.get_submodule("act2"), nn.ReLU)


def test_where_the_strides_stand() -> None:
    """In the first 1x1 convolution of 164, as in the authors' code; in the 3x3 one for photographs."""
    for name, first, second in (("preact_resnet164", (2, 2), (1, 1)), ("preact_resnet50", (1, 1), (2, 2))):
        block = create(name, device="meta").get_submodule("layer2.0")
        assert (block.conv1.stride, block.conv2.stride) == (first, second)  # type: ignore[union-attr]
        assert block.downsample.stride == (2, 2)  # type: ignore[union-attr]


# ---- knobs


@pytest.mark.parametrize("activation", ["relu", "elu", "silu", "prelu"])
def test_without_norm_the_shortcut_still_has_the_input(activation: str) -> None:
    """An activation in place would spoil what is added: the gradient is compared with a slow difference."""
    torch.manual_seed(0)
    block = PreactBlock(2, 2, 1, nn.Identity(), activation=activation, norm="none").double()
    x = torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    before = x.detach().clone()
    assert torch.autograd.gradcheck(block, (x,))
    assert torch.equal(x, before)


def test_depth_200_and_1001_of_the_paper() -> None:
    big = create("preact_resnet152", depth=200, device="meta")
    assert isinstance(big, PreactResNet)
    assert [len(stage) for stage in (big.layer1, big.layer2, big.layer3, big.layer4)] == [3, 24, 36, 3]
    # The paper prints 10.2 million for 1,001 layers: without the norms.
    deep = create("preact_resnet164", depth=1001, device="meta")
    weights = [part.weight.numel() for part in deep.modules() if isinstance(part, (nn.Conv2d, nn.Linear))]
    assert round(sum(weights) / 1e6, 1) == 10.2


def test_small_grey_images() -> None:
    for name, knobs in (("preact_resnet20", {}), ("preact_resnet18", {"stem": "cifar", "width": 0.25})):
        model = create(name, in_channels=1, num_classes=10, **knobs).eval()
        assert model(torch.rand(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize(
    ("name", "knobs", "sentence"),
    [
        ("preact_resnet50", {"depth": 20}, "depth must be one of 18, 34, 50, 101, 152, 200, not 20"),
        ("preact_resnet20", {"depth": 18}, "depth must be 6n + 2, not 18; the nearest that is: 20"),
        ("preact_resnet164", {"depth": 32}, "depth must be 9n + 2, not 32; the nearest that is: 29"),
        ("preact_resnet20", {"bottleneck": "yes"}, "bottleneck must be one of True, False, not 'yes'"),
        ("preact_resnet20", {"shortcut": "C"}, 'shortcut must be one of "A", "B"'),
        ("preact_resnet20", {"shortcut": "C", "skip": False}, 'shortcut must be one of "A", "B"'),
        ("preact_resnet50", {"stride_on_first": True}, 'no knob "stride_on_first"'),
    ],
)
def test_a_bad_knob_is_one_sentence(name: str, knobs: dict[str, object], sentence: str) -> None:
    with pytest.raises(LayerlabError, match=re.escape(sentence)) as caught:
        create(name, **knobs)
    assert "\n" not in str(caught.value)
