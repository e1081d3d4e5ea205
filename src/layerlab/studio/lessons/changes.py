"""What happens when the batch size, the split of the data or the noise change?"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from layerlab.playground.specification import Specification
from layerlab.studio.lessons.figures import curves, strip
from layerlab.studio.lessons.lesson import Arm, Lesson, Options, Reading, Trials, say
from layerlab.studio.lessons.sentences import best_arm, needed, smallest
from layerlab.studio.lessons.statistics import CONFIDENCE, compare, unbeaten

__all__ = ["CHANGES"]

KINDS: Final = ("batch", "split", "noise")
_CHANGES: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"batch_size": 30},
    {"train_percent": 10},
    {"noise": 25},
    {"batch_size": 1},
    {"train_percent": 90},
)
"""The base, the change of each kind that is judged, and two more to look at."""


def _arms(options: Options) -> list[Arm]:
    base = Specification(dataset=options["dataset"], hidden_layers=(8,), activation=options["activation"])
    labels = [
        say("arm.base"),
        say("arm.batch", value=30),
        say("arm.split", value=10),
        say("arm.noise", value=25),
        say("arm.batch", value=1),
        say("arm.split", value=90),
    ]
    return [Arm(label, base.replace(**change)) for label, change in zip(labels, _CHANGES, strict=True)]


def _read(arms: list[Arm], trials: Trials, target: float) -> Reading:
    final = trials.final
    confidence = 1 - (1 - CONFIDENCE) / (len(arms) - 1)
    compared = {i: compare(final[i], final[0], confidence) for i in range(1, len(arms))}
    # Inverted: the change that none beats is the worst one.
    worst = unbeaten(1 / final[1 : len(KINDS) + 1])
    harmful = [KINDS[i] for i in worst if compared[i + 1].verdict == "more"]
    judged = range(1, len(KINDS) + 1)
    answer = harmful[0] if len(worst) == 1 and harmful else None
    nothing_shown = all(compared[i].verdict != "more" for i in judged)
    values = {"seeds": trials.seeds, "epochs": trials.epochs}
    sentences = [say(f"changes.verdict.{answer or ('no-difference' if nothing_shown else 'open')}", **values)]
    for i, comparison in compared.items():
        spread = trials.bounded[i, :, -1]
        sentences.append(
            say(
                f"changes.effect.{comparison.verdict}",
                change=arms[i].label,
                wins=comparison.wins,
                losses=comparison.losses,
                ratio=comparison.ratio,
                gap=float(np.median(spread[:, 1] - spread[:, 0])),
                **values,
            )
        )
    sentences += [smallest(arms, trials), *needed(trials, confidence)]
    figures = [
        curves(arms, trials),
        strip("final", arms, final),
        strip("epochs-to-target", arms, trials.epochs_to(target), unit="epochs"),
    ]
    return Reading(answer, sentences, figures, best_arm(final), nothing_shown=nothing_shown)


CHANGES: Final = Lesson(
    name="changes",
    choices=("batch", "split", "noise", "no-difference"),
    options={"dataset": ("circle", "xor", "gauss"), "activation": ("tanh", "relu", "sigmoid")},
    epochs=100,
    arms=_arms,
    read=_read,
)
