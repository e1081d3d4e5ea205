"""A question as data: what is compared, what is tuned, what is held, what is measured and in which words.

Questions are TOML files; ``questions/`` holds the known ones. Nothing in a file is executed.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.lab.contradictions import check_comparison
from layerlab.lab.metrics import METRICS
from layerlab.lab.reading import Table

__all__ = ["ANALYSES", "LANGUAGES", "ArmOf", "Comparison", "Equal", "Question", "Variant", "list_questions", "question"]

LANGUAGES: Final = ("en", "pl")
ANALYSES: Final = ("contrasts", "trend", "pairs", "range", "grid", "sets")
"""``contrasts``: planned pairs of arms. ``trend``: over a numeric factor. ``pairs``: the two levels of ``factor`` at
each level of ``by``, and from which level on. ``range``: at how many levels of ``by`` an arm trains. ``grid``: over two
factors, described. ``sets``: which smallest sets solve a task."""
RULES: Final = ("parameters", "macs", "seconds")
FIGURES: Final = ("points", "curve", "heat", "lattice")
PLANNED: Final = ("all", "ends", "first")
"""Contrasts by a word: every pair; the last arm against the first; every arm against the first."""
_DEFAULT_FIGURE: Final = {"contrasts": "points", "trend": "curve", "pairs": "curve", "range": "heat", "grid": "heat",
                          "sets": "lattice"}  # fmt: skip

Words = Mapping[str, str]
"""A text by language."""


@dataclass(frozen=True)
class Equal:
    """What all arms of a comparison have the same of."""

    rule: str
    """``parameters``, ``macs`` or ``seconds``."""
    by: str = ""
    """The factor that is solved for; ``epochs`` for seconds."""
    at: float | None = None
    """How many; None: as many as the first arm has."""


@dataclass(frozen=True)
class ArmOf:
    """An arm with a name of its own."""

    name: str
    factors: Mapping[str, Any]
    label: Words = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """Arms that are compared in one way."""

    name: str
    title: Words = field(default_factory=dict)
    vary: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Factor -> levels; the arms are all combinations."""
    subsets: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Factor -> items; the arms are all sets of them but the empty one."""
    arms: Sequence[ArmOf] = ()
    """Further arms, by name."""
    hold: Mapping[str, Any] = field(default_factory=dict)
    """Factors that all arms share."""
    equal: Equal | None = None
    tune: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Factor -> grid: chosen for each arm on validation parts, with as many trials for each."""
    tune_on: str = ""
    """The arm whose choice all others take over; empty: each has its own."""
    metrics: Sequence[str] = ("loss",)
    """What is measured; the first decides."""
    analysis: str = "contrasts"
    factor: str = ""
    by: str = ""
    contrasts: str | Sequence[Sequence[str]] = "first"
    """One of :data:`PLANNED`, or pairs of names of arms."""
    smallest_difference: Mapping[str, float] = field(default_factory=dict)
    """By metric; else the metric's own."""
    figure: str = ""

    def smallest(self, metric: str) -> float:
        """Return the smallest difference of a metric that matters here."""
        return self.smallest_difference.get(metric, METRICS[metric].smallest_difference)


@dataclass(frozen=True)
class Variant:
    """A question on one kind of task."""

    engine: str
    tasks: Sequence[str]
    """What it runs on unless another is asked for."""
    comparisons: Sequence[Comparison]
    seeds: int = 10
    tuning_replicates: int = 3


@dataclass(frozen=True)
class Question:
    """What is asked."""

    name: str
    title: Words
    variants: Sequence[Variant]
    """The first is the default."""
    words: Mapping[str, Words] = field(default_factory=dict)
    """Language -> key -> text: what the answer's sentences are made of, see :mod:`layerlab.lab.words`."""
    next: Sequence[str] = ()
    """Commands (after ``layerlab``) that lead on."""
    order: int = 0


def list_questions() -> list[str]:
    """Return the names of the known questions, those of the lecture first, in its order."""
    return list(_known())


