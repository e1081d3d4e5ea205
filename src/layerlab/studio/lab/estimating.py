"""About how long an experiment takes on this machine, told before it runs."""

from __future__ import annotations

import itertools
import os
import statistics
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from layerlab.lab.engines import engine_named
from layerlab.lab.request import Request
from layerlab.lab.store import Store
from layerlab.studio.lab.composing import folder

if TYPE_CHECKING:
    from layerlab.lab.design import Design, Plan

__all__ = ["seconds_for"]

BEGINNING: Final = 4.0
"""Seconds in which a process that runs an experiment begins, and measures the time of a step."""
EXPERIENCE: Final = 10
"""Experiments that ran here last, whose median pace the next one is taken to have; those of its question before all."""


def seconds_for(design: Design) -> float | None:
    """Return about how many seconds all trainings of a design take; None where that is told only once they run.

    The engine's own rule of thumb, as far as experiments that ran here before have shown this machine, what else it
    does, and the grids that were widened, to be slower or faster than it.
    """
    if design.engine != "playground":
        return None
    return BEGINNING + _by_rule(design) * _pace(design.question) / (os.cpu_count() or 1)


def _by_rule(design: Design) -> float:
    """Return the seconds on one core, as the engine has them."""
    from layerlab.lab.engines.playground_run import seconds_of
    from layerlab.lab.engines.playground_settings import specification_of_settings

    engine = engine_named(design.engine)
    seconds = 0.0
    for plan in design.plans:
        first = {name: grid[0] for name, grid in plan.comparison.tune.items()}
        for arm, task in itertools.product(plan.arms, design.tasks):
            settings = engine.settings({**arm.factors, **first}, task)
            each = seconds_of(specification_of_settings(settings), settings["epochs"])
            seconds += _runs(design, plan, arm.name) * each
    return seconds


def _runs(design: Design, plan: Plan, arm: str) -> int:
    """Return the trainings of an arm on one task."""
    grid = 1
    for values in plan.comparison.tune.values():
        grid *= len(values)
    tuned = plan.comparison.tune and plan.comparison.tune_on in ("", arm)
    return design.seeds + (grid * design.tuning_replicates if tuned else 0)


def _pace(question: str) -> float:
    """Return how many times as long as by the rule the latest experiments here took; 1 before there are any."""
    if not folder().exists():
        return 1.0
    with Store.open(folder()) as store:
        known = [one for one in store.designs() if one.answered and one.design["design"]["engine"] == "playground"]
    alike = [one for one in known if one.design["design"]["question"] == question]
    paces = [_pace_of(folder(), one.hash) for one in (alike or known)[-EXPERIENCE:]]
    return statistics.median(paces) if paces else 1.0


@lru_cache(maxsize=100)
def _pace_of(where: Path, design: str) -> float:
    with Store.open(where) as store:
        request = next(Request.from_dict(one.design) for one in store.designs() if one.hash == design)
        answer = store.answer(design) or {}
    return float(answer["seconds"]) / _by_rule(request.design)
