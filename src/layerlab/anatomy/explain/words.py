"""The languages of the explanations: one JSON file each, and nothing but words in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

from layerlab.anatomy.explain.line import Line, Phrase
from layerlab.errors import LayerlabError

__all__ = ["LANGUAGES", "note_phrase", "words_of", "written"]

LANGUAGES = ("en", "pl")
_INDENT = "  "

# Notes of the records, which are English sentences, and the phrases that say the same.
_NOTES = (
    (r"not initialised yet: its parameters are not counted", "note.lazy"),
    (r'the same module as "(?P<path>.*)": its parameters are counted there', "note.shared"),
    (r'its (?P<name>\S+) is "(?P<path>.*)", counted there', "note.tied"),
    (r"frozen", "note.frozen"),
    (r"partly frozen", "note.partly-frozen"),
    (r"called (?P<count>\d+) times", "note.calls"),
    (r"called (?P<count>\d+) times, with different shapes", "note.calls-differ"),
    (r"never called", "note.never"),
    (r"not called under this name", "note.other-name"),
    (r"its parameters are used without calling it", "note.without-call"),
)


@cache
def words_of(language: str) -> Mapping[str, str]:
    """Return the phrases of a language by key.

    Raises:
        LayerlabError: there are no explanations in it.
    """
    if language not in LANGUAGES:
        known = " or ".join(f'"{name}"' for name in LANGUAGES)
        raise LayerlabError(f'explanations are written in {known}, not in "{language}"')
    text = resources.files("layerlab.anatomy.explain").joinpath(f"{language}.json").read_text(encoding="utf-8")
    words: dict[str, str] = json.loads(text)
    return words


def written(line: Line, language: str) -> str:
    """Return a line in a language, indented as deep as the part that it is about."""
    words = words_of(language)
    return _INDENT * line.depth + "".join(part if isinstance(part, str) else _said(part, words) for part in line.parts)


def _said(phrase: Phrase, words: Mapping[str, str]) -> str:
    values = {name: _value(value, words) for name, value in phrase.values.items()}
    return words[phrase.key].format_map(values)


def _value(value: object, words: Mapping[str, str]) -> str:
    if isinstance(value, Phrase):
        return _said(value, words)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def note_phrase(note: str) -> str | Phrase:
    """Return the phrase that says what a note of a record says; the note itself where none does."""
    for pattern, key in _NOTES:
        match = re.fullmatch(pattern, note)
        if match:
            return Phrase(key, match.groupdict())
    return note
