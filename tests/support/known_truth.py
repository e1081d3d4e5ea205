"""An engine whose outcomes follow a law that the test chooses: what an experiment must find is known beforehand."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from layerlab.errors import LayerlabError
from layerlab.lab.engines import Cost, Report
from layerlab.lab.trial import Outcome, Trial

HOME = "known_truth:KnownTruthEngine"
FACTORS = ("quality", "depth", "width", "learning_rate", "best_rate", "fails", "epochs", "spread", "law", "seconds")


class KnownTruthEngine:
    """Loss = 0.5 - quality + (log10(learning_rate / best_rate))² / 10 + what the split gives all arms + noise.

    ``fails`` is the share of runs that do not train; ``law`` "depth" makes the loss fall by 0.05 a doubling of depth.
    """

    name = "known"

    def factors(self) -> Mapping[str, str]:
        return dict.fromkeys(FACTORS, "of the law")

    def settings(self, factors: Mapping[str, Any], task: str) -> dict[str, Any]:
        for name in factors:
            if name not in FACTORS:
                raise LayerlabError(f'no factor "{name}"')
        if factors.get("width", 1) > 512:
            raise LayerlabError("width is above 512")
        plain = {"quality": 0.0, "depth": 1, "width": 1, "learning_rate": 0.1, "best_rate": 0.1, "fails": 0.0}
        return {**plain, "epochs": 10, "spread": 0.02, "law": "", "seconds": 0.0, "task": task, **factors}

    def cost(self, settings: Mapping[str, Any]) -> Cost:
        width, depth = settings["width"], settings["depth"]
        return Cost(width * width * depth + width, width * width * depth)

    def groups(self, trials: Sequence[Trial]) -> list[list[Trial]]:
        return [list(trials[start : start + 7]) for start in range(0, len(trials), 7)]

    def run(self, trials: Sequence[Trial], report: Report, threads: int | None = None) -> None:
        for trial in trials:
            report(trial, outcome_of(trial))


def outcome_of(trial: Trial) -> Outcome:
    """Return what the law gives."""
    settings = trial.settings
    own, shared = random.Random(trial.key), random.Random(f"{trial.replicate.split} {trial.part} {settings['task']}")
    loss = 0.5 - settings["quality"] + math.log10(settings["learning_rate"] / settings["best_rate"]) ** 2 / 10
    if settings["law"] == "depth":
        loss -= 0.05 * math.log2(settings["depth"])
    if settings["law"] == "hill":
        loss += 0.05 * abs(math.log2(settings["depth"] / 4))
    loss += shared.gauss(0, 0.05) + own.gauss(0, settings["spread"])
    failed = own.random() < settings["fails"]
    values = {
        "loss": 1.0 if failed else loss,
        "train_loss": 1.0 if failed else loss,
        "gap": 0.0,
        "accuracy": 0.1 if failed else 1 - loss / 2,
        "epochs_to_target": None if failed else max(1.0, 20 * loss),
        "steps_to_target": None if failed else max(25.0, 500 * loss),
    }
    curve = [(0, 1.0, 1.0), (settings["epochs"], values["train_loss"], values["loss"])]
    return Outcome(values, curve, "did not learn" if failed else "", settings["seconds"] * settings["epochs"])
