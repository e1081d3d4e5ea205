"""The one exception of the product, and the habit of naming the nearest known word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["LayerlabError", "did_you_mean"]


class LayerlabError(Exception):
    """What was given cannot be used.

    Its text is one sentence for the person who gave it: what, where, what was expected, the nearest fix.
    The command line prints it and exits with 2; it is never shown as a traceback.
    """


def did_you_mean(word: str, known: Iterable[str], count: int = 3) -> str:
    """Return ``'; did you mean "a", "b"?'`` for the nearest of ``known``, or the whole list when none is near.

    Args:
        word: what was given.
        known: the words that would have been understood.
        count: how many neighbours to name at most.
    """
    known = sorted(set(known))
    folded = {name.casefold(): name for name in known}
    near = [folded[hit] for hit in difflib.get_close_matches(word.casefold(), folded, n=count, cutoff=0.6)]
    if near:
        return "; did you mean " + " or ".join(f'"{name}"' for name in near) + "?"
    return "; known: " + ", ".join(known) if known else ""
