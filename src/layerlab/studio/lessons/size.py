"""How does the size of a network affect the speed of training?"""

from __future__ import annotations

from typing import Final

import numpy as np

from layerlab.playground.specification import Specification
from layerlab.studio.lessons.figures import curves, strip
from layerlab.studio.lessons.lesson import Arm, Lesson, Options, Reading, Trials, say
from layerlab.studio.lessons.sentences import best_arm, needed, ratio, shape
from layerlab.studio.lessons.statistics import CONFIDENCE, compare, quartiles

__all__ = ["SIZE"]

SHAPES: Final = ((4,), (8,), (32,), (8, 8), (8, 8, 8), (32, 32))
_ANSWERS: Final = {
    ("less", "less"): "both",
    ("less", "more"): "epochs",
    ("more", "more"): "neither",
    ("open", "more"): "neither",
}


def _arms(options: Options) -> list[Arm]:
    base = Specification(dataset=options["dataset"], activation=options["activation"])
    return [Arm(shape(layers), base.replace(hidden_layers=layers)) for layers in SHAPES]


def _read(arms: list[Arm], trials: Trials, target: float) -> Reading:
    small, large = arms[0], arms[-1]
    cost = np.ones((len(arms), 1)) if trials.seconds is None else trials.seconds
    epochs = trials.epochs_to(target)
    seconds = epochs * np.median(cost, axis=1)[:, None]
    confidence = 1 - (1 - CONFIDENCE) / 2
    in_epochs = compare(epochs[-1] + 1, epochs[0] + 1, confidence)
    in_time = compare(seconds[-1] + 1e-9, seconds[0] + 1e-9, confidence)
    low, middle, high = quartiles(cost[-1] / cost[0])
    values = {"small": small.label, "large": large.label, "seeds": trials.seeds, "target": target}
    reached = np.isfinite(epochs).sum(axis=1)
    sentences = [
        say(f"size.time.{in_time.verdict}", wins=in_time.wins, losses=in_time.losses, **values),
        say(f"size.epochs.{in_epochs.verdict}", wins=in_epochs.wins, losses=in_epochs.losses, **values),
        say(
            "size.each",
            ratio=float(middle),
            low=float(low),
            high=float(high),
            rounds=cost.shape[1],
            parameters_small=small.parameters,
            parameters_large=large.parameters,
            **values,
        ),
        *ratio("epochs", large, small, in_epochs),
        *ratio("seconds", large, small, in_time),
        say("size.reached", large_count=int(reached[-1]), small_count=int(reached[0]), epochs=trials.epochs, **values),
        *needed(trials, confidence),
    ]
    answer = _ANSWERS.get((in_epochs.verdict, in_time.verdict))
    figures = [
        curves(arms, trials),
        strip("time-to-target", arms, seconds * 1000, unit="milliseconds"),
        strip("epochs-to-target", arms, epochs, unit="epochs"),
        strip("time-per-epoch", arms, cost * 1000, unit="milliseconds"),
    ]
    return Reading(answer, sentences, figures, best_arm(seconds), nothing_shown=in_time.verdict == "open")


SIZE: Final = Lesson(
    name="size",
    choices=("both", "epochs", "neither", "no-difference"),
    options={"dataset": ("circle", "xor", "gauss"), "activation": ("tanh", "relu", "sigmoid")},
    epochs=100,
    arms=_arms,
    read=_read,
    shown=len(SHAPES) - 1,
    timed=True,
)
