"""Lines of an explanation before they have a language: formulas as they are, words as keys of the table of words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

__all__ = ["Line", "Phrase", "aside", "formula", "say"]


@dataclass(frozen=True)
class Phrase:
    """A phrase of the table of words, and what fills its blanks: numbers, names, or phrases again."""

    key: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        parts: texts that are the same in all languages, and phrases.
        gives: key of the quantity that an equation gives (``"parameters"``); empty for other lines.
        depth: how deep the part of the layer lies that the line is about.
        aside: whether the line is left out where the layer is explained as a part of another.
    """

    parts: tuple[str | Phrase, ...]
    gives: str = ""
    depth: int = 0
    aside: bool = False

    def deeper(self) -> Line:
        """Return the line as one about a part."""
        return replace(self, depth=self.depth + 1)


def say(key: str, **values: object) -> Line:
    """Return a line that is one phrase."""
    return Line((Phrase(key, values),))


def aside(key: str, **values: object) -> Line:
    """Return a line that is one phrase, and that is left out where the layer is a part of another."""
    return Line((Phrase(key, values),), aside=True)


def formula(text: str, comment: str = "", **values: object) -> Line:
    """Return a line that is the same in all languages, with a comment of the table of words in brackets."""
    return Line((text, "  (", Phrase(comment, values), ")")) if comment else Line((text,))
