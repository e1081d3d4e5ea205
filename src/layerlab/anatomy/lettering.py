"""How wide a text is before anything draws it.

The widths are those of DejaVu Sans, one of the widest of the fonts that ``system-ui`` stands for, to twentieths of its
size and rounded up, so that what fits by them fits on every system.
"""

from __future__ import annotations

__all__ = ["fitted", "shortened", "text_width"]

_PLAIN = {
    0.3: "' ,.IJijl·", 0.4: '-/:;\\f|!()[]rt', 0.55: '"*_`sz?Lc', 0.65: "FPTYaekovxy$0123456789EKSbdghnpqu{}",
    0.75: "ABCRVXZDGHNU", 0.87: "&OQw#+<=>M^~×", 1.02: "%m@W",
}  # fmt: skip
_BOLD = {
    0.38: "' /IJ\\ijl|,-.:;·", 0.5: '!()[]f"*_`rt', 0.62: "?cszL", 0.72: "akvxy$0123456789EFSTYbdeghnopqu{}",
    0.8: "ABCKPRVXZGU", 0.9: "#&+<=>DHNOQ^~×w", 1.1: "%@MmW",
}  # fmt: skip
_UNKNOWN = 1.05
_WIDTHS = {
    bold: {character: width for width, characters in table.items() for character in characters}
    for bold, table in ((False, _PLAIN), (True, _BOLD))
}


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return the width of a line in pixels, at a font size in pixels; rather too wide than too narrow."""
    widths = _WIDTHS[bold]
    return size * sum(widths.get(character, _UNKNOWN) for character in text)


def shortened(text: str, length: int) -> str:
    """Return the text with its middle left out where it has more than ``length`` characters."""
    if len(text) <= length:
        return text
    head = (length - 1) * 2 // 3
    return f"{text[:head]}…{text[head - length + 1 :]}"


def fitted(text: str, width: float, size: float, bold: bool = False) -> str:
    """Return the text with as much of its middle left out as it takes to be no wider than ``width`` pixels."""
    found, length = text, len(text)
    while length > 3 and text_width(found, size, bold) > width:
        length -= 1
        found = shortened(text, length)
    return found
