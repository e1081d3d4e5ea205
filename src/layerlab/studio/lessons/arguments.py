"""What the page sends to a lesson, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.studio.lessons.lesson import Lesson

__all__ = ["DEFAULT_SEEDS", "MAX_SEEDS", "MIN_SEEDS", "Request", "read_request"]

MIN_SEEDS: Final = 2
MAX_SEEDS: Final = 30
DEFAULT_SEEDS: Final = 16
_LAST_SEED: Final = 1_000_000


@dataclass(frozen=True)
class Request:
    """What a person asked of a lesson."""

    options: dict[str, str]
    prediction: str | None
    seeds: range


def read_request(lesson: Lesson, arguments: Mapping[str, Any]) -> Request:
    """Return what ``arguments`` ask for: ``prediction``, ``seeds``, ``first_seed`` and the lesson's options.

    Raises:
        LayerlabError: an unknown argument or a value that the lesson has not.
    """
    known = ["prediction", "seeds", "first_seed", *lesson.options]
    for name in arguments:
        if name not in known:
            raise LayerlabError(f'the lesson "{lesson.name}" has no "{str(name)[:40]}"{did_you_mean(str(name), known)}')
    given = {}
    for name, values in lesson.options.items():
        given[name] = _one_of(name, arguments.get(name, values[0]), values)
    prediction = arguments.get("prediction")
    if prediction is not None:
        prediction = _one_of("prediction", prediction, lesson.choices)
    count = _whole("seeds", arguments.get("seeds", DEFAULT_SEEDS), MIN_SEEDS, MAX_SEEDS)
    first = _whole("first seed", arguments.get("first_seed", 0), 0, _LAST_SEED)
    return Request(given, prediction, range(first, first + count))


def _one_of(name: str, value: object, known: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in known:
        raise LayerlabError(f"unknown {name} {repr(value)[:60]}{did_you_mean(str(value)[:60], known)}")
    return value


def _whole(name: str, value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise LayerlabError(f"{name} {repr(value)[:60]} is no whole number from {least} to {most:,}")
    return value
