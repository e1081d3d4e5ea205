"""Sentences that several lessons share."""

from __future__ import annotations

import numpy as np

from layerlab.studio.lessons.lesson import Arm, Floats, Text, Trials, say
from layerlab.studio.lessons.statistics import CONFIDENCE, Comparison, quartiles, seeds_needed

__all__ = ["best_arm", "needed", "ratio", "shape", "smallest"]


def shape(layers: tuple[int, ...]) -> str:
    """Return the name of a network by the units of its hidden layers."""
    return str(list(layers))


def ratio(kind: str, first: Arm, second: Arm, comparison: Comparison) -> list[Text]:
    """Return the sentence on a ratio seed by seed, or none where it has no finite interval.

    Args:
        kind: ``loss``, ``epochs`` or ``seconds``.
    """
    if not comparison.is_finite:
        return []
    values = {"ratio": comparison.ratio, "low": comparison.low, "high": comparison.high}
    return [say(f"ratio.{kind}", first=first.label, second=second.label, **values)]


def best_arm(values: Floats) -> int:
    """Return the arm with the smallest median over its seeds."""
    return int(np.argmin(quartiles(values)[1]))


def smallest(arms: list[Arm], trials: Trials) -> Text:
    """Return the sentence on the arm with the smallest median test loss."""
    best = best_arm(trials.final)
    low, middle, high = (float(part) for part in quartiles(trials.final[best]))
    return say("smallest", arm=arms[best].label, loss=middle, low=low, high=high, epochs=trials.epochs)


def needed(trials: Trials, confidence: float = CONFIDENCE) -> list[Text]:
    """Return the sentence that so few seeds can show nothing, or none where they can."""
    least = seeds_needed(confidence)
    return [say("few-seeds", seeds=trials.seeds, needed=least)] if trials.seeds < least else []
