"""Opening blocks of a picture in place, without a new layout.

The algorithm, which the page's script repeats number for number. ``arrange(level)``:

1. The level of each node that is to be opened is arranged first, by the same algorithm. (A level that is being arranged
   is not opened inside itself.) The node needs the width ``max(node.w, inner width, title width)`` and the height
   ``HEADER + inner height``. The title width is ``TITLE_SIDE + TITLE_CHARACTER * characters of the title``, the title
   ``name · first line``, or the first line alone where there is no name.
2. Along each axis the level's coordinates are stretched by a map that is piecewise linear and never shrinks. Its
   corners are the ends ``a``, ``b`` of the opened nodes along this axis, sorted, each once. Between corners lie pieces
   with a length. The opened nodes are taken by ``b - a``, then ``a``, then their order in the level; one whose pieces
   together are shorter than what it needs has each of them multiplied by ``needed / together``. Before the first corner
   nothing moves; behind the last everything moves by what was gained.
3. Every node gets a new size: an opened one what it needs, any other its own. It lies around the image of its centre,
   moved along each axis, if it must, by as little as puts it between the images of its two ends. The inner picture of
   an opened node lies in the middle of what the header leaves.
4. Every cubic of an edge is cut in ``PIECES`` equal steps of its parameter, and all points are mapped. Each end of the
   edge is put, together with the point next to it, where it was relative to its node: along each axis its distance from
   the node's centre is multiplied by new size / old size; what it lies outside of the node stays as it was. Then every
   joint ``p`` of two cubics is made smooth: the points ``a`` before and ``b`` behind it keep their distances to ``p``
   and are put on one line with it, along ``(p - a) / |p - a| + (b - p) / |b - p|`` (left alone where one of these three
   has no length). Where no node of a level is opened, nothing is cut and nothing moves.
5. The width and the height of the level are the images of its width and height.

Since a map along each axis never swaps two points, what did not overlap before does not overlap afterwards.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

__all__ = ["HEADER", "PIECES", "Box", "Composed", "Curve", "Stretch", "compose", "open_to", "readable_depth", "visible"]

HEADER = 24.0
"""Height of an opened block's title, in pixels."""
TITLE_SIDE, TITLE_CHARACTER = 40.0, 7.5
PIECES = 4
_READABLE = 48

Point = tuple[float, float]
Place = tuple[float, float, float, float]


@dataclass(frozen=True)
class Box:
    """A node where it is drawn.

    Attributes:
        node: as in the picture.
        x, y, w, h: its place in the whole picture.
        is_open: whether its inside is drawn in it.
        depth: how many opened blocks are around it.
    """

    node: Mapping[str, Any]
    x: float
    y: float
    w: float
    h: float
    is_open: bool
    depth: int


