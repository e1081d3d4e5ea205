"""Runs the networks of a lesson, and measures how long their epochs take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from layerlab.playground.data_sets import generate
from layerlab.playground.many import train
from layerlab.playground.network import Network
from layerlab.playground.random_numbers import Random
from layerlab.studio.lessons.lesson import Arm, Floats, Lesson, Trials

__all__ = ["Report", "run_trials"]

Report = Callable[[float, float, Any], None]
"""Told what is done, out of how much, and what is known so far; what it raises ends the lesson."""

AT_ONCE: Final = 2
"""Networks that train between two reports: enough for two cores, few enough for the bar to move."""
ROUNDS: Final = 15
TIMED_EPOCHS: Final = 8


def run_trials(lesson: Lesson, arms: Sequence[Arm], seeds: Sequence[int], report: Report) -> Trials:
    """Train every arm with every seed.

    Args:
        lesson: says for how long, and whether epochs are timed.
        arms: the networks.
        seeds: the seeds of each.
        report: told after every two arms, with the labels and the median losses of those done.
    """
    timed = 1 if lesson.timed else 0
    seconds = _time(arms) if timed else None
    total = len(arms) + timed
    report(timed, total, None)
    losses: list[Floats] = []
    for first in range(0, len(arms), AT_ONCE):
        group = [arm.specification for arm in arms[first : first + AT_ONCE]]
        # One call returns in a second or so; what is cancelled ends at the next report.
        losses += list(train(group, seeds=list(seeds), epochs=lesson.epochs, precision="single").losses)
        so_far = Trials(np.stack(losses))
        partial = [
            {"label": arm.label, "loss": float(np.median(row))}
            for arm, row in zip(arms[: len(losses)], so_far.final, strict=True)
        ]
        report(timed + len(losses), total, partial)
    return Trials(np.stack(losses), seconds)


def _time(arms: Sequence[Arm]) -> Floats:
    """Return (arms, rounds): the seconds of an epoch. The arms take turns, so that a busy machine slows all alike."""
    networks = []
    for arm in arms:
        random = Random(arm.specification.seed)
        networks.append(Network(arm.specification, generate(arm.specification, random), random))
        networks[-1].run(1)
    seconds = np.empty((len(arms), ROUNDS))
    for turn in range(ROUNDS):
        for i, network in enumerate(networks):
            start = time.perf_counter()
            network.run(TIMED_EPOCHS)
            seconds[i, turn] = (time.perf_counter() - start) / TIMED_EPOCHS
    return seconds
