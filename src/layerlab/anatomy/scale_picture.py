"""The network as papers draw it: each stage a box of channels by height by width, to scale."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from layerlab.anatomy.anatomy import Anatomy
from layerlab.anatomy.lettering import shortened, text_width
from layerlab.anatomy.palette import COLORS, INK, PAPER
from layerlab.anatomy.rows import title
from layerlab.anatomy.scale_stages import Size, Stage, stages_of

__all__ = ["Scale", "scale_picture"]

_TALLEST, _THICKEST, _LONGEST = 170.0, 64.0, 170.0
_LEAST = 2.0
_SLANT_X, _SLANT_Y = 0.42, 0.30
_GAP = 30.0
_MARGIN = 18.0
_LINE = 14.0
_BAR = 8.0
_FONT = 11.0
_LONGEST_WORD = 20
_HEAD = 5.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Scale:
    """How long a number of positions, channels or features is drawn.

    Attributes:
        unit: pixels for one; for a square root, for the root of one.
        root: whether lengths are those of square roots, since the smallest would not be seen otherwise.
    """

    unit: float
    root: bool

    def __call__(self, count: float) -> float:
        """Return the length in pixels."""
        return self.unit * (math.sqrt(count) if self.root else count)

    @classmethod
    def of(cls, counts: Sequence[int], longest: float) -> Scale:
        """Return the scale on which the largest is ``longest`` and nothing is less than two pixels, if it can be."""
        most, least = max(counts, default=1), min(counts, default=1)
        root = longest * least / most < _LEAST
        return cls(longest / (math.sqrt(most) if root else most), root)


@dataclass(frozen=True)
class _Box:
    """A stage with its place; x and y are those of the lower left corner of the front."""

    stage: Stage
    x: float
    y: float
    thick: float
    high: float
    deep: float
    column: tuple[float, float]

    @property
    def slant(self) -> Point:
        return self.deep * _SLANT_X, -self.deep * _SLANT_Y

    def right(self, across: float, up: float) -> Point:
        """Return a point of the right face: shares of its depth and of its height."""
        dx, dy = self.slant
        return self.x + self.thick + dx * across, self.y - self.high * up + dy * across

    @property
    def entry(self) -> Point:
        """Where data enters: on the front's left edge, as near to the middle of the box as can be."""
        return self.x, min(max(0.0, self.y - self.high), self.y)


