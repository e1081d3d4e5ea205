"""What is known before an experiment runs."""

from __future__ import annotations

from layerlab.lab.design import Design
from layerlab.lab.statistics import detectable
from layerlab.lab.words.numbers import Numbers
from layerlab.lab.words.vocabulary import text_of

__all__ = ["beforehand"]


def beforehand(design: Design, language: str = "en") -> str:
    """Return how much will be trained, and how small a difference the seeds can detect.

    Args:
        design: of the experiment.
        language: ``en`` or ``pl``.
    """
    numbers = Numbers(language)
    arms = sum(len(plan.arms) for plan in design.plans)
    told = text_of("before.size", language).format(
        arms=numbers.whole(arms),
        tasks=numbers.whole(len(design.tasks)),
        trainings=numbers.whole(design.trials),
        seeds=numbers.whole(design.seeds),
    )
    if design.seeds < 2:
        return told
    smallest = numbers.significant(detectable(design.seeds), 2)
    return f"{told}; {text_of('before.detectable', language).format(spread=smallest)}"
