"""Points out of a table: CSV as spreadsheets write it, in English or in Polish."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from layerlab.studio.command_error import CommandError

__all__ = ["PointTable", "read_points", "write_points"]

HALF_WIDTH: Final = 6.0
FILLED: Final = 5.0
"""How far scaled points reach, so that none lies on the border."""
MOST_CLASSES: Final = 6


@dataclass(frozen=True)
class PointTable:
    """Points as a specification takes them."""

    points: tuple[tuple[float, float, float], ...]
    classes: int
    """Of classification; 2 for regression."""
    names: tuple[str, ...]
    """What the classes were called; empty for regression."""


def read_points(text: str, *, regression: bool, scale: bool, most: int) -> PointTable:
    """Return the points of a CSV text: x, y and a label a line; a first line of names is left out.

    Args:
        text: separated by comma, semicolon or tab; with the last two, numbers may have a decimal comma.
        regression: whether labels are numbers; else each distinct label is a class.
        scale: whether to bring the points into the square; else one outside it is an error.
        most: points.

    Raises:
        CommandError: a line that is no point; too many points, or classes.
    """
    rows = [(number, cells) for number, cells in _rows(text) if any(cells)]
    if rows and all(_number(cell) is None for cell in rows[0][1][:2]):
        rows = rows[1:]
    if not rows:
        raise CommandError("error.no-points", "there is no point in that; expected lines of x, y and a label")
    if len(rows) > most:
        raise CommandError(
            "error.too-many-points", f"{len(rows):,} points; at most {most:,}", count=len(rows), limit=most
        )
    coordinates = [_coordinates(number, cells) for number, cells in rows]
    if scale:
        coordinates = _scaled(coordinates)
    for (number, _), point in zip(rows, coordinates, strict=True):
        if max(map(abs, point)) > HALF_WIDTH:
            raise CommandError(
                "error.point-outside",
                f"line {number}: ({point[0]:g}, {point[1]:g}) is outside -6 to 6; scale the points, or move this one",
                line=number,
                x=point[0],
                y=point[1],
            )
    labels = [cells[2].strip() for _, cells in rows]
    if regression:
        values = [_label(number, label) for (number, _), label in zip(rows, labels, strict=True)]
        names: Sequence[str] = ()
    else:
        names, values = _classes(labels)
    points = tuple((x, y, value) for (x, y), value in zip(coordinates, values, strict=True))
    return PointTable(points, max(2, len(names)), tuple(names))


def write_points(parts: dict[str, Sequence[Sequence[float]]]) -> str:
    """Return the points of each part as CSV: x, y, label, part."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["x", "y", "label", "part"])
    for name, points in parts.items():
        writer.writerows([*point, name] for point in points)
    return out.getvalue()


def _rows(text: str) -> list[tuple[int, list[str]]]:
    text = text.removeprefix("\ufeff")
    head = text[:10_000]
    delimiter = next((mark for mark in ("\t", ";", ",") if mark in head), " ")
    lines = (re.sub(r"\s+", " ", line.strip()) if delimiter == " " else line for line in text.splitlines())
    try:
        return list(enumerate(csv.reader(lines, delimiter=delimiter), 1))
    except csv.Error as error:
        raise CommandError("error.no-table", f"that is no table: {error}", reason=str(error)) from None


def _number(cell: str) -> float | None:
    try:
        value = float(cell.strip().replace("\u2212", "-").replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < 1e12 else None


def _coordinates(number: int, cells: list[str]) -> tuple[float, float]:
    values = [_number(cell) for cell in cells[:2]]
    if len(cells) < 3 or len(values) < 2 or values[0] is None or values[1] is None:
        shown = ", ".join(cells)[:60]
        raise CommandError(
            "error.no-point", f'line {number}, "{shown}", is not x, y and a label', line=number, given=shown
        )
    return values[0], values[1]


def _label(number: int, cell: str) -> float:
    value = _number(cell)
    if value is None:
        raise CommandError(
            "error.no-number", f'line {number}: the label "{cell[:40]}" is no number', line=number, given=cell[:40]
        )
    return value


def _classes(labels: Sequence[str]) -> tuple[list[str], list[float]]:
    """Return the classes' names in order and each point's label: -1 and +1 for two, 0, 1, 2... for more."""
    numbers = [_number(label) for label in labels]
    if all(number is not None for number in numbers):
        labels = [f"{number:g}" for number in numbers]
        names = sorted(set(labels), key=float)
    else:
        names = sorted(set(labels))
    if len(names) > MOST_CLASSES:
        raise CommandError(
            "error.too-many-classes",
            f"{len(names)} different labels; at most {MOST_CLASSES} classes (for numbers choose regression)",
            count=len(names),
            limit=MOST_CLASSES,
        )
    if len(names) == 1:
        names = ["-1", "1"] if names[0] in ("-1", "1") else [*names, ""]
    values = [-1.0, 1.0] if len(names) == 2 else [float(index) for index in range(len(names))]
    value_of = dict(zip(names, values, strict=True))
    return names, [value_of[label] for label in labels]


def _scaled(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    axes = []
    for values in zip(*points, strict=True):
        low, high = min(values), max(values)
        factor = 2 * FILLED / (high - low) if high > low else 0.0
        axes.append([(value - (low + high) / 2) * factor for value in values])
    return list(zip(*axes, strict=True))