class _Scales:
    """The scales of one picture: space and channels are linear if that can be seen."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        solid = [stage.size for stage in stages if stage.size.kind != "vector"]
        vectors = [stage.size.channels for stage in stages if stage.size.kind == "vector"]
        self.space = Scale.of([side for size in solid for side in _sides(size)], _TALLEST)
        # The input's one to three channels would make every scale a root: it is a thin sheet instead.
        inner = [stage.size.channels for stage in stages[1:] if stage.size.kind != "vector"]
        self.channels = Scale.of(inner or [size.channels for size in solid], _THICKEST)
        self.vectors = Scale.of(vectors, _LONGEST)
        self.has_solid, self.has_vectors = bool(solid), bool(vectors)
        self.sequences_only = bool(solid) and all(size.kind == "sequence" for size in solid)
        self.most = (max((max(_sides(size)) for size in solid), default=1),
                     max(inner, default=1), max(vectors, default=1))  # fmt: skip


def _sides(size: Size) -> tuple[int, ...]:
    return (size.height, size.width) if size.kind == "maps" else (size.height,)


def scale_picture(anatomy: Anatomy) -> str:
    """Return the picture as SVG text, for light and dark pages.

    One box stands for each size that the main path takes on: its height and its depth are the height and the width
    of the maps, its thickness their channels. A sequence is a flat box, as high as it has positions. What has no
    positions is a bar. The scales stand below.

    Args:
        anatomy: of any network.
    """
    stages, left_out = stages_of(anatomy)
    scales = _Scales(stages)
    boxes = _placed(stages, scales)
    right = max((box.column[1] for box in boxes), default=0.0) + _MARGIN
    top = min((box.y - box.high + box.slant[1] for box in boxes), default=0.0)
    bottom = max((box.y for box in boxes), default=0.0)
    lines = [_lines(box.stage) for box in boxes]
    below = bottom + 12 + _LINE * max((len(words) for words in lines), default=0)
    legend, legend_width, legend_height = _legend(scales, stages, below + 14)
    right = max(right, legend_width + _MARGIN)
    view = (0.0, top - _MARGIN, right, below + 14 + legend_height + _MARGIN - (top - _MARGIN))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="layerlab-scale" role="img" width="{_n(view[2])}"'
        f' height="{_n(view[3])}" viewBox="{" ".join(map(_n, view))}">',
        f"<title>{escape(title(anatomy))}, to scale</title>",
        f"<desc>{escape(_described(stages, left_out))}</desc>",
        f"<style>{_style()}</style>",
        f'<rect class="paper" x="0" y="{_n(view[1])}" width="{_n(view[2])}" height="{_n(view[3])}"/>',
    ]
    for before, after in itertools.pairwise(boxes):
        parts.append(_arrow(before, after))
    for number, box in enumerate(boxes):
        parts.append(_drawn(box))
        if number + 1 < len(boxes):
            parts.append(_window(box, boxes[number + 1], scales))
        parts.append(_labels(box, lines[number], bottom))
    return "\n".join([*filter(None, parts), legend, "</svg>\n"])


def _placed(stages: Sequence[Stage], scales: _Scales) -> list[_Box]:
    """Return the boxes in a row, their middles at one height."""
    boxes = []
    x = _MARGIN
    for number, stage in enumerate(stages):
        thick, high, deep = _extent(stage.size, scales, number == 0)
        wide = thick + deep * _SLANT_X
        words = max((text_width(text, _FONT, bold=line < 1) for line, text in enumerate(_lines(stage))), default=0.0)
        column = max(wide, words)
        left = x + (column - wide) / 2
        boxes.append(_Box(stage, left, high / 2 + deep * _SLANT_Y / 2, thick, high, deep, (x, x + column)))
        x += column + (_GAP if wide > words - _GAP else _GAP / 2)
    return boxes


def _extent(size: Size, scales: _Scales, is_input: bool) -> tuple[float, float, float]:
    """Return thickness, height and depth in pixels."""
    if size.kind == "vector":
        return _BAR, scales.vectors(size.channels), 0.0
    thick = max(scales.channels(size.channels), _LEAST)
    if is_input:
        thick = min(thick, _LEAST * 2)
    deep = scales.space(size.width) if size.kind == "maps" else _BAR / 2
    return thick, scales.space(size.height), deep


def _drawn(box: _Box) -> str:
    """Return the three faces that are seen."""
    dx, dy = box.slant
    x, y, thick, high = box.x, box.y, box.thick, box.high
    told = f"<title>{escape('; '.join((*box.stage.words, *box.stage.names)))}</title>"
    front = _polygon([(x, y), (x + thick, y), (x + thick, y - high), (x, y - high)], "front")
    faces = [front]
    if box.deep:
        faces += [
            _polygon([(x, y - high), (x + thick, y - high), (x + thick + dx, y - high + dy), (x + dx, y - high + dy)],
                     "above"),
            _polygon([(x + thick, y), (x + thick + dx, y + dy), (x + thick + dx, y - high + dy), (x + thick, y - high)],
                     "side"),
        ]  # fmt: skip
    return f'<g class="{box.stage.family}">{told}{"".join(faces)}</g>'


def _window(box: _Box, after: _Box, scales: _Scales) -> str:
    """Return the kernel of the next stage on this one's face, and the pyramid to the position that it makes."""
    kernel = after.stage.kernel
    size = box.stage.size
    if kernel is None or size.kind != "maps" or kernel == (1, 1) or after.stage.size.kind == "sequence":
        return ""
    down, across = (min(one / whole, 1.0) for one, whole in zip(kernel, (size.height, size.width), strict=True))
    if scales.space.root:  # a window keeps its own length, on the root's scale
        down = min(scales.space(kernel[0]) / box.high, 1.0)
        across = min(scales.space(kernel[1]) / box.deep, 1.0)
    low, left = (1 - down) / 2, (1 - across) / 2
    corners = [box.right(left, low), box.right(left + across, low), box.right(left + across, low + down),
               box.right(left, low + down)]  # fmt: skip
    tip = after.entry
    rays = "".join(f'<path class="ray" d="M{_n(px)},{_n(py)} L{_n(tip[0])},{_n(tip[1])}"/>' for px, py in corners)
    return f"<g>{rays}{_polygon(corners, 'window')}</g>"


