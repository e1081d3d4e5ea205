"""Draws a network's stages to scale, with where its parameters and its multiply-accumulates are.

Nothing is typed in: shapes and counts are those of the network itself, taken without weights by `layerlab.dissect`.
"""

from __future__ import annotations

from dataclasses import dataclass

from canvas import Canvas, text_width

import layerlab

__all__ = ["Measured", "Stage", "draw_stages", "draw_towers", "measure"]

_TALLEST = 132.0  # pixels of the highest map
_SLANT = 0.3  # how much of the width is seen from the side
_BAR = 40.0  # pixels of a share of one


@dataclass(frozen=True)
class Stage:
    """A part of the network, up to and including the module at ``path``.

    Attributes:
        label: what stands under its box; ``|`` breaks the line.
        path: the module whose output is drawn; empty for the input.
        kind: the colour (see :class:`canvas.Canvas`).
    """

    label: str
    path: str
    kind: str = "conv"


@dataclass(frozen=True)
class Measured:
    """A stage with its output's shape and its shares of the whole."""

    stage: Stage
    shape: tuple[int, ...]
    parameters: float
    macs: float
    split: bool
    """Whether a grouped convolution keeps halves of the channels apart."""


def measure(name: str, stages: list[Stage]) -> list[Measured]:
    """Run ``name`` without weights and return what each stage gives and costs."""
    info = layerlab.model_info(name)
    module = layerlab.create(name, device="meta").eval()
    anatomy = layerlab.dissect(module, info.input_shape)
    layers = [layer for layer in anatomy.layers if layer.used]
    parameters = sum(layer.own_parameter_count for layer in layers)
    macs = sum(layer.own_macs for layer in layers)
    if (parameters, macs) != (info.parameters, info.macs):
        raise ValueError(f"{name}: {parameters:,} parameters and {macs:,} MACs were met, not {info}")

    found = [Measured(Stage("input", "", "input"), info.input_shape, 0, 0, False)]
    position = 0
    for index, stage in enumerate(stages):
        inside = [at for at, one in enumerate(layers) if f"{one.path}.".startswith(f"{stage.path}.")]
        if not inside or inside[-1] < position:
            raise ValueError(f'{name} has no module "{stage.path}" after the one before it')
        end = len(layers) if index == len(stages) - 1 else inside[-1] + 1
        part, position = layers[position:end], end
        found.append(
            Measured(
                stage,
                anatomy[stage.path].outputs[0][1:],
                sum(one.own_parameter_count for one in part) / parameters,
                sum(one.own_macs for one in part) / macs,
                any(one.settings.get("groups") == 2 for one in part),
            )
        )
    return found


def draw_stages(canvas: Canvas, measured: list[Measured], *, x: float = 0, y: float = 0, title: str = "") -> float:
    """Draw a row of boxes, their shapes, and the two shares; return the foot."""
    tallest = max(_height(one.shape) for one in measured)
    scale = _TALLEST / tallest
    thick = _thickness(measured)
    lean = _SLANT * _TALLEST
    left = x
    if title:
        canvas.text(x, y, title, size=13, bold=True, anchor="start")
        y += 10
    ground = y + lean + _TALLEST  # the boxes' middle line is half a box above it
    lines = max(one.stage.label.count("|") + 1 for one in measured)
    names = ground + 18
    shapes = names + 14 * lines + 1
    first, second = shapes + 26 + _BAR, shapes + 2 * (26 + _BAR) + 8
    canvas.text(x, first - _BAR - 6, "share of the parameters", size=10.5, style="mark", anchor="start")
    canvas.text(x, second - _BAR - 6, "share of the multiply-accumulates", size=10.5, style="share", anchor="start")
    for one in measured:
        labels = one.stage.label.split("|")
        shape = _text(one.shape)
        box = _box_width(one.shape, thick), _height(one.shape) * scale
        slant = _width(one.shape) * scale * _SLANT * 0.7
        slot = max(box[0] + slant, *(text_width(label, 11, bold=True) for label in labels), text_width(shape, 10.5), 34)
        middle = x + slot / 2
        _cuboid(canvas, middle - (box[0] + slant) / 2, ground - box[1], box, slant, one.stage.kind)
        for index, label in enumerate(labels):
            canvas.text(middle, names + 14 * index, label, size=11, bold=True)
        canvas.text(middle, shapes, shape, size=10.5, style="soft")
        if one.stage.path:
            _share(canvas, middle, first, one.parameters, "mark")
            _share(canvas, middle, second, one.macs, "share")
        x += slot + 13
    for foot in (first, second):
        canvas.line([(left, foot), (x - 13, foot)], style="edge")
    return second + 14


