"""Receptive fields: against gradients, and the published ones of deep networks."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from layerlab import layers
from layerlab.anatomy import dissect

SIZE = 61
WIDE = 241  # no field of a drawn chain reaches from its middle to an edge


def measured(model: nn.Module, size: int = SIZE) -> int:
    """Return how many input columns the middle output depends on, the most over two neighbours."""
    model = model.double().eval()
    for parameter in model.parameters():
        nn.init.uniform_(parameter, 0.5, 1.0)
    fields = []
    for offset in (0, 1):
        x = torch.rand(1, 1, size, size, dtype=torch.float64, requires_grad=True)
        y = model(x)
        middle = y.shape[-1] // 2 + offset
        y[0, 0, middle, middle].backward()
        columns = x.grad.abs().sum((0, 1, 2)).nonzero().flatten()
        fields.append(int(columns.max() - columns.min()) + 1)
    return max(fields)


@st.composite
def windows(draw: st.DrawFn) -> list[nn.Module]:
    """Draw layers whose field a gradient can measure: convolutions and mean pooling of one channel."""
    parts: list[nn.Module] = []
    for _ in range(draw(st.integers(1, 4))):
        kernel = draw(st.integers(1, 4))
        stride, dilation = draw(st.integers(1, min(2, kernel))), draw(st.integers(1, 2))
        if draw(st.booleans()):
            parts.append(nn.Conv2d(1, 1, kernel, stride, kernel // 2, dilation))
        else:
            parts.append(nn.AvgPool2d(kernel, stride, kernel // 2))
    return parts


@settings(max_examples=40, deadline=None)
@given(windows())
def test_field_of_a_chain_is_what_gradients_say(parts: list[nn.Module]) -> None:
    model = nn.Sequential(*parts)
    record = dissect(model, (1, WIDE, WIDE)).root
    assert record.receptive_field == (measured(model, WIDE),) * 2


class Branches(nn.Module):
    """Two chains that meet by addition or concatenation."""

    def __init__(self, one: nn.Module, two: nn.Module, how: str) -> None:
        super().__init__()
        self.one, self.two, self.how = one, two, how

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        one, two = self.one(x), self.two(x)
        return one + two if self.how == "add" else torch.cat([one, two], 1).sum(1, keepdim=True)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([1, 3, 5, 7]), st.sampled_from([1, 3, 5]), st.integers(1, 2), st.sampled_from(["add", "cat"]))
def test_field_through_branches_is_the_larger(one: int, two: int, stride: int, how: str) -> None:
    model = Branches(nn.Conv2d(1, 1, one, stride, one // 2), nn.Conv2d(1, 1, two, stride, two // 2), how)
    record = dissect(model, (1, SIZE, SIZE)).root
    assert record.receptive_field == (measured(model),) * 2
    assert record.stride == (stride, stride)


@pytest.mark.parametrize(
    ("layer", "field", "stride"),
    [
        (nn.ConvTranspose2d(1, 1, 3, 2, 1, 1), 2, Fraction(1, 2)),
        (nn.ConvTranspose2d(1, 1, 4, 2, 1), 2, Fraction(1, 2)),
        (nn.ConvTranspose2d(1, 1, 5, 1), 5, 1),
        (nn.Upsample(scale_factor=2), 1, Fraction(1, 2)),
        (nn.Upsample(scale_factor=2, mode="bilinear"), 2, Fraction(1, 2)),
        (nn.ZeroPad2d(2), 1, 1),
        (nn.AvgPool2d(3, 2), 3, 2),
        (nn.AdaptiveAvgPool2d(1), SIZE, None),
        (layers.SameAvgPool2d(3, 2), 3, 2),
        (layers.GlobalAveragePool2d(keepdim=True), SIZE, None),
    ],
)
def test_field_of_one_layer(layer: nn.Module, field: int, stride: Any) -> None:
    record = dissect(layer, (1, SIZE, SIZE)).root
    assert record.receptive_field == (field, field)
    assert record.stride == (stride, stride)


@pytest.mark.parametrize("layer", [nn.ConvTranspose2d(1, 1, 3, 2, 1, 1), nn.ConvTranspose2d(1, 1, 5, 1)])
def test_transposed_field_is_what_gradients_say(layer: nn.Module) -> None:
    assert dissect(layer, (1, SIZE, SIZE)).root.receptive_field == (measured(layer),) * 2


@pytest.mark.parametrize(
    ("build", "path", "field", "stride"),
    [
        (torchvision.models.alexnet, "features", 195, 32),
        (torchvision.models.vgg16, "features", 212, 32),
        (torchvision.models.resnet18, "layer4", 435, 32),
        (torchvision.models.resnet50, "layer4", 427, 32),
        (torchvision.models.mobilenet_v2, "features", 491, 32),
    ],
)
def test_published_fields(build: Any, path: str, field: int, stride: int) -> None:
    with torch.device("meta"):
        model = build()
    record = dissect(model, (3, 224, 224))[path]
    assert record.receptive_field == (field, field)
    assert record.stride == (stride, stride)


def test_flattening_then_dense_sees_everything() -> None:
    anatomy = dissect(nn.Sequential(nn.Conv2d(1, 1, 3), nn.Flatten(), nn.Linear(49, 2)), (1, 9, 9))
    assert [layer.receptive_field for layer in anatomy.layers] == [(3, 3), (3, 3), (9, 9)]
    assert anatomy.layers[-1].stride == (None, None)


def test_attention_sees_everything_and_no_more() -> None:
    encoder = nn.TransformerEncoderLayer(8, 2, batch_first=True)
    anatomy = dissect(nn.Sequential(encoder, encoder), (50, 8))
    assert anatomy.root.receptive_field == (50,)


def test_what_comes_in_is_noted_before_it_is_written_to() -> None:
    class Writes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x += self.conv(x)
            return x

    anatomy = dissect(nn.Sequential(nn.Conv2d(1, 1, 3), Writes()), (1, 9, 9))
    assert anatomy["1"].incoming_field == (3, 3)
    assert anatomy["1"].receptive_field == (5, 5)


def test_softmax_sees_along_its_axis() -> None:
    assert dissect(nn.Softmax(dim=3), (1, SIZE, SIZE)).root.receptive_field == (1, SIZE)
    assert dissect(nn.Softmax(dim=1), (1, SIZE, SIZE)).root.receptive_field == (1, 1)


def test_recurrent_layer_sees_the_whole_sequence() -> None:
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(10, 4)
            self.gru = nn.GRU(4, 4, batch_first=True)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.gru(self.embedding(ids))[0]

    anatomy = dissect(Reader(), (12,))
    assert anatomy["embedding"].receptive_field == (1,)
    assert anatomy["gru"].receptive_field == (12,)


def test_channel_shuffle_keeps_positions() -> None:
    class Shuffle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 4, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            n, c, h, w = x.shape
            x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
            return self.conv(torch.cat(x.chunk(2, 1), 1))

    assert dissect(Shuffle(), (4, 9, 9)).root.receptive_field == (3, 3)


def test_one_dimension_and_different_axes() -> None:
    assert dissect(nn.Conv1d(3, 4, 5, stride=2), (3, 40)).root.receptive_field == (5,)
    record = dissect(nn.Conv2d(1, 1, (3, 5), stride=(1, 2)), (1, 20, 20)).root
    assert (record.receptive_field, record.stride) == ((3, 5), (1, 2))
    assert dissect(nn.Linear(4, 2), (4,)).root.receptive_field is None
