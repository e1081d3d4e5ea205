"""What the runs of one comparison gave, as arrays over arms, tasks and replicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from layerlab.lab.equal import TOLERANCE
from layerlab.lab.metrics import METRICS

if TYPE_CHECKING:
    from layerlab.lab.design import Plan
    from layerlab.lab.trial import Outcome, Trial
    from layerlab.lab.tuning import Choice, Grid

__all__ = ["Results", "over_tasks", "summary", "with_times"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass
class Results:
    """One comparison: its choices and its runs."""

    plan: Plan
    tasks: Sequence[str]
    runs: dict[tuple[str, str, int], tuple[Trial, Outcome]] = field(default_factory=dict)
    """(arm, task, replicate) -> the trial on the test part."""
    choices: dict[tuple[str, str], tuple[Choice, dict[str, float]]] = field(default_factory=dict)
    """(arm, task) -> what was tuned, also by factor."""
    grid: Grid | None = None
    tried: dict[tuple[str, str], dict[tuple[float, ...], list[Outcome]]] = field(default_factory=dict)
    """(arm, task) -> value of the grid -> its runs on validation parts."""
    rounds: dict[str, list[float]] = field(default_factory=dict)
    """By arm: seconds of an update, measured in turns: a round of all arms, then the next."""
    epochs: dict[str, int] = field(default_factory=dict)
    """By arm, where they are not among its factors: made equal in time, or cut to the budget."""
    replicates: int = 0
    """From 0 on: those that all arms have finished on all tasks."""

    @property
    def seconds_per_step(self) -> dict[str, float]:
        """By arm: the median of its rounds."""
        return {arm: float(np.median(rounds)) for arm, rounds in self.rounds.items()}

    def count_complete(self, planned: int) -> None:
        """Find out how many replicates are complete."""
        arms = [arm.name for arm in self.plan.arms]
        self.replicates = next(
            (r for r in range(planned) if any((a, t, r) not in self.runs for a in arms for t in self.tasks)), planned
        )

    def values(self, metric: str) -> Floats:
        """Return a metric (arms, tasks, replicates); infinite for a target that was never reached."""
        missing = np.inf if METRICS[metric].scale == "log" else np.nan
        usual = self.seconds_per_step

        def one(arm: str, task: str, replicate: int) -> float:
            outcome = self.runs[arm, task, replicate][1]
            if metric == "seconds_per_step":
                return self.rounds[arm][replicate] if arm in self.rounds else np.nan
            if metric == "seconds_to_target":
                steps = outcome.values.get("steps_to_target")
                return np.inf if steps is None else max(steps, 0.5) * usual.get(arm, np.nan)
            value = outcome.values.get(metric)
            if value is None:
                return missing
            # A ratio needs figures above zero: what was there before the first epoch counts as half of one.
            return max(float(value), 0.5) if metric in ("epochs_to_target", "steps_to_target") else float(value)

        return np.array(
            [[[one(arm.name, t, r) for r in range(self.replicates)] for t in self.tasks] for arm in self.plan.arms],
            dtype=float,
        )

    @property
    def trained(self) -> Bools:
        """(arms, tasks, replicates): whether a run learned anything."""
        return np.array(
            [
                [[self.runs[arm.name, t, r][1].trained for r in range(self.replicates)] for t in self.tasks]
                for arm in self.plan.arms
            ],
            dtype=bool,
        )

    def unequal(self, arms: Sequence[str]) -> bool:
        """Say whether arms that shall train for equal times do not, as where whole epochs are too coarse for it."""
        equal = self.plan.comparison.equal
        if equal is None or equal.rule != "seconds":
            return False
        usual = self.seconds_per_step
        times = [self.epochs[arm] * usual[arm] for arm in arms if arm in self.epochs and arm in usual]
        return bool(times) and max(times) > (1 + TOLERANCE) * min(times)

    def edges(self) -> dict[str, list[str]]:
        """Return the arms whose choice lies at an edge of the grid that matters, with the tasks."""
        found: dict[str, list[str]] = {}
        for (arm, task), (choice, _) in self.choices.items():
            if choice.edge is not None:
                found.setdefault(arm, []).append(task)
        return found


def with_times(
    values: Mapping[str, float | None], rounds: Mapping[int, float], replicate: int
) -> dict[str, float | None]:
    """Return the figures of a run with its times: of an update, where it has a round of its own, and to the target.

    Args:
        values: as the trial left them.
        rounds: replicate -> seconds of an update of its arm.
        replicate: of the run.
    """
    found = dict(values)
    if rounds:
        steps = found.get("steps_to_target")
        found["seconds_to_target"] = None if steps is None else steps * float(np.median(list(rounds.values())))
        if replicate in rounds:
            found["seconds_per_step"] = rounds[replicate]
    return found


def over_tasks(values: Floats, scale: str) -> Floats:
    """Return the mean over the tasks, geometric on the scale of logarithms.

    Args:
        values: (arms, tasks, replicates).
        scale: of the metric.

    Returns:
        (arms, replicates); infinite where one of the tasks is.
    """
    if values.shape[1] == 1:
        return values[:, 0]
    if scale == "log":
        with np.errstate(divide="ignore"):
            return np.asarray(np.exp(np.log(np.maximum(values, 1e-300)).mean(axis=1)))
    return np.asarray(values.mean(axis=1))


def summary(values: Floats) -> Mapping[str, Any]:
    """Return mean, its 95 % t interval and median of one arm's replicates, None for what is not finite."""
    from layerlab.lab.statistics.intervals import t_interval

    def known(number: float) -> float | None:
        return float(number) if np.isfinite(number) else None

    finite = bool(np.isfinite(values).all()) and len(values) > 0
    low, high = t_interval(values[None]) if finite and len(values) > 1 else (np.array([np.nan]), np.array([np.nan]))
    return {
        "mean": known(float(values.mean())) if len(values) else None,
        "low": known(float(np.ravel(low)[0])),
        "high": known(float(np.ravel(high)[0])),
        "median": known(float(np.median(values))) if len(values) else None,
    }
