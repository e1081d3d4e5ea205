"""The figures of a lesson as plain numbers; the page draws them and writes their labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from layerlab.studio.lessons.lesson import Arm, Floats, Text, Trials
from layerlab.studio.lessons.statistics import quartiles

__all__ = ["curves", "grid", "lines", "strip"]

CURVE_POINTS: Final = 60


def curves(arms: Sequence[Arm], trials: Trials) -> dict[str, Any]:
    """Return the test loss over the epochs: median and quartiles of the seeds for each arm."""
    epochs = np.unique(np.linspace(0, trials.epochs, CURVE_POINTS).round().astype(int))
    fans = quartiles(np.moveaxis(trials.bounded[:, :, epochs, 1], 1, -1))
    series = [
        {"label": arm.label, "low": low.tolist(), "middle": middle.tolist(), "high": high.tolist()}
        for arm, low, middle, high in zip(arms, *fans, strict=True)
    ]
    return {"kind": "curves", "title": "learn.figure.curves", "x": epochs.tolist(), "series": series}


def strip(title: str, arms: Sequence[Arm], values: Floats, *, unit: str = "loss") -> dict[str, Any]:
    """Return one row for each arm: a dot for each seed, the median and the quartiles.

    Args:
        title: key (after ``learn.figure.``).
        values: (arms, seeds); infinite where there is none.
        unit: ``loss``, ``epochs`` or ``milliseconds``: what the axis says.
    """
    rows = [
        {"label": arm.label, "values": _finite(row), "low": low, "middle": middle, "high": high, "missing": missing}
        for arm, row, low, middle, high, missing in zip(
            arms, values, *map(_finite, quartiles(values)), np.isinf(values).sum(-1).tolist(), strict=True
        )
    ]
    return {"kind": "strip", "title": f"learn.figure.{title}", "unit": unit, "rows": rows}


def grid(
    title: str, rows: Sequence[Text | str], columns: Sequence[Text | str | float], values: Floats
) -> dict[str, Any]:
    """Return a table whose cells are coloured by the loss that they hold.

    Args:
        title: key (after ``learn.figure.``).
        values: (rows, columns).
    """
    return {
        "kind": "grid",
        "title": f"learn.figure.{title}",
        "rows": list(rows),
        "columns": list(columns),
        "values": values.tolist(),
    }


def lines(title: str, arms: Sequence[Arm], trials: Trials) -> dict[str, Any]:
    """Return the training and the test loss over the number of parameters, with quartiles."""
    final = trials.bounded[:, :, -1]
    series = []
    for which, name in enumerate(("train", "test")):
        low, middle, high = (part.tolist() for part in quartiles(final[..., which]))
        series.append({"label": {"key": f"learn.{name}", "values": {}}, "low": low, "middle": middle, "high": high})
    return {
        "kind": "lines",
        "title": f"learn.figure.{title}",
        "x": [arm.parameters for arm in arms],
        "names": [arm.label for arm in arms],
        "series": series,
    }


def _finite(values: Floats) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]