def _arrow(before: _Box, after: _Box) -> str:
    """Return the line from one stage to the next, under both."""
    start = before.right(0.5, 0.5)
    end = after.entry
    if end[0] - start[0] < 2 * _HEAD:
        return ""
    x, y = end
    head = f"M{_n(x)},{_n(y)} l{_n(-_HEAD)},{_n(-_HEAD / 2)} v{_n(_HEAD)} z"
    return f'<path class="flow" d="M{_n(start[0])},{_n(start[1])} L{_n(x)},{_n(y)}"/><path class="head" d="{head}"/>'


def _lines(stage: Stage) -> list[str]:
    """Return what stands below a box: size, what it is, where it is found."""
    size = stage.size
    if size.kind == "maps":
        frames = f"{size.frames}×" if size.frames > 1 else ""
        shape = f"{size.channels}×{frames}{size.height}×{size.width}"
    elif size.kind == "sequence":
        shape = f"{size.height}×{size.channels}"
    else:
        shape = f"{size.channels}"
    lines = [shape]
    for words in stage.words:
        lines += _broken(words)
    if stage.names:
        lines += _path(stage.names)
    return lines


def _path(names: Sequence[str]) -> list[str]:
    """Return ``layer1.0–2`` for the first and the last of a run; on two lines where they have no stem in common."""
    first, last = names[0], names[-1]
    if first == last:
        return [shortened(first, _LONGEST_WORD)]
    stem, _, end = last.rpartition(".")
    begin = first.rpartition(".")
    joined = f"{stem}.{begin[2]}–{end}" if stem else f"{begin[2]}–{end}"
    if begin[0] != stem or begin[2].isdigit() != end.isdigit() or (not stem and len(joined) > _LONGEST_WORD):
        return [f"{shortened(first, _LONGEST_WORD)} –", shortened(last, _LONGEST_WORD)]
    return [joined if len(joined) <= _LONGEST_WORD else shortened(stem or joined, _LONGEST_WORD)]


def _broken(words: str) -> list[str]:
    """Return words on lines of readable length: broken at spaces, then at capitals."""
    lines = [""]
    for word in words.split(" "):
        for number, piece in enumerate(_pieces(word)):
            glue = " " if lines[-1] and number == 0 else ""
            if lines[-1] and len(lines[-1]) + len(glue) + len(piece) > _LONGEST_WORD:
                lines.append(piece)
            else:
                lines[-1] += glue + piece
    return lines


def _pieces(word: str) -> list[str]:
    if len(word) <= _LONGEST_WORD - 2:
        return [word]
    pieces = [""]
    for index, character in enumerate(word):
        after = word[index + 1 : index + 2]
        if character.isupper() and pieces[-1] and after.islower():
            pieces.append("")
        pieces[-1] += character
    return pieces


def _labels(box: _Box, lines: Sequence[str], bottom: float) -> str:
    x = (box.column[0] + box.column[1]) / 2
    y = bottom + 14
    names = len(_path(box.stage.names)) if box.stage.names else 0
    texts = []
    for number, line in enumerate(lines):
        kind = "size" if number == 0 else "name" if number >= len(lines) - names else "words"
        texts.append(f'<text class="{kind}" x="{_n(x)}" y="{_n(y + number * _LINE)}">{escape(line)}</text>')
    return "".join(texts)


