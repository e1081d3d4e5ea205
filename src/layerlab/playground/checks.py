"""Numbers that a person gives to a session, checked in one sentence."""

from __future__ import annotations

import math
import numbers
from typing import TYPE_CHECKING, Final

import numpy as np

from layerlab.errors import LayerlabError

__all__ = ["index", "real", "table", "whole"]

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST: Final = 60
"""Characters of a value that an error shows."""


def whole(name: str, value: object, low: int, high: int) -> int:
    """Return ``value`` as a whole number of [low, high].

    Raises:
        LayerlabError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise LayerlabError(f"{name} {_shown(value)} is no whole number; expected {low:,} to {high:,}")
    number = int(value)
    if not low <= number <= high:
        raise LayerlabError(f"{name} {_shown(number)} is out of range; expected {low:,} to {high:,}")
    return number


def real(name: str, value: object, low: float, high: float) -> float:
    """Return ``value`` as a finite number of [low, high].

    Raises:
        LayerlabError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not _finite(value):
        raise LayerlabError(f"{name} {_shown(value)} is no number; expected {low:g} to {high:g}")
    number = float(value)
    if not low <= number <= high:
        raise LayerlabError(f"{name} {number:g} is out of range; expected {low:g} to {high:g}")
    return number


def index(owner: str, name: str, value: object, count: int, first: int = 0) -> int:
    """Return ``value`` as an index from ``first`` to below ``count``.

    Raises:
        LayerlabError: ``owner`` has no such one.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or not first <= int(value) < count:
        last = f"expected {first} to {count - 1}" if count > first else "it has none"
        raise LayerlabError(f"{owner} has no {name} {_shown(value)}; {last}")
    return int(value)


def table(name: str, value: object, columns: int) -> NDArray[np.float64]:
    """Return ``value`` as rows of numbers, (n, columns); a single row need not be in a list.

    Raises:
        LayerlabError: it has another shape, or something that is no number.
    """
    try:
        rows = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise LayerlabError(f"{name} {_shown(value)} are no rows of {columns} numbers") from None
    rows = rows[None] if rows.ndim == 1 and len(rows) else rows
    if rows.size and (rows.ndim != 2 or rows.shape[1] != columns):
        shape = " x ".join(map(str, rows.shape)) or "a single number"
        raise LayerlabError(f"{name} have the shape {shape}; expected rows of {columns} numbers")
    return rows.reshape(-1, columns)


def _finite(value: numbers.Real) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False


def _shown(value: object) -> str:
    if isinstance(value, int) and abs(value) > 10**LONGEST:  # Python refuses to write the longest at all
        return "of more than 60 digits"
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
