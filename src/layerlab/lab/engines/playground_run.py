"""How playground trials are grouped, trained and read off."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from layerlab.lab.engines import Report
from layerlab.lab.engines.constant import best_constant
from layerlab.lab.engines.curve import curve
from layerlab.lab.engines.playground import specification_of_trial
from layerlab.lab.engines.playground_settings import POINTS, specification_of_settings, training_points
from layerlab.lab.trial import Outcome, Trial
from layerlab.playground.data_sets import Points, generate
from layerlab.playground.each import Job, Training, shape_of, train_each
from layerlab.playground.kernels.vectors import SINGLES
from layerlab.playground.layout import layout_of
from layerlab.playground.network import Network, is_plain
from layerlab.playground.random_numbers import Random

if TYPE_CHECKING:
    from layerlab.playground.specification import Specification

__all__ = ["groups_of", "seconds_of", "train_trials"]

KEPT: Final = 0.9
"""A network whose training loss is still this share of the best constant's has not learned."""
EXPLODED: Final = 10.0
"""One whose training loss is so many times the best constant's has diverged, whether or not it is still a number."""

SECONDS: Final = 2.0
"""Of each core that a group should take, about."""
OVERHEAD: Final = 4e-4
IN_LANES: Final = 4e-11
ALONE: Final = 3e-10
"""Seconds of a trial before it computes, and of each of its multiplications, about."""


def groups_of(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Divide trials into groups of some seconds; networks of one shape, which train side by side, stay together."""
    shapes: dict[tuple[Any, ...], list[tuple[Trial, float]]] = {}
    for trial in trials:
        specification, epochs = specification_of_settings(trial.settings), trial.settings["epochs"]
        key = (epochs, *(shape_of(specification) or ("alone",)))
        shapes.setdefault(key, []).append((trial, seconds_of(specification, epochs)))
    groups: list[list[Trial]] = [[]]
    cores = os.cpu_count() or 1
    seconds = 0.0
    for alike in shapes.values():
        for start in range(0, len(alike), SINGLES):
            if seconds >= SECONDS * cores and len(groups[-1]) >= SINGLES * cores:
                groups.append([])
                seconds = 0.0
            together = alike[start : start + SINGLES]
            groups[-1] += [trial for trial, _ in together]
            seconds += sum(cost for _, cost in together)
    return groups if trials else []


def train_trials(trials: Sequence[Trial], report: Report, threads: int | None = None) -> None:
    """Train these trials, in single precision where the small kernels have the network, else in double.

    A network diverged when a loss or a weight is no longer finite, or its training loss ends at
    :data:`EXPLODED` times the best constant's or more: its figures then are those of the best constant, and it
    never reached the target. One whose training loss ends at :data:`KEPT` of the best constant's or more did not
    learn; its figures are its own.
    """
    jobs = []
    for trial in trials:
        specification = specification_of_trial(trial)
        jobs.append(Job(specification, trial.settings["epochs"], partial(_network, trial, specification)))
    # The longest first, so that no core waits for it at the end.
    order = sorted(range(len(jobs)), key=lambda i: seconds_of(jobs[i].specification, jobs[i].epochs), reverse=True)

    def ended(trainings: list[tuple[int, Training]]) -> None:
        for place, training in trainings:
            trial = trials[order[place]]
            report(trial, _outcome(trial, training))

    train_each([jobs[index] for index in order], ended, "single", threads)


def seconds_of(specification: Specification, epochs: int) -> float:
    """Return about how long a trial takes one core."""
    layout, train = layout_of(specification), training_points(specification)
    points = 3 * train + POINTS[specification.problem]
    work = points * (layout.parameters + 10 * sum(specification.units)) * epochs
    return OVERHEAD + work * (IN_LANES if is_plain(specification, layout) else ALONE)


def _network(trial: Trial, specification: Specification) -> Network:
    replicate, random = trial.replicate, Random(specification.seed)
    points = generate(specification, random)
    if replicate.order != replicate.split:
        train = points.train.copy()
        Random(f"{trial.part}-order-{replicate.order}").shuffle(train)
        points = Points(train, points.test)
        specification = specification.with_seeds(f"{trial.part}-{replicate.order}", specification.weight_seed)
    return Network(specification, points, random)


def _outcome(trial: Trial, training: Training) -> Outcome:
    network, losses = training.network, training.losses
    specification, constant = network.specification, best_constant(network.specification, network.points)
    failure = _failure(training, constant.train_loss)
    diverged = failure.startswith("diverged")
    train_loss, loss = (constant.train_loss, constant.loss) if diverged else map(float, losses[-1])
    reached = np.flatnonzero(losses[1:, 1] <= trial.settings["target"])
    epoch = int(reached[0]) + 1 if len(reached) and not diverged else None
    updates = training_points(specification) // specification.batch_size
    values: dict[str, float | None] = {"loss": loss, "train_loss": train_loss, "gap": loss - train_loss}
    if constant.accuracy is not None:
        values["accuracy"] = constant.accuracy if diverged else _accuracy(network)
    values["epochs_to_target"] = epoch
    values["steps_to_target"] = None if epoch is None else epoch * updates
    return Outcome(values, curve(losses), failure, training.seconds)


def _failure(training: Training, constant: float) -> str:
    """Return why the network did not train; ``constant``: the training loss of the best constant."""
    train, held_out = training.losses.T
    if training.diverged >= 0:
        return f"diverged in epoch {max(1, training.diverged)}"
    if train[-1] >= EXPLODED * constant or not np.isfinite(held_out[-1]):
        calm = np.flatnonzero((train < EXPLODED * constant) & np.isfinite(held_out))
        return f"diverged in epoch {int(calm[-1]) + 1 if len(calm) else 1}"
    return "did not learn" if train[-1] >= KEPT * constant else ""


def _accuracy(network: Network) -> float:
    outputs, labels = network.test_outputs(), network.points.test[:, 2]
    classes = network.specification.classes
    guessed = outputs.argmax(axis=1) if classes > 2 else np.where(outputs[:, 0] >= 0, 1, -1)
    return float((guessed == labels).mean())