def draw_towers(canvas: Canvas, measured: list[Measured], *, x: float = 0, y: float = 0) -> float:
    """Draw both halves of the channels of each stage, and which of them the next stage reads; return the foot."""
    scale = _TALLEST * 0.75 / max(_height(one.shape) for one in measured)
    thick = 96 / max(one.shape[0] for one in measured) * 2
    rows = y + _TALLEST * 0.6, y + _TALLEST * 1.7
    under = _TALLEST * 0.375 + 16
    for index, card in enumerate(("first card", "second card")):
        canvas.text(x - 12, rows[index] + 4, card, size=11, style="soft", anchor="end")
    before: list[tuple[float, float]] = []
    for one in measured:
        label = one.stage.label.split("|")
        half = (one.shape[0] // 2, *one.shape[1:])
        box = _box_width(half, thick), max(2.0, _height(half) * scale)
        slant = _width(half) * scale * _SLANT * 0.7
        slot = max(box[0] + slant, *(text_width(part, 11, bold=True) for part in label), text_width(_text(half), 10.5))
        left = x + (slot - box[0] - slant) / 2
        now: list[tuple[float, float]] = []
        for centre in rows:
            _cuboid(canvas, left, centre - box[1] / 2, box, slant, one.stage.kind)
            aside = -under - 12 if centre == rows[0] else under  # away from the lines that cross over
            canvas.text(x + slot / 2, centre + aside, _text(half), size=10.5, style="soft")
            now.append((left, centre))
        for index, part in enumerate(label):
            canvas.text(x + slot / 2, rows[1] + under + 20 + 14 * index, part, size=11, bold=True)
        for source, start in enumerate(before):
            for target, end in enumerate(now):
                if source == target or not one.split:
                    ends = [(start[0] + 3, start[1]), (end[0] - 4, end[1])]
                    canvas.line(ends, arrow=True, style="line" if source == target else "mark")
        before = [(left + box[0] + slant, centre) for centre in rows]
        x += slot + 44
    return rows[1] + under + 48


def _cuboid(canvas: Canvas, x: float, y: float, size: tuple[float, float], slant: float, kind: str) -> None:
    """Draw channels to the right, height downwards, width into the picture; ``y`` is the front's top."""
    width, height = size
    right, foot = x + width, y + height
    back = slant
    if back >= 1:
        canvas.polygon([(x, y), (x + back, y - back), (right + back, y - back), (right, y)], kind)
        canvas.polygon(
            [(right, y), (right + back, y - back), (right + back, foot - back), (right, foot)], kind, shade=True
        )
    canvas.box(x, y, width, height, kind, radius=0)


def _share(canvas: Canvas, middle: float, foot: float, share: float, style: str) -> None:
    if share > 0:
        height = max(share * _BAR, 0.6)
        canvas.line([(middle, foot), (middle, foot - height)], style=f"{style} bar")
    label = "–" if share == 0 else "<1 %" if share < 0.005 else f"{share:.0%}".replace("%", " %")
    canvas.text(middle, foot + 12, label, size=10, style="soft")


def _thickness(measured: list[Measured]) -> float:
    """Return the pixels of a channel: as many as make the widest box 120 and all of them 360 together."""
    counts = [one.shape[0] for one in measured]
    return min(120 / max(counts), 360 / sum(counts))


def _box_width(shape: tuple[int, ...], thick: float) -> float:
    return max(1.5, shape[0] * thick)


def _height(shape: tuple[int, ...]) -> int:
    return shape[1] if len(shape) > 1 else 1


def _width(shape: tuple[int, ...]) -> int:
    return shape[2] if len(shape) > 2 else 1


def _text(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
