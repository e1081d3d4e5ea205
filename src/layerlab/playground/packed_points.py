"""Points as the text of a link: 9 1/3 characters a point with a class, 14 2/3 with a number; exact.

``c`` opens a list with classes: 3 bytes x, 3 bytes y, 1 byte label each; ``r`` one with numbers, whose labels take 5
bytes. All are signed whole numbers, least byte first, the coordinates and the numbers in units of 0.00001; then base64
for addresses, without padding.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Final

from layerlab.errors import LayerlabError
from layerlab.playground.specification import MAX_CLASSES, MAX_POINTS, POINT_DECIMALS, Point

__all__ = ["pack", "unpack"]

SCALE: Final = 10**POINT_DECIMALS
COORDINATE: Final = 3
LABEL: Final = {"c": 1, "r": 5}
"""Bytes of a label."""


def pack(points: Sequence[Point]) -> str:
    """Return points as text; they have no more than :data:`POINT_DECIMALS` decimals, as a specification keeps them."""
    classes = all(label == int(label) and -1 <= label < MAX_CLASSES for _, _, label in points)
    kind, unit = ("c", 1) if classes else ("r", SCALE)
    parts = [
        _bytes(x * SCALE, COORDINATE) + _bytes(y * SCALE, COORDINATE) + _bytes(label * unit, LABEL[kind])
        for x, y, label in points
    ]
    return kind + base64.urlsafe_b64encode(b"".join(parts)).decode().rstrip("=")


def unpack(text: str) -> tuple[Point, ...]:
    """Return the points of :func:`pack`.

    Raises:
        LayerlabError: the text is no such list, or a longer one than a specification may have.
    """
    kind, body = text[:1], text[1:]
    size = 2 * COORDINATE + LABEL.get(kind, 0)
    raw = _decoded(body)
    if kind not in LABEL or raw is None or len(raw) % size:
        raise LayerlabError("the points of the link are cut off or changed; copy the whole link again")
    if len(raw) > size * MAX_POINTS:
        raise LayerlabError(f"{len(raw) // size:,} points in the link; at most {MAX_POINTS:,}")
    unit = 1 if kind == "c" else SCALE
    return tuple(
        (
            _whole(raw[at : at + COORDINATE]) / SCALE,
            _whole(raw[at + COORDINATE : at + 2 * COORDINATE]) / SCALE,
            _whole(raw[at + 2 * COORDINATE : at + size]) / unit,
        )
        for at in range(0, len(raw), size)
    )


def _decoded(body: str) -> bytes | None:
    if not re.fullmatch(r"[A-Za-z0-9_-]*", body):
        return None
    try:
        return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except binascii.Error:
        return None


def _bytes(value: float, size: int) -> bytes:
    return round(value).to_bytes(size, "little", signed=True)


def _whole(raw: bytes) -> int:
    return int.from_bytes(raw, "little", signed=True)
