"""What there is to ask, and what an experiment would do: told before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from layerlab.errors import LayerlabError
from layerlab.lab.compose import LEARNING_RATES
from layerlab.lab.engines import engine_named
from layerlab.lab.engines.playground_settings import TASKS
from layerlab.lab.metrics import METRICS
from layerlab.lab.question import LANGUAGES, RULES, list_questions, question
from layerlab.lab.store import Store
from layerlab.lab.words.tables import design_rows
from layerlab.studio.command_error import described
from layerlab.studio.lab.composing import experiment_of, folder
from layerlab.studio.lab.estimating import seconds_for
from layerlab.studio.lab.naming import Named, Words, arm_label, empty_answer, in_all, named_tasks, names_of

if TYPE_CHECKING:
    from layerlab.lab.answer import Answer
    from layerlab.lab.design import Design, Plan
    from layerlab.studio.lab.asking import Asked
    from layerlab.studio.lab.limits import LabLimits

__all__ = ["Catalogue", "Designed", "Workshop", "catalogue", "check_size", "designed", "workshop"]

LECTURE = 6
"""The questions of the lecture come first."""
MOST_ARMS = 60
"""Of a comparison that are listed one by one."""


class Kind(TypedDict):
    """A kind of task that a question can be asked on."""

    engine: str
    tasks: list[Named]
    seeds: int


class Known(TypedDict):
    """A known question."""

    name: str
    title: Words
    group: str
    kinds: list[Kind]


class Factor(Named):
    """A factor of an engine, with what it is."""

    says: str


class Workshop(TypedDict):
    """What an own question on one kind of task can be made of."""

    factors: list[Factor]
    rates: list[float]


class Bench(TypedDict):
    """A kind of task on which an own question can be asked."""

    engine: str
    tasks: list[Named]


class Catalogue(TypedDict):
    """What there is to ask."""

    questions: list[Known]
    own: list[Bench]
    metrics: list[Named]
    equal: list[str]
    most_seeds: int
    plotly: str


class Fact(TypedDict):
    """A decision that was made before the runs."""

    name: Words
    text: Words


class ArmCost(Named):
    """An arm with what its network costs."""

    parameters: int
    macs: int


class Compared(TypedDict):
    """One comparison of a design."""

    name: str
    title: Words
    facts: list[Fact]
    arms: list[ArmCost]
    hidden: int


class Designed(TypedDict):
    """A design in words."""

    hash: str
    title: Words
    engine: str
    tasks: list[Named]
    seeds: int
    trainings: int
    seconds: float | None
    detectable: float | None
    """In standard deviations of the paired differences."""
    exploratory: bool
    comparisons: list[Compared]
    command: str
    answered: bool
    problem: dict[str, Any] | None


def catalogue(limits: LabLimits, plotly: str) -> Catalogue:
    """Return what there is to ask, in every language.

    Args:
        limits: of this studio.
        plotly: the address of plotly.js.
    """
    return {
        "questions": [_known(name, place) for place, name in enumerate(list_questions())],
        "own": [
            {"engine": engine, "tasks": named_tasks(names_of(engine), tasks)}
            for engine, tasks in (("playground", TASKS), ("networks", ["digits"]))
        ],
        "metrics": [_metric(name) for name in METRICS],
        "equal": list(RULES),
        "most_seeds": limits.seeds,
        "plotly": plotly,
    }


def _known(name: str, place: int) -> Known:
    asked = question(name)
    return {
        "name": name,
        "title": dict(asked.title),
        "group": "lecture" if place < LECTURE else "architectures",
        "kinds": [
            {"engine": one.engine, "tasks": named_tasks(names_of(one.engine), one.tasks), "seeds": one.seeds}
            for one in asked.variants
        ],
    }


def workshop(engine: str) -> Workshop:
    """Return the factors of an engine, which may have to be loaded first."""
    names = names_of(engine)
    return {
        "factors": [_factor(names, name, says) for name, says in engine_named(engine).factors().items()],
        "rates": list(LEARNING_RATES[engine]),
    }


def _factor(names: Answer, name: str, says: str) -> Factor:
    return {"name": name, "label": in_all(names, lambda words: words.factor(name)), "says": says}


def _metric(name: str) -> Named:
    return {"name": name, "label": in_all(names_of("playground"), lambda words: words.metric(name, "short"))}


def designed(asked: Asked, limits: LabLimits) -> Designed:
    """Return what an experiment would do, and whether it was done here already.

    Raises:
        LayerlabError: it cannot be done; one sentence.
    """
    from layerlab.lab.statistics import FEWEST, detectable  # SciPy: too slow for the studio's start

    experiment = experiment_of(asked)
    design, answer = experiment.design, empty_answer(experiment.request)
    problem = None
    try:
        check_size(design, limits)
    except LayerlabError as error:
        problem = described(error)
    return {
        "hash": design.hash,
        "title": dict(experiment.request.title),
        "engine": design.engine,
        "tasks": named_tasks(answer, design.tasks),
        "seeds": design.seeds,
        "trainings": design.trials,
        "seconds": seconds_for(design) if problem is None else None,
        "detectable": detectable(design.seeds) if design.seeds > 1 else None,
        "exploratory": design.seeds < FEWEST,
        "comparisons": [_compared(answer, plan) for plan in design.plans],
        "command": experiment.request.command,
        "answered": _answered(design.hash),
        "problem": problem,
    }


def check_size(design: Design, limits: LabLimits) -> None:
    """Refuse a design that is too large for this studio. Raises CommandError."""
    limits.check(seeds=design.seeds, trainings=design.trials, arms=max(len(plan.arms) for plan in design.plans))


def _answered(design: str) -> bool:
    if not folder().exists():
        return False
    with Store.open(folder()) as store:
        return store.answer(design) is not None


def _compared(answer: Answer, plan: Plan) -> Compared:
    name = plan.comparison.name
    return {
        "name": name,
        "title": in_all(answer, lambda words: words.title(name)),
        "facts": _facts(answer, name),
        "arms": [
            {
                "name": arm.name,
                "label": arm_label(answer, name, arm.name),
                "parameters": arm.parameters,
                "macs": arm.macs,
            }
            for arm in plan.arms[:MOST_ARMS]
        ],
        "hidden": max(0, len(plan.arms) - MOST_ARMS),
    }


def _facts(answer: Answer, comparison: str) -> list[Fact]:
    """Return what was decided of a comparison, in every language."""
    told = {language: design_rows(answer, comparison, language) for language in LANGUAGES}
    return [
        {
            "name": {language: rows[number][0] for language, rows in told.items()},
            "text": {language: rows[number][1] for language, rows in told.items()},
        }
        for number in range(len(told[LANGUAGES[0]]))
    ]
