"""How figures are written: sizes, counts, memory."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from layerlab.anatomy.record import Shape

__all__ = ["memory", "per_axis", "short", "sizes", "without_batch"]

_STEP = 1000


def sizes(shape: Sequence[int]) -> str:
    """Return ``(64, 26, 26)`` as ``64x26x26``."""
    return "x".join(map(str, shape)) if shape else "scalar"


def without_batch(shapes: Sequence[Shape]) -> str:
    """Return the size of the first tensor without its batch, and how many tensors come with it."""
    if not shapes:
        return "-"
    more = f" +{len(shapes) - 1}" if len(shapes) > 1 else ""
    return sizes(shapes[0][1:] or shapes[0]) + more


def per_axis(values: Sequence[int | Fraction | None] | None) -> str:
    """Return one number where all axes agree, ``7x5`` where they differ, ``-`` where there is none."""
    if not values or all(value is None for value in values):
        return "-"
    shown = ["-" if value is None else str(value) for value in values]
    return shown[0] if len(set(shown)) == 1 else "x".join(shown)


def short(count: int) -> str:
    """Return a count in four digits: ``1.814 G``."""
    if count < _STEP:
        return str(count)
    value, unit = float(count), ""
    for unit in ("k", "M", "G", "T", "P"):  # noqa: B007 - the last one is used
        value /= _STEP
        if value < _STEP - 0.5:
            break
    digits = 3 - len(str(int(value)))
    return f"{value:.{max(digits, 0)}f} {unit}"


def memory(size: int) -> str:
    """Return bytes in four digits: ``173 kB``."""
    return f"{size} B" if size < _STEP else f"{short(size)}B"
