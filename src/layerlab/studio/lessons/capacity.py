"""Is it better to take a network that is too large or one that is too small?"""

from __future__ import annotations

from typing import Final

from layerlab.playground.specification import Specification
from layerlab.studio.lessons.figures import curves, lines, strip
from layerlab.studio.lessons.lesson import Arm, Lesson, Options, Reading, Trials, say
from layerlab.studio.lessons.sentences import best_arm, needed, ratio, shape, smallest
from layerlab.studio.lessons.statistics import compare, unbeaten

__all__ = ["CAPACITY"]

SHAPES: Final = ((1,), (2,), (4,), (8,), (8, 8), (32, 32))
_ANSWERS: Final = {"less": "larger", "more": "smaller"}


def _arms(options: Options) -> list[Arm]:
    base = Specification(dataset=options["dataset"], train_percent=10, noise=float(options["noise"]))
    return [Arm(shape(layers), base.replace(hidden_layers=layers)) for layers in SHAPES]


def _read(arms: list[Arm], trials: Trials, _: float) -> Reading:
    small, large = arms[0], arms[-1]
    comparison = compare(trials.final[-1], trials.final[0])
    answer = _ANSWERS.get(comparison.verdict)
    last = trials.bounded[:, :, -1]
    gaps = compare(last[-1, :, 1] / last[-1, :, 0], last[0, :, 1] / last[0, :, 0])
    good = unbeaten(trials.final)
    values = {"small": small.label, "large": large.label, "seeds": trials.seeds, "epochs": trials.epochs}
    sentences = [
        say(f"capacity.verdict.{answer or 'open'}", wins=comparison.wins, losses=comparison.losses, **values),
        *ratio("loss", large, small, comparison),
        say(f"capacity.gap.{gaps.verdict}", wins=gaps.wins, losses=gaps.losses, **values),
        say("capacity.unbeaten", list=[arms[i].label for i in good], count=len(good), arms=len(arms)),
        smallest(arms, trials),
        *needed(trials),
    ]
    figures = [lines("capacity", arms, trials), strip("final", arms, trials.final), curves(arms, trials)]
    return Reading(answer, sentences, figures, best_arm(trials.final), nothing_shown=answer is None)


CAPACITY: Final = Lesson(
    name="capacity",
    choices=("smaller", "larger", "no-difference"),
    options={"dataset": ("circle", "xor", "gauss", "spiral"), "noise": ("30", "0", "50")},
    epochs=300,
    arms=_arms,
    read=_read,
    shown=len(SHAPES) - 1,
)
