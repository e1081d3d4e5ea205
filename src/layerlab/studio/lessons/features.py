"""Can different features solve the same task?"""

from __future__ import annotations

from itertools import combinations
from typing import Final

import numpy as np

from layerlab.lab.statistics.intervals import share_interval
from layerlab.playground.specification import Specification
from layerlab.studio.lessons.figures import curves, strip
from layerlab.studio.lessons.lesson import Arm, Lesson, Options, Reading, Text, Trials, say
from layerlab.studio.lessons.sentences import best_arm, needed, smallest

__all__ = ["FEATURE_SETS"]

_SETS: Final = (
    ("x", "y"),
    ("xSquared", "ySquared"),
    ("xTimesY",),
    ("sinX", "sinY"),
    ("x", "y", "xTimesY"),
    ("x", "y", "xSquared", "ySquared", "xTimesY", "sinX", "sinY"),
)
_WRITTEN: Final = {
    "x": "x",
    "y": "y",
    "xSquared": "x²",
    "ySquared": "y²",
    "xTimesY": "xy",
    "sinX": "sin x",
    "sinY": "sin y",
}


def _arms(options: Options) -> list[Arm]:
    layers = (4,) if options["hidden"] == "four" else ()
    base = Specification(dataset=options["dataset"], hidden_layers=layers)
    return [Arm(", ".join(_WRITTEN[name] for name in names), base.replace(features=names)) for names in _SETS]


def _read(arms: list[Arm], trials: Trials, target: float) -> Reading:
    hits = (trials.final <= target).sum(axis=1)
    intervals = [share_interval(int(count), trials.seeds) for count in hits]
    solving = [i for i, (low, _) in enumerate(intervals) if low > 0.5]
    failing = [i for i, (_, high) in enumerate(intervals) if high < 0.5]
    unclear = [i for i in range(len(arms)) if i not in solving and i not in failing]
    possible = {_category(len(solving) + more, len(arms)) for more in range(len(unclear) + 1)}
    answer = possible.pop() if len(possible) == 1 else None
    values = {"target": target, "epochs": trials.epochs, "seeds": trials.seeds}
    verdict = say(f"features.verdict.{answer or 'open'}", solved=len(solving), sets=len(arms), **values)
    sentences = [
        verdict,
        *_listed("features.solving", arms, solving, hits),
        *_listed("features.failing", arms, failing, hits),
        *_listed("features.unclear", arms, unclear, hits),
        *_apart(arms, solving),
        smallest(arms, trials),
    ]
    if not solving and not failing:
        sentences += needed(trials)
    figures = [curves(arms, trials), strip("final", arms, trials.final)]
    return Reading(answer, sentences, figures, best_arm(trials.final))


def _category(solving: int, sets: int) -> str:
    return "all" if solving == sets else ("none", "one")[solving] if solving < 2 else "several"


def _listed(key: str, arms: list[Arm], which: list[int], hits: np.ndarray) -> list[Text]:
    parts = [say("features.part", arm=arms[i].label, hits=int(hits[i])) for i in which]
    return [say(key, list=parts)] if parts else []


def _apart(arms: list[Arm], solving: list[int]) -> list[Text]:
    for i, j in combinations(solving, 2):
        if not set(arms[i].specification.features) & set(arms[j].specification.features):
            return [say("features.apart", first=arms[i].label, second=arms[j].label)]
    return []


FEATURE_SETS: Final = Lesson(
    name="features",
    choices=("none", "one", "several", "all"),
    options={"dataset": ("circle", "xor", "gauss", "spiral"), "hidden": ("four", "none")},
    epochs=150,
    arms=_arms,
    read=_read,
    target=0.05,
)
