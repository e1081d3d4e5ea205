"""The table: golden text, and columns that add up.

LAYERLAB_REFRESH_GOLDEN=1 pytest tests/anatomy/test_table.py    writes the golden files anew; read the difference.
"""

from __future__ import annotations

import itertools
import os
from collections import OrderedDict
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from rich.console import Console
from torch import nn

from layerlab import layers
from layerlab.anatomy import CONVENTION, Anatomy, dissect
from layerlab.anatomy.html import html_table
from layerlab.anatomy.rows import footer, rows_of
from layerlab.anatomy.table import text_table
from layerlab.anatomy.text import memory, per_axis, short, without_batch

GOLDEN = Path(__file__).parent / "golden"


@cache
def lecture() -> Anatomy:
    model = nn.Sequential(
        OrderedDict(
            conv2d=layers.convolution(1, 64, 3, activation="relu"),
            max_pooling2d=nn.MaxPool2d(2),
            batch_normalization=nn.BatchNorm2d(64),
            conv2d_1=layers.convolution(64, 128, 3, activation="relu"),
            global_average_pooling2d=layers.GlobalAveragePool2d(),
            batch_normalization_1=nn.BatchNorm1d(128),
            dense=layers.dense(128, 512, activation="relu"),
            dense_1=layers.dense(512, 10, activation="softmax"),
        )
    )
    return dissect(model, (1, 28, 28))


@cache
def googlenet() -> Anatomy:
    with torch.device("meta"):
        return dissect(torchvision.models.googlenet(init_weights=False), (3, 224, 224))


@cache
def separable() -> Anatomy:
    model = nn.Sequential(layers.SeparableConv2d(3, 8, 3, 2, "same"), layers.SameMaxPool2d(3, 2), nn.Flatten())
    model.append(nn.Linear(8 * 8 * 8, 2).requires_grad_(False))
    return dissect(model, (3, 32, 30 + 2))


@cache
def bottlenecks() -> Anatomy:
    with torch.device("meta"):
        return dissect(torchvision.models.resnet50(), (3, 224, 224))


@cache
def encoder() -> Anatomy:
    """Twelve equal blocks: attention, bare parameters, many levels."""
    with torch.device("meta"):
        return dissect(torchvision.models.vit_b_16(), (3, 224, 224))


BUILDERS = [lecture, googlenet, separable, bottlenecks, encoder]


@pytest.mark.parametrize("width", [80, 120, 160])
@pytest.mark.parametrize("build", BUILDERS)
def test_golden_text(build: Any, width: int) -> None:
    text = text_table(build(), width=width) + "\n"
    path = GOLDEN / f"{build.__name__}_{width}.txt"
    if os.environ.get("LAYERLAB_REFRESH_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()
    table = text.split("\nparameters ")[0].splitlines()
    assert max(map(len, table)) <= width


@pytest.mark.parametrize("build", BUILDERS)
def test_columns_add_up(build: Any) -> None:
    anatomy = build()
    for depth, folded in itertools.product((None, 0, 1, 2, 3, 9), (True, False)):
        rows = rows_of(anatomy, depth, folded=folded)
        for name in ("parameters", "macs", "element_operations", "activation_bytes"):
            assert sum(getattr(row, name) for row in rows) == getattr(anatomy.totals, name), (name, depth, folded)


def test_blocks_that_are_equal_in_a_row_are_one_line() -> None:
    anatomy = bottlenecks()
    rows = {row.name: row for row in rows_of(anatomy) if row.layer.path.startswith("layer3")}
    assert list(rows) == ["layer3", "0", "1-5"], "the first has another stride and a projection"
    folded = rows["1-5"]
    assert (folded.label, folded.number, folded.repeats) == ("Bottleneck x5", "7.2-6", 5)
    assert folded.parameters == 5 * anatomy["layer3.1"].parameters
    assert folded.last is anatomy["layer3.5"]
    assert "xN: N equal layers in a row" in str(anatomy)
    assert "xN" not in str(googlenet()), "nothing is folded there"
    inside = [row for row in rows_of(anatomy, 3) if row.layer.path == "layer3.1.conv2"]
    assert [row.macs for row in inside] == [5 * anatomy["layer3.1.conv2"].macs]
    assert inside[0].last.receptive_field == anatomy["layer3.5.conv2"].receptive_field


def test_repeats_inside_repeats_are_multiplied() -> None:
    def block(*parts: nn.Module) -> nn.Sequential:
        return nn.Sequential(*parts)

    model = block(*[block(*[nn.Linear(4, 4) for _ in range(3)], nn.ReLU()) for _ in range(2)], nn.Linear(4, 4))
    anatomy = dissect(model, (4,))
    assert [(row.name, row.repeats, row.parameters) for row in rows_of(anatomy, 2)] == [
        ("", 1, 0), ("0-1", 2, 0), ("0-2", 3, 2 * 3 * 20), ("3", 1, 0), ("2", 1, 20)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (nn.Linear(4, 4), nn.Linear(4, 4, bias=False)),
        (nn.Dropout(0.1), nn.Dropout(0.2)),
        (nn.Linear(4, 4), nn.Linear(4, 4).requires_grad_(False)),
        (nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 4))),
        (nn.Sequential(nn.ReLU(), nn.Linear(4, 4)), nn.Sequential(nn.Linear(4, 4), nn.ReLU())),
        (nn.ReLU(), nn.Tanh()),
    ],
)
def test_what_differs_is_not_folded(first: nn.Module, second: nn.Module) -> None:
    assert [row.repeats for row in rows_of(dissect(nn.Sequential(first, second), (4,)), 1)] == [1, 1, 1]


