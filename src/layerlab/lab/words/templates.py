"""The keys that a question may word itself, and the placeholders of each."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Final

from layerlab.errors import LayerlabError, did_you_mean

__all__ = ["NAMES", "PLACEHOLDERS", "check_words", "locale_key"]

_METRIC: Final = frozenset({"metric", "metric-accusative", "metric-genitive"})
_FACTOR: Final = frozenset({"factor", "factor-genitive"})
_PAIR: Final = frozenset({"a", "b"}) | _METRIC
_ENDS: Final = frozenset({"first", "last"}) | _METRIC | _FACTOR

PLACEHOLDERS: Final[Mapping[str, frozenset[str]]] = {
    "better": _PAIR | {"claim", "difference", "interval"},
    "equivalent": _PAIR | {"difference", "interval", "smallest"},
    "undecided": _PAIR | {"difference", "interval", "more"},
    "exploratory": _PAIR | {"difference", "interval", "more"},
    "unfair": _PAIR | {"reason"},
    "several": _METRIC | {"b", "lists"},
    "rises": _ENDS | {"change", "slope"},
    "falls": _ENDS | {"change", "slope"},
    "falls-then-rises": _ENDS | {"best"},
    "rises-then-falls": _ENDS | {"best"},
    "more-is-better": _ENDS | {"change", "slope"},
    "less-is-better": _ENDS | {"change", "slope"},
    "best-inside": _ENDS | {"best"},
    "flat": _ENDS | {"smallest"},
    "trend-undecided": _ENDS | {"change", "more"},
    "trend-unfair": _METRIC | _FACTOR | {"reason"},
    "onset": _PAIR | _FACTOR | {"level"},
    "no-onset": _PAIR | _FACTOR | {"lists"},
    "range": _FACTOR | {"arms"},
    "grid": _METRIC | {"best", "value"},
    "sets": frozenset({"task", "sets"}),
    "no-set": frozenset({"task"}),
}
"""By key, see :mod:`layerlab.lab.words`."""
NAMES: Final = ("factor", "level", "task", "metric")
"""What a name begins with: ``factor-depth``."""
_CASES: Final = ("genitive", "accusative")
_LEVEL: Final = frozenset({"value"})


def locale_key(key: str) -> str:
    """Return the key of ``en.json`` that a question's key replaces: ``factor.depth.genitive``, ``template.better``."""
    comparison, _, bare = key.rpartition(".")
    kind, _, name = bare.partition("-")
    if bare in PLACEHOLDERS:
        found = f"template.{bare}"
    elif kind == "level":
        found = ".".join(["level", *name.split("-", 1)])
    else:
        ending = next((case for case in _CASES if name.endswith(f"-{case}")), "")
        found = f"{kind}.{name.removesuffix(f'-{ending}')}" + (f".{ending}" if ending else "")
    return f"{comparison}/{found}" if comparison else found


def check_words(words: Mapping[str, Mapping[str, str]], where: str = "words") -> None:
    """Refuse words that would never be said, or that want a number that there is not.

    Args:
        words: language -> key -> text, as a question has them.
        where: the file, for complaints.

    Raises:
        LayerlabError: an unknown key or placeholder, or braces that do not match; one sentence.
    """
    for language, texts in words.items():
        for key, text in texts.items():
            place = f'"{where}": words.{language}.{key}'
            bare = key.rpartition(".")[2]
            if bare not in PLACEHOLDERS and bare.partition("-")[0] not in NAMES:
                known = [*PLACEHOLDERS, *(f"{kind}-..." for kind in NAMES)]
                raise LayerlabError(f"{place} is no key of words{did_you_mean(bare, known)}")
            allowed = PLACEHOLDERS.get(bare, _LEVEL if bare.startswith("level-") else frozenset())
            for name in _placeholders(text, place):
                if name not in allowed:
                    raise LayerlabError(f"{place} has the unknown placeholder {{{name}}}{did_you_mean(name, allowed)}")


def _placeholders(text: str, place: str) -> list[str]:
    """Return the names in braces; nothing but a name may stand there, for a text from a file must not reach further."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise LayerlabError(f'{place} is "{text}": its braces do not match') from error
    for _, name, form, conversion in parts:
        if name is not None and (form or conversion):
            raise LayerlabError(f'{place} is "{text}"; expected a bare name in braces')
    return [name for _, name, _, _ in parts if name is not None]
