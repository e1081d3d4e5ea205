"""The words of one language for one answer: names of factors, levels, metrics and tasks, plural forms, templates."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.lab.answer import Answer
from layerlab.lab.design import arm_name
from layerlab.lab.question import LANGUAGES
from layerlab.lab.words.numbers import Numbers
from layerlab.lab.words.templates import check_words, locale_key

__all__ = ["Vocabulary", "plural"]

_NAMES: Final = frozenset({"tanh", "maxout"})
"""Written small at the beginning of a sentence, too."""


@cache
def _locale(language: str) -> Mapping[str, str]:
    if language not in LANGUAGES:
        raise LayerlabError(f'no language "{language}"{did_you_mean(language, LANGUAGES)}')
    found: dict[str, str] = json.loads((files("layerlab.lab.words") / f"{language}.json").read_text("utf-8"))
    return found


def text_of(key: str, language: str) -> str:
    """Return a text of the language that no question words itself."""
    return _locale(language)[key]


def plural(language: str, value: float) -> str:
    """Return which form a noun takes after a number: ``one``, ``few``, ``many`` or ``other``.

    Reference:
        Unicode Consortium. CLDR, language plural rules.
    """
    if language != "pl":
        return "one" if value == 1 else "other"
    if value != int(value):
        return "other"
    if value == 1:
        return "one"
    return "few" if value % 10 in (2, 3, 4) and value % 100 not in (12, 13, 14) else "many"


class Vocabulary:
    """What one answer is told with.

    Args:
        answer: whose words (the question's own before the general ones) and labels are used.
        language: ``en`` or ``pl``.
        comparison: whose own words come first; empty: of none.

    Raises:
        LayerlabError: an unknown language, or words of the question that cannot be used.
    """

    def __init__(self, answer: Answer, language: str, comparison: str = "") -> None:
        self._general = _locale(language)
        check_words(answer.words, answer.question)
        self._own = {locale_key(key): text for key, text in answer.words.get(language, {}).items()}
        self.answer, self.language, self.comparison = answer, language, comparison
        self.numbers = Numbers(language)

    def of(self, comparison: str) -> Vocabulary:
        """Return the same for one comparison."""
        return Vocabulary(self.answer, self.language, comparison)

    def find(self, key: str) -> str | None:
        """Return a text, as the comparison, the question or the language has it; None where none has."""
        for place in (f"{self.comparison}/{key}", key):
            if place in self._own:
                return self._own[place]
        return self._general.get(key)

    def say(self, key: str, **values: Any) -> str:
        """Return a text of the language with its placeholders filled; ``_`` stands for the ``-`` of their names."""
        text = self.find(key)
        if text is None:
            raise LayerlabError(f'no text "{key}" in the language "{self.language}"')
        return text.format_map({name.replace("_", "-"): value for name, value in values.items()})

    def count(self, noun: str, number: int) -> str:
        """Return ``10 seeds``."""
        return self.say(f"{noun}.{plural(self.language, number)}", n=self.numbers.whole(number))

    def factor(self, name: str, case: str = "") -> str:
        """Return how a factor is called, in a case; a factor without a name has its own."""
        keys = [f"factor.{name}@{self.answer.engine}", f"factor.{name}"]
        own = [f"factor.{name}.{case}", f"factor.{name}"] if case else [f"factor.{name}"]
        for key in own:  # a question's own name goes before the engine's
            for place in (f"{self.comparison}/{key}", key):
                if place in self._own:
                    return self._own[place]
        for key in keys:
            found = self._general.get(f"{key}.{case}") if case else None
            if found or (found := self._general.get(key)):
                return found
        return name

    def metric(self, name: str, case: str = "") -> str:
        """Return how a metric is called in a sentence; ``short``: in a table."""
        return (self.find(f"metric.{name}.{case}") if case else None) or self.find(f"metric.{name}") or name

    def task(self, name: str) -> str:
        """Return how a task is called; one without a name, such as a folder, by itself."""
        return self.find(f"task.{name}") or name

    def value(self, value: Any) -> str:
        """Return a value of a factor as it stands in a label."""
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, (int, float)):
            return self.numbers.plain(value)
        if isinstance(value, (list, tuple)):
            return ", ".join(self.find(f"item.{one}") or self.value(one) for one in value)
        return str(value)

    def level(self, factor: str, value: Any) -> str:
        """Return the label of a level of a factor: ``4 hidden layers``."""
        word = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
        if f"level.{factor}.{word}" in self._own or f"{self.comparison}/level.{factor}.{word}" in self._own:
            return self.find(f"level.{factor}.{word}") or ""
        number = not isinstance(value, bool) and isinstance(value, (int, float))
        form = f".{plural(self.language, value)}" if number else f".{word}"
        own = self.find(f"level.{factor}")
        keys = [f"level.{factor}@{self.answer.engine}", f"level.{factor}"]
        found = own if own != self._general.get(f"level.{factor}") else None
        for key in keys if found is None else ():
            found = self._general.get(key + form) or self._general.get(key)
            if found is not None:
                break
        if found is None:
            kind = f"level.{word}" if isinstance(value, bool) else "level.default"
            return self.say(kind, name=factor, value=self.value(value))
        percent = self.numbers.percent(value) if number else ""
        return found.format_map({"value": self.value(value), "percent": percent})

    def levels(self, factors: Mapping[str, Any]) -> str:
        """Return the labels of several factors."""
        return ", ".join(self.level(name, value) for name, value in factors.items())

    def arm(self, name: str, comparison: str | None = None) -> str:
        """Return the label of an arm: its own, or one made of the levels that it has."""
        plan = self.plan(self.comparison if comparison is None else comparison)
        arm = next((one for one in plan.get("arms", ()) if one["name"] == name), None)
        if arm is None:
            return name
        if label := arm.get("label", {}).get(self.language):
            return str(label)
        varied = {key: arm["factors"][key] for key in (*plan["vary"], *plan["subsets"]) if key in arm["factors"]}
        return self.levels(varied) if varied and arm_name(varied) == name else name

    def quoted(self, label: str) -> str:
        """Return a label within a sentence, in quotation marks where it has commas, and always in Polish."""
        return f"“{label}”" if self.language == "en" and "," in label else self.say("quoted", arm=label)

    def plan(self, comparison: str) -> Mapping[str, Any]:
        """Return the design of a comparison."""
        found: Mapping[str, Any] = next(
            (one for one in self.answer.design.get("comparisons", ()) if one["name"] == comparison), {}
        )
        return found

    def title(self, comparison: str) -> str:
        """Return the title of a comparison, or its name; empty where there is but one comparison."""
        if len(self.answer.comparisons) < 2:
            return ""
        title = self.answer.comparisons.get(comparison, {})
        return title.get(self.language) or title.get("en") or comparison

    def sentence(self, text: str, *, stop: bool = True) -> str:
        """Return a text that begins with a capital, unless a name of its own stands there, and ends with a stop."""
        first = re.match(r"[^\W\d_]+(?=[\s,:;])", text)
        if first and first[0] not in _NAMES:
            text = text[0].upper() + text[1:]
        return text if not stop or text.endswith((".", "!", "?")) else text + "."

    def joined(self, parts: Sequence[str]) -> str:
        """Return a list within a sentence; a comma would not part the decimal fractions of Polish."""
        fractions = self.language == "pl" and any(re.search(r"\d,\d", part) for part in parts)
        return ("; " if fractions else ", ").join(parts)
