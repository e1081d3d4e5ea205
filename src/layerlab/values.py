"""Values as people type them behind an equals sign."""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["read_value"]

_WORDS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_WHOLE: Final = re.compile(r"[+-]?\d+")
_REAL: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def read_value(text: str) -> Any:
    """Return a number, ``true`` or ``false`` (also yes and no, on and off), or else the text itself.

    Example:
        >>> [read_value(text) for text in ("3", "0.5", "no", "relu")]
        [3, 0.5, False, 'relu']
    """
    if text.casefold() in _WORDS:
        return _WORDS[text.casefold()]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _REAL.fullmatch(text) else text
