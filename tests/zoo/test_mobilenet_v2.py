"""MobileNet v2: the paper's table by hand, the linear bottleneck, rounding, its knobs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from layerlab.zoo import create, model_info
from layerlab.zoo.mobilenet_v2 import InvertedResidual, rounded

# Table 2 of the paper: expansion, channels, blocks, side of the input and of the output.
ROWS = [
    (1, 16, 1, 112, 112),
    (6, 24, 2, 112, 56),
    (6, 32, 3, 56, 28),
    (6, 64, 4, 28, 14),
    (6, 96, 3, 14, 14),
    (6, 160, 3, 14, 7),
    (6, 320, 1, 7, 7),
]


def test_parameters_and_macs_by_hand() -> None:
    parameters, macs, before = 27 * 32 + 64, 27 * 32 * 112**2, 32
    for expansion, after, blocks, side_in, side in ROWS:
        for number in range(blocks):
            hidden = before * expansion
            if expansion > 1:
                parameters += before * hidden + 2 * hidden
                macs += before * hidden * (side_in if number == 0 else side) ** 2
            parameters += 9 * hidden + 2 * hidden + hidden * after + 2 * after
            macs += (9 * hidden + hidden * after) * side**2
            before = after
    parameters += 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    macs += 320 * 1280 * 49 + 1280 * 1000
    info = model_info("mobilenet_v2")
    assert (info.parameters, info.macs) == (parameters, macs) == (3_504_872, 300_774_272)


@pytest.mark.parametrize(
    ("channels", "width", "expected"),
    [(32, 1.0, 32), (24, 0.75, 24), (24, 0.5, 16), (16, 0.25, 8), (160, 0.25, 40), (96, 0.75, 72), (72, 0.25, 24)],
)
def test_rounding_loses_a_tenth_at_most(channels: int, width: float, expected: int) -> None:
    assert rounded(channels, width) == expected
    assert expected % 8 == 0
    assert expected >= 0.9 * channels * width


def test_the_last_convolution_shrinks_in_no_width() -> None:
    assert create("mobilenet_v2_025", device="meta").last_channels == 1280
    assert create("mobilenet_v2", width=1.4, device="meta").last_channels == 1792


def test_a_bottleneck_is_linear_and_adds_its_input() -> None:
    """Negative numbers come out of the last convolution as they are, and are added to the input as it came."""
    block = InvertedResidual(1, 1, 1, 1, "relu6", "none")
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    nn.init.ones_(block.conv[0][0].weight[:, :, 1, 1])
    nn.init.constant_(block.conv[1].weight, -2.0)
    x = torch.tensor([3.0, 9.0, -1.0]).reshape(1, 1, 1, 3)
    # ReLU6 inside: 3, 6, 0; times -2, and the input added.
    assert block(x).flatten().tolist() == [3.0 - 6.0, 9.0 - 12.0, -1.0]
    assert x.flatten().tolist() == [3.0, 9.0, -1.0]


def test_skips_only_where_the_shape_stays() -> None:
    blocks = [part for part in create("mobilenet_v2", device="meta").modules() if isinstance(part, InvertedResidual)]
    assert len(blocks) == 17
    assert sum(block.adds for block in blocks) == 10
    assert all(not block.adds for block in blocks if block.stride == 2 or block.in_channels != block.out_channels)
    without = create("mobilenet_v2", skip=False, device="meta")
    assert not any(part.adds for part in without.modules() if isinstance(part, InvertedResidual))


@pytest.mark.parametrize("stem", ["imagenet", "cifar"])
@pytest.mark.parametrize("side", [1, 28, 32])
def test_small_images(stem: str, side: int) -> None:
    model = create("mobilenet_v2_025", in_channels=1, num_classes=10, stem=stem, device="meta").train()
    assert model(torch.empty(2, 1, side, side, device="meta")).shape == (2, 10)


def test_a_signal_passes_without_norms() -> None:
    torch.manual_seed(0)
    model = create("mobilenet_v2", width=0.25, norm="none", num_classes=10)
    maps = model.features(torch.randn(2, 3, 64, 64))
    assert 0.01 < maps.std() < 100
