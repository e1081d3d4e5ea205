"""The worked arithmetic of a layer, as lines of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["Explanation"]


@dataclass(frozen=True)
class Explanation:
    """A title and the lines below it; what belongs to a part of the layer is indented.

    Attributes:
        title: the layer, its class and what it is for.
        lines: the arithmetic, one equation a line: ``parameters = 3*3*1*64 + 64 = 640``.
    """

    title: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join((self.title, *(f"  {line}" for line in self.lines)))

    def __rich__(self) -> Text:
        from rich.text import Text

        return Text.assemble((self.title, "bold"), *(f"\n  {line}" for line in self.lines))