def question(name_or_path: str | os.PathLike[str]) -> Question:
    """Return a known question by its name, or read one from a TOML file.

    Raises:
        LayerlabError: there is none of this name, or the file does not describe a question; one sentence.
    """
    text = os.fspath(name_or_path)
    if text in _known():
        return _known()[text]
    path = Path(text)
    if path.suffix == ".toml" or path.is_file():
        try:
            return read_question(path.read_bytes().decode("utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
            raise LayerlabError(f'cannot read the question "{path}": {reason}') from error
    raise LayerlabError(f'no question "{text}"{did_you_mean(text, _known())} (a .toml file of your own works too)')


@cache
def _known() -> dict[str, Question]:
    folder = files("layerlab.lab") / "questions"
    found = [
        read_question(entry.read_text("utf-8"), entry.name)
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    ]
    return {one.name: one for one in sorted(found, key=lambda one: one.order)}


def read_question(text: str, where: str) -> Question:
    """Return the question that a TOML text describes.

    Args:
        text: the file's content.
        where: its name, for complaints.

    Raises:
        LayerlabError: the text does not describe a question.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LayerlabError(f'"{where}" is not TOML: {error}') from error
    table = Table(content, where)
    words = _words(table, where)
    found = Question(
        name=table.text("name", Path(where).stem),
        title=_in_languages(table, "title", required=True),
        variants=[_variant(one) for one in table.tables("variant", required=True)],
        words=words,
        next=table.texts("next"),
        order=table.whole("order", 1000),
    )
    table.done()
    return found


def _words(table: Table, where: str) -> dict[str, Words]:
    entry = table.table("words") or Table({}, where)
    words: dict[str, Words] = {language: entry.words(language) for language in LANGUAGES}
    entry.done()
    if any(words.values()):
        from layerlab.lab.words.templates import check_words

        check_words(words, where)
    return words


def _in_languages(table: Table, name: str, *, required: bool = False) -> Words:
    """Return a text by language; where there is one at all, none is in a language that nobody reads it in."""
    found = table.words(name, required=required)
    for language in found:
        if language not in LANGUAGES:
            raise LayerlabError(f'"{table.where}": {name} is in "{language}"{did_you_mean(language, LANGUAGES)}')
    if required and not found:
        raise LayerlabError(f'"{table.where}": {name} is empty; expected a text for {" or ".join(LANGUAGES)}')
    return found


def _variant(table: Table) -> Variant:
    found = Variant(
        engine=table.choice("engine", ("playground", "networks", "zoo"), "playground"),
        tasks=table.texts("tasks", required=True),
        comparisons=[_comparison(one, number) for number, one in enumerate(table.tables("comparison", required=True))],
        seeds=table.whole("seeds", 10, least=1),
        tuning_replicates=table.whole("tuning_replicates", 3, least=1),
    )
    if not found.tasks:
        raise LayerlabError(f'"{table.where}": tasks is an empty list; expected at least one')
    names = [one.name for one in found.comparisons]
    if len(set(names)) < len(names):
        raise LayerlabError(f'"{table.where}": two comparisons are called "{max(names, key=names.count)}"')
    table.done()
    return found


def _comparison(table: Table, number: int) -> Comparison:
    metrics = table.texts("metrics") or ["loss"]
    for name in metrics:
        if name not in METRICS:
            raise LayerlabError(f'"{table.where}": no metric "{name}"{did_you_mean(name, METRICS)}')
    analysis = table.choice("analysis", ANALYSES, "contrasts")
    equal = table.table("equal")
    contrasts = table.raw("contrasts", "first")
    if isinstance(contrasts, str) and contrasts not in PLANNED:
        raise LayerlabError(f'"{table.where}": contrasts "{contrasts}"{did_you_mean(contrasts, PLANNED)}')
    found = Comparison(
        name=table.text("name", f"comparison-{number + 1}"),
        title=_in_languages(table, "title"),
        vary=table.lists("vary"),
        subsets=table.lists("subsets"),
        arms=[_arm(one) for one in table.tables("arm")],
        hold=table.mapping("hold"),
        equal=None if equal is None else _equal(equal),
        tune=table.lists("tune"),
        tune_on=table.text("tune_on", ""),
        metrics=metrics,
        analysis=analysis,
        factor=table.text("factor", ""),
        by=table.text("by", ""),
        contrasts=contrasts,
        smallest_difference=table.numbers("smallest_difference"),
        figure=table.choice("figure", FIGURES, _DEFAULT_FIGURE[analysis]),
    )
    table.done()
    check_comparison(found, table.where)
    return found


def _equal(table: Table) -> Equal:
    rule = table.choice("rule", RULES, "parameters")
    at = table.number("at")
    found = Equal(rule, table.text("by", "epochs" if rule == "seconds" else "width"), at)
    table.done()
    return found


def _arm(table: Table) -> ArmOf:
    found = ArmOf(table.text("name", required=True), table.mapping("factors"), _in_languages(table, "label"))
    table.done()
    return found
