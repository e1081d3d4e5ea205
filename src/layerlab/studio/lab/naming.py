"""Names in every language, before there is an answer and after."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from typing_extensions import TypedDict

from layerlab.lab.answer import Answer
from layerlab.lab.question import LANGUAGES
from layerlab.lab.request import Request
from layerlab.lab.words.vocabulary import Vocabulary

__all__ = ["Named", "Words", "arm_label", "empty_answer", "in_all", "named_tasks", "names_of"]

Words = dict[str, str]
"""A text by language."""


class Named(TypedDict):
    """Something with a name of its own, and what people call it."""

    name: str
    label: Words


def in_all(answer: Answer, word: Callable[[Vocabulary], str], comparison: str = "") -> Words:
    """Return a text in every language.

    Args:
        answer: that has the words.
        word: says it in one language.
        comparison: whose words come first.
    """
    return {language: word(Vocabulary(answer, language, comparison)) for language in LANGUAGES}


def named_tasks(answer: Answer, tasks: Iterable[str]) -> list[Named]:
    """Return tasks with their names."""
    return [_task(answer, task) for task in tasks]


def _task(answer: Answer, task: str) -> Named:
    return {"name": task, "label": in_all(answer, lambda words: words.task(task))}


def arm_label(answer: Answer, comparison: str, arm: str) -> Words:
    """Return what an arm is called."""
    return in_all(answer, lambda words: words.arm(arm), comparison)


def names_of(engine: str) -> Answer:
    """Return an answer to nothing, for the general names of an engine's factors and tasks."""
    return _empty("", {}, {}, engine, {}, {})


def empty_answer(request: Request) -> Answer:
    """Return an answer that knows the design alone."""
    design = request.design
    titles = {plan.comparison.name: dict(plan.comparison.title) for plan in design.plans}
    words = {language: dict(words) for language, words in request.words.items()}
    return _empty(design.question, dict(request.title), words, design.engine, titles, design.to_dict())


def _empty(
    question: str,
    title: Words,
    words: dict[str, Words],
    engine: str,
    comparisons: dict[str, Words],
    design: dict[str, object],
) -> Answer:
    return Answer(
        question=question, title=title, words=words, comparisons=comparisons, engine=engine, tasks=[], seeds=0,
        design=design, design_hash="", findings=[], arms=[], points=[], tuning=[], caveats=[], detectable={}, next=[],
        command="", versions={}, date="", seconds=0.0, trials=0, complete=False,
    )  # fmt: skip
