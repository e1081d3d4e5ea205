"""How long an update takes: the arms are timed in turns, so that what slows the machine down slows all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, cast

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.lab.engines import Cost, Engine, Report, engine_named
from layerlab.lab.trial import Outcome, Trial

__all__ = ["Timed", "TimingEngine"]

TIMED: Final = ("playground", "networks")
"""The engines that time their updates."""
TURNS: Final = 5
"""How often each arm has its turn in a group; odd, so that the median is one of them."""


class Timed(Engine, Protocol):
    """An engine that can time its updates."""

    def time_step(self, settings: Mapping[str, Any], rounds: int) -> list[float]:
        """Return the seconds that one update of this network takes, measured ``rounds`` times one after another.

        Nothing else is measured: no drawing of data, no losses. What comes first, such as compiling, is left out.
        """


class TimingEngine:
    """Times the updates of another engine's networks.

    A trial's settings are ``engine`` (whose network), ``settings`` (the other engine's) and, so that no figure is
    taken for another machine's, ``machine``. A replicate is a round; only its ``split`` counts.
    """

    name = "timing"

    def factors(self) -> Mapping[str, str]:
        """Return its own factors; those of the engine that is timed are known, too."""
        return {"engine": "whose networks are timed; playground unless told", "machine": "name of the processor"}

    def settings(self, factors: Mapping[str, Any], task: str) -> dict[str, Any]:
        """Return the settings of a trial: ``engine``, ``machine`` and the factors of that engine.

        Raises:
            LayerlabError: an engine that times nothing, or what that engine refuses.
        """
        own = dict(factors)
        engine, machine = own.pop("engine", "playground"), own.pop("machine", None)
        settings = _timed(engine).settings(own, task)
        if machine is None:
            from layerlab.lab.machine import this_machine

            machine = this_machine()["processor"]
        return {"engine": engine, "settings": settings, "machine": machine}

    def cost(self, settings: Mapping[str, Any]) -> Cost:
        """Return what the network costs that is timed."""
        return _timed(settings["engine"]).cost(settings["settings"])

    def groups(self, trials: Sequence[Trial]) -> list[list[Trial]]:
        """Return one group for each round: all arms are measured under the same conditions."""
        rounds: dict[int, list[Trial]] = {}
        for trial in trials:
            rounds.setdefault(trial.replicate.split, []).append(trial)
        return list(rounds.values())

    def run(self, trials: Sequence[Trial], report: Report, threads: int | None = None) -> None:  # noqa: ARG002
        """Time these networks in turns, each update after the other in one thread, and report the median of each."""
        measured: list[list[float]] = [[] for _ in trials]
        seconds = [0.0 for _ in trials]
        for _ in range(TURNS):
            for number, trial in enumerate(trials):
                start = time.perf_counter()
                measured[number] += _timed(trial.settings["engine"]).time_step(trial.settings["settings"], 1)
                seconds[number] += time.perf_counter() - start
        for trial, steps, spent in zip(trials, measured, seconds, strict=True):
            report(trial, Outcome({"seconds_per_step": statistics.median(steps)}, seconds=spent))


def _timed(name: object) -> Timed:
    if name not in TIMED:
        raise LayerlabError(f'no engine "{name}" times its updates{did_you_mean(str(name), TIMED)}')
    return cast("Timed", engine_named(str(name)))
