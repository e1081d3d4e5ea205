"""The trials that a design asks for, each with the label under which it belongs to its experiment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from layerlab.lab.metrics import METRICS
from layerlab.lab.trial import Replicate, Trial

if TYPE_CHECKING:
    from layerlab.lab.design import Arm, Design, Plan
    from layerlab.lab.engines import Engine
    from layerlab.lab.results import Results

__all__ = ["FRESH", "Labelled", "TrialMaker"]

Labelled = tuple[Trial, dict[str, Any]]
"""A trial, and its role in the experiment: role, comparison, arm, task, replicate, factors."""
TIMING_ROUNDS: Final = 5
"""At least; where times are what is asked for, each replicate has a round of its own."""
PILOTS: Final = 2
FRESH: Final = 1000
"""The number of the answer's first replicate: the questions' settings were found by trying lower ones."""
_TIMED_ENGINES: Final = ("playground", "networks")
_MOST_TIMED: Final = 64
"""Arms of a comparison; of more, such as all sets of features, the time is no question."""


class TrialMaker:
    """Makes the trials of a design.

    Args:
        design: what is asked for.
        engine: that trains.
        machine: on which updates are timed: a figure of one is none of another.
    """

    def __init__(self, design: Design, engine: Engine, machine: str) -> None:
        self.design, self.engine, self.machine = design, engine, machine
        self._settings: dict[tuple[str, str, str, tuple[tuple[str, Any], ...]], dict[str, Any]] = {}

    def timing(self, plan: Plan) -> list[Labelled]:
        """Return the trials that measure how long an update of each arm takes, on the first task."""
        if self.engine.name not in _TIMED_ENGINES or len(plan.arms) > _MOST_TIMED:
            return []
        task = self.design.tasks[0]
        found = []
        asked = any(METRICS[metric].unit == "seconds" for metric in plan.comparison.metrics)
        for number in range(max(TIMING_ROUNDS, self.design.seeds if asked else 0)):
            for arm in plan.arms:
                settings = self.settings(plan, arm, task, self.first_of_grid(plan))
                timed = {"engine": self.engine.name, "settings": settings, "machine": self.machine}
                trial = Trial("timing", timed, Replicate(number, number, number), "validation")
                found.append((trial, _label("timing", plan, arm, task, number, {})))
        return found

    def pilot(self, plan: Plan) -> list[Labelled]:
        """Return trials of one epoch, which tell what it costs: two for each arm, as the first may wait for imports."""
        found = []
        for r in range(PILOTS):
            for arm in plan.arms:
                chosen = {**self.first_of_grid(plan), "epochs": 1}
                settings = self.engine.settings({**arm.factors, **chosen}, self.design.tasks[0])
                trial = Trial(self.engine.name, settings, Replicate(r, r, r), "validation")
                found.append((trial, _label("pilot", plan, arm, self.design.tasks[0], r, chosen)))
        return found

    def tuning(self, results: Results, arms: Sequence[Arm]) -> Iterator[tuple[tuple[str, str], Any, Labelled]]:
        """Yield (arm, task), the value of the grid, and the trial, for all that the grid holds now."""
        plan, grid = results.plan, results.grid
        for arm in arms:
            for task in self.design.tasks:
                for value in () if grid is None else grid.values:
                    chosen = dict(grid.named(value)) if grid is not None else {}
                    settings = self.settings(plan, arm, task, {**chosen, **_epochs(results, arm)})
                    for r in range(self.design.tuning_replicates):
                        trial = Trial(self.engine.name, settings, Replicate(r, r, r), "validation")
                        yield (arm.name, task), value, (trial, _label("tuning", plan, arm, task, r, chosen))

    def replicates(self, results: Results) -> Iterator[tuple[tuple[str, str, int], Labelled]]:
        """Yield (arm, task, replicate) and the trial on the test part, one replicate of all arms after the other."""
        plan = results.plan
        for r in range(self.design.seeds):
            for arm in plan.arms:
                for task in self.design.tasks:
                    chosen = results.choices[arm.name, task][1] if results.choices else {}
                    settings = self.settings(plan, arm, task, {**chosen, **_epochs(results, arm)})
                    trial = Trial(self.engine.name, settings, Replicate(*[FRESH + r] * 3), "test")
                    yield (arm.name, task, r), (trial, _label("answer", plan, arm, task, r, chosen))

    def settings(self, plan: Plan, arm: Arm, task: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings of an arm with what was chosen for it; made once."""
        key = (plan.comparison.name, arm.name, task, tuple(sorted(chosen.items())))
        if key not in self._settings:
            self._settings[key] = self.engine.settings({**arm.factors, **chosen}, task)
        return self._settings[key]

    @staticmethod
    def first_of_grid(plan: Plan) -> dict[str, Any]:
        """Return the first value of every tuned factor: what costs the same at any of them is found out with it."""
        return {name: values[0] for name, values in plan.comparison.tune.items()}


def _epochs(results: Results, arm: Arm) -> dict[str, Any]:
    return {"epochs": results.epochs[arm.name]} if arm.name in results.epochs else {}


def _label(role: str, plan: Plan, arm: Arm, task: str, replicate: int, chosen: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "role": role,
        "comparison": plan.comparison.name,
        "arm": arm.name,
        "task": task,
        "replicate": replicate,
        "factors": {**arm.factors, **chosen},
    }
