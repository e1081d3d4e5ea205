"""Draws a block as layers in series and branches in parallel: says what is connected, never where it stands.

    residual = Series(Parallel(Series(conv, norm, act, conv, norm), Series(), join="+"), act)

An empty series is the identity. Every part knows its width and height, so that a block lays itself out.
"""

from __future__ import annotations

from dataclasses import dataclass

from canvas import Canvas, text_width

__all__ = ["Layer", "Note", "Parallel", "Part", "Series", "draw", "row"]

_GAP = 16.0  # between a layer and the next
_ASIDE = 18.0  # between branches
_HEIGHT = 24.0
_JOIN = 10.0  # radius


@dataclass(frozen=True)
class Layer:
    """One box, with what it does and (small, beside the arrow that leaves it) what comes out."""

    text: str
    kind: str = "conv"
    out: str = ""

    @property
    def half(self) -> tuple[float, float]:
        """How far it reaches left and right of its line."""
        middle = (text_width(self.text, 12) + 18) / 2
        return middle, max(middle, text_width(self.out, 10) + 8 if self.out else 0)

    @property
    def height(self) -> float:
        """From its top to its foot."""
        return _HEIGHT

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        """Draw it below ``y``, its line at ``x``."""
        half = (text_width(self.text, 12) + 18) / 2
        canvas.box(x - half, y, 2 * half, _HEIGHT, self.kind)
        canvas.text(x, y + 16.2, self.text)
        if self.out:
            canvas.text(x + 5, y + _HEIGHT + 11, self.out, size=10, style="soft", anchor="start")


@dataclass(frozen=True)
class Note:
    """Words on the line, without a box."""

    text: str
    out: str = ""

    @property
    def half(self) -> tuple[float, float]:
        """How far it reaches left and right of its line."""
        return (text_width(self.text, 11) / 2 + 3,) * 2

    @property
    def height(self) -> float:
        """From its top to its foot."""
        return 16.0

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        """Write it below ``y``."""
        canvas.text(x, y + 11.5, self.text, size=11, style="soft")


class Series:
    """Parts one after the other."""

    def __init__(self, *parts: Part) -> None:
        self.parts = parts

    @property
    def half(self) -> tuple[float, float]:
        """How far it reaches left and right of its line."""
        halves = [part.half for part in self.parts] or [(6.0, 6.0)]
        return max(left for left, _ in halves), max(right for _, right in halves)

    @property
    def height(self) -> float:
        """From its top to its foot."""
        return sum(part.height for part in self.parts) + sum(map(_gap_after, self.parts[:-1]))

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        """Draw the parts downwards from ``y``, arrows between them."""
        for index, part in enumerate(self.parts):
            part.draw(canvas, x, y)
            y += part.height
            if index < len(self.parts) - 1:
                canvas.line([(x, y), (x, y + _gap_after(part))], arrow=True)
                y += _gap_after(part)


class Parallel:
    """Branches that share their input and meet again; ``join`` says how: ``+``, ``×`` or words."""

    def __init__(self, *branches: Series, join: str, out: str = "", straight: int = 0) -> None:
        self.branches, self.join, self.out, self.straight = branches, join, out, straight

    def _offsets(self) -> list[float]:
        places = [0.0]
        for before, after in zip(self.branches, self.branches[1:], strict=False):
            places.append(places[-1] + before.half[1] + _ASIDE + after.half[0])
        middle = places[self.straight] if self.straight >= 0 else (places[0] + places[-1]) / 2
        return [place - middle for place in places]

    @property
    def half(self) -> tuple[float, float]:
        """How far it reaches left and right of its line."""
        places = self._offsets()
        reach = _join_width(self.join) / 2
        left = max(reach, self.branches[0].half[0] - places[0])
        right = max(reach + (text_width(self.out, 10) if self.out else 0), places[-1] + self.branches[-1].half[1])
        return left, right

    @property
    def height(self) -> float:
        """From its top, where the line forks, to the foot of the join."""
        return 8 + _GAP + max(branch.height for branch in self.branches) + _GAP + 8 + 2 * _JOIN

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        """Draw the fork at ``y``, the branches below it, and where they meet."""
        tallest = max(branch.height for branch in self.branches)
        fork, top = y + 8, y + 8 + _GAP
        foot = top + tallest
        joint = foot + _GAP + 8 + _JOIN
        reach = _join_width(self.join) / 2
        words = reach > _JOIN
        for place in map(abs, self._offsets()):
            if words and reach - 8 < place < reach + 24:  # wide enough that a line close by comes in from above
                reach = place + 14
        canvas.line([(x, y), (x, fork)])
        for place, branch in zip(self._offsets(), self.branches, strict=True):
            at = x + place
            start = top + (tallest - branch.height) / 2
            if branch.parts:
                canvas.line([(x, fork), (at, fork), (at, start)], arrow=True)
                branch.draw(canvas, at, start)
                end = start + branch.height
            else:
                canvas.line([(x, fork), (at, fork), (at, top)])
                end = top
            if words and abs(place) < reach - 4:
                canvas.line([(at, end), (at, joint - _JOIN)], arrow=True)
            elif words:
                canvas.line([(at, end), (at, joint), (x + (reach if place > 0 else -reach), joint)], arrow=True)
            elif place == 0:
                canvas.line([(at, end), (at, joint - _JOIN)], arrow=True)
            else:
                canvas.line([(at, end), (at, joint), (x + (_JOIN if place > 0 else -_JOIN), joint)], arrow=True)
        if words:
            canvas.box(x - reach, joint - _JOIN, 2 * reach, 2 * _JOIN, "join", radius=_JOIN)
            canvas.text(x, joint + 4, self.join, size=11.5)
        else:
            canvas.circle(x, joint, _JOIN, "join")
            canvas.text(x, joint + 4.8, self.join, size=15)
        if self.out:
            canvas.text(x + 5, joint + _JOIN + 11, self.out, size=10, style="soft", anchor="start")


Part = Layer | Note | Series | Parallel


def draw(canvas: Canvas, block: Series, x: float, y: float, title: str, inside: str = "", under: str = "") -> float:
    """Draw a block with its title above, its input and its output; return its foot."""
    canvas.text(x, y, title, size=13, bold=True)
    if under:
        canvas.text(x, y + 15, under, size=10.5, style="soft")
    top = y + (24 if under else 12)
    if inside:
        canvas.text(x, top + 10, inside, size=11, style="soft")
        top += 15
    canvas.line([(x, top), (x, top + _GAP)], arrow=not isinstance(block.parts[0], Parallel))
    block.draw(canvas, x, top + _GAP)
    foot = top + _GAP + block.height
    canvas.line([(x, foot), (x, foot + _GAP + 4)], arrow=True)
    return foot + _GAP + 4


def row(
    canvas: Canvas, blocks: list[tuple[str, str, str, Series]], x: float = 0, y: float = 0, gap: float = 34
) -> float:
    """Draw blocks side by side, tops level: (title, under the title, input, block) each; return the lowest foot."""
    foot = y
    for title, under, inside, block in blocks:
        heading = max(text_width(title, 13, bold=True), text_width(under, 10.5)) / 2
        left, right = block.half
        x += max(left, heading)
        foot = max(foot, draw(canvas, block, x, y, title, inside, under))
        x += max(right, heading) + gap
    return foot


def _gap_after(part: Part) -> float:
    return _GAP + (4 if getattr(part, "out", "") else 0)


def _join_width(join: str) -> float:
    return 2 * _JOIN if len(join) == 1 else text_width(join, 11.5) + 22
