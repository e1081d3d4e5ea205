"""How the output of a layer lies on the image: which axes are channels, which are positions, what a position sees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from layerlab.anatomy.span import Reach, Span

__all__ = ["Box", "MapLayout", "map_layout"]

Box = tuple[int, int, int, int]
"""Top, left, bottom, right in pixels of the input; the last two are exclusive. May reach beyond the image."""

_MOST_EXTRA_TOKENS = 8
_LEAST_SHARE = 4


@dataclass(frozen=True)
class MapLayout:
    """How an output becomes (batch, channels, rows, columns).

    Attributes:
        kind: ``maps``, ``tokens``, ``series`` or ``vector``.
        order: ``first`` where channels stand before the positions, ``last`` where behind.
        rows, columns: of the maps.
        skipped: tokens before the grid (a class token).
        parts: how many outputs the first axis holds for one image; the first is shown.
        reach: what positions see of the input; ``None`` where it is not known.
        words: what was done, for a reader; empty for plain maps.
    """

    kind: str
    order: str
    rows: int
    columns: int
    skipped: int = 0
    parts: int = 1
    reach: Reach | None = None
    words: str = ""

    def maps(self, output: Tensor, batch: int) -> Tensor:
        """Return an output for ``batch`` images as (batch, channels, rows, columns); differentiable."""
        if self.parts > 1:
            output = output.reshape(batch, self.parts, *output.shape[1:])[:, 0]
        if output.dim() == 4:
            return output if self.order == "first" else output.movedim(-1, 1)
        if output.dim() == 2:
            return output[:, :, None, None]
        if output.dim() == 1:
            return output.reshape(batch, -1, 1, 1)
        channels_first = output if self.order == "first" else output.transpose(1, 2)
        return channels_first[:, :, self.skipped :].reshape(batch, -1, self.rows, self.columns)

    def box(self, row: int, column: int, height: int, width: int) -> Box:
        """Return the part of an image of this size that the position sees."""
        spans = self.reach.spans if self.reach is not None else ()
        if len(spans) != 2:
            if len(spans) == 1 and self.kind == "series":  # the rows of the image are its time
                top, bottom = _interval(spans[0], column)
                return top, 0, bottom, width
            return 0, 0, height, width
        (top, bottom), (left, right) = _interval(spans[0], row), _interval(spans[1], column)
        return top, left, bottom, right


def _interval(span: Span, index: int) -> tuple[int, int]:
    start = span.start if span.fixed else span.start + index * span.jump
    return math.floor(start), math.ceil(start + span.field)


def map_layout(shape: Sequence[int], reach: Reach | None, image: Sequence[int], batch: int = 1) -> MapLayout | None:
    """Return how an output of this shape lies on an image, or ``None`` where it cannot be shown as maps.

    Args:
        shape: of the output for ``batch`` images.
        reach: what was followed for it.
        image: (height, width) of the input.
        batch: number of images.
    """
    parts, rest = 1, tuple(shape[1:])
    if shape[:1] and shape[0] != batch and shape[0] % batch == 0 and len(rest) > 0:
        parts = shape[0] // batch
    axes = reach.axes if reach is not None and len(reach.axes) == len(shape) else (0,) * len(shape)
    said = f"its first axis holds {parts} parts of the image; the first is shown" if parts > 1 else ""
    known = reach if parts == 1 else None
    if len(rest) == 3:
        last = bool(axes[1]) and bool(axes[2]) and not axes[3]
        rows, columns = rest[:2] if last else rest[1:]
        words = "; ".join(filter(None, (said, "its channels are the last axis" if last else "")))
        return MapLayout("maps", "last" if last else "first", rows, columns, 0, parts, known, words)
    if len(rest) == 2:
        return _sequence(rest, axes[1:], known, image, parts, said)
    if len(rest) <= 1:
        return MapLayout("vector", "first", 1, 1, 0, parts, known, said)
    return None


def _sequence(
    rest: tuple[int, ...], axes: Sequence[int], reach: Reach | None, image: Sequence[int], parts: int, said: str
) -> MapLayout:
    """Return tokens as a grid where they form one, else as a series along one axis."""
    first = bool(axes[1]) and not axes[0]
    length = rest[1] if first else rest[0]
    order = "first" if first else "last"
    grid = None if axes[0] | axes[1] in (1, 2) else _grid(length, reach, image)
    if grid is None:
        words = "; ".join(filter(None, (said, f"its {length} positions form a line, no grid")))
        return MapLayout("series", order, 1, length, 0, parts, reach, words)
    rows, columns, skipped = grid
    left_out = (
        f"; {skipped} before them ({'the class token' if skipped == 1 else 'class and register tokens'}) left out"
    )
    words = f"{rows * columns} tokens form a {rows}x{columns} grid{left_out if skipped else ''}"
    return MapLayout("tokens", order, rows, columns, skipped, parts, reach, "; ".join(filter(None, (said, words))))


def _grid(length: int, reach: Reach | None, image: Sequence[int]) -> tuple[int, int, int] | None:
    """Return rows, columns and the tokens before them; the grid has the proportions of the image."""
    if reach is not None and len(reach.spans) == 2:
        rows, columns = (span.size for span in reach.spans)
        if rows * columns > 1 and 0 <= length - rows * columns <= _MOST_EXTRA_TOKENS:
            return rows, columns, length - rows * columns
    height, width = image
    for skipped in range(_MOST_EXTRA_TOKENS + 1):
        count = length - skipped
        rows = round(math.sqrt(count * height / width)) if count > 1 and skipped <= count // _LEAST_SHARE else 0
        if rows > 1 and count % rows == 0 and rows * width == count // rows * height:
            return rows, count // rows, skipped
    return None
