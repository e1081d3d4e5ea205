"""About how long an experiment on two-dimensional tasks takes here, measured on a few small networks."""

from __future__ import annotations

import itertools
import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from layerlab.lab.engines import engine_named
from layerlab.lab.trial import Replicate, Trial

if TYPE_CHECKING:
    from layerlab.lab.design import Design, Plan

__all__ = ["seconds_for"]

RUNS = 32
EPOCHS = 10
ROUNDS = 3
"""The quickest counts: what else runs at that moment is no matter of the networks."""
BEGINNING = 3.0
"""Seconds in which a process that runs an experiment begins."""
_lock = threading.Lock()


def seconds_for(design: Design) -> float | None:
    """Return about how many seconds all trainings of a design take; None where they tell only once they run.

    A grid that is widened, and what else this machine does, may double it.
    """
    if design.engine != "playground":
        return None
    with _lock:
        each, by_weight = _speed()
    engine = engine_named(design.engine)
    seconds = BEGINNING
    for plan in design.plans:
        for arm, task in itertools.product(plan.arms, design.tasks):
            first = {name: grid[0] for name, grid in plan.comparison.tune.items()}
            settings = engine.settings({**arm.factors, **first}, task)
            updates = settings["epochs"] * _runs(design, plan, arm.name)
            seconds += updates * (each + by_weight * arm.macs)
    return seconds


def _runs(design: Design, plan: Plan, arm: str) -> int:
    """Return the trainings of an arm on one task."""
    grid = 1
    for values in plan.comparison.tune.values():
        grid *= len(values)
    tuned = plan.comparison.tune and plan.comparison.tune_on in ("", arm)
    return design.seeds + (grid * design.tuning_replicates if tuned else 0)


@cache
def _speed() -> tuple[float, float]:
    """Return the seconds of an epoch of one training: of any network, and further ones for each of its weights."""
    small, large = ({"depth": 1, "width": 2}, {"depth": 3, "width": 12})
    (first, few), (second, many) = _measured(small), _measured(large)
    slope = max(0.0, (second - first) / (many - few))
    return max(first - slope * few, 0.2 * first), slope


def _measured(factors: dict[str, Any]) -> tuple[float, int]:
    """Return the seconds of an epoch of one training, and the weights, of such a network."""
    engine = engine_named("playground")
    settings = engine.settings({**factors, "epochs": EPOCHS}, "circle")
    trials = [Trial("playground", settings, Replicate(seed, seed, seed), "validation") for seed in range(RUNS)]
    engine.run(trials[:2], lambda *_: None)  # what is compiled is loaded
    rounds = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        engine.run(trials, lambda *_: None)
        rounds.append(time.perf_counter() - begun)
    return min(rounds) / (RUNS * EPOCHS), engine.cost(settings).macs
