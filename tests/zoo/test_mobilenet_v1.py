"""MobileNet v1: the paper's table by hand, its dials, its knobs."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from layerlab.anatomy import dissect
from layerlab.errors import LayerlabError
from layerlab.zoo import create, model_info
from layerlab.zoo.mobilenet_v1 import DepthwiseSeparable

# Table 1 of the paper: channels in and out, side of the output.
BLOCKS = [
    (32, 64, 112),
    (64, 128, 56),
    (128, 128, 56),
    (128, 256, 28),
    (256, 256, 28),
    (256, 512, 14),
    *[(512, 512, 14)] * 5,
    (512, 1024, 7),
    (1024, 1024, 7),
]


@pytest.mark.parametrize(
    ("name", "alpha", "millions", "published_macs"),
    [
        ("mobilenet_v1", 1.0, 4.2, 569),
        ("mobilenet_v1_075", 0.75, 2.6, 325),
        ("mobilenet_v1_050", 0.5, 1.3, 149),
        ("mobilenet_v1_025", 0.25, 0.5, 41),
    ],
)
def test_parameters_and_macs_of_table_6_by_hand(name: str, alpha: float, millions: float, published_macs: int) -> None:
    first, last = int(32 * alpha), int(1024 * alpha)
    parameters, macs = 27 * first + 2 * first, 27 * first * 112**2
    for before, after, side in BLOCKS:
        before, after = int(before * alpha), int(after * alpha)  # noqa: PLW2901  (the width multiplier)
        parameters += 9 * before + 2 * before + before * after + 2 * after
        macs += (9 * before + before * after) * side**2
    parameters, macs = parameters + last * 1000 + 1000, macs + last * 1000

    info = model_info(name)
    assert (info.parameters, info.macs) == (parameters, macs)
    assert round(parameters / 1e6, 1) == millions
    assert abs(macs / 1e6 - published_macs) < 1  # the paper rounds up and down
    totals = dissect(create(name, device="meta").eval(), (3, 224, 224)).totals
    assert (totals.parameters, totals.macs) == (parameters, macs)


def test_the_shallow_network_has_the_papers_figures() -> None:
    """Table 5: 2.9 million parameters and 307 million multiply-adds without the five repeated layers."""
    totals = dissect(create("mobilenet_v1", depth=0, device="meta").eval(), (3, 224, 224)).totals
    assert round(totals.parameters / 1e6, 1) == 2.9
    assert round(totals.macs / 1e6) == 307


@pytest.mark.parametrize(("resolution", "published"), [(192, 418), (160, 290), (128, 186)])
def test_any_resolution_table_7(resolution: int, published: int) -> None:
    totals = dissect(create("mobilenet_v1", device="meta").eval(), (3, resolution, resolution)).totals
    assert abs(totals.macs / 1e6 - published) < 1


def test_every_convolution_has_its_norm_and_its_activation() -> None:
    model = create("mobilenet_v1", device="meta")
    kinds = [type(part) for part in model.modules()]
    assert kinds.count(nn.Conv2d) == kinds.count(nn.BatchNorm2d) == kinds.count(nn.ReLU6) == 27


@pytest.mark.parametrize(("padding", "expected"), [("symmetric", [3.0, 5.0]), ("same", [5.0, 3.0])])
def test_stride_two_pads_on_both_sides_or_right_and_bottom(padding: str, expected: list[float]) -> None:
    """A row 1 2 2 1 and sums of three: with padding at the left 0+1+2 and 2+2+1, without 1+2+2 and 2+1+0."""
    block = DepthwiseSeparable(1, 1, 2, "linear", "none", padding)
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    nn.init.ones_(block.depthwise.weight[:, :, 1 if padding == "symmetric" else 0, :])
    nn.init.ones_(block.pointwise.weight)
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 0] = torch.tensor([1.0, 2.0, 2.0, 1.0])
    assert block(x)[0, 0, 0].tolist() == expected


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v1_025"])
@pytest.mark.parametrize("side", [1, 28, 32])
def test_small_images_with_the_strided_stem(name: str, side: int) -> None:
    model = create(name, in_channels=1, num_classes=10, device="meta").train()
    assert model(torch.empty(2, 1, side, side, device="meta")).shape == (2, 10)


def test_kerass_padding_needs_31_pixels() -> None:
    model = create("mobilenet_v1", padding="same", device="meta").eval()
    assert model(torch.empty(1, 3, 31, 31, device="meta")).shape == (1, 1000)
    with pytest.raises(RuntimeError):
        model(torch.empty(1, 3, 30, 30, device="meta"))


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"padding": "valid"}, 'padding must be one of "symmetric", "same"'),
        ({"depth": -1}, "depth must be a whole number of at least 0, not -1"),
        ({"depth": True}, "depth must be a whole number of at least 0, not True"),
        ({"epsilon": 0}, "epsilon must be a number between 0 and 1, not 0"),
        ({"skip": False}, 'no knob "skip"'),
    ],
)
def test_a_bad_knob_is_one_sentence(knobs: dict[str, object], sentence: str) -> None:
    with pytest.raises(LayerlabError, match=re.escape(sentence)):
        create("mobilenet_v1", device="meta", **knobs)


def test_a_signal_passes_without_norms() -> None:
    torch.manual_seed(0)
    model = create("mobilenet_v1_025", norm="none").eval()
    assert 0.01 < model(torch.randn(4, 3, 32, 32)).std() < 100