def _legend(scales: _Scales, stages: Sequence[Stage], y: float) -> tuple[str, float, float]:
    """Return the scale bars with their right end and their height."""
    rows: list[tuple[Scale, int, str]] = []
    if scales.has_solid:
        what = "positions" if scales.sequences_only else "pixels, height and width"
        rows.append((scales.space, scales.most[0], what))
        features = any(stage.size.kind == "sequence" for stage in stages)
        rows.append((scales.channels, scales.most[1], "features" if scales.sequences_only else "channels or features"
                     if features else "channels"))  # fmt: skip
    if scales.has_vectors:
        rows.append((scales.vectors, scales.most[2], "values without positions"))
    x, parts = _MARGIN, []
    for scale, most, what in rows:
        count = _round(most)
        words = [f"{count} {what}"]
        if scale.root:
            words[0] += " (lengths are square roots)"
        length = scale(count)
        parts.append(
            f'<path class="bar" d="M{_n(x)},{_n(y - 4)} v8 m0,-4 h{_n(length)} m0,-4 v8"/>'
            f'<text class="scale" x="{_n(x + length + 8)}" y="{_n(y + 4)}">{escape(words[0])}</text>'
        )
        x += length + 8 + text_width(words[0], _FONT) + 28
    end = x - 28
    first = stages[0].size if stages else None
    if first is not None and first.kind == "maps" and scales.channels(first.channels) < _LEAST:
        parts.append(
            f'<text class="scale" x="{_n(_MARGIN)}" y="{_n(y + 22)}">The input is drawn thicker than it is.</text>'
        )
        return f"<g>{''.join(parts)}</g>", end, 26.0
    return f"<g>{''.join(parts)}</g>", end, 8.0


def _round(most: int) -> int:
    """Return a number of one digit and noughts, at most half of the largest."""
    half = max(most / 2, 1)
    step = int(10 ** math.floor(math.log10(half)))
    return int(half // step) * step


def _described(stages: Sequence[Stage], left_out: Sequence[str]) -> str:
    said = "; ".join(f"{', '.join(stage.words)}: {_lines(stage)[0]}" for stage in stages)
    more = f". Not drawn, since what they give belongs to no one place: {', '.join(left_out)}" if left_out else ""
    return f"One box for each size on the main path. {said}{more}."


def _polygon(points: Sequence[Point], kind: str) -> str:
    return f'<polygon class="{kind}" points="{" ".join(f"{_n(x)},{_n(y)}" for x, y in points)}"/>'


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _style() -> str:
    """Return the rules: fills and borders of the diagrams, darker on the sides."""
    themes = []
    for theme, name in enumerate(("light", "dark")):
        rules = [
            f".layerlab-scale .paper {{ fill: {PAPER[name]}; }}",
            f".layerlab-scale text, .layerlab-scale .head {{ fill: {INK[name]}; }}",
            f".layerlab-scale .flow, .layerlab-scale .bar {{ stroke: {INK[name]}; }}",
            f".layerlab-scale .window, .layerlab-scale .ray {{ stroke: {INK[name]}; }}",
        ]
        rules += [
            f".layerlab-scale .{family} polygon {{ fill: {fills[2 * theme]}; stroke: {fills[2 * theme + 1]}; }}"
            f" .layerlab-scale .{family} .side {{ fill: color-mix(in srgb, {fills[2 * theme]} 78%,"
            f" {fills[2 * theme + 1]}); }}"
            for family, fills in COLORS.items()
        ]
        themes.append("\n".join(rules))
    return f"""
.layerlab-scale {{ max-width: 100%; height: auto; font-family: system-ui, "DejaVu Sans", sans-serif; }}
.layerlab-scale text {{ font-size: {_n(_FONT)}px; text-anchor: middle; }}
.layerlab-scale .size {{ font-weight: 600; }}
.layerlab-scale .name {{ opacity: .7; }}
.layerlab-scale .scale {{ text-anchor: start; }}
.layerlab-scale polygon {{ stroke-width: 1; stroke-linejoin: round; }}
.layerlab-scale .flow, .layerlab-scale .bar {{ fill: none; stroke-width: 1; opacity: .75; }}
.layerlab-scale .ray {{ fill: none; stroke-width: .6; opacity: .5; }}
.layerlab-scale .window {{ fill: none; stroke-width: 1; }}
{themes[0]}
@media (prefers-color-scheme: dark) {{
{themes[1]}
}}
"""
