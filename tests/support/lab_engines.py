"""An engine whose trials take as long as they are told, and one that breaks down; both know nothing of networks."""

from __future__ import annotations

import hashlib
import os
import random
import struct
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from layerlab.errors import LayerlabError
from layerlab.lab import engines
from layerlab.lab.engines import Cost, Report
from layerlab.lab.store import Store
from layerlab.lab.trial import Outcome, Replicate, Trial

HOME = {
    "tiny": "lab_engines:TinyEngine",
    "broken": "lab_engines:BrokenEngine",
    "timing": "lab_engines:TimingEngine",
}
GROUP = 6


def trials_of(count: int, engine: str = "tiny", seconds: float = 0.0, **settings: Any) -> list[Trial]:
    """Return trials that differ in their replicate."""
    chosen = {"seconds": seconds, "depth": 2, **settings}
    return [Trial(engine, chosen, Replicate(number, number, number), "test") for number in range(count)]


def outcome_of(trial: Trial) -> Outcome:
    """Return what comes of a trial: numbers that the key alone decides."""
    numbers = random.Random(trial.key)
    curve = [(epoch, numbers.random(), numbers.random() if epoch % 7 else None) for epoch in range(0, 120, 2)]
    failure = "did not learn" if numbers.random() < 0.1 else ""
    return Outcome({"loss": numbers.random(), "accuracy": numbers.random(), "epochs_to_target": None}, curve, failure)


def bits(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """Return a digest of each outcome that no difference in a last bit escapes; seconds are left out."""

    def exact(value: object) -> object:
        if isinstance(value, float):
            return struct.pack("<d", value)
        if isinstance(value, dict):
            return sorted((name, exact(one)) for name, one in value.items())
        return [exact(one) for one in value] if isinstance(value, (list, tuple)) else value

    return {
        key: hashlib.sha256(repr(exact(outcome.to_dict() | {"seconds": 0})).encode()).hexdigest()
        for key, outcome in outcomes.items()
    }


class TinyEngine:
    """Waits, then reports; a file that ``$LAB_LOG`` names gets a line for each trial."""

    name = "tiny"

    def factors(self) -> Mapping[str, str]:
        return {"depth": "layers"}

    def settings(self, factors: Mapping[str, Any], task: str) -> dict[str, Any]:
        return {"seconds": 0.0, "task": task, **factors}

    def cost(self, settings: Mapping[str, Any]) -> Cost:
        return Cost(1, 1)

    def groups(self, trials: Sequence[Trial]) -> list[list[Trial]]:
        return [list(trials[start : start + GROUP]) for start in range(0, len(trials), GROUP)]

    def run(self, trials: Sequence[Trial], report: Report, threads: int | None = None) -> None:
        for trial in trials:
            began = time.perf_counter()
            time.sleep(trial.settings["seconds"])
            if log := os.environ.get("LAB_LOG"):
                with Path(log).open("a") as file:
                    file.write(f"{trial.key} {time.time()} {_node()}\n")
            outcome = outcome_of(trial)
            report(trial, Outcome(outcome.values, outcome.curve, outcome.failure, time.perf_counter() - began))


def _node() -> str:
    """Return which node of a Ray cluster this is, if of any."""
    if "ray" not in sys.modules or not (ray := sys.modules["ray"]).is_initialized():
        return "none"
    return str(ray.get_runtime_context().get_node_id())


class TimingEngine(TinyEngine):
    """In the place of the one that measures time."""

    name = "timing"


class BrokenEngine(TinyEngine):
    """Breaks down at the trials that say how (``fault``); in each replicate from 3 to 5."""

    name = "broken"

    def run(self, trials: Sequence[Trial], report: Report, threads: int | None = None) -> None:
        for trial in trials:
            fault = trial.settings["fault"] if 3 <= trial.replicate.split <= 5 else ""
            if fault == "raises":
                raise ValueError("shapes do not fit\nat all")
            if fault == "refuses":
                raise LayerlabError("no such network")
            if fault == "dies":
                os._exit(1)
            if fault != "is silent":
                report(trial, outcome_of(trial))


def register() -> None:
    """Make the engines known to this process."""
    engines._HOME.update(HOME)  # type: ignore[attr-defined]


def experiment(folder: str, count: int, seconds: float) -> None:
    """Run an experiment as a process of its own does."""
    from layerlab.lab.runner import run_trials

    register()
    trials = trials_of(count, seconds=seconds)
    with Store.open(folder) as store:
        store.add_design("d1", {"question": "which?", "seeds": count}, "layerlab ask which")
        store.link("d1", [(t.key, {"role": "answer", "arm": "a", "replicate": t.replicate.split}) for t in trials])
        outcomes = run_trials(trials, store)
        store.put_answer("d1", {"mean": sum(o.values["loss"] or 0 for o in outcomes.values())})
