"""Durations as people write them."""

from __future__ import annotations

import math
import re
from typing import Final

from layerlab.errors import LayerlabError

__all__ = ["seconds_of"]

_SECONDS: Final = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}
_WRITTEN: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h|)\s*", re.IGNORECASE)


def seconds_of(duration: float | str) -> float:
    """Return the seconds of ``90``, ``"90s"``, ``"10m"`` or ``"2h"``.

    Raises:
        LayerlabError: it is no duration above zero.

    Example:
        >>> seconds_of("1.5m")
        90.0
    """
    if isinstance(duration, (int, float)) and not isinstance(duration, bool):
        seconds = float(duration)
    else:
        found = _WRITTEN.fullmatch(str(duration))
        if found is None:
            raise LayerlabError(f"a budget of {duration!r}; expected a time such as 90s, 10m or 2h")
        seconds = float(found[1]) * _SECONDS[found[2].lower()]
    if not 0 < seconds < math.inf:
        raise LayerlabError(f"a budget of {duration!r}; expected a time above 0, such as 10m")
    return seconds