def test_the_same_module_twice_and_names_that_do_not_count_are_not_folded() -> None:
    shared = nn.Linear(4, 4)
    assert len(rows_of(dissect(nn.Sequential(shared, shared), (4,)), 1)) == 3
    named = nn.Sequential(OrderedDict(norm=nn.ReLU(), norm_last=nn.ReLU()))
    assert len(rows_of(dissect(named, (4,)), 1)) == 3


def test_depth() -> None:
    anatomy = googlenet()
    assert [len(rows_of(anatomy, depth)) for depth in (0, 1)] == [1, 22]
    for build in BUILDERS:
        anatomy = build()
        assert len(rows_of(anatomy, folded=False)) == 1 + len(anatomy.layers)
        assert len(rows_of(anatomy)) <= 40


def test_parts_of_one_layer_share_a_line_unless_asked_for() -> None:
    anatomy = lecture()
    assert [row.kind for row in rows_of(anatomy)][1] == "Conv2d + ReLU"
    assert len(rows_of(anatomy)) == 9
    assert len(rows_of(anatomy, 2)) == 9 + 8


def test_convention_and_notes_stand_below() -> None:
    text = str(googlenet())
    assert CONVENTION == "MACs (convolution + matmul); FLOPs = 2 x MACs"
    assert CONVENTION in text.splitlines()
    assert "aux1, aux2: never called" in text
    assert "6,379,984 parameters took no part: 6,624,904 of 13,004,888 were executed" in text
    assert "frozen 1,026" in str(separable())
    held = "parameters held beside layers: class_token 768, encoder.pos_embedding 151,296 and 24 more"
    assert held in str(encoder()).splitlines()


def test_memory_stands_below() -> None:
    anatomy = dissect(nn.Sequential(nn.Linear(1000, 100), nn.ReLU()), (1000,))
    assert [line for line in footer(anatomy) if line.startswith(("memory", "inference", "training", "optimiser"))] == [
        "memory: weights 400 kB, buffers 0 B, outputs 800 B",
        "inference: at most 4.80 kB of inputs and outputs at one moment",
        "training: gradients 400 kB, kept for backward 4.40 kB",
        "optimiser: SGD 0 B, SGD with momentum 400 kB, Adam 801 kB",
    ]


def test_rich_prints_the_same_as_text() -> None:
    console = Console(width=120, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    console.print(lecture())
    assert [line.rstrip() for line in console.export_text().splitlines()] == str(lecture()).splitlines()
    console.file.close()


def test_names_give_way_and_figures_do_not() -> None:
    text = text_table(lecture(), width=72)
    assert "73,856" in text
    assert "128x11x11" in text
    assert "…" in text


class Cells(HTMLParser):
    """Collects tags that are open, and the text of cells."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th", "li", "caption"):
            self.text.append(data)


def test_html_is_a_closed_fragment_with_the_same_figures() -> None:
    anatomy = googlenet()
    page = anatomy._repr_html_()
    assert page == html_table(anatomy)
    cells = Cells()
    cells.feed(page)
    assert cells.open == []
    assert "13,004,888" in cells.text
    assert CONVENTION in cells.text
    assert "aux1, aux2: never called" in cells.text
    for forbidden in ("<script", "http:", "https:", "url("):
        assert forbidden not in page
    assert "currentColor" in page  # suits a light page and a dark one


def test_html_escapes_what_comes_from_the_model() -> None:
    class Evil(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.add_module("<img src=x onerror=alert(1)>", nn.Linear(2, 2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    Evil.__name__ = "<b>&\"'"
    page = dissect(Evil(), (2,))._repr_html_()
    assert "<img" not in page
    assert "<b>" not in page


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (999, "999"), (1000, "1.00 k"), (389_376, "389 k"), (999_700, "1.00 M"), (1_814_073_344, "1.81 G")],
)
def test_short(count: int, text: str) -> None:
    assert short(count) == text


def test_small_texts() -> None:
    assert memory(80) == "80 B"
    assert memory(562_000) == "562 kB"
    assert per_axis((7, 7)) == "7"
    assert per_axis((7, 5)) == "7x5"
    assert per_axis((None, 2)) == "-x2"
    assert per_axis(None) == per_axis((None, None)) == "-"
    assert without_batch([(1, 64, 26, 26), (1, 2)]) == "64x26x26 +1"
    assert without_batch([]) == "-"
