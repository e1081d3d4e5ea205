"""Names in every language, before there is an answer and after."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from typing_extensions import TypedDict

from layerlab.lab.answer import Answer, ArmRow
from layerlab.lab.design import Arm
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
    return Answer(
        question="", title={}, words={}, comparisons={}, engine=engine, tasks=[], seeds=0, design={}, design_hash="",
        findings=[], arms=[], points=[], tuning=[], caveats=[], detectable={}, next=[], command="", versions={},
        date="", seconds=0.0, trials=0, complete=False,
    )  # fmt: skip


def empty_answer(request: Request) -> Answer:
    """Return an answer that knows the design alone."""
    design = request.design
    return replace(
        names_of(design.engine),
        question=design.question,
        title=request.title,
        words=request.words,
        comparisons={plan.comparison.name: plan.comparison.title for plan in design.plans},
        tasks=design.tasks,
        seeds=design.seeds,
        design=design.to_dict(),
        design_hash=design.hash,
        arms=[_row(plan.comparison.name, arm) for plan in design.plans for arm in plan.arms],
        command=request.command,
    )


def _row(comparison: str, arm: Arm) -> ArmRow:
    return ArmRow(
        comparison=comparison, arm=arm.name, label=arm.label, task="", factors=arm.factors, tuned={},
        parameters=arm.parameters, macs=arm.macs, seconds_per_step=None, epochs=arm.factors.get("epochs", 0), runs=0,
        failed=0, values={},
    )  # fmt: skip
