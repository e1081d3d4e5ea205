"""The report's figures in Plotly's form, without colours: the page paints them for light, dark and paper."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from layerlab.pages import plotly_text

__all__ = ["Figure", "confusion_figure", "curve_figure", "learning_rate_figure"]

Figure = dict[str, Any]
"""``data`` and ``layout``. ``meta.role`` of a trace names the colour that the page gives it."""

_LEAST_FULL_MISTAKE = 0.05
_TEXT_IN_CELLS = 12
_LABELLED_CLASSES = 60
_UPRIGHT_LABEL = 5


def curve_figure(history: Sequence[Mapping[str, Any]], quantity: str, best: int | None = None) -> Figure:
    """Return ``train_<quantity>`` and ``val_<quantity>`` over the epochs, with a mark at the best one."""
    percent = quantity == "accuracy"
    value = "%{y:.2%}" if percent else "%{y:.4f}"
    traces = [
        {
            **_line(history, f"{part}_{quantity}", role),
            "name": role,
            "hovertemplate": f"{role} {value}<extra></extra>",
            "line": {"dash": "dot" if role == "training" else "solid", "width": 2.5},
            "marker": {"symbol": "circle-open" if role == "training" else "circle", "size": 7},
        }
        for part, role in (("train", "training"), ("val", "validation"))
    ]
    layout = _layout(history)
    layout["yaxis"] = {"tickformat": ".0%", "range": _room_below_one(history)} if percent else {"rangemode": "tozero"}
    layout["legend"] = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}
    if best is not None:
        layout["shapes"] = [
            {
                "type": "line",
                "name": "best epoch",
                "showlegend": True,
                "x0": best,
                "x1": best,
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "line": {"dash": "dash", "width": 1},
            }
        ]
    return {"data": traces, "layout": layout}


def learning_rate_figure(history: Sequence[Mapping[str, Any]]) -> Figure:
    """Return the learning rate over the epochs."""
    trace = {
        **_line(history, "learning_rate", "neutral"),
        "name": "learning rate",
        "hovertemplate": "%{y:.3g}<extra></extra>",
        "line": {"width": 2},
        "marker": {"size": 5},
    }
    layout = _layout(history)
    layout["yaxis"] = {"rangemode": "tozero", "exponentformat": "power", "nticks": 4}
    layout["showlegend"] = False
    return {"data": [trace], "layout": layout}


def confusion_figure(counts: Tensor, names: Sequence[str]) -> Figure:
    """Return the heat map of a confusion matrix (K, K): the diagonal in one colour, the mistakes in another.

    Both are shares of their row. The mistakes have a scale of their own, up to the largest of them (or 5 %),
    since on the diagonal's scale a good network's would not be seen. Cells carry count and share as text up
    to 12 classes; beyond, they are read by pointing at them.
    """
    shares = counts / counts.sum(1, keepdim=True).clamp_min(1)
    diagonal = torch.eye(len(names), dtype=torch.bool)
    largest = max(float(shares.masked_fill(diagonal, 0).max()), _LEAST_FULL_MISTAKE)
    labels = [plotly_text(name) for name in names]
    traces = [
        _cells(counts, shares, diagonal, "right", 1.0),
        _cells(counts, shares, ~diagonal, "wrong", largest),
    ]
    axis = {
        "tickmode": "array",
        "tickvals": list(range(len(labels))),
        "ticktext": labels,
        "showticklabels": len(labels) <= _LABELLED_CLASSES,
        "ticks": "",
        "showgrid": False,
        "zeroline": False,
        "automargin": True,
    }
    layout = {
        # Long names lean to the left, for to the right they would leave the figure.
        "xaxis": {
            **axis,
            "tickangle": -45 if max(map(len, labels)) > _UPRIGHT_LABEL else 0,
            "title": {"text": "predicted class", "standoff": 12},
            "constrain": "domain",
        },
        "yaxis": {
            **axis,
            "title": {"text": "true class", "standoff": 12},
            "autorange": "reversed",
            "scaleanchor": "x",
            "constrain": "domain",
        },
        "margin": {"l": 60, "r": 10, "t": 10, "b": 60},
    }
    return {"data": traces, "layout": layout}


def _cells(counts: Tensor, shares: Tensor, shown: Tensor, role: str, full: float) -> Figure:
    """Return the heat map of the cells where ``shown``; ``full`` is the share of the strongest colour."""
    few = len(counts) <= _TEXT_IN_CELLS
    table, mask = counts.tolist(), shown.tolist()
    percent = [[round(share, 4) for share in row] for row in shares.tolist()]
    trace: dict[str, Any] = {
        "type": "heatmap",
        "z": _where(mask, percent),
        "zmin": 0,
        "zmax": full,
        "customdata": table,
        "hovertemplate": "true: %{y}<br>predicted: %{x}<br>%{customdata} (%{z:.1%} of row)<extra></extra>",
        "hoverongaps": False,
        "meta": {"role": role},
        "showscale": False,
        "xgap": 1 if few else 0,
        "ygap": 1 if few else 0,
    }
    if few:
        trace["text"] = [
            [f"{cell:,}<br>{share:.1%}" if cell and kept else "" for cell, share, kept in zip(*rows, strict=True)]
            for rows in zip(table, percent, mask, strict=True)
        ]
        trace["texttemplate"] = "%{text}"
    return trace


def _where(mask: list[list[bool]], table: list[list[float]]) -> list[list[float | None]]:
    return [
        [cell if kept else None for kept, cell in zip(keep, row, strict=True)]
        for keep, row in zip(mask, table, strict=True)
    ]


def _line(history: Sequence[Mapping[str, Any]], key: str, role: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(history) <= 40 else "lines",
        "x": [row["epoch"] for row in history],
        "y": [_finite(row.get(key)) for row in history],
        "meta": {"role": role},
    }


def _layout(history: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    few = len(history) <= 12
    return {
        "xaxis": {"title": {"text": "epoch"}, "tickformat": "d", **({"dtick": 1} if few else {"nticks": 10})},
        "hovermode": "x unified",
        "margin": {"l": 52, "r": 12, "t": 34, "b": 46},
    }


def _room_below_one(history: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return an accuracy range that ends just above 100 % and leaves room under the lowest point."""
    seen = [_finite(row.get(key)) for row in history for key in ("train_accuracy", "val_accuracy")]
    known = [value for value in seen if value is not None]
    low = min(known, default=0.0)
    return [max(low - 0.1 * (1.02 - low), 0.0), 1.02]


def _finite(value: Any) -> float | None:
    """Return the number, or None (a gap in the line) for what JSON cannot hold."""
    return value if isinstance(value, int | float) and math.isfinite(value) else None