@dataclass(frozen=True)
class Curve:
    """An edge where it is drawn: cubic Beziers, 1 + 3n points."""

    edge: Mapping[str, Any]
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Composed:
    """A picture with opened blocks: outer boxes come before those inside them."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    curves: tuple[Curve, ...]

    def moved(self, x: float, y: float) -> Composed:
        """Return the same picture elsewhere."""
        boxes = (Box(box.node, box.x + x, box.y + y, box.w, box.h, box.is_open, box.depth) for box in self.boxes)
        curves = (Curve(curve.edge, tuple((a + x, b + y) for a, b in curve.points)) for curve in self.curves)
        return Composed(self.width, self.height, tuple(boxes), tuple(curves))


class Stretch:
    """The map along one axis.

    Args:
        wanted: for each opened node its two ends and the length that it needs, in the order of the level.
    """

    def __init__(self, wanted: Sequence[tuple[float, float, float]]) -> None:
        self._corners = sorted({end for low, high, _ in wanted for end in (low, high)})
        lengths = [high - low for low, high in pairwise(self._corners)]
        for low, high, needed in sorted(wanted, key=lambda one: (one[1] - one[0], one[0])):
            first, last = self._corners.index(low), self._corners.index(high)
            together = sum(lengths[first:last])
            if needed > together:
                lengths[first:last] = [length * needed / together for length in lengths[first:last]]
        self._images = list(self._corners[:1])
        for length in lengths:
            self._images.append(self._images[-1] + length)

    def __call__(self, value: float) -> float:
        """Return where a coordinate goes."""
        if not self._corners or value <= self._corners[0]:
            return value
        if value >= self._corners[-1]:
            return value + self._images[-1] - self._corners[-1]
        piece = bisect_right(self._corners, value) - 1
        low, high = self._corners[piece : piece + 2]
        share = (value - low) / (high - low)
        return self._images[piece] + share * (self._images[piece + 1] - self._images[piece])


def compose(picture: Mapping[str, Any], opened: Collection[str]) -> Composed:
    """Return the picture with the levels in ``opened`` drawn inside the nodes that open to them.

    Args:
        picture: as from :func:`layerlab.anatomy.picture.picture`.
        opened: keys of levels; one whose own block is hidden in a closed one changes nothing.
    """
    return _arranged(picture, picture["root"], set(opened), (), 0)


def _arranged(
    picture: Mapping[str, Any], key: str, opened: Collection[str], above: tuple[str, ...], depth: int
) -> Composed:
    level = picture["levels"][key]
    around = (*above, key)
    inner = {
        node["id"]: _arranged(picture, node["level"], opened, around, depth + 1)
        for node in level["nodes"]
        if node["level"] in opened and node["level"] not in around and node["level"] in picture["levels"]
    }
    across, down = _maps(level, inner)
    boxes: list[Box] = []
    within: list[Composed] = []
    places: dict[str, tuple[Place, Place]] = {}
    for node in level["nodes"]:
        before = (float(node["x"]), float(node["y"]), float(node["w"]), float(node["h"]))
        content = inner.get(node["id"])
        width, height = _needed(node, content) if content is not None else before[2:]
        x = _around(across, before[0], before[2], width)
        y = _around(down, before[1], before[3], height)
        places[node["id"]] = before, (x, y, width, height)
        boxes.append(Box(node, x, y, width, height, content is not None, depth))
        if content is not None:
            free = height - HEADER - content.height
            within.append(content.moved(x + (width - content.width) / 2, y + HEADER + free / 2))
    curves = [Curve(edge, _bent(edge, across, down, places) if inner else _points(edge)) for edge in level["edges"]]
    for content in within:
        boxes.extend(content.boxes)
        curves.extend(content.curves)
    return Composed(across(level["width"]), down(level["height"]), tuple(boxes), tuple(curves))


def _maps(level: Mapping[str, Any], inner: Mapping[str, Composed]) -> tuple[Stretch, Stretch]:
    across, down = [], []
    for node in level["nodes"]:
        if node["id"] in inner:
            width, height = _needed(node, inner[node["id"]])
            across.append((node["x"], node["x"] + node["w"], width))
            down.append((node["y"], node["y"] + node["h"], height))
    return Stretch(across), Stretch(down)


def _needed(node: Mapping[str, Any], content: Composed) -> tuple[float, float]:
    title = TITLE_SIDE + TITLE_CHARACTER * len(frame_title(node))
    return max(float(node["w"]), content.width, title), HEADER + content.height


def _around(stretch: Stretch, low: float, length: float, wanted: float) -> float:
    """Return where a node of a new length begins."""
    start = stretch(low + length / 2) - wanted / 2
    return max(stretch(low), min(start, stretch(low + length) - wanted))


def frame_title(node: Mapping[str, Any]) -> str:
    """Return the title of an opened block: its name and class."""
    return f"{node['name']} · {node['lines'][0]}" if node["name"] else str(node["lines"][0])


def _points(edge: Mapping[str, Any]) -> tuple[Point, ...]:
    return tuple((float(x), float(y)) for x, y in edge["points"])


def _bent(
    edge: Mapping[str, Any], across: Stretch, down: Stretch, places: Mapping[str, tuple[Place, Place]]
) -> tuple[Point, ...]:
    original = _points(edge)
    points = [(across(x), down(y)) for x, y in _cut(original)]
    for name, end, near in (("source", 0, 1), ("target", -1, -2)):
        before, after = places[edge[name]]
        moves = []
        for axis in (0, 1):
            off, half = original[end][axis] - before[axis] - before[axis + 2] / 2, before[axis + 2] / 2
            inside = max(-half, min(half, off))
            wanted = after[axis] + after[axis + 2] / 2 + inside * after[axis + 2] / before[axis + 2] + off - inside
            moves.append(wanted - points[end][axis])
        for place in (end, near):
            points[place] = (points[place][0] + moves[0], points[place][1] + moves[1])
    _smooth(points)
    return tuple(points)


def _smooth(points: list[Point]) -> None:
    for joint in range(3, len(points) - 1, 3):
        (ax, ay), (px, py), (bx, by) = points[joint - 1 : joint + 2]
        into, out = math.hypot(px - ax, py - ay), math.hypot(bx - px, by - py)
        if not into or not out:
            continue
        dx, dy = (px - ax) / into + (bx - px) / out, (py - ay) / into + (by - py) / out
        length = math.hypot(dx, dy)
        if length:
            points[joint - 1] = (px - into * dx / length, py - into * dy / length)
            points[joint + 1] = (px + out * dx / length, py + out * dy / length)


def _cut(points: Sequence[Point]) -> Iterator[Point]:
    """Yield the points of the same curve in ``PIECES`` times as many cubics."""
    yield points[0]
    for start in range(0, len(points) - 3, 3):
        rest = list(points[start : start + 4])
        for left in range(PIECES, 1, -1):
            head, rest = _halves(rest, 1 / left)
            yield from head[1:]
        yield from rest[1:]


def _halves(cubic: Sequence[Point], share: float) -> tuple[list[Point], list[Point]]:
    """Cut one cubic at a share of its parameter (de Casteljau)."""
    rows = [list(cubic)]
    while len(rows[-1]) > 1:
        row = rows[-1]
        rows.append([
            (a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])) for a, b in pairwise(row)
        ])  # fmt: skip
    return [row[0] for row in rows], [row[-1] for row in reversed(rows)]


def open_to(picture: Mapping[str, Any], depth: int) -> set[str]:
    """Return the keys of the levels to open so that ``depth`` levels of blocks are seen, the network's own included.

    What a layer without layers computes inside stays closed.
    """
    opened: set[str] = set()
    ring = {picture["root"]}
    for _ in range(depth - 1):
        ring = {
            node["level"]
            for key in ring
            for node in picture["levels"][key]["nodes"]
            if node["kind"] == "block" and node["level"] not in opened
        }
        if not ring:
            break
        opened |= ring
    return opened


def readable_depth(picture: Mapping[str, Any]) -> int:
    """Return how many levels may be seen before there are more than about forty-eight layers."""
    depth, seen = 1, visible(picture, open_to(picture, 1))
    while depth < len(picture["levels"]):
        more = visible(picture, open_to(picture, depth + 1))
        if more > _READABLE or more == seen:
            break
        depth, seen = depth + 1, more
    return depth


def visible(picture: Mapping[str, Any], opened: Collection[str]) -> int:
    """Return how many nodes are seen, those where values enter and leave a block apart."""

    def count(key: str, above: tuple[str, ...]) -> int:
        around = (*above, key)
        return sum(
            (node["kind"] != "port")
            + (count(node["level"], around) if node["level"] in opened and node["level"] not in around else 0)
            for node in picture["levels"][key]["nodes"]
        )

    return count(picture["root"], ())
