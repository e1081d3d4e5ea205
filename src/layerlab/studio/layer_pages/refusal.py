"""Why a page cannot be computed: one sentence, with the key and the values of its text in ``locale``."""

from __future__ import annotations

from pydantic import BaseModel

from layerlab.studio.command_error import CommandError

__all__ = ["Problem", "Refusal", "refuse_window"]


class Problem(BaseModel):
    """The page's text, what fills its places, and the same sentence in English."""

    key: str
    values: dict[str, str | float]
    text: str


class Refusal(BaseModel):
    """The answer to a request that cannot be computed."""

    error: Problem


def refuse_window(reach: int, size: int) -> None:
    """Refuse a window that is longer than what it runs over.

    Raises:
        CommandError: it is.
    """
    if reach > size:
        raise CommandError(
            "layers.error.window",
            f"the window spans {reach} cells and the padded input has {size}: make the window smaller or pad more",
            reach=reach,
            size=size,
        )
