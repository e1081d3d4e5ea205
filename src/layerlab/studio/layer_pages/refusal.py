"""Why a page cannot be computed: one sentence, with the key and the values of its text in ``locale``."""

from __future__ import annotations

from pydantic import BaseModel

from layerlab.studio.command_error import CommandError

__all__ = ["Problem", "Refusal", "refuse_much", "refuse_window"]

MAX_TERMS = 4_000
"""A page of larger grids is no longer read, and would take the time of others."""


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


def refuse_much(terms: int) -> None:
    """Refuse outputs whose arithmetic is longer than a page can show.

    Raises:
        CommandError: it is.
    """
    if terms > MAX_TERMS:
        raise CommandError(
            "layers.error.too-much",
            f"the outputs' arithmetic has {terms:,} terms and {MAX_TERMS:,} is the most: make the input or the window"
            " smaller, or the stride larger",
            terms=terms,
            limit=MAX_TERMS,
        )
