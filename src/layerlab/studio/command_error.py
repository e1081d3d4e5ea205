"""Why a command was refused, in a form that the page can word in its own language."""

from __future__ import annotations

from typing import Any

from layerlab.errors import LayerlabError

__all__ = ["CommandError", "described"]


class CommandError(LayerlabError):
    """A mistake with a text of its own in ``locale``.

    Args:
        key: of the page's text.
        text: the same sentence in English.
        values: what fills the text's places.
    """

    def __init__(self, key: str, text: str, **values: str | float) -> None:
        super().__init__(text)
        self.key = key
        self.values = values


def described(error: Exception) -> dict[str, Any]:
    """Return what the page is told of an error; of an unforeseen one only that it was one."""
    if isinstance(error, CommandError):
        return {"key": error.key, "values": error.values, "text": str(error)}
    if isinstance(error, LayerlabError):
        return {"key": "", "values": {}, "text": str(error)}
    return {"key": "error.internal", "values": {}, "text": "the studio could not do that; its log has the reason"}
