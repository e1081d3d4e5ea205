"""A composed picture as SVG: for light and dark, without identifiers, so that several stand on one page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from layerlab.anatomy.anatomy import CONVENTION, Anatomy
from layerlab.anatomy.compose import Box, Composed, Curve, compose, frame_title, open_to, readable_depth
from layerlab.anatomy.lettering import fitted
from layerlab.anatomy.palette import STYLE
from layerlab.anatomy.picture import LINE_HEIGHTS, picture
from layerlab.anatomy.rows import title
from layerlab.anatomy.text import short

__all__ = ["description", "diagram", "drawn"]

_LEGEND = {"skip": "skip connection", "concatenation": "concatenation"}
_LEGEND_HEIGHT, _LEGEND_STEP = 30.0, 190.0
_ARROW = (8.0, 3.6)  # length and half width
_BASELINE = 0.76  # of a line's height, from its top


def diagram(anatomy: Anatomy, depth: int | None = None) -> str:
    """Return the diagram of a network as the text of an SVG, blocks opened down to ``depth`` levels."""
    data = picture(anatomy)
    depth = readable_depth(data) if depth is None else max(depth, 1)
    return drawn(compose(data, open_to(data, depth)), title(anatomy), description(anatomy))


def description(anatomy: Anatomy) -> str:
    """Return a sentence with the figures."""
    totals = anatomy.totals
    bound = "at least " if totals.macs_are_lower_bound else ""
    return (
        f"Diagram of {anatomy.root.kind}, from the input at the top to the output at the bottom: "
        f"{short(totals.parameters)} parameters, {bound}{short(totals.macs)} MACs. {CONVENTION}."
    )


def drawn(composed: Composed, name: str, sentence: str) -> str:
    """Return the SVG of a composed picture.

    Args:
        composed: what to draw.
        name: its ``<title>``.
        sentence: its ``<desc>``.
    """
    kinds = [kind for kind in _LEGEND if any(curve.edge["kind"] == kind for curve in composed.curves)]
    width = max(composed.width, len(kinds) * _LEGEND_STEP + 24)
    height = composed.height + (_LEGEND_HEIGHT if kinds else 0)
    shift = (width - composed.width) / 2
    frames = [_frame(box) for box in composed.boxes if box.is_open]
    curves = [_curve(curve) for kind in ("plain", *_LEGEND) for curve in composed.curves if curve.edge["kind"] == kind]
    nodes = [_node(box) for box in composed.boxes if not box.is_open]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="layerlab-diagram" role="img" '
            f'width="{_n(width)}" height="{_n(height)}" viewBox="0 0 {_n(width)} {_n(height)}">',
            f"<title>{_text(name)}</title>",
            f"<desc>{_text(sentence)}</desc>",
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{_n(width)}" height="{_n(height)}"/>',
            f'<g transform="translate({_n(shift)} 0)">' if shift else "<g>",
            *frames,
            *curves,
            *nodes,
            "</g>",
            *_legend(kinds, composed.height),
            "</svg>",
            "",
        ]
    )


def _frame(box: Box) -> str:
    node = box.node
    shade = "even" if box.depth % 2 else "odd"
    words = fitted(frame_title(node), box.w - 24, 12, bold=True)
    parts = [
        _stack(box),
        f'<rect class="frame {shade}" {_place(box)} rx="10"/>',
        f'<text class="frame-title" x="{_n(box.x + 12)}" y="{_n(box.y + 17)}">{_text(words)}</text>',
        _badge(box),
    ]
    return f"<g>{_tooltip(node)}{''.join(parts)}</g>"


def _node(box: Box) -> str:
    node = box.node
    lines = node["lines"]
    center = box.x + box.w / 2
    small = node["kind"] in ("input", "output", "port") or len(lines) == 1
    radius = box.h / 2 if small else 7
    y = box.y + (box.h - sum(LINE_HEIGHTS[: len(lines)])) / 2
    parts = [_stack(box), f'<rect class="{node["family"]} {node["kind"]}" {_place(box)} rx="{_n(radius)}"/>']
    for place, line in enumerate(lines):
        style = ("port" if node["kind"] == "port" else "first") if place == 0 else "more"
        baseline = y + LINE_HEIGHTS[place] * _BASELINE
        parts.append(f'<text class="{style}" x="{_n(center)}" y="{_n(baseline)}">{_text(line)}</text>')
        y += LINE_HEIGHTS[place]
    return f"<g>{_tooltip(node)}{''.join(parts)}{_badge(box)}</g>"


def _stack(box: Box) -> str:
    """Return the cards behind a run of equals."""
    if box.node["repeats"] < 2:
        return ""
    radius = 10 if box.is_open else 7
    return "".join(
        f'<rect class="{box.node["family"]} behind" x="{_n(box.x + step)}" y="{_n(box.y + step)}" width="{_n(box.w)}" '
        f'height="{_n(box.h)}" rx="{radius}"/>'
        for step in (6, 3)
    )


def _badge(box: Box) -> str:
    repeats = box.node["repeats"]
    if repeats < 2:
        return ""
    text = f"×{repeats}"
    width = 12 + 8 * len(text)
    x, y = box.x + box.w - width + 8, box.y - 9
    return (
        f'<rect class="badge" x="{_n(x)}" y="{_n(y)}" width="{width}" height="20" rx="10"/>'
        f'<text class="badge-text" x="{_n(x + width / 2)}" y="{_n(y + 14.5)}">{text}</text>'
    )


def _tooltip(node: Any) -> str:
    words = " · ".join([*([node["path"]] if node["path"] else []), *node["lines"]])
    return f"<title>{_text(words)}</title>"


def _curve(curve: Curve) -> str:
    points = list(curve.points)
    tip, (ux, uy) = points[-1], _direction(points)
    length, half = _ARROW
    base = (tip[0] - ux * length, tip[1] - uy * length)
    points[-1] = (tip[0] - ux * length * 0.7, tip[1] - uy * length * 0.7)
    start = f"M{_n(points[0][0])} {_n(points[0][1])}"
    bends = "".join(
        "C" + " ".join(f"{_n(x)} {_n(y)}" for x, y in points[place : place + 3]) for place in range(1, len(points), 3)
    )
    corners = (tip, (base[0] - uy * half, base[1] + ux * half), (base[0] + uy * half, base[1] - ux * half))
    head = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in corners) + "Z"
    kind = curve.edge["kind"]
    return f'<path class="edge {kind}" d="{start}{bends}"/><path class="head {kind}" d="{head}"/>'


def _direction(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the unit vector in which a curve ends; downward where it has no length."""
    x, y = points[-1]
    for other in reversed(points[:-1]):
        dx, dy = x - other[0], y - other[1]
        if (length := math.hypot(dx, dy)) > 0.5:
            return dx / length, dy / length
    return 0.0, 1.0


def _legend(kinds: Sequence[str], top: float) -> list[str]:
    y = top + _LEGEND_HEIGHT / 2 - 2
    found = []
    for place, kind in enumerate(kinds):
        x = 16 + place * _LEGEND_STEP
        found.append(f'<path class="edge {kind}" d="M{_n(x)} {_n(y)}H{_n(x + 32)}"/>')
        found.append(f'<text class="legend" x="{_n(x + 40)}" y="{_n(y + 4)}">{_LEGEND[kind]}</text>')
    return found


def _place(box: Box) -> str:
    return f'x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.w)}" height="{_n(box.h)}"'


def _n(value: float) -> str:
    """Return a coordinate to a tenth of a pixel, without a useless zero."""
    return f"{value:.1f}".removesuffix(".0")


def _text(value: str) -> str:
    """Return text that SVG can hold: escaped, without the control characters that XML refuses."""
    return escape("".join(character if character.isprintable() else "\ufffd" for character in value))
