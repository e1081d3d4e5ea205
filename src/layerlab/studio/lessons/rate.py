"""What do the learning rate and the activation do?"""

from __future__ import annotations

from typing import Final

import numpy as np

from layerlab.playground.specification import Specification
from layerlab.studio.lessons.figures import grid, strip
from layerlab.studio.lessons.lesson import Arm, Lesson, Options, Reading, Text, Trials, say
from layerlab.studio.lessons.sentences import best_arm, needed, smallest
from layerlab.studio.lessons.statistics import pairwise_confidence, quartiles, unbeaten

__all__ = ["RATE"]

RATES: Final = (0.001, 0.03, 0.3, 10.0)
ACTIVATIONS: Final = ("sigmoid", "tanh", "relu", "leaky_relu")
STUCK: Final = 0.9
"""A network whose training loss kept this share of what it was before the first step has learned nothing."""


def _arms(options: Options) -> list[Arm]:
    base = Specification(dataset=options["dataset"], hidden_layers=(8,))
    return [
        Arm(_label(name, rate), base.replace(activation=name, learning_rate=rate))
        for name in ACTIVATIONS
        for rate in RATES
    ]


def _label(activation: str, rate: float) -> Text:
    return say("arm.rate", activation=_named(activation), rate=rate)


def _named(activation: str) -> Text:
    return say(f"activation.{activation}")


def _read(arms: list[Arm], trials: Trials, target: float) -> Reading:
    shape = (len(ACTIVATIONS), len(RATES), trials.seeds)
    final, epochs = trials.final.reshape(shape), trials.epochs_to(target).reshape(shape)
    train = trials.bounded[..., 0]
    failed = (train[:, :, -1] > STUCK * train[:, :, 0]).reshape(shape).sum(axis=-1)
    places = [unbeaten(rows) for rows in final]
    kinds = [{_place(rate) for rate in places[i]} for i in range(len(ACTIVATIONS))]
    answer = _answer(kinds)
    values = {"seeds": trials.seeds, "epochs": trials.epochs}
    sentences = [say(f"rate.verdict.{answer or 'open'}", **values)]
    sentences += [_sentence(name, places[i], final[i], failed[i]) for i, name in enumerate(ACTIVATIONS)]
    sentences += [smallest(arms, trials), *needed(trials, pairwise_confidence(len(RATES)))]
    names = [_named(name) for name in ACTIVATIONS]
    best_four = [i * len(RATES) + int(np.argmin(quartiles(final[i])[1])) for i in range(len(ACTIVATIONS))]
    figures = [
        grid("rate-loss", names, RATES, quartiles(final)[1]),
        grid("rate-failed", names, RATES, failed / trials.seeds),
        strip("best-rates", [arms[i] for i in best_four], trials.final[best_four]),
        strip(
            "epochs-to-target", [arms[i] for i in best_four], epochs.reshape(len(arms), -1)[best_four], unit="epochs"
        ),
    ]
    figures[1]["unit"] = "share"
    return Reading(answer, sentences, figures, best_arm(trials.final))


def _place(rate: int) -> str:
    return {0: "smallest", len(RATES) - 1: "largest"}.get(rate, "middle")


def _answer(kinds: list[set[str]]) -> str | None:
    if any(not first & second for first in kinds for second in kinds):
        return "differs"
    common = set.union(*kinds)
    return common.pop() if len(common) == 1 else None


def _sentence(name: str, best: tuple[int, ...], final: np.ndarray, failed: np.ndarray) -> Text:
    chosen = min(best, key=lambda rate: float(np.median(final[rate])))
    others = [RATES[rate] for rate in best if rate != chosen]
    return say(
        "rate.activation.tied" if others else "rate.activation.clear",
        activation=_named(name),
        rate=RATES[chosen],
        loss=float(np.median(final[chosen])),
        others=others,
        failed=int(failed[-1]),
        seeds=final.shape[1],
        largest=RATES[-1],
    )


RATE: Final = Lesson(
    name="rate",
    choices=("smallest", "middle", "largest", "differs"),
    options={"dataset": ("circle", "xor", "gauss", "spiral")},
    epochs=60,
    arms=_arms,
    read=_read,
    shown=ACTIVATIONS.index("tanh") * len(RATES) + 1,
)
