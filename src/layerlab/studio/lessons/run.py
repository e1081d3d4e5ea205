"""Runs a lesson: networks, what can be read off them, and what that says about the prediction."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.playground.link import write_link
from layerlab.studio.lessons.arguments import DEFAULT_SEEDS, MAX_SEEDS, MIN_SEEDS, Request, read_request
from layerlab.studio.lessons.capacity import CAPACITY
from layerlab.studio.lessons.changes import CHANGES
from layerlab.studio.lessons.depth import DEPTH
from layerlab.studio.lessons.features import FEATURE_SETS
from layerlab.studio.lessons.figures import curves
from layerlab.studio.lessons.lesson import Arm, Lesson, Reading, Text, Trials, say
from layerlab.studio.lessons.rate import RATE
from layerlab.studio.lessons.size import SIZE
from layerlab.studio.lessons.statistics import quartiles
from layerlab.studio.lessons.trials import Report, run_trials

__all__ = ["LESSONS", "conclude", "describe", "run"]

LESSONS: Final[Mapping[str, Lesson]] = {
    lesson.name: lesson for lesson in (SIZE, FEATURE_SETS, RATE, CHANGES, DEPTH, CAPACITY)
}
"""The lecture's questions, in its order."""
CONTENTS: Final = "contents"
"""Asked for instead of a lesson: what lessons there are."""


def run(name: str, arguments: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run a lesson and return its result, or for the name ``contents`` what the lessons offer.

    Args:
        name: a key of :data:`LESSONS`, or ``contents``.
        arguments: ``prediction`` (one of the lesson's choices), ``seeds`` (2 to 30), ``first_seed``, and its options.
        report: ``report(done, total, partial)``; what it raises ends the lesson.

    Raises:
        LayerlabError: no such lesson, argument or value.
    """
    if name == CONTENTS:
        return _contents(arguments)
    lesson = _lesson(name)
    request = read_request(lesson, arguments)
    start = time.perf_counter()
    arms = lesson.arms(request.options)
    trials = run_trials(lesson, arms, request.seeds, report)
    return conclude(lesson, request, arms, trials) | {"seconds": time.perf_counter() - start}


def _contents(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what all lessons offer; where ``arguments`` name a ``lesson`` and options, the link to its network."""
    if "lesson" not in arguments:
        return {"lessons": [describe(lesson) for lesson in LESSONS.values()]}
    lesson = _lesson(arguments["lesson"])
    options = {name: value for name, value in arguments.items() if name != "lesson"}
    arms = lesson.arms(read_request(lesson, options).options)
    return {"link": write_link(arms[lesson.shown].specification)}


def _lesson(name: object) -> Lesson:
    if not isinstance(name, str) or name not in LESSONS:
        raise LayerlabError(f"no lesson {repr(name)[:60]}{did_you_mean(str(name)[:60], LESSONS)}")
    return LESSONS[name]


def describe(lesson: Lesson) -> dict[str, Any]:
    """Return what the page needs to offer a lesson."""
    arms = lesson.arms(lesson.chosen({}))
    return {
        "name": lesson.name,
        "link": write_link(arms[lesson.shown].specification),
        "shown": lesson.shown,
        "choices": list(lesson.choices),
        "options": {name: list(values) for name, values in lesson.options.items()},
        "arms": [arm.label for arm in arms],
        "epochs": lesson.epochs,
        "seeds": {"least": MIN_SEEDS, "most": MAX_SEEDS, "usual": DEFAULT_SEEDS},
        "target": lesson.target,
        "timed": lesson.timed,
    }


def conclude(lesson: Lesson, request: Request, arms: list[Arm], trials: Trials) -> dict[str, Any]:
    """Return what the trials say: sentences, figures, a table, whether the prediction held, what to try next.

    Pure: the same trials give the same result, and no part of it is known before they are.
    """
    reading = lesson.read(arms, trials, lesson.target)
    return {
        "name": lesson.name,
        "options": request.options,
        "seeds": [request.seeds.start, request.seeds.stop - 1],
        "epochs": trials.epochs,
        "answer": reading.answer,
        "prediction": request.prediction,
        "held": held(request.prediction, reading),
        "sentences": reading.sentences,
        "figures": reading.figures,
        "table": _table(lesson, arms, trials),
        "shown": curves(arms[lesson.shown : lesson.shown + 1], trials.only(lesson.shown)),
        "next": _next(lesson, request, arms, reading.best),
    }


def held(prediction: str | None, reading: Reading) -> str:
    """Return ``yes``, ``no``, ``open`` (these seeds cannot tell), ``consistent`` (no difference foretold, none shown)
    or ``none`` (nothing was foretold).
    """
    if prediction is None:
        return "none"
    if prediction == "no-difference":
        return "consistent" if reading.nothing_shown else "no"
    if reading.answer is None:
        return "open"
    return "yes" if prediction == reading.answer else "no"


def _table(lesson: Lesson, arms: list[Arm], trials: Trials) -> list[dict[str, Any]]:
    train = quartiles(trials.bounded[:, :, -1, 0])
    test = quartiles(trials.final)
    reached = trials.epochs_to(lesson.target) <= trials.epochs
    return [
        {
            "label": arm.label,
            "link": write_link(arm.specification),
            "parameters": arm.parameters,
            "train": float(train[1, i]),
            "test": test[:, i].tolist(),
            "reached": int(reached[i].sum()),
        }
        for i, arm in enumerate(arms)
    ]


def _next(lesson: Lesson, request: Request, arms: list[Arm], best: int) -> list[dict[str, Any]]:
    """Return what to try next: the best network, other seeds, and another value of every option."""
    link = write_link(arms[best].specification)
    following: list[dict[str, Any]] = [{"text": say("next.open", arm=arms[best].label), "link": link}]
    chosen: dict[str, Any] = {**request.options, "seeds": len(request.seeds), "first_seed": request.seeds.start}
    other_seeds = {**chosen, "first_seed": request.seeds.stop}
    following.append({"text": say("next.seeds"), "arguments": other_seeds})
    for name, values in lesson.options.items():
        value = values[(values.index(request.options[name]) + 1) % len(values)]
        following.append({"text": _option_text(name, value), "arguments": {**chosen, name: value}})
    return following


def _option_text(name: str, value: str) -> Text:
    return say("next.option", option=say(f"option.{name}"), value=say(f"value.{name}.{value}"))
