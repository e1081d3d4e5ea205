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
3. An opened node fills its stretched place, from the image of its left to the image of its right and so on. Its inner
   picture lies in the middle of what the header leaves. Any other node keeps its size, around the image of its centre.
4. Every cubic of an edge is cut in ``PIECES`` equal steps of its parameter, and all points are mapped. An end at a node
   that is not opened moves, with the point next to it, to the same place relative to that node's centre as before.
   Where no node of a level is opened, nothing is cut and nothing moves.
5. The width and the height of the level are the images of its width and height.

Since a map along each axis never swaps two points, what did not overlap before does not overlap afterwards.
"""

from __future__ import annotations

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
_READABLE = 40

Point = tuple[float, float]


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
    shifts: dict[str, tuple[Point, Point]] = {}
    for node in level["nodes"]:
        x, y, w, h = (float(node[side]) for side in "xywh")
        if node["id"] in inner:
            content = inner[node["id"]]
            left, top = across(x), down(y)
            width, height = across(x + w) - left, down(y + h) - top
            boxes.append(Box(node, left, top, width, height, True, depth))
            free = height - HEADER - content.height
            within.append(content.moved(left + (width - content.width) / 2, top + HEADER + free / 2))
            continue
        before = (x + w / 2, y + h / 2)
        after = (across(before[0]), down(before[1]))
        boxes.append(Box(node, after[0] - w / 2, after[1] - h / 2, w, h, False, depth))
        shifts[node["id"]] = (before, after)
    curves = [Curve(edge, _bent(edge, across, down, shifts) if inner else _points(edge)) for edge in level["edges"]]
    for content in within:
        boxes.extend(content.boxes)
        curves.extend(content.curves)
    return Composed(across(level["width"]), down(level["height"]), tuple(boxes), tuple(curves))


def _maps(level: Mapping[str, Any], inner: Mapping[str, Composed]) -> tuple[Stretch, ...]:
    across, down = [], []
    for node in level["nodes"]:
        if node["id"] in inner:
            content = inner[node["id"]]
            title = TITLE_SIDE + TITLE_CHARACTER * len(frame_title(node))
            across.append((node["x"], node["x"] + node["w"], max(node["w"], content.width, title)))
            down.append((node["y"], node["y"] + node["h"], HEADER + content.height))
    return Stretch(across), Stretch(down)


def frame_title(node: Mapping[str, Any]) -> str:
    """Return the title of an opened block: its name and class."""
    return f"{node['name']} · {node['lines'][0]}" if node["name"] else str(node["lines"][0])


def _points(edge: Mapping[str, Any]) -> tuple[Point, ...]:
    return tuple((float(x), float(y)) for x, y in edge["points"])


def _bent(
    edge: Mapping[str, Any], across: Stretch, down: Stretch, shifts: Mapping[str, tuple[Point, Point]]
) -> tuple[Point, ...]:
    original = _points(edge)
    points = [(across(x), down(y)) for x, y in _cut(original)]
    for name, end, near, old in (("source", 0, 1, original[0]), ("target", -1, -2, original[-1])):
        if edge[name] in shifts:
            before, after = shifts[edge[name]]
            dx = after[0] + old[0] - before[0] - points[end][0]
            dy = after[1] + old[1] - before[1] - points[end][1]
            for place in (end, near):
                points[place] = (points[place][0] + dx, points[place][1] + dy)
    return tuple(points)


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
    """Return the keys of the levels to open so that ``depth`` levels are seen, the network's own included."""
    opened: set[str] = set()
    ring = {picture["root"]}
    for _ in range(depth - 1):
        ring = {
            node["level"]
            for key in ring
            for node in picture["levels"][key]["nodes"]
            if node["level"] is not None and node["level"] not in opened
        }
        if not ring:
            break
        opened |= ring
    return opened


def readable_depth(picture: Mapping[str, Any]) -> int:
    """Return how many levels may be seen before there are more than about forty layers."""
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
