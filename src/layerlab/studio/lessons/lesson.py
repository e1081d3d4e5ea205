"""What a lesson is made of: its question, its networks, what they did and what can be read off that."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from layerlab.playground.specification import Specification

__all__ = ["CEILING", "FLOOR", "Arm", "Lesson", "Options", "Reading", "Text", "Trials", "say"]

FLOOR: Final = 0.001
"""Losses below count as equal: all of them have solved the task."""
CEILING: Final = 2.0
"""The largest halved squared error of an output in [-1, 1]; a network that diverged counts with it."""

Floats = npt.NDArray[np.float64]
Options = Mapping[str, str]
"""What a person chose, by the option's name."""
Text = dict[str, Any]
"""A sentence to be: its key in the locale, and its values: numbers, words, other texts and lists of them."""


def say(key: str, **values: object) -> Text:
    """Return the text with this key (after ``learn.``) and these values."""
    return {"key": f"learn.{key}", "values": values}


@dataclass(frozen=True)
class Arm:
    """One network of a lesson; every seed runs it."""

    label: str | Text
    """Its name in figures, tables and sentences."""
    specification: Specification

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        spec = self.specification
        return sum(units * (inputs + 1) for units, inputs in zip(spec.units, spec.fan_in, strict=True))


@dataclass(frozen=True)
class Trials:
    """What the networks of a lesson did."""

    losses: Floats
    """(arms, seeds, epochs + 1, 2): of the training and the test points; NaN after a network diverged."""
    seconds: Floats | None = None
    """(arms, rounds): for one epoch, the arms measured in turn."""

    @property
    def seeds(self) -> int:
        """How many."""
        return int(self.losses.shape[1])

    @property
    def epochs(self) -> int:
        """How many."""
        return int(self.losses.shape[2]) - 1

    @property
    def bounded(self) -> Floats:
        """The losses between :data:`FLOOR` and :data:`CEILING`."""
        return np.clip(np.nan_to_num(self.losses, nan=CEILING, posinf=CEILING), FLOOR, CEILING)

    @property
    def final(self) -> Floats:
        """(arms, seeds): the bounded test loss after the last epoch."""
        return np.asarray(self.bounded[:, :, -1, 1])

    def only(self, arm: int) -> Trials:
        """Return the trials of one arm."""
        return Trials(self.losses[arm : arm + 1])

    def epochs_to(self, target: float) -> Floats:
        """Return (arms, seeds): the first epoch whose test loss is at most ``target``; infinite for none."""
        reached = self.bounded[..., 1] <= target
        return np.where(reached.any(-1), reached.argmax(-1), math.inf)


@dataclass(frozen=True)
class Reading:
    """What can be read off the trials."""

    answer: str | None
    """The choice that the trials support; none where these seeds cannot decide."""
    sentences: list[Text]
    """The verdict, then what else was seen."""
    figures: list[dict[str, Any]]
    best: int
    """The arm to look at in the playground."""
    nothing_shown: bool = False
    """Whether the seeds show no difference at all, as someone may have foretold."""


@dataclass(frozen=True)
class Lesson:
    """One question.

    Args:
        name: its place in the locale.
        choices: the answers that can be predicted, in order.
        options: what a person may vary: the values of each, the default first.
        epochs: that every network trains.
        arms: from the options to the networks.
        read: from arms and trials to what they say.
        shown: the arm that sets up the playground.
        target: the test loss that counts as solved.
        timed: whether the time of an epoch is measured as well.
    """

    name: str
    choices: tuple[str, ...]
    options: Mapping[str, tuple[str, ...]]
    epochs: int
    arms: Callable[[Options], list[Arm]]
    read: Callable[[list[Arm], Trials, float], Reading]
    shown: int = 0
    target: float = 0.1
    timed: bool = field(default=False)

    def chosen(self, given: Options) -> dict[str, str]:
        """Return every option with the value given, or its default."""
        return {name: given.get(name, values[0]) for name, values in self.options.items()}
