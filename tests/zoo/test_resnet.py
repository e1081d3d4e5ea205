"""ResNet for photographs: its layers counted by hand, where the stride stands, its knobs."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from layerlab.anatomy import dissect
from layerlab.errors import LayerlabError
from layerlab.zoo import create, model_info
from layerlab.zoo.resnet import BasicBlock, Bottleneck, ResNet, projection


def macs(name: str, **knobs: object) -> int:
    info = model_info(name)
    return dissect(create(name, device="meta", **knobs).eval(), info.input_shape).totals.macs


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


# ---- figures


@pytest.mark.parametrize(("depth", "blocks"), [(18, (2, 2, 2, 2)), (34, (3, 4, 6, 3))])
def test_plain_networks_layer_by_layer(depth: int, blocks: tuple[int, ...]) -> None:
    """By hand from the paper's table 1: kernels of 3x3, two numbers of batch normalisation a channel, no bias."""
    plain = create(f"plain{depth}", device="meta")
    assert isinstance(plain, ResNet)
    assert count(plain.conv1) == 7 * 7 * 3 * 64 == 9_408
    assert count(plain.bn1) == 128
    before = 64
    for stage, (channels, number) in enumerate(zip((64, 128, 256, 512), blocks, strict=True), 1):
        first = 9 * before * channels + 2 * channels
        later = 9 * channels * channels + 2 * channels
        assert count(plain.get_submodule(f"layer{stage}")) == first + (2 * number - 1) * later
        before = channels
    assert count(plain.fc) == 512 * 1000 + 1000
    weighted = [part for part in plain.modules() if isinstance(part, (nn.Conv2d, nn.Linear))]
    assert len(weighted) == depth
    shortcuts = sum(a * b + 2 * b for a, b in ((64, 128), (128, 256), (256, 512)))
    assert count(create(f"resnet{depth}", device="meta")) == count(plain) + shortcuts


@pytest.mark.parametrize("depth", [50, 101, 152])
def test_bottlenecks_have_as_many_layers_as_they_say(depth: int) -> None:
    model = create(f"resnet{depth}", device="meta")
    weighted = [name for name, part in model.named_modules() if isinstance(part, (nn.Conv2d, nn.Linear))]
    assert sum("downsample" not in name for name in weighted) == depth


@pytest.mark.parametrize(
    ("name", "knobs", "published"),
    [
        ("resnet18", {}, 1.8),
        ("plain34", {}, 3.6),
        ("resnet50", {"stride_on_first": True}, 3.8),
        ("resnet101", {"stride_on_first": True}, 7.6),
        ("resnet152", {"stride_on_first": True}, 11.3),
    ],
)
def test_multiply_accumulates_of_the_paper(name: str, knobs: dict[str, object], published: float) -> None:
    """Table 1 of the paper, with one decimal; it prints 3.8 where the table above it makes 3.86."""
    assert abs(macs(name, **knobs) / 1e9 - published) < 0.06


# ---- blocks


def test_a_block_by_hand() -> None:
    """relu(x + 2 relu(3 x) - 4), with the kernels' centres 3 and 2 and the second bias -4."""
    block = BasicBlock(1, 1, 1, nn.Identity(), norm="none").eval()
    block.load_state_dict(
        {
            "conv1.weight": torch.zeros(1, 1, 3, 3).index_fill_(3, torch.tensor(1), 3.0),
            "conv1.bias": torch.zeros(1),
            "conv2.weight": torch.zeros(1, 1, 3, 3).index_fill_(3, torch.tensor(1), 2.0),
            "conv2.bias": torch.tensor([-4.0]),
        }
    )
    x = torch.tensor([[[[1.0, -1.0, 0.5]]]])
    assert block(x).tolist() == [[[[3.0, 0.0, 0.0]]]]
    block.downsample = None
    assert block(x).tolist() == [[[[2.0, 0.0, 0.0]]]]
    assert x.tolist() == [[[[1.0, -1.0, 0.5]]]], "the input is as it was"


def test_a_projection_by_hand() -> None:
    """Every second pixel, times 5, and the norm's bias."""
    shortcut = projection(1, 2, 2).eval()
    nn.init.constant_(shortcut[0].weight, 5)  # type: ignore[arg-type]
    nn.init.constant_(shortcut[1].bias, 1)  # type: ignore[arg-type]
    x = torch.arange(9.0).reshape(1, 1, 3, 3)
    expected = torch.tensor([[1.0, 11.0], [31.0, 41.0]])
    torch.testing.assert_close(shortcut(x), torch.stack([expected, expected])[None], rtol=1e-4, atol=1e-4)


