"""More neurons in a layer or more layers, at about equal numbers of parameters?"""

from __future__ import annotations

from typing import Final

from layerlab.playground.specification import Specification
from layerlab.studio.lessons.figures import curves, strip
from layerlab.studio.lessons.lesson import Arm, Lesson, Options, Reading, Trials, say
from layerlab.studio.lessons.sentences import best_arm, needed, ratio, shape, smallest
from layerlab.studio.lessons.statistics import compare

__all__ = ["DEPTH"]

SHAPES: Final = ((28,), (8, 8), (6, 6, 6), (5, 5, 5, 5))
_ANSWERS: Final = {"less": "deeper", "more": "wider"}


def _arms(options: Options) -> list[Arm]:
    base = Specification(dataset=options["dataset"], activation=options["activation"])
    return [Arm(shape(layers), base.replace(hidden_layers=layers)) for layers in SHAPES]


def _read(arms: list[Arm], trials: Trials, target: float) -> Reading:
    wide, deep = arms[0], arms[-1]
    comparison = compare(trials.final[-1], trials.final[0])
    answer = _ANSWERS.get(comparison.verdict)
    sentences = [
        say(
            f"depth.verdict.{answer or 'open'}",
            wide=wide.label,
            deep=deep.label,
            wins=comparison.wins,
            losses=comparison.losses,
            seeds=trials.seeds,
            epochs=trials.epochs,
            wide_parameters=wide.parameters,
            deep_parameters=deep.parameters,
        ),
        *ratio("loss", deep, wide, comparison),
        smallest(arms, trials),
        *needed(trials),
    ]
    figures = [
        curves(arms, trials),
        strip("final", arms, trials.final),
        strip("epochs-to-target", arms, trials.epochs_to(target), unit="epochs"),
    ]
    return Reading(answer, sentences, figures, best_arm(trials.final), nothing_shown=answer is None)


DEPTH: Final = Lesson(
    name="depth",
    choices=("wider", "deeper", "no-difference"),
    options={"dataset": ("circle", "xor", "gauss", "spiral"), "activation": ("tanh", "relu", "sigmoid")},
    epochs=200,
    arms=_arms,
    read=_read,
    shown=len(SHAPES) - 1,
)
