"""How operations with a window change the reach of a tensor: convolution, pooling, padding, interpolation."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import torch

from layerlab.anatomy.span import Find, Reach, Rule, Span

__all__ = ["WINDOW_RULES", "argument", "each"]


def each(value: Any, count: int) -> list[int]:
    """Return one number an axis: torch accepts one for all."""
    values = [value] if isinstance(value, int) else list(value)
    return values * count if len(values) == 1 else values


def argument(args: tuple[Any, ...], index: int, default: Any) -> Any:
    """Return a positional argument, or the default when it was left out."""
    return args[index] if len(args) > index and args[index] is not None else default


def _convolution(args: tuple[Any, ...], find: Find, output: torch.Tensor) -> Reach | None:
    tensor, weight, _, stride, padding, dilation, transposed = args[:7]
    reach = find(tensor)
    if reach is None:
        return None
    kernel = weight.shape[2:]
    count = len(kernel)
    stride, padding, dilation = each(stride, count), each(padding, count), each(dilation, count)
    reach = reach.collapse(1)
    for k in range(count):
        settings = (kernel[k], stride[k], padding[k], dilation[k], output.shape[2 + k])

        def move(span: Span, settings: tuple[int, ...] = settings) -> Span:
            return span.spread(*settings) if transposed else span.window(*settings)

        reach = reach.slide(2 + k, move)
    return reach


def _pooling(dimensions: int, dilated: bool) -> Rule:
    def rule(args: tuple[Any, ...], find: Find, output: torch.Tensor) -> Reach | None:
        reach = find(args[0])
        if reach is None:
            return None
        kernel = each(args[1], dimensions)
        stride = each(argument(args, 2, None) or kernel, dimensions)
        padding = each(argument(args, 3, 0), dimensions)
        dilation = each(argument(args, 4, 1) if dilated else 1, dimensions)
        for k in range(dimensions):
            axis = k - dimensions
            settings = (kernel[k], stride[k], padding[k], dilation[k], output.shape[axis])
            reach = reach.slide(axis, lambda span, s=settings: span.window(*s))  # type: ignore[misc]
        return reach

    return rule


def _adaptive(dimensions: int) -> Rule:
    def rule(args: tuple[Any, ...], find: Find, output: torch.Tensor) -> Reach | None:
        reach = find(args[0])
        if reach is None:
            return None
        for axis in range(-dimensions, 0):
            size, out = args[0].shape[axis], output.shape[axis]
            kernel = max(-(-(i + 1) * size // out) - i * size // out for i in range(out)) if out else 1
            settings = (kernel, Fraction(size, out or 1), 0, 1, out)
            reach = reach.slide(axis, lambda span, s=settings: span.window(*s))  # type: ignore[misc]
        return reach

    return rule


def _resize(dimensions: int, taps: int) -> Rule:
    """Interpolation: ``taps`` input positions make one output position."""

    def rule(args: tuple[Any, ...], find: Find, output: torch.Tensor) -> Reach | None:
        reach = find(args[0])
        if reach is None:
            return None
        for axis in range(-dimensions, 0):
            size, out = args[0].shape[axis], output.shape[axis]
            used = min(taps, size)

            def move(span: Span, used: int = used, size: int = size, out: int = out) -> Span:
                return span.moved(out, span.jump * Fraction(size, out), (used - 1) * span.jump)

            reach = reach.slide(axis, move)
        return reach

    return rule


def _pad(args: tuple[Any, ...], find: Find, output: torch.Tensor) -> Reach | None:
    reach = find(args[0])
    if reach is None:
        return None
    pairs = list(args[1])
    for k in range(len(pairs) // 2):
        axis, before = -1 - k, pairs[2 * k]
        size = output.shape[axis]

        def move(span: Span, before: int = before, size: int = size) -> Span:
            return span.moved(size, span.jump, first=-before)

        reach = reach.slide(axis, move)
    return reach


def _pixel_shuffle(args: tuple[Any, ...], find: Find, output: torch.Tensor) -> Reach | None:
    reach = find(args[0])
    if reach is None:
        return None
    for axis in (-2, -1):
        ratio, size = Fraction(args[0].shape[axis], output.shape[axis]), output.shape[axis]

        def move(span: Span, ratio: Fraction = ratio, size: int = size) -> Span:
            more = (ratio - 1) * span.jump if ratio > 1 else 0  # only the unshuffle reads several into one
            return span.moved(size, span.jump * ratio, more)

        reach = reach.slide(axis, move)
    return reach


WINDOW_RULES: dict[str, Rule] = {
    "convolution": _convolution,
    "_convolution": _convolution,
    "convolution_overrideable": _convolution,
    "constant_pad_nd": _pad,
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_shuffle,
    "upsample_linear1d": _resize(1, taps=2),
    "upsample_bilinear2d": _resize(2, taps=2),
    "_upsample_bilinear2d_aa": _resize(2, taps=2),
    "upsample_bicubic2d": _resize(2, taps=4),
    "_upsample_bicubic2d_aa": _resize(2, taps=4),
    "upsample_trilinear3d": _resize(3, taps=2),
}
for _n in (1, 2, 3):
    WINDOW_RULES[f"reflection_pad{_n}d"] = WINDOW_RULES[f"replication_pad{_n}d"] = _pad
    WINDOW_RULES[f"avg_pool{_n}d"] = _pooling(_n, dilated=False)
    WINDOW_RULES[f"max_pool{_n}d"] = WINDOW_RULES[f"max_pool{_n}d_with_indices"] = _pooling(_n, dilated=True)
    for _kind in ("_adaptive_avg_pool", "adaptive_avg_pool", "adaptive_max_pool"):
        WINDOW_RULES[f"{_kind}{_n}d"] = _adaptive(_n)
    WINDOW_RULES[f"upsample_nearest{_n}d"] = _resize(_n, taps=1)
    WINDOW_RULES[f"_upsample_nearest_exact{_n}d"] = _resize(_n, taps=1)