def strides(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: part.stride for name, part in model.named_modules() if isinstance(part, nn.Conv2d)}


def test_stride_on_first_moves_the_stride_and_nothing_else() -> None:
    ours, papers = create("resnet50", device="meta"), create("resnet50", stride_on_first=True, device="meta")
    shapes = [{name: value.shape for name, value in model.state_dict().items()} for model in (ours, papers)]
    assert shapes[0] == shapes[1]
    one, other = strides(ours), strides(papers)
    differing = {name for name in one if one[name] != other[name]}
    assert differing == {f"layer{stage}.0.conv{number}" for stage in (2, 3, 4) for number in (1, 2)}
    for stage in (2, 3, 4):
        assert (one[f"layer{stage}.0.conv1"], one[f"layer{stage}.0.conv2"]) == ((1, 1), (2, 2))
        assert (other[f"layer{stage}.0.conv1"], other[f"layer{stage}.0.conv2"]) == ((2, 2), (1, 1))


def test_the_stride_on_the_first_convolution_passes_over_three_pixels_of_four() -> None:
    x = torch.randn(1, 4, 8, 8)
    kept = torch.zeros_like(x)
    kept[:, :, ::2, ::2] = x[:, :, ::2, ::2]
    for on_first in (True, False):
        torch.manual_seed(0)
        block = Bottleneck(4, 4, 2, projection(4, 16, 2), stride_on_first=on_first).eval()
        assert torch.equal(block(x), block(kept)) == on_first


# ---- knobs


def test_without_skip_there_is_no_way_past_a_block() -> None:
    """Where the convolutions give nothing, a plain network says the same to every image, a residual one does not."""
    torch.manual_seed(0)
    for skip in (True, False):
        model = create("resnet18", num_classes=3, width=0.125, skip=skip).eval()
        for name, part in model.named_modules():
            if name.endswith("conv2"):
                nn.init.zeros_(part.weight)  # type: ignore[arg-type]
        with torch.no_grad():
            one, other = model(torch.randn(2, 3, 32, 32))
        assert torch.equal(one, other) != skip


def test_zero_gamma_makes_blocks_that_do_nothing() -> None:
    model = create("resnet18", width=0.25, zero_gamma=True).eval()
    x = torch.rand(1, 16, 4, 4)
    assert torch.equal(model.layer1(x), x)  # type: ignore[operator]
    zero = [name for name, value in model.named_parameters() if name.endswith("weight") and not value.any()]
    assert zero == [f"layer{stage}.{block}.bn2.weight" for stage in (1, 2, 3, 4) for block in (0, 1)]


def test_small_images() -> None:
    """The stem for them keeps their size; the other leaves one pixel of 32 x 32."""
    for stem, size in (("cifar", 32), ("imagenet", 8)):
        model = create("resnet18", num_classes=10, width=0.25, stem=stem).eval()
        x = torch.randn(2, 3, 32, 32)
        assert model(x).shape == (2, 10)
        for part in (model.conv1, model.bn1, model.act1, model.maxpool):
            x = part(x)  # type: ignore[operator]
        assert x.shape == (2, 16, size, size)
    small = create("resnet18", stem="cifar", device="meta")
    assert count(create("resnet18", device="meta")) - count(small) == 3 * 64 * (49 - 9)


def test_dropout_stands_before_the_classes() -> None:
    torch.manual_seed(0)
    model = create("resnet18", num_classes=4, width=0.125, dropout=0.5, stem="cifar", norm="layer")
    x = torch.randn(2, 3, 8, 8)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"depth": 20}, "depth must be one of 18, 34, 50, 101, 152, not 20"),
        (
            {"stride_on_first": True, "depth": 34},
            "stride_on_first=True needs bottlenecks: depth 50, 101 or 152, not 34",
        ),
        ({"zero_gamma": True, "skip": False}, "zero_gamma=True needs skip=True and a norm, not skip=False"),
        ({"zero_gamma": True, "norm": "none"}, "zero_gamma=True needs skip=True and a norm"),
        ({"skip": 0}, "skip must be one of True, False, not 0"),
        ({"shortcut": "A"}, 'no knob "shortcut"'),
    ],
)
def test_a_bad_knob_is_one_sentence(knobs: dict[str, object], sentence: str) -> None:
    with pytest.raises(LayerlabError, match=re.escape(sentence)) as caught:
        create("resnet50", **knobs)
    assert "\n" not in str(caught.value)
