"""Receptive field and stride of a tensor: the intervals of the input that its positions see."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import torch

__all__ = ["Find", "Number", "Reach", "Rule", "Span", "input_reach", "united"]

Number = int | Fraction


def _whole(value: Number) -> Number:
    return int(value) if isinstance(value, Fraction) and value.denominator == 1 else value


@dataclass(frozen=True, slots=True)
class Span:
    """Positions along one axis; position i sees ``start + i*jump`` to ``start + i*jump + field - 1``.

    A ``fixed`` span does not slide: every position sees the same interval, as after attention or global
    pooling.
    """

    size: int
    field: Number = 1
    jump: Number = 1
    start: Number = 0
    fixed: bool = False

    def moved(self, size: int, jump: Number, more: Number = 0, first: Number = 0) -> Span:
        """Return the span of ``size`` positions ``jump`` apart that see ``more`` and begin at ``first``."""
        if self.fixed:
            return replace(self, size=size, jump=_whole(jump))
        return Span(size, self.field + more, _whole(jump), self.start + first * self.jump)

    def window(self, kernel: int, stride: Number, before: int, dilation: int, size: int) -> Span:
        """Return the span after a window of ``kernel`` positions slid over it."""
        return self.moved(size, self.jump * stride, (kernel - 1) * dilation * self.jump, -before)

    def spread(self, kernel: int, stride: int, before: int, dilation: int, size: int) -> Span:
        """Return the span after a transposed window: every ``stride``-th of its taps meets an input."""
        reach = (kernel - 1) * dilation
        taps = -(-(reach + 1) // stride)
        first = math.ceil(Fraction(before - reach, stride))
        return self.moved(size, Fraction(self.jump) / stride, (taps - 1) * self.jump, first)

    @property
    def extent(self) -> Number:
        """Length of the interval that all positions see together."""
        return self.field if self.fixed else self.field + (self.size - 1) * self.jump

    def collapsed(self) -> Span:
        """Return the span of a value that sees every position."""
        return Span(1, self.extent, self.jump, self.start, fixed=True)

    def united(self, other: Span) -> Span:
        """Return the smallest span that covers both."""
        if self == other:
            return self
        longer = self if self.size >= other.size else other
        start = min(self.start, other.start)
        if self.fixed or other.fixed:
            end = max(self.start + self.extent, other.start + other.extent)
            return Span(longer.size, end - start, longer.jump, start, fixed=True)
        if self.jump == other.jump:
            end = max(self.start + self.field, other.start + other.field)
            return Span(longer.size, end - start, self.jump, start)
        return Span(longer.size, max(self.field, other.field), longer.jump, start)


@dataclass(frozen=True, slots=True)
class Reach:
    """What a tensor's elements see of the input.

    Attributes:
        spans: one for each axis of positions of the input.
        axes: for each axis of the tensor, the set of spans that run along it, as bits.
    """

    spans: tuple[Span, ...]
    axes: tuple[int, ...]

    def collapse(self, *axes: int) -> Reach:
        """Return the reach of elements that see every position along the given axes."""
        bits = 0
        for axis in axes:
            bits |= self.axes[axis]
        if not bits:
            return self
        spans = tuple(span.collapsed() if bits >> k & 1 else span for k, span in enumerate(self.spans))
        return Reach(spans, self.axes)

    def on(self, axes: Sequence[int]) -> Reach:
        """Return the same spans along other axes."""
        return Reach(self.spans, tuple(axes))

    def slide(self, axis: int, move: Callable[[Span], Span]) -> Reach:
        """Return the reach with the span along ``axis`` moved; mixed axes are seen whole."""
        bits = self.axes[axis]
        if not bits:
            return self
        if bits & (bits - 1):
            return self.collapse(axis)
        k = bits.bit_length() - 1
        return Reach((*self.spans[:k], move(self.spans[k]), *self.spans[k + 1 :]), self.axes)

    @property
    def field(self) -> tuple[int, ...]:
        """Receptive field along each axis of positions."""
        return tuple(math.ceil(span.field) for span in self.spans)

    @property
    def stride(self) -> tuple[Number | None, ...]:
        """Input positions from one output position to the next; ``None`` where only one position is left."""
        alive = 0
        for bits in self.axes:
            alive |= bits
        return tuple(span.jump if alive >> k & 1 and span.size > 1 else None for k, span in enumerate(self.spans))


def input_reach(shape: Sequence[int], axes: Sequence[int]) -> Reach:
    """Return the reach of an input whose positions run along the given axes."""
    bits = [0] * len(shape)
    for k, axis in enumerate(axes):
        bits[axis] = 1 << k
    return Reach(tuple(Span(shape[axis]) for axis in axes), tuple(bits))


def united(reaches: Sequence[Reach | None]) -> Reach | None:
    """Return the reach of branches that meet; ``None`` for those that come from no input."""
    found = [reach for reach in reaches if reach is not None]
    if not found:
        return None
    total = found[0]
    for reach in found[1:]:
        if reach == total:
            continue
        if len(reach.spans) != len(total.spans):  # from different inputs: there is no common field
            total = max(total, reach, key=lambda one: len(one.spans))
            continue
        spans = tuple(one.united(two) for one, two in zip(total.spans, reach.spans, strict=True))
        total = Reach(spans, tuple(one | two for one, two in zip(total.axes, reach.axes, strict=True)))
    return total


Find = Callable[[Any], Reach | None]
Rule = Callable[[tuple[Any, ...], Find, torch.Tensor], Reach | None]
"""Arguments of an operation, how to find their reaches, its output: gives the output's reach."""
