"""The figures are valid Plotly, hold the numbers they were given, and show any class name as letters."""

from __future__ import annotations

import json
import math
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped]
import pytest
import torch

from layerlab.pages import plotly_text
from layerlab.training.report_figures import confusion_figure, curve_figure, learning_rate_figure

HISTORY: list[dict[str, Any]] = [
    {
        "epoch": 1,
        "train_loss": 1.0,
        "val_loss": 0.8,
        "train_accuracy": 0.5,
        "val_accuracy": 0.6,
        "learning_rate": 1e-3,
    },
    {
        "epoch": 2,
        "train_loss": 0.5,
        "val_loss": 0.7,
        "train_accuracy": 0.9,
        "val_accuracy": 0.7,
        "learning_rate": 1e-4,
    },
]


@pytest.mark.parametrize("quantity", ["loss", "accuracy"])
def test_curves(quantity: str) -> None:
    figure = curve_figure(HISTORY, quantity, best=2)
    go.Figure(figure)  # refuses what Plotly does not know
    training, validation = figure["data"]
    assert training["y"] == [row[f"train_{quantity}"] for row in HISTORY]
    assert validation["y"] == [row[f"val_{quantity}"] for row in HISTORY]
    assert validation["x"] == [1, 2]
    assert figure["layout"]["shapes"][0]["x0"] == 2
    low, high = figure["layout"]["yaxis"].get("range", (0, 1.02))
    assert low < 0.5
    assert high > 1


def test_learning_rate() -> None:
    figure = learning_rate_figure(HISTORY)
    go.Figure(figure)
    assert figure["data"][0]["y"] == [1e-3, 1e-4]


def test_what_json_cannot_hold_is_a_gap() -> None:
    figure = curve_figure([{"epoch": 1, "train_loss": math.nan, "val_loss": math.inf}, *HISTORY], "loss")
    assert figure["data"][0]["y"] == [None, 1.0, 0.5]
    json.dumps(figure, allow_nan=False)


def test_no_history_is_no_error() -> None:
    for quantity in ("loss", "accuracy"):
        go.Figure(curve_figure([], quantity))
    go.Figure(learning_rate_figure([]))


def test_confusion_cells_are_split_by_colour_and_none_is_lost() -> None:
    counts = torch.tensor([[8, 2, 0], [0, 5, 0], [0, 0, 0]])
    figure = confusion_figure(counts, ["a", "b", "c"])
    go.Figure(figure)
    right, wrong = figure["data"]
    for row in range(3):
        for column in range(3):
            shown, gap = (right, wrong) if row == column else (wrong, right)
            assert gap["z"][row][column] is None
            assert gap["text"][row][column] == ""
            assert shown["z"][row][column] == pytest.approx(
                counts[row, column].item() / max(counts[row].sum().item(), 1)
            )
    assert wrong["text"][0][1] == "2<br>20.0%"
    assert wrong["zmax"] == pytest.approx(0.2)
    assert right["customdata"] == counts.tolist()


def test_rare_mistakes_are_not_shown_as_if_they_were_many() -> None:
    counts = torch.tensor([[999, 1], [0, 1000]])
    assert confusion_figure(counts, ["a", "b"])["data"][1]["zmax"] == 0.05


def test_many_classes_have_no_text() -> None:
    figure = confusion_figure(torch.eye(100, dtype=torch.long), [f"class {i}" for i in range(100)])
    go.Figure(figure)
    assert all("text" not in trace for trace in figure["data"])
    assert figure["layout"]["xaxis"]["showticklabels"] is False
    assert figure["layout"]["xaxis"]["ticktext"][7] == "class 7"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"),
        ("a & b", "a &amp; b"),
        ("$x$", "&#36;x&#36;"),
        ("two\nlines", "two lines"),
        ("x" * 30, "x" * 19 + "…"),
    ],
)
def test_plotly_reads_no_markup_in_names(name: str, shown: str) -> None:
    assert plotly_text(name) == shown
