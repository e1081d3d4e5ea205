"""About how long an experiment takes on this machine, told before it runs."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Final

from layerlab.lab.engines import engine_named

if TYPE_CHECKING:
    from layerlab.lab.design import Design, Plan

__all__ = ["seconds_for"]

BEGINNING: Final = 4.0
"""Seconds in which a process that runs an experiment begins, and measures the time of a step."""


def seconds_for(design: Design) -> float | None:
    """Return about how many seconds all trainings of a design take; None where that is told only once they run.

    A grid that is widened, and what else this machine does, may double it.
    """
    if design.engine != "playground":
        return None
    from layerlab.lab.engines.playground_run import seconds_of
    from layerlab.lab.engines.playground_settings import specification_of_settings

    engine = engine_named(design.engine)
    seconds = 0.0
    for plan in design.plans:
        first = {name: grid[0] for name, grid in plan.comparison.tune.items()}
        for arm, task in itertools.product(plan.arms, design.tasks):
            settings = engine.settings({**arm.factors, **first}, task)
            seconds += _runs(design, plan, arm.name) * seconds_of(
                specification_of_settings(settings), settings["epochs"]
            )
    return BEGINNING + seconds / (os.cpu_count() or 1)


def _runs(design: Design, plan: Plan, arm: str) -> int:
    """Return the trainings of an arm on one task."""
    grid = 1
    for values in plan.comparison.tune.values():
        grid *= len(values)
    tuned = plan.comparison.tune and plan.comparison.tune_on in ("", arm)
    return design.seeds + (grid * design.tuning_replicates if tuned else 0)
