"""Xception: the paper's counts, where its activations stand, its knobs."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
import torch
from torch import nn

from layerlab.errors import LayerlabError
from layerlab.zoo import create
from layerlab.zoo.xception import SeparableConvolution, XceptionBlock


def by_hand(depth: int) -> int:
    """Return the parameters from figure 5 of the paper."""

    def separable(before: int, after: int) -> int:
        return 9 * before + before * after + 2 * after  # depthwise, pointwise, norm

    total = 3 * 9 * 32 + 64 + 32 * 9 * 64 + 128
    for widths in ((64, 128, 128), (128, 256, 256), (256, 728, 728), (728, 728, 1024)):
        total += sum(separable(before, after) for before, after in pairwise(widths))
        total += widths[0] * widths[-1] + 2 * widths[-1]  # the skip connection
    total += depth * 3 * separable(728, 728)
    return total + separable(1024, 1536) + separable(1536, 2048) + 2048 * 1000 + 1000


@pytest.mark.parametrize(("depth", "published"), [(8, 22_855_952), (1, None)])
def test_parameters_by_hand(depth: int, published: int | None) -> None:
    model = create("xception", depth=depth, device="meta")
    assert sum(p.numel() for p in model.parameters()) == by_hand(depth)
    assert published in (None, by_hand(depth))


def test_thirty_six_convolutional_layers_in_fourteen_modules() -> None:
    model = create("xception", device="meta")
    separable = sum(isinstance(part, SeparableConvolution) for part in model.modules())
    assert separable + 2 == 36  # and the two of the stem
    assert sum(isinstance(part, XceptionBlock) for part in model.modules()) + 2 == 14


def test_activations_stand_before_separable_convolutions_and_never_inside() -> None:
    model = create("xception", device="meta")
    for name, block in model.named_children():
        if not isinstance(block, XceptionBlock):
            continue
        kinds = [type(part).__name__ for part in block.rep]
        layer = ["ReLU", "SeparableConvolution", "BatchNorm2d"]
        times, pooling = (3, []) if block.stride == 1 else (2, ["MaxPool2d"])
        expected = layer * times + pooling
        assert kinds == (expected[1:] if name == "block1" else expected), name
    assert [type(part).__name__ for part in model.conv3.children()] == ["Conv2d", "Conv2d"]


def test_a_block_adds_its_input_as_it_came() -> None:
    """The first activation must not overwrite what the skip connection passes on."""
    block = XceptionBlock((2, 2), 1, "relu", "none", "symmetric", 1e-5)
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    x = torch.tensor([-3.0, 4.0]).reshape(1, 2, 1, 1)
    assert block(x).flatten().tolist() == [-3.0, 4.0]


def test_depth_is_the_number_of_middle_blocks() -> None:
    model = create("xception", depth=2, device="meta")
    assert [name for name, part in model.named_children() if isinstance(part, XceptionBlock)] == [
        f"block{number}" for number in range(1, 7)
    ]
    assert model.block6.out_channels == 1024


def test_kerass_padding_shifts_the_pooling_of_even_sides_only() -> None:
    ours, kerass = create("xception_cifar"), create("xception_cifar", padding="same")
    kerass.load_state_dict(ours.state_dict())
    odd, even = torch.randn(2, 3, 33, 33), torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(ours(odd), kerass(odd))
    assert (ours(even) - kerass(even)).abs().max() > 1e-3


def test_epsilon_reaches_every_norm() -> None:
    model = create("xception_cifar", epsilon=1e-3, device="meta")
    assert {part.eps for part in model.modules() if isinstance(part, nn.BatchNorm2d)} == {1e-3}


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"padding": "valid"}, 'padding must be one of "symmetric", "same", not'),
        ({"depth": 0}, "depth must be a whole number of at least 1, not 0"),
        ({"epsilon": -1}, "epsilon must be a number between 0 and 1, not -1"),
    ],
)
def test_a_bad_knob_is_one_sentence(knobs: dict[str, object], sentence: str) -> None:
    with pytest.raises(LayerlabError, match=re.escape(sentence)):
        create("xception", device="meta", **knobs)


def test_a_signal_passes_without_norms() -> None:
    torch.manual_seed(0)
    model = create("xception_cifar", norm="none").eval()
    assert 0.01 < model(torch.randn(4, 3, 32, 32)).std() < 100


def test_without_skip_nothing_is_added() -> None:
    model = create("xception", skip=False, device="meta")
    assert not any("skip" in name for name, _ in model.named_parameters())
    block = XceptionBlock((2, 2), 1, "relu", "none", "symmetric", 1e-5, adds=False)
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    assert not block(torch.ones(1, 2, 3, 3)).any()
