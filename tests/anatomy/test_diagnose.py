"""One sentence for an input that the network cannot take: which layer, with what, and what would do."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from layerlab.anatomy import diagnose, diagnose_input, dissect
from layerlab.errors import LayerlabError

vision = torchvision.models


def lenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120)
    )


class Functional(nn.Module):
    """Pools without a module, so that none can be named but itself."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.max_pool2d(self.conv(x), 4)


CASES = [
    (
        vision.alexnet,
        (3, 20, 20),
        'MaxPool2d "features.5" gets 1x1 and has kernel 3: its input must be at least 3x3; smallest input 63x63',
    ),
    (
        vision.vgg16,
        (3, 9, 9),
        'MaxPool2d "features.23" gets 1x1 and has kernel 2: its input must be at least 2x2; smallest input 32x32',
    ),
    (
        lambda: vision.inception_v3(init_weights=False),
        (3, 60, 60),
        'Conv2d "Mixed_7a.branch3x3_2.conv" gets 2x2 and has kernel 3: its input must be at least 3x3; '
        "smallest input 75x75",
    ),
    (
        lambda: nn.Sequential(nn.Conv2d(1, 2, (5, 3))),
        (1, 4, 4),
        'Conv2d "0" gets 4x4 and has kernel 5x3: its input must be at least 5x3; smallest input 5x5',
    ),
    (
        lambda: nn.Conv1d(1, 2, 5, dilation=2),
        (1, 4),
        "Conv1d gets 4 and has kernel 5: its input must be at least 9; smallest input 9",
    ),
    (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 5, padding=1)),
        (1, 2, 2),
        'Conv2d "0" gets 2x2 and has kernel 5: its input must be at least 3x3; smallest input 3x3',
    ),
    (
        lenet,
        (1, 8, 8),
        'Conv2d "2" gets 2x2 and has kernel 5: its input must be at least 5x5; the network takes inputs of 32x32',
    ),
    (lenet, (1, 28, 28), 'Linear "5" expects 400 features and gets 256; the network takes inputs of 32x32'),
    (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(77, 2)),
        (3, 5, 5),
        'Linear "1" expects 77 features and gets 75',
    ),
    (vision.alexnet, (1, 224, 224), 'Conv2d "features.0" expects 3 channels and gets 1'),
    (
        lenet,
        (28, 28, 1),
        'Conv2d "0" expects 1 channel and gets 28; the size of an image has its channels first: (1, 28, 28)',
    ),
    (
        lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU()),
        (28, 28),
        'Conv2d "0" takes the batch of 1 for channels; the size of an image has its channels first: (1, 28, 28)',
    ),
    (
        lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)),
        (28, 28),
        'BatchNorm2d "1" expects 4 channels and gets 26; the size of an image has its channels first: (1, 28, 28)',
    ),
    (lambda: nn.BatchNorm2d(4), (3, 8, 8), "BatchNorm2d expects 4 channels and gets 3"),
    (lambda: nn.Linear(784, 10), (100,), "Linear expects 784 features and gets 100"),
    (lambda: nn.LSTM(5, 6, batch_first=True), (4, 9), "LSTM expects 5 features and gets 9"),
    (Functional, (1, 4, 4), "Functional gets 4x4, which is too small for a window inside it; smallest input 6x6"),
]


@pytest.mark.parametrize(("build", "size", "sentence"), CASES)
def test_sentence(build: Any, size: Any, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnose, "_SECONDS", 60)  # for a machine that does other things as well
    with torch.device("meta"):
        model = build()
    assert diagnose_input(model, size) == sentence
    with pytest.raises(LayerlabError) as error:
        dissect(model, size)
    assert str(error.value) == sentence


def test_search_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without time for the search the sentence still says what failed."""
    monkeypatch.setattr(diagnose, "_SECONDS", 0)
    with torch.device("meta"):
        model = vision.alexnet()
    sentence = diagnose_input(model, (3, 20, 20))
    assert sentence == 'MaxPool2d "features.5" gets 1x1 and has kernel 3: its input must be at least 3x3'


@pytest.mark.parametrize(
    ("build", "size", "fits"),
    [(vision.alexnet, 63, True), (vision.alexnet, 62, False), (vision.vgg16, 32, True), (vision.vgg16, 31, False)],
)
def test_smallest_input_is_the_smallest(build: Any, size: int, fits: bool) -> None:
    with torch.device("meta"):
        model = build()
    assert (diagnose_input(model, (3, size, size)) is None) == fits


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 2), st.integers(0, 1)), min_size=1, max_size=4), st.data())
def test_advice_holds_for_drawn_nets(windows: list[tuple[int, int, int]], data: st.DataObject) -> None:
    model = nn.Sequential(*(nn.Conv2d(1, 1, k, s, min(p, k // 2)) for k, s, p in windows))
    size = data.draw(st.integers(1, 6))
    sentence = diagnose_input(model, (1, size, size))
    if sentence is None:
        model(torch.zeros(1, 1, size, size))
        return
    smallest = int(sentence.rsplit("x", 1)[1])
    assert diagnose_input(model, (1, smallest, smallest)) is None
    assert diagnose_input(model, (1, smallest - 1, smallest - 1)) is not None


def test_other_failures_keep_torchs_first_line() -> None:
    class Fails(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise ValueError("first line\nsecond line")

    assert diagnose_input(nn.Sequential(Fails()), (4,)) == 'Fails "0" cannot take 1x4: first line'


def test_works() -> None:
    assert diagnose_input(lenet(), (1, 32, 32)) is None
